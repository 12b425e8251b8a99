"""The audit trail in SQL: rows <-> records, and reading them back."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, func, select

from authgate.model import Reason, Record
from authgate.store.database import Database
from authgate.store.ids import first_id
from authgate.store.record_rows import ROW, load
from authgate.store.tables import SUBJECT_LENGTH, records, storable
from authgate.store.tail import Tail

_STEP = 20_000  # records that one statement of a listing looks at: its time does not grow with the table


class SqlRecords:
    """The records, for people to read."""

    def __init__(self, database: Database, longest: float) -> None:
        """``longest`` is how many seconds a transaction may be open that writes records."""
        self._database = database
        self._tail = Tail(database, longest)

    async def list(
        self,
        *,
        limit: int = 50,
        user: str | None = None,
        session: str | None = None,
        method: str | None = None,
        app_key: str | None = None,
        allowed: bool | None = None,
        reason: Reason | None = None,
        since: int | None = None,
    ) -> Sequence[Record]:
        """Records that match all that is given, newest first: at most ``limit``.

        ``since`` (included) is in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow.
        """
        wanted = {
            records.c.user_name: user,
            records.c.session: session,
            records.c.method: method,
            records.c.app_key: app_key,
            records.c.allowed: allowed,
            records.c.reason: reason,
        }
        if any(isinstance(value, str) and not storable(value, SUBJECT_LENGTH) for value in wanted.values()):
            return []
        query = select(*ROW).where(*(column == value for column, value in wanted.items() if value is not None))
        if since is not None:
            query = query.where(records.c.at >= since, records.c.id >= first_id(since))
        oldest, before = first_id(since or 0), ""
        found: list[Record] = []
        while len(found) < limit:
            lower, rows = await self._database.read(partial(_step, query, before, limit - len(found)))
            found += map(load, rows)
            if lower is None or lower < oldest:
                break
            before = lower
        return found

    async def after(self, seq: int, limit: int) -> Sequence[tuple[int, Record]]:
        """The records after this number with their numbers, in the order of these: at most ``limit``.

        Whoever goes on with the last number that it got sees each record exactly once, also while several processes
        write.

        Raises:
            StoreError: the store is away or too slow.
        """
        return await self._tail.after(seq, limit)

    async def newest_seq(self) -> int:
        """The number to go on after for all that is committed from now on; 0 where there are no records.

        Raises:
            StoreError: the store is away or too slow.
        """
        return await self._tail.newest()

    async def oldest_seq(self) -> int | None:
        """The number of the oldest record that is kept; None: there is none.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = select(records.c.seq).order_by(records.c.seq).limit(1)
        oldest: int | None = await self._database.read(lambda connection: connection.execute(query).scalar())
        return oldest

    async def first_seq(self, since: int) -> int | None:
        """The lowest number of those of this time (milliseconds since the epoch) and later; None: there are none.

        Ids are given before numbers are, so a few that come later by their ids may come first by their numbers.

        Raises:
            StoreError: the store is away or too slow.
        """
        among = select(records.c.seq).where(records.c.id >= first_id(since)).order_by(records.c.id).limit(_STEP)
        query = select(func.min(among.subquery().c.seq))
        first: int | None = await self._database.read(lambda connection: connection.execute(query).scalar())
        return first

    async def find(self, id_: str) -> Record | None:
        """The record of this id.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not storable(id_, 26):
            return None
        query = select(*ROW).where(records.c.id == id_)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else load(row)

    async def page(self, since: int, before: str = "", limit: int = 1000) -> Sequence[Record]:
        """Records from the newest back: at most ``limit``, of those before an id, and not older than ``since``.

        ``since`` (included) is in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = select(*ROW).where(records.c.at >= since, records.c.id >= first_id(since))
        if before:
            query = query.where(records.c.id < before)
        query = query.order_by(records.c.id.desc()).limit(limit)
        return await self._database.read(lambda connection: [load(row) for row in connection.execute(query)])


def _step(query: Select[Any], before: str, limit: int, connection: Connection) -> tuple[str | None, Sequence[Any]]:
    """The matches among the next records below an id, and the id at which to go on (None: there are no more)."""
    below = records.c.id < before if before else records.c.id >= ""
    newest = select(records.c.id).where(below).order_by(records.c.id.desc())
    lower: str | None = connection.execute(newest.offset(_STEP - 1).limit(1)).scalar()
    query = query.where(below).order_by(records.c.id.desc()).limit(limit)
    if lower is not None:
        query = query.where(records.c.id >= lower)
    return lower, connection.execute(query).all()
