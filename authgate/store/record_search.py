"""Finding records: where in the trail they may be, by its index, and which of those there are wanted."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select

from authgate.model import Record
from authgate.store.database import Database
from authgate.store.index_tables import record_segments, record_terms
from authgate.store.record_rows import ROW, load
from authgate.store.record_terms import ALL, SEGMENT, blocks_of, spans, unsigned, wanted_terms
from authgate.store.tables import records, storable
from authgate.wanted import RecordFilter

Numbered = tuple[int, Record]
Span = tuple[int, int]  # the first number and the last

_SEGMENTS = 64  # whose index is read at once
_PIECE = 8_192  # numbers that one statement looks at: its time does not grow with the table
_LOOKED_AT = 2 * _PIECE  # numbers that one visit to the database looks at
_PAGE = 2_000  # records
_SKEW = 600_000  # milliseconds by which the clocks of those who write may differ


class _Place(NamedTuple):
    """A segment, and what of it is to be looked at."""

    segment: int
    noted: bool  # whether it is in the index
    spans: Sequence[Span]


class RecordSearch:
    """Reads the trail, newest first or oldest first, by what somebody wants to see of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, wanted: RecordFilter, limit: int, before: int | None) -> list[Numbered]:
        """The newest records that are wanted, of those before a number: at most ``limit``, newest first.

        Raises:
            StoreError: the store is away or too slow.
        """
        found: list[Numbered] = []
        async for some in self.each(wanted, limit=limit, before=before):
            found += some
        return found

    async def each(
        self,
        wanted: RecordFilter,
        *,
        limit: int | None = None,
        before: int | None = None,
        after: int = 0,
        oldest_first: bool = False,
    ) -> AsyncIterator[list[Numbered]]:
        """All that is wanted of the records after a number and before another, in pages, newest first by default.

        No more is held than a page of a few thousand.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = _query(wanted, oldest_first)
        if query is None:
            return
        left = limit
        begin, end = await self._database.read(ends)
        begin, end = max(begin, after + 1), end if before is None else min(end, before - 1)
        async for spans_ in self._spans(wanted, begin, end, oldest_first):
            waiting = [piece for span in spans_ for piece in _pieces(span, oldest_first)]
            while waiting:
                if left is not None and left <= 0:
                    return
                most = _PAGE if left is None else min(left, _PAGE)
                rows, waiting = await self._database.read(partial(_look, query, waiting, most, oldest_first))
                if rows:
                    left = None if left is None else left - len(rows)
                    yield [(row[-1], load(row[:-1])) for row in rows]

    async def _spans(
        self, wanted: RecordFilter, begin: int, end: int, oldest_first: bool
    ) -> AsyncIterator[Sequence[Span]]:
        """The spans of numbers in which there may be anything that is wanted, in the order in which they are read."""
        if begin > end:
            return
        every = wanted_terms(wanted)
        first, last = begin // SEGMENT, end // SEGMENT
        places = range(first, last + 1) if oldest_first else range(last, first - 1, -1)
        out_of_time = False
        for at in range(0, len(places), _SEGMENTS):
            chunk = places[at : at + _SEGMENTS]
            found = await self._database.read(partial(_places, wanted, every, chunk))
            gathered: list[Span] = []
            for place in found:
                if not place.noted and out_of_time:
                    continue
                inside = [(max(a, begin), min(b, end)) for a, b in place.spans if a <= end and b >= begin]
                gathered += inside if oldest_first else reversed(inside)
                if not place.noted and place.segment < last and wanted.since is not None and not oldest_first:
                    if gathered:
                        yield gathered
                        gathered = []
                    # Segments that are not in the index yet cannot be told apart by their times; those further back
                    # are older, but for what the clocks of those who write differ by.
                    newest_at = await self._database.read(partial(_newest_at, place.segment))
                    out_of_time = newest_at is not None and newest_at < wanted.since - _SKEW
            if gathered:
                yield gathered


def _query(wanted: RecordFilter, oldest_first: bool) -> Select[Any] | None:
    """The records of a span that are wanted; None where no column could hold what is."""
    where: list[ColumnElement[bool]] = [
        records.c.seq >= bindparam("begin"),
        records.c.seq <= bindparam("end"),
    ]
    for name, values in wanted.values.items():
        column = records.c[name]
        length: int = column.type.length  # type: ignore[attr-defined]  # all of them are texts
        able = [value for value in values if storable(value, length)]
        if not able:
            return None
        where.append(column == able[0] if len(able) == 1 else column.in_(able))
    if wanted.allowed is not None:
        where.append(records.c.allowed == wanted.allowed)
    if wanted.since is not None:
        where.append(records.c.at >= wanted.since)
    if wanted.until is not None:
        where.append(records.c.at < wanted.until)
    order = records.c.seq if oldest_first else records.c.seq.desc()
    return select(*ROW, records.c.seq).where(*where).order_by(order).limit(bindparam("most"))


def ends(connection: Connection) -> tuple[int, int]:
    """The numbers of the oldest and of the newest record; 1 and 0 where there is none."""
    oldest, newest = (
        connection.execute(select(records.c.seq).order_by(order).limit(1)).scalar()
        for order in (records.c.seq, records.c.seq.desc())
    )
    return (1, 0) if oldest is None or newest is None else (oldest, newest)


def _newest_at(segment: int, connection: Connection) -> int | None:
    inside = (records.c.seq >= segment * SEGMENT) & (records.c.seq < (segment + 1) * SEGMENT)
    newest: int | None = connection.execute(select(func.max(records.c.at)).where(inside)).scalar()
    return newest


def _places(
    wanted: RecordFilter, every: Sequence[Sequence[int]], segments: range, connection: Connection
) -> Sequence[_Place]:
    """What of these segments is to be looked at; those that are not in the index, as a whole."""
    of_these = record_segments.c.segment.between(min(segments), max(segments))
    times = select(record_segments.c.segment, record_segments.c.min_at, record_segments.c.max_at).where(of_these)
    noted = {row[0]: row[1:] for row in connection.execute(times)}
    meant = [each for each in segments if each in noted and _in_time(wanted, *noted[each])]
    found: dict[int, dict[int, int]] = {each: {} for each in meant}
    if every and meant:
        terms = [term for either in every for term in either]
        rows = select(record_terms).where(record_terms.c.segment.in_(meant), record_terms.c.term.in_(terms))
        for segment, term, blocks in connection.execute(rows):
            found[segment][term] = unsigned(blocks)
    return [
        _Place(each, each in noted, list(spans(each, _blocks(every, found.get(each), each in noted))))
        for each in segments
    ]


def _blocks(every: Sequence[Sequence[int]], found: dict[int, int] | None, noted: bool) -> int:
    if not noted:
        return ALL
    return 0 if found is None else blocks_of(every, found)


def _in_time(wanted: RecordFilter, min_at: int, max_at: int) -> bool:
    """Whether a segment has anything of the time that is asked for."""
    return (wanted.since is None or max_at >= wanted.since) and (wanted.until is None or min_at < wanted.until)


def _pieces(span: Span, oldest_first: bool) -> list[Span]:
    """The same numbers in pieces, in the order in which they are read."""
    begin, end = span
    pieces = [(at, min(at + _PIECE - 1, end)) for at in range(begin, end + 1, _PIECE)]
    return pieces if oldest_first else pieces[::-1]


def _look(
    query: Select[Any], waiting: Sequence[Span], most: int, oldest_first: bool, connection: Connection
) -> tuple[list[Any], list[Span]]:
    """At most so many rows of the first spans, and the spans that are left to look at."""
    found: list[Any] = []
    looked_at = 0
    for at, (begin, end) in enumerate(waiting):
        if looked_at >= _LOOKED_AT or len(found) >= most:
            return found, list(waiting[at:])
        wanted = {"begin": begin, "end": end, "most": most - len(found)}
        rows = connection.execute(query, wanted).all()
        found += rows
        looked_at += end - begin + 1
        if len(found) >= most:  # there may be more in this one
            rest = (rows[-1][-1] + 1, end) if oldest_first else (begin, rows[-1][-1] - 1)
            return found, [*([rest] if rest[0] <= rest[1] else []), *waiting[at + 1 :]]
    return found, []
