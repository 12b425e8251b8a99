"""Stream keys in SQL: looked up by many hooks at once, made and revoked by commands."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select

from authgate.errors import Refused
from authgate.issuance import StreamKey
from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.padded import Padded
from authgate.store.tables import LABEL_LENGTH, NAME_LENGTH, storable, stream_keys

_COLUMNS = (
    stream_keys.c.prefix,
    stream_keys.c.digest,
    stream_keys.c.user_name,
    stream_keys.c.action,
    stream_keys.c.pattern,
    stream_keys.c.app_key,
    stream_keys.c.generation,
    stream_keys.c.created_at,
    stream_keys.c.expires_at,
    stream_keys.c.once,
)


class SqlStreamKeys:
    """The stream keys: obeys ``ports.StreamKeys``, and what administration asks of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._finds = database.shared_reads(self._find)
        self._selects: Padded[str] = Padded(
            lambda size: database.text(select(*_COLUMNS).where(stream_keys.c.prefix.in_([""] * size)))
        )

    async def find(self, prefix: str) -> StreamKey | None:
        """See ``ports.StreamKeys``."""
        return await self._finds.ask(prefix)

    async def add(self, key: StreamKey) -> None:
        """Add a key.

        Raises:
            Refused: it cannot be kept.
            StoreError: the store is away or too slow.
        """
        if not storable(key.user, NAME_LENGTH) or not storable(key.app_key, LABEL_LENGTH):
            raise Refused(f"the name of an application has at most {LABEL_LENGTH} characters that can be seen")
        row = {column.name: value for column, value in zip(_COLUMNS, _values(key), strict=True)}
        await self._database.write(lambda connection: connection.execute(insert(stream_keys), row))

    async def remove(self, prefix: str) -> bool:
        """Forget a key; False where there is none.

        Raises:
            StoreError: the store is away or too slow.
        """
        statement = delete(stream_keys).where(stream_keys.c.prefix == prefix)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount == 1)

    async def list(self, *, user: str | None = None, after: str = "", limit: int = 100) -> Sequence[StreamKey]:
        """Keys by their prefixes: at most ``limit``, from the one that follows ``after``.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = select(*_COLUMNS).where(stream_keys.c.prefix > after).order_by(stream_keys.c.prefix).limit(limit)
        if user is not None:
            query = query.where(stream_keys.c.user_name == user)
        return await self._database.read(lambda connection: [_load(row) for row in connection.execute(query)])

    async def close(self) -> None:
        """Finish what waits."""
        await self._finds.close()

    def _find(self, connection: Direct, prefixes: Sequence[str]) -> Sequence[StreamKey | None]:
        text, asked = self._selects.of(prefixes)
        found = {row[0]: _load(row) for row in connection.exec_driver_sql(text, tuple(asked))}
        return [found.get(prefix) for prefix in prefixes]


def _load(row: Any) -> StreamKey:
    prefix, digest, user, action, pattern, app_key, generation, created_at, expires_at, once = row
    return StreamKey(prefix, digest, user, action, pattern, app_key, generation, created_at, expires_at, bool(once))


def _values(key: StreamKey) -> tuple[object, ...]:
    times = (key.generation, key.created_at, key.expires_at, key.once)
    return (key.prefix, key.digest, key.user, key.action, key.pattern, key.app_key, *times)
