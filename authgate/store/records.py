"""The audit trail in SQL: reading records back."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import func, select

from authgate.model import Record
from authgate.store.database import Database
from authgate.store.ids import first_id
from authgate.store.record_rows import ROW, load
from authgate.store.record_search import Numbered, RecordSearch
from authgate.store.tables import records, storable
from authgate.store.tail import Tail
from authgate.wanted import EVERYTHING, RecordFilter

_AMONG = 20_000  # records by their ids, among which the first by its number is looked for


class SqlRecords:
    """The records, for people and programs to read."""

    def __init__(self, database: Database, longest: float) -> None:
        """``longest`` is how many seconds a transaction may be open that writes records."""
        self._database = database
        self._tail = Tail(database, longest)
        self._search = RecordSearch(database)

    async def list(self, wanted: RecordFilter = EVERYTHING, *, limit: int = 50) -> Sequence[Record]:
        """Records that are wanted, newest first: at most ``limit``.

        Raises:
            StoreError: the store is away or too slow.
        """
        return [record for _, record in await self.newest(wanted, limit)]

    async def newest(self, wanted: RecordFilter, limit: int, before: int | None = None) -> Sequence[Numbered]:
        """The same with their numbers, of those before a number.

        Raises:
            StoreError: the store is away or too slow.
        """
        return await self._search.newest(wanted, limit, before)

    def each(self, wanted: RecordFilter, *, until: int | None = None) -> AsyncIterator[Sequence[Numbered]]:
        """All that is wanted up to a number, oldest first, a page at a time.

        Raises:
            StoreError: the store is away or too slow; while it is read.
        """
        return self._search.each(wanted, before=None if until is None else until + 1, oldest_first=True)

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

    async def settled_seq(self) -> int:
        """A number up to which nothing more will come, without waiting: the newest, or one before it.

        Raises:
            StoreError: the store is away or too slow.
        """
        return await self._tail.settled()

    async def oldest_seq(self) -> int | None:
        """The number of the oldest record that is kept; None: there is none.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = select(records.c.seq).order_by(records.c.seq).limit(1)
        oldest: int | None = await self._database.read(lambda connection: connection.execute(query).scalar())
        return oldest

    async def ids(self, after: int, until: int, limit: int) -> Sequence[tuple[int, str]]:
        """The numbers and ids of the records after one number up to another, the newest first: at most ``limit``.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = select(records.c.seq, records.c.id).where(records.c.seq > after, records.c.seq <= until)
        query = query.order_by(records.c.seq.desc()).limit(limit)
        return await self._database.read(lambda connection: [(*row,) for row in connection.execute(query)])

    async def first_seq(self, since: int) -> int | None:
        """The lowest number of those of this time (milliseconds since the epoch) and later; None: there are none.

        Ids are given before numbers are, so a few that come later by their ids may come first by their numbers.

        Raises:
            StoreError: the store is away or too slow.
        """
        among = select(records.c.seq).where(records.c.id >= first_id(since)).order_by(records.c.id).limit(_AMONG)
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
