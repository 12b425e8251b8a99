"""The index of the trail: what is in each segment of it, noted once nothing more can come into that segment.

It is written behind the hooks and in the order of its key, so it costs a hook nothing: an index over all records would
have each commit write to as many places at random as a record has values.
"""

import time
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, func, select

from authgate.store.database import Database
from authgate.store.engine import POSTGRESQL
from authgate.store.index_tables import record_segments, record_terms
from authgate.store.record_terms import BLOCK, BLOCKS, COLUMNS, REJECTED, SEGMENT, signed, terms_of
from authgate.store.tables import records

_ROWS = 256  # records that are read at once: nothing else is done while they are taken apart
_AT_ONCE = 400  # terms in one transaction: SQLite's hooks wait for each
_ROOM = 150  # bytes that a record takes beside its texts, with its share of the indexes

_TEXTS = tuple(records.c[name] for name in COLUMNS)
_FACTS = func.coalesce(func.length(records.c.facts), 0)
_READ = select(records.c.seq, records.c.at, records.c.allowed, _FACTS, *_TEXTS)
_BEFORE_TEXTS = 4  # columns
SIZES = select(_FACTS, *_TEXTS)  # what tells the room that a record takes, see size_of
# PostgreSQL is told of all in one row: one after the other took it several times as long.
_MANY = (
    "INSERT INTO record_terms (segment, term, blocks) SELECT $1::INTEGER, * FROM unnest($2::BIGINT[], $3::BIGINT[])"
    " ON CONFLICT (segment, term) DO UPDATE SET blocks = excluded.blocks"
)


class RecordIndex:
    """Notes one segment after the other, in steps that each take a few milliseconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = _MANY if database.is_a(POSTGRESQL) else database.text(database.insert_or_replace(record_terms))
        self._segment: int | None = None  # that is being read
        self._next = 0  # the number from which on it is to be read
        self._terms: dict[int, int] = {}
        self._count, self._bytes = 0, 0
        self._times: list[int] = []
        self._rows: list[tuple[int, int, int]] = []  # of its terms that are yet to be written, the last one first
        self.seconds = 0.0  # that the longest write has taken

    async def step(self, segment: int) -> bool:
        """Do a little for a segment that nothing more can come into; whether it is done.

        Raises:
            StoreError: the store is away or too slow.
        """
        if self._segment != segment:
            self._begin(segment)
        if self._next < (segment + 1) * SEGMENT:
            await self._read(segment)
            return False
        if self._rows:
            await self._write(self._rows[-_AT_ONCE:][::-1])
            del self._rows[-_AT_ONCE:]
            return False
        times = self._times or [0]
        row = {
            "segment": segment,
            "records": self._count,
            "bytes": self._bytes,
            "min_at": min(times),
            "max_at": max(times),
        }
        note = self._database.insert_or_replace(record_segments)
        await self._database.write(lambda connection: connection.execute(note, row))
        self._segment = None
        return True

    async def missing(self, newest: int) -> list[int]:
        """The segments up to this number that are whole and not noted yet, the oldest first.

        Raises:
            StoreError: the store is away or too slow.
        """

        def read(connection: Connection) -> tuple[int | None, Sequence[int]]:
            oldest = connection.execute(select(records.c.seq).order_by(records.c.seq).limit(1)).scalar()
            return oldest, connection.execute(select(record_segments.c.segment)).scalars().all()

        oldest, noted = await self._database.read(read)
        if oldest is None:
            return []
        return sorted(set(range(oldest // SEGMENT, (newest + 1) // SEGMENT)).difference(noted))

    def _begin(self, segment: int) -> None:
        self._segment, self._next = segment, segment * SEGMENT
        self._terms, self._rows, self._times = {}, [], []
        self._count, self._bytes = 0, 0

    async def _read(self, segment: int) -> None:
        end = (segment + 1) * SEGMENT
        query = _READ.where(records.c.seq >= self._next, records.c.seq < end).order_by(records.c.seq).limit(_ROWS)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        for number, block in groupby(rows, lambda row: row[0] // BLOCK):
            self._take(number % BLOCKS, list(block))
        self._next = rows[-1][0] + 1 if len(rows) == _ROWS else end
        if self._next >= end:
            every = sorted(self._terms.items(), reverse=True)
            self._rows = [(segment, term, signed(blocks)) for term, blocks in every]
            self._terms = {}

    def _take(self, block: int, rows: Sequence[Any]) -> None:
        _, at, _, _, *texts = zip(*rows, strict=True)
        refused = [row for row in rows if not row[2]]
        rejected = {name: [row[_BEFORE_TEXTS + COLUMNS.index(name)] for row in refused] for name in REJECTED}
        bit = 1 << block
        for term in terms_of(dict(zip(COLUMNS, texts, strict=True)), rejected):
            self._terms[term] = self._terms.get(term, 0) | bit
        self._count += len(rows)
        self._bytes += sum(size_of(row[3:]) for row in rows)
        self._times += (min(at), max(at))

    async def _write(self, rows: list[tuple[int, int, int]]) -> None:
        began = time.monotonic()
        given: Any = rows
        if self._insert == _MANY:
            _, terms, blocks = zip(*rows, strict=True)
            given = (rows[0][0], list(terms), list(blocks))
        await self._database.write(lambda connection: connection.exec_driver_sql(self._insert, given))
        self.seconds = max(self.seconds, time.monotonic() - began)


def size_of(row: Sequence[Any]) -> int:
    """About how many bytes a record takes, by its row of ``SIZES``."""
    facts, *texts = row
    return _ROOM + int(facts) + sum(len(text) for text in texts if text)
