"""The audit trail as it grows: records in the order of their numbers, each once, none passed over that is yet to come.

A number is given when a record is written, and the record is seen when its transaction is committed. Of two processes
that write at the same time the one with the lower number may be the later to commit; until then there is a gap. A gap
may also be for good: what was to be there was given up, was there already, or has been pruned. SQLite has one writer
at a time, and so no gap that anything could still come into.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, text

from authgate.model import Record
from authgate.store.database import Database
from authgate.store.engine import POSTGRESQL, SQLITE
from authgate.store.record_rows import ROW, load
from authgate.store.tables import records

_LOOKED_BACK = 20_000  # numbers below the newest one among which a gap is looked for; more are not written in one go
_MARKS = 8  # that wait to be over
_PAUSE = 0.02  # seconds between two looks whether a gap is filled

# Who writes to the table holds this lock from before a number is given until what was written can be seen.
_WRITERS = text(
    "SELECT DISTINCT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock'"
    " AND relation = CAST('records' AS regclass)"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class _Mark(NamedTuple):
    """Nothing comes up to this number any more once these writers are done, or once this time has come."""

    seq: int
    writers: frozenset[str]
    at: float  # seconds of the monotonic clock

    def over(self, writers: frozenset[str], now: float) -> bool:
        return self.writers.isdisjoint(writers) and now >= self.at


class Tail:
    """Follows the trail. It remembers up to which number nothing more will come, so it is worth keeping."""

    def __init__(self, database: Database, longest: float) -> None:
        """``longest`` is how many seconds a transaction may be open that writes records."""
        self._database = database
        # PostgreSQL tells whose transactions are open; of others the longest is waited for that there may be.
        self._wait = 0.0 if database.is_a(POSTGRESQL) else longest
        self._longest = longest
        self._marks: list[_Mark] = []
        self._settled = 0

    async def after(self, seq: int, limit: int) -> Sequence[tuple[int, Record]]:
        """The records after this number with their numbers, in their order: at most ``limit``.

        Those behind a gap are left out while something may still come into it. Whoever goes on with the last number
        that it got sees each record exactly once.

        Raises:
            StoreError: the store is away or too slow.
        """
        rows = await self._database.read(partial(self._after, max(seq, 0), limit))
        return [(row[-1], load(row[:-1])) for row in rows]

    async def newest(self) -> int:
        """The number up to which all records can be seen, 0 where there are none; what is committed now comes after it.

        Raises:
            StoreError: the store is away or too slow.
        """
        until = time.monotonic() + 2 * self._longest
        newest, gap = await self._database.read(self._newest)
        while gap is not None:
            if time.monotonic() > until:
                return gap - 1
            await asyncio.sleep(_PAUSE)
            gap = await self._database.read(partial(self._gap, newest))
        return newest

    async def settled(self) -> int:
        """A number up to which nothing more will come, without waiting: that of the newest record or one before.

        Raises:
            StoreError: the store is away or too slow.
        """
        newest, gap = await self._database.read(self._newest)
        return newest if gap is None else gap - 1

    def _after(self, seq: int, limit: int, connection: Connection) -> Sequence[Any]:
        query = select(*ROW, records.c.seq).where(records.c.seq > seq).order_by(records.c.seq).limit(limit)
        while True:
            rows = connection.execute(query).all()
            gap = self._first_gap(seq, [row[-1] for row in rows])
            if gap is None:
                return rows
            if not self._settle(connection, rows[-1][-1], gap):
                return [row for row in rows if row[-1] < gap]
            # What filled the gap may have been committed after these rows were read, so they are read again.

    def _newest(self, connection: Connection) -> tuple[int, int | None]:
        newest = connection.execute(select(func.max(records.c.seq))).scalar() or 0
        return newest, self._gap(newest, connection)

    def _gap(self, newest: int, connection: Connection) -> int | None:
        """The first number below the newest one that may still be filled."""
        begin = max(self._settled, newest - _LOOKED_BACK)
        if self._database.is_a(SQLITE) or begin >= newest:
            return None
        among = (records.c.seq > begin) & (records.c.seq <= newest)
        if connection.execute(select(func.count()).where(among)).scalar() == newest - begin:
            return None
        there = connection.execute(select(records.c.seq).where(among).order_by(records.c.seq)).scalars().all()
        gap = self._first_gap(begin, [*there, newest])
        return None if gap is None or self._settle(connection, newest, gap) else gap

    def _first_gap(self, seq: int, there: Sequence[int]) -> int | None:
        """The first number after this one that is not there and may still come, below the last one that is there."""
        if self._database.is_a(SQLITE):
            return None
        expected = max(seq, self._settled) + 1
        for each in there:
            if each > expected:
                return expected
            expected = max(expected, each + 1)
        return None

    def _settle(self, connection: Connection, newest: int, gap: int) -> bool:
        """Whether nothing can come into this gap any more; what is in it then can be seen from now on.

        ``newest`` is a number that was seen: those below it were given before.
        """
        writers = self._writing(connection)
        now = time.monotonic()
        last = self._marks[-1].seq if self._marks else self._settled
        spaced = not self._marks or now >= self._marks[-1].at - self._wait * (1 - 1 / _MARKS)
        if newest > last and spaced and len(self._marks) < 2 * _MARKS:
            self._marks.append(_Mark(newest, writers, now + self._wait))
        over = [mark.seq for mark in self._marks if mark.over(writers, now)]
        self._settled = max([self._settled, *over])
        self._marks = [mark for mark in self._marks if mark.seq > self._settled]
        return self._settled >= gap

    def _writing(self, connection: Connection) -> frozenset[str]:
        if not self._database.is_a(POSTGRESQL):
            return frozenset()
        return frozenset(connection.execute(_WRITERS).scalars())
