"""How long records are kept, and how those that are not are removed: the oldest first, a few at a time."""

import time
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from annotated_types import Ge, Le
from sqlalchemy import ColumnElement, Connection, Delete, delete, func, select, update

from authgate.store.database import Database
from authgate.store.index_tables import record_segments, record_terms
from authgate.store.record_index import SIZES, size_of
from authgate.store.record_search import ends
from authgate.store.record_terms import SEGMENT
from authgate.store.tables import records

_AT_ONCE = 250  # records, or terms of the index, that one transaction removes
_DAY = 86_400_000  # milliseconds


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """Section ``[records]``: how long records are kept; 0 is no limit, and with none they are kept for ever."""

    keep_days: Annotated[float, Ge(0), Le(36_500)] = 0.0
    keep_records: Annotated[int, Ge(0)] = 0  # the newest
    keep_bytes: Annotated[int, Ge(0)] = 0  # of the newest, by the room that they and their indexes take, about

    @property
    def for_ever(self) -> bool:
        """Whether nothing is ever removed."""
        return not (self.keep_days or self.keep_records or self.keep_bytes)


class Retention:
    """Removes records that are not kept any longer, in steps that each take a few milliseconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.removed = 0
        self.seconds = 0.0  # that the longest transaction has taken
        self.held = False  # whether there are records that are only kept since they have not been sent on

    async def step(self, options: RecordOptions, now: int, sent: int | None = None) -> bool:
        """Remove a few records, if any are to go; whether there may be more. ``now`` is in milliseconds.

        What follows the number ``sent`` is kept whatever the options say; None: it need not be sent anywhere.

        Raises:
            StoreError: the store is away or too slow.
        """
        self.held = False
        if options.for_ever:
            return False
        oldest, newest = await self._database.read(ends)
        if oldest > newest:
            return False
        if await self._tidied(oldest // SEGMENT):
            return True
        excess = newest - options.keep_records if options.keep_records else 0
        if options.keep_bytes and await self._database.read(partial(_size, oldest, newest)) > options.keep_bytes:
            excess = newest
        if min(excess, newest - 1) >= oldest:
            at_once = await self._database.read(_some)
            up_to = min(excess, newest - 1, at_once or newest)  # the newest stays, whatever is said
            if sent is not None and sent < up_to:
                up_to, self.held = sent, True
            if up_to < oldest:
                return False
            self.removed += await self._remove(delete(records).where(records.c.seq <= up_to))
            return True
        return bool(options.keep_days) and await self._aged(oldest, now - int(options.keep_days * _DAY), sent)

    async def _aged(self, oldest: int, before: int, sent: int | None) -> bool:
        """Remove a few that are of before a time; a clock that ran ahead does not keep those behind it."""
        segment, noted = await self._database.read(partial(_oldest_segment, oldest, before))
        if segment is None:
            return False
        outdated = _inside(segment) & (records.c.at < before)
        query = select(records.c.seq).where(outdated).order_by(records.c.seq).limit(_AT_ONCE)
        gone = await self._database.read(lambda connection: connection.execute(query).scalars().all())
        if sent is not None and gone and gone[-1] > sent:
            gone, self.held = [seq for seq in gone if seq <= sent], True
            if not gone:
                return False
        if gone:
            these = records.c.seq.between(gone[0], gone[-1]) & (records.c.at < before)
            self.removed += await self._remove(delete(records).where(these))
            return True
        if noted:
            await self._database.write(partial(_note_oldest, segment, before))
        return noted

    async def _tidied(self, first: int) -> bool:
        """Remove a little of the index of what is before this segment; whether there was any."""
        of_terms, of_segments = await self._database.read(_first_segments)
        if of_terms is not None and of_terms < first:
            place = select(record_terms.c.term).where(record_terms.c.segment == of_terms)
            place = place.order_by(record_terms.c.term).offset(_AT_ONCE).limit(1)
            term = await self._database.read(lambda connection: connection.execute(place).scalar())
            these = delete(record_terms).where(record_terms.c.segment == of_terms)
            await self._remove(these if term is None else these.where(record_terms.c.term < term))
            return True
        if of_segments is not None and of_segments < first:
            await self._remove(delete(record_segments).where(record_segments.c.segment < first))
            return True
        return False

    async def _remove(self, these: Delete) -> int:
        began = time.monotonic()
        count: int = await self._database.write(lambda connection: connection.execute(these).rowcount)
        self.seconds = max(self.seconds, time.monotonic() - began)
        return count


def _some(connection: Connection) -> int | None:
    """The number up to which there are as many records as are removed at once; None: there are fewer."""
    query = select(records.c.seq).order_by(records.c.seq).offset(_AT_ONCE - 1).limit(1)
    number: int | None = connection.execute(query).scalar()
    return number


def _inside(segment: int) -> ColumnElement[bool]:
    return (records.c.seq >= segment * SEGMENT) & (records.c.seq < (segment + 1) * SEGMENT)


def _oldest_segment(oldest: int, before: int, connection: Connection) -> tuple[int | None, bool]:
    """The first segment that may have records of before a time, and whether it is in the index."""
    outdated = select(func.min(record_segments.c.segment)).where(record_segments.c.min_at < before)
    segment: int | None = connection.execute(outdated).scalar()
    if segment is not None:
        return segment, True
    first = oldest // SEGMENT
    noted = select(record_segments.c.segment).where(record_segments.c.segment == first)
    return (None if connection.execute(noted).scalar() is not None else first), False


def _note_oldest(segment: int, before: int, connection: Connection) -> None:
    """What is left of a segment is not of before a time."""
    left = connection.execute(select(func.min(records.c.at)).where(_inside(segment))).scalar()
    note = update(record_segments).where(record_segments.c.segment == segment)
    connection.execute(note.values(min_at=before if left is None else left))


def _first_segments(connection: Connection) -> tuple[int | None, int | None]:
    """The first segments of the two tables of the index."""
    columns = (record_terms.c.segment, record_segments.c.segment)
    of_terms, of_segments = (connection.execute(select(func.min(column))).scalar() for column in columns)
    return of_terms, of_segments


def _size(oldest: int, newest: int, connection: Connection) -> int:
    """The bytes that all records take, about: as the index says, and of the others as the newest."""
    of_index = select(func.count(), func.coalesce(func.sum(record_segments.c.bytes), 0))
    count, noted = map(int, connection.execute(of_index).one())
    first = select(record_segments.c.bytes).where(record_segments.c.segment == oldest // SEGMENT)
    gone = oldest % SEGMENT / SEGMENT  # of the first segment
    begun = connection.execute(first).scalar()
    other = newest - oldest + 1 - count * SEGMENT
    if begun is not None:
        noted -= int(begun * gone)
        other += oldest % SEGMENT
    rows = connection.execute(SIZES.order_by(records.c.seq.desc()).limit(_AT_ONCE)).all()
    each = sum(map(size_of, rows)) / max(1, len(rows))
    return int(noted + max(0, other) * each)
