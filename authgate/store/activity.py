"""The live streams and calls in SQL, for people and for those who end them."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, Update, and_, or_, select, update

from authgate.model import Call, CallKey, Ending, MediaKey, Over, Stream
from authgate.store import each, unsaid
from authgate.store.database import Database
from authgate.store.tables import (
    LABEL_LENGTH,
    NAME_LENGTH,
    NODE_LENGTH,
    SESSION_LENGTH,
    SUBJECT_LENGTH,
    calls,
    sessions,
    storable,
    streams,
)

_BATCH = 100  # streams that are changed in one transaction
_APART = 5_000  # milliseconds by which clocks of nodes may differ

Wanted = Sequence[tuple[Column[Any], object]]  # a column and what stands in it; None: anything


class SqlStreams:
    """The streams that are published and played. One whose session is over is over too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(
        self,
        *,
        user: str | None = None,
        node: str | None = None,
        session: str | None = None,
        app_key: str | None = None,
        name: str | None = None,
        published: bool | None = None,
        after: MediaKey | None = None,
        limit: int = 100,
    ) -> list[Stream]:
        """Live streams by node, session and id: at most ``limit``, from the one that follows ``after``.

        Raises:
            StoreError: the store is away or too slow.
        """
        wanted: Wanted = (
            (sessions.c.user_name, user),
            (streams.c.node, node),
            (streams.c.session, session),
            (streams.c.app_key, app_key),
            (streams.c.name, name),
            (streams.c.published, published),
        )
        query = _page(streams, streams.c.media, wanted, after, limit)
        if query is None:
            return []
        return await self._database.read(lambda connection: [_stream(row) for row in connection.execute(query)])

    async def over(self, over: Sequence[Stream], reason: Over, at: int) -> int:
        """Close these streams, unless news of them came since; how many there were.

        ``at`` is in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow; some may have been closed.
        """
        values = each.over(reason, at)
        return await self._each(over, streams.c.over_at.is_(None), values, at if reason is Over.LOST else None)

    async def order_end(self, ordered: Sequence[Stream], reason: str, at: int) -> int:
        """Have these streams ended, unless that was ordered; how many were. ``at`` is in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow; it may have been ordered for some.
        """
        values = each.ordered(reason, at)
        return await self._each(ordered, streams.c.over_at.is_(None) & streams.c.end_at.is_(None), values, seen=False)

    async def to_end(self, now: int, limit: int) -> Sequence[Stream]:
        """Streams whose end was ordered and is due at a time in milliseconds since the epoch, the most urgent first.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = live(streams).where(streams.c.end_next_at <= now).order_by(streams.c.end_next_at).limit(limit)
        return await self._database.read(lambda connection: [_stream(row) for row in connection.execute(query)])

    async def not_ended(self, failed: Sequence[Stream], error: str, next_at: int) -> None:
        """Note that these streams could not be ended, why, and when to try again, in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow.
        """
        values = each.not_ended(streams.c.end_tries, error, next_at)
        await self._each(failed, streams.c.over_at.is_(None) & streams.c.end_at.is_not(None), values, seen=False)

    async def _each(
        self,
        meant: Sequence[Stream],
        condition: ColumnElement[bool],
        values: Mapping[str, Any],
        lost_at: int | None = None,
        *,
        seen: bool = True,
    ) -> int:
        found = sorted({(stream.key, stream.seen_at) for stream in meant})
        batches = [found[at : at + _BATCH] for at in range(0, len(found), _BATCH)]
        change = update(streams).where(condition).values(**values)
        return sum([await self._database.write(partial(_changed, batch, change, seen, lost_at)) for batch in batches])


class SqlCalls:
    """The calls that go on. One whose session is over is over too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(
        self,
        *,
        user: str | None = None,
        node: str | None = None,
        session: str | None = None,
        app_key: str | None = None,
        after: CallKey | None = None,
        limit: int = 100,
    ) -> list[Call]:
        """Live calls by node, session and id: at most ``limit``, from the one that follows ``after``.

        Raises:
            StoreError: the store is away or too slow.
        """
        wanted: Wanted = (
            (sessions.c.user_name, user),
            (calls.c.node, node),
            (calls.c.session, session),
            (calls.c.app_key, app_key),
        )
        query = _page(calls, calls.c.call, wanted, after, limit)
        if query is None:
            return []
        return await self._database.read(lambda connection: [_call(row) for row in connection.execute(query)])


def live(table: Table) -> Select[Any]:
    """The live rows of a table, each with the user of its session.

    Of a session whose key was used again, what went on before is over.
    """
    same = and_(sessions.c.node == table.c.node, sessions.c.session == table.c.session)
    goes_on = and_(sessions.c.over_at.is_(None), table.c.seen_at >= sessions.c.opened_at - _APART)
    live = and_(table.c.over_at.is_(None), or_(sessions.c.node.is_(None), goes_on))
    return select(*table.columns, sessions.c.user_name).select_from(table.outerjoin(sessions, same)).where(live)


def _page(
    table: Table, last: Column[Any], wanted: Wanted, after: tuple[str, str, str] | None, limit: int
) -> Select[Any] | None:
    """A page of a listing; None: nothing can match."""
    key = (table.c.node, table.c.session, last)
    query = live(table).order_by(*key).limit(limit)
    for column, value in wanted:
        if isinstance(value, str) and not storable(value, _LENGTHS[column.name]):
            return None
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        one, two, three = (column > value for column, value in zip(key, after, strict=True))
        same_node, same_session = key[0] == after[0], key[1] == after[1]
        query = query.where(or_(one, and_(same_node, two), and_(same_node, same_session, three)))
    return query


def _changed(
    meant: Sequence[tuple[MediaKey, int]], change: Update, seen: bool, lost_at: int | None, connection: Connection
) -> int:
    keys = [(*key, seen_at) if seen else (*key,) for key, seen_at in meant]
    columns = (streams.c.node, streams.c.session, streams.c.media)
    count = each.change_each(connection, change, keys, columns, streams.c.seen_at if seen else None)
    if count and lost_at is not None:
        unsaid.lost(connection, streams, keys, lost_at)
    return count


def _stream(row: Any) -> Stream:
    node, session, media, app_key, name, published, status, since, seen_at, _kept_at, _over_at, _why, *more = row
    end_at, end_reason, tries, next_at, error, user = more
    ending = None if end_at is None else Ending(end_at, end_reason or "", tries, next_at or 0, error or "")
    told = None if published is None else bool(published)
    return Stream(MediaKey(node, session, media), app_key, name, told, status, since, seen_at, user, ending)


def _call(row: Any) -> Call:
    node, session, call, app_key, caller, callee, incoming, status, since, seen_at, _over_at, _why, user = row
    told = None if incoming is None else bool(incoming)
    return Call(CallKey(node, session, call), app_key, caller, callee, told, status, since, seen_at, user)


_LENGTHS = {
    "user_name": NAME_LENGTH,
    "node": NODE_LENGTH,
    "session": SESSION_LENGTH,
    "app_key": LABEL_LENGTH,
    "name": SUBJECT_LENGTH,
}
