"""The API keys in SQL: looked up for those who come with one, changed by commands."""

import json
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from authgate.api_keys import ApiKey, ApiScope
from authgate.errors import Refused
from authgate.store.database import Database
from authgate.store.tables import LABEL_LENGTH, TEXT_LENGTH, api_keys, storable

_PREFIX_LENGTH = 16
_MINUTE = 60_000  # milliseconds
_COLUMNS = (
    api_keys.c.prefix,
    api_keys.c.digest,
    api_keys.c.name,
    api_keys.c.scope,
    api_keys.c.created_at,
    api_keys.c.expires_at,
    api_keys.c.last_used_at,
)


class SqlApiKeys:
    """The API keys, as those see them who check them and who administer them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, prefix: str) -> ApiKey | None:
        """The key under this prefix.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not storable(prefix, _PREFIX_LENGTH):
            return None
        query = select(*_COLUMNS).where(api_keys.c.prefix == prefix)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else _load(row)

    async def add(self, row: ApiKey) -> None:
        """Add a key; a time of 0 becomes the present.

        Raises:
            Refused: its prefix is taken, or it cannot be stored.
            StoreError: the store is away or too slow.
        """
        if not row.name.isprintable() or not row.name.strip() or not storable(row.name, LABEL_LENGTH):
            raise Refused(f"the name of a key is 1 to {LABEL_LENGTH} characters that can be seen")
        scope = _dumped(row.scope)
        if len(scope) > TEXT_LENGTH:
            raise Refused(f"what a key may ask for takes {TEXT_LENGTH:,} bytes at most, and this takes {len(scope):,}")
        values = {
            "prefix": row.prefix,
            "digest": row.digest,
            "name": row.name,
            "scope": scope,
            "created_at": row.created_at or time.time_ns() // 1_000_000,
            "expires_at": row.expires_at,
            "last_used_at": row.last_used_at,
        }

        def work(connection: Connection) -> None:
            try:
                connection.execute(insert(api_keys), values)
            except IntegrityError:
                raise Refused(f"there is a key {row.prefix!r} already") from None

        await self._database.write(work)

    async def remove(self, prefix: str) -> bool:
        """Remove a key; False where there is none.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not storable(prefix, _PREFIX_LENGTH):
            return False
        statement = delete(api_keys).where(api_keys.c.prefix == prefix)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount == 1)

    async def used(self, prefix: str, at: int) -> None:
        """Note that a key was used at a time in milliseconds since the epoch; of each minute, only the first time.

        Raises:
            StoreError: the store is away or too slow.
        """
        minute = at - at % _MINUTE
        earlier = api_keys.c.last_used_at.is_(None) | (api_keys.c.last_used_at < minute)
        statement = update(api_keys).where(api_keys.c.prefix == prefix, earlier).values(last_used_at=minute)
        await self._database.write(lambda connection: connection.execute(statement))

    async def list(self, *, after: str = "", limit: int = 100) -> Sequence[ApiKey]:
        """Keys by prefix: at most ``limit``, from the one that follows ``after``.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = select(*_COLUMNS).where(api_keys.c.prefix > after).order_by(api_keys.c.prefix).limit(limit)
        return await self._database.read(lambda connection: [_load(row) for row in connection.execute(query)])


def _load(row: Any) -> ApiKey:
    prefix, digest, name, scope, created_at, expires_at, last_used_at = row
    return ApiKey(prefix, digest, name, _loaded(scope), created_at, expires_at, last_used_at)


def _dumped(scope: ApiScope) -> str:
    """A scope as JSON. What administers nothing is written as it always was: a server from before reads it too."""
    found: dict[str, Any] = {
        "users": scope.users,
        "grants": scope.grants,
        "apps": scope.apps,
        "max_ttl": scope.max_ttl,
        "once_only": scope.once_only,
        "rate": scope.rate,
    }
    return json.dumps(found | {"admin": scope.admin} if scope.admin else found)


def _loaded(text: str) -> ApiScope:
    """A scope from its column. One that cannot be read, or not to its end, is leave for nobody."""
    try:
        found = json.loads(text)
        administers = found.pop("admin", [])
        texts = [*found["users"], *(found["grants"] or ()), *found["apps"], *administers]
        numbers = (found["max_ttl"], found["rate"])
        if not all(isinstance(each, str) for each in texts) or not all(type(each) is int for each in numbers):
            return _NOTHING
        if type(found["once_only"]) is not bool or len(found) != _PARTS:
            return _NOTHING
        return ApiScope(
            users=_texts(found["users"]),
            grants=None if found["grants"] is None else _texts(found["grants"]),
            apps=_texts(found["apps"]),
            max_ttl=found["max_ttl"],
            once_only=found["once_only"],
            rate=found["rate"],
            admin=_texts(administers),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return _NOTHING


def _texts(found: Any) -> tuple[str, ...]:
    """The texts of a list; of one text its characters would be other texts.

    Raises:
        TypeError: it is no list.
    """
    if not isinstance(found, list):
        raise TypeError("not a list")
    return tuple(found)


_NOTHING = ApiScope(users=())
_PARTS = 6
