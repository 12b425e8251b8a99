"""Users whom the store has adopted from a source of users: rows that the source still has to vouch for."""

import time

from sqlalchemy import Connection, func, select, update

from authgate.errors import Refused
from authgate.model import Origin, User
from authgate.store.cut import cut_off
from authgate.store.database import Database
from authgate.store.tables import HASH_LENGTH, NAME_LENGTH, storable, users
from authgate.store.users import COLUMNS, dump, load


class SqlAdopted:
    """The adopted users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def link(self, user: User) -> User | None:
        """The row of a user of a source, added now where there is none; None where it is somebody else's.

        It has no password of its own: the source's counts.

        Raises:
            StoreError: the store is away or too slow.
        """
        if user.origin is None or not storable(user.name, NAME_LENGTH):
            return None
        row = dump(User(user.name, user.display, origin=user.origin))
        insertion = self._database.insert_unless_there(users)

        def work(connection: Connection) -> User | None:
            connection.execute(insertion, row)
            return _find(connection, user.name)

        return _if_of(user.origin, await self._database.write(work))

    async def relink(self, name: str, origin: Origin) -> User | None:
        """The row of a user whose password in the source is another now: what was issued before is refused.

        None where it is somebody else's by now.

        Raises:
            StoreError: the store is away or too slow.
        """
        mine = (users.c.name == name) & (users.c.source == origin.source)
        older = update(users).where(mine, users.c.source_version != origin.version)

        def work(connection: Connection) -> User | None:
            if connection.execute(older.values(source_version=origin.version)).rowcount:
                cut_off(connection, [name])
            return _find(connection, name)

        return _if_of(origin, await self._database.write(work)) if storable(name, NAME_LENGTH) else None

    async def take_over(self, name: str, source: str, version: int, hashed: str) -> bool:
        """Make an adopted user one of the store's own, with this hash of the password; False where that has changed.

        Raises:
            Refused: the hash is longer than the store takes.
            StoreError: the store is away or too slow.
        """
        if not storable(hashed, HASH_LENGTH):
            raise Refused(f"a password hash has at most {HASH_LENGTH} characters")
        mine = (users.c.name == name) & (users.c.source == source) & (users.c.source_version == version)
        change = update(users).where(mine).values(hash=hashed, updated_at=_now(), **_OWN)
        return storable(name, NAME_LENGTH) and await self._database.write(
            lambda connection: connection.execute(change).rowcount == 1
        )

    async def release(self, source: str, name: str | None = None) -> int:
        """Make users that were adopted from a source the store's own, all or one; how many there were.

        They have no password until they are given one.

        Raises:
            StoreError: the store is away or too slow.
        """
        mine = users.c.source == source
        if name is not None:
            mine &= users.c.name == name
        change = update(users).where(mine).values(updated_at=_now(), **_OWN)
        return await self._database.write(lambda connection: connection.execute(change).rowcount)

    async def counts(self) -> dict[str, int]:
        """How many users were adopted from each source, and are not the store's own.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = select(users.c.source, func.count()).where(users.c.source.is_not(None)).group_by(users.c.source)
        return await self._database.read(lambda connection: {row[0]: row[1] for row in connection.execute(query)})


def _find(connection: Connection, name: str) -> User | None:
    row = connection.execute(select(*COLUMNS).where(users.c.name == name)).first()
    return None if row is None else load(row)


def _if_of(origin: Origin, user: User | None) -> User | None:
    """The user, if the store adopted it from there and under that name."""
    known = user.origin if user is not None else None
    same = known is not None and (known.source, known.known_as) == (origin.source, origin.known_as)
    return user if same else None


_OWN = {"source": None, "source_name": None, "source_version": None}


def _now() -> int:
    return time.time_ns() // 1_000_000
