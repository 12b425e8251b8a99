"""What keeps the tables of sessions and streams true where hooks were lost: read and changed in pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    and_,
    case,
    delete,
    func,
    not_,
    or_,
    select,
    union,
    update,
)

from authgate.model import CallKey, MediaKey, Over, Session, SessionKey, Stream
from authgate.store import unsaid
from authgate.store.activity import live as live_rows
from authgate.store.database import Database
from authgate.store.each import change_each
from authgate.store.sessions import LIVE, load, with_users
from authgate.store.tables import (
    LABEL_LENGTH,
    SUBJECT_LENGTH,
    calls,
    clipped,
    sessions,
    streams,
    users,
)

_BATCH = 100  # rows that are changed in one transaction
_OFTEN = (Over.TOLD, Over.FAILED, Over.LOST)  # why something is over that may turn out not to be


@dataclass(frozen=True, slots=True)
class Live:
    """A session or stream that the store has as live."""

    key: tuple[str, ...]  # a SessionKey or a MediaKey
    since: int  # milliseconds since the epoch
    seen_at: int  # milliseconds since the epoch
    ending: bool = False


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A session or stream that the store has as over."""

    key: tuple[str, ...]  # a SessionKey or a MediaKey
    over_at: int  # milliseconds since the epoch
    reason: str
    known: bool = True  # whether anything is known of it but that it is over

    @property
    def ended(self) -> bool:
        """Whether it was ended by us, so that it may not go on."""
        return self.reason == Over.ENDED

    @property
    def may_live(self) -> bool:
        """Whether it may turn out to go on."""
        return self.known and self.reason in _OFTEN


class SqlUpkeep:
    """The sessions, streams and calls, for those who compare them with the media server and clear them up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def nodes(self) -> Sequence[str]:
        """The nodes of which anything is known, live or over.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = union(select(sessions.c.node), select(streams.c.node))
        return await self._database.read(lambda connection: sorted(connection.execute(query).scalars()))

    async def sessions(self, node: str, after: str = "", limit: int = 1000) -> list[Live]:
        """Live sessions of a node by id: at most ``limit``, from the one that follows ``after``.

        Raises:
            StoreError: the store is away or too slow.
        """
        columns = (sessions.c.session, sessions.c.opened_at, sessions.c.seen_at, sessions.c.end_at)
        query = (
            select(*columns)
            .where(LIVE, sessions.c.node == node, sessions.c.session > after)
            .order_by(sessions.c.session)
            .limit(limit)
        )

        def work(connection: Connection) -> list[Live]:
            return [
                Live(SessionKey(node, session), since, max(since, seen or 0), end is not None)
                for session, since, seen, end in connection.execute(query)
            ]

        return await self._database.read(work)

    async def streams(self, node: str, after: tuple[str, str] = ("", ""), limit: int = 1000) -> list[Live]:
        """Live streams of a node by session and id: at most ``limit``, from the one that follows ``after``.

        Raises:
            StoreError: the store is away or too slow.
        """
        later = and_(streams.c.session == after[0], streams.c.media > after[1])
        query = (
            live_rows(streams)
            .where(streams.c.node == node, or_(streams.c.session > after[0], later))
            .order_by(streams.c.session, streams.c.media)
            .limit(limit)
        )

        def work(connection: Connection) -> list[Live]:
            rows = connection.execute(query)
            return [
                Live(MediaKey(node, row.session, row.media), row.since, row.seen_at, row.end_at is not None)
                for row in rows
            ]

        return await self._database.read(work)

    async def calls(self, node: str, after: tuple[str, str] = ("", ""), limit: int = 1000) -> list[Live]:
        """Live calls of a node by session and id: at most ``limit``, from the one that follows ``after``.

        Raises:
            StoreError: the store is away or too slow.
        """
        later = and_(calls.c.session == after[0], calls.c.call > after[1])
        query = (
            live_rows(calls)
            .where(calls.c.node == node, or_(calls.c.session > after[0], later))
            .order_by(calls.c.session, calls.c.call)
            .limit(limit)
        )

        def work(connection: Connection) -> list[Live]:
            rows = connection.execute(query)
            return [Live(CallKey(node, row.session, row.call), row.since, row.seen_at) for row in rows]

        return await self._database.read(work)

    async def lose_calls(self, gone: Sequence[Live], at: int) -> int:
        """Close calls that are not there any more, unless news of them came since; how many there were.

        ``at`` in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow; some may have been closed.
        """
        change = update(calls).where(calls.c.over_at.is_(None)).values(over_at=at, over_reason=Over.LOST.value)
        keys = [*calls.primary_key]
        count = 0
        for some in _parts(sorted((*each.key, each.seen_at) for each in gone)):

            def work(connection: Connection, some: Sequence[tuple[object, ...]] = some) -> int:
                changed = change_each(connection, change, some, keys, calls.c.seen_at)
                if changed:
                    unsaid.lost(connection, calls, some, at)
                return changed

            count += await self._database.write(work)
        return count

    async def over_sessions(self, node: str, ids: Sequence[str]) -> list[Tombstone]:
        """Those sessions of a node that are over, of these ids.

        Raises:
            StoreError: the store is away or too slow.
        """
        columns = (sessions.c.session, sessions.c.over_at, sessions.c.over_reason, sessions.c.opened_at)
        query = select(*columns).where(not_(LIVE), sessions.c.node == node)

        def work(connection: Connection) -> list[Tombstone]:
            return [
                Tombstone(SessionKey(node, session), over_at, why or "", opened_at > 0)
                for some in _parts(ids)
                for session, over_at, why, opened_at in connection.execute(query.where(sessions.c.session.in_(some)))
            ]

        return await self._database.read(work)

    async def over_streams(self, node: str, ids: Sequence[tuple[str, str]]) -> list[Tombstone]:
        """Those streams of a node that are over, of these sessions and ids.

        Raises:
            StoreError: the store is away or too slow.
        """
        columns = (streams.c.session, streams.c.media, streams.c.over_at, streams.c.over_reason)
        query = select(*columns).where(streams.c.over_at.is_not(None), streams.c.node == node)

        def work(connection: Connection) -> list[Tombstone]:
            return [
                Tombstone(MediaKey(node, session, media), over_at, why or "")
                for some in _parts(ids)
                for session, media, over_at, why in connection.execute(query.where(_one_of(some)))
            ]

        return await self._database.read(work)

    async def revive_sessions(self, over: Sequence[Tombstone], at: int) -> int:
        """Take these as live again, unless something was told of them since; those that we ended are to be ended again.

        How many; ``at`` in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow; some may have been revived.
        """
        due = case((sessions.c.due < 1, 1), else_=sessions.c.due)  # that it is over is still to be told
        return await self._revive(sessions, over, at, {"seen_at": at, "due": due})

    async def revive_streams(self, over: Sequence[Tombstone], at: int) -> int:
        """The same for streams.

        Raises:
            StoreError: the store is away or too slow; some may have been revived.
        """
        return await self._revive(streams, over, at, {"seen_at": at})

    async def seen(self, found: Sequence[Live], at: int) -> None:
        """Note that the media server has these sessions; ``at`` in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow; some may have been noted.
        """
        change = update(sessions).where(LIVE).values(seen_at=at)
        await self._each(sessions, sorted(each.key for each in found), change)

    async def add_streams(self, found: Sequence[Stream]) -> None:
        """Put streams there of which no hook has told, unless they are there by now.

        Raises:
            StoreError: the store is away or too slow; some may have been added.
        """
        rows = [_row(each) for each in sorted(found, key=lambda each: each.key)]
        insertion = self._database.insert_unless_there(streams)
        for some in _parts(rows):
            await self._database.write(partial(Connection.execute, statement=insertion, parameters=some))

    async def suspects(self, nodes: Sequence[str], now: int, grace: int | None, limit: int) -> list[Session]:
        """Live sessions of these nodes of which the store says that they may not go on; the judge has the last word.

        Their user is disabled, deleted, expired or not valid yet, or cut off since, or their token has expired for
        longer than ``grace`` seconds (None: that does not matter). Users of other sources are not looked at here.
        ``now`` in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow.
        """
        seconds = now // 1000
        own = sessions.c.stored_user & (func.coalesce(sessions.c.generation, 0) >= 0)
        faults = [
            and_(users.c.name.is_(None), own),
            and_(users.c.name.is_not(None), not_(users.c.enabled)),
            users.c.expires_at <= seconds,
            users.c.not_before > seconds,
            and_(own, users.c.generation != sessions.c.generation),
        ]
        if grace is not None:
            faults.append(sessions.c.expires_at <= seconds - grace)
        query = (
            with_users(sessions)
            .where(LIVE, sessions.c.end_at.is_(None), sessions.c.user_name.is_not(None))
            .where(sessions.c.node.in_(nodes), users.c.source.is_(None), or_(*faults))
            .limit(limit)
        )
        return await self._database.read(lambda connection: [load(row) for row in connection.execute(query)])

    async def lapse_streams(self, before: int, at: int, but: Sequence[str], limit: int = 500) -> int:
        """Close streams that were kept alive and are not any more; how many, of at most ``limit`` that were looked at.

        ``before`` is when the last keep-alive came at the latest, ``at`` when they are over, both in milliseconds
        since the epoch; those of the nodes ``but`` are left alone.

        Raises:
            StoreError: the store is away or too slow.
        """
        lapsed = and_(streams.c.over_at.is_(None), streams.c.kept_at < before)
        return await self._lose(streams, lapsed, at, but, limit)

    async def lapse_idle(self, before: int, at: int, but: Sequence[str], limit: int = 500) -> int:
        """Close sessions, and streams and calls of none, of which nothing has been heard since; how many.

        As for ``lapse_streams``.

        Raises:
            StoreError: the store is away or too slow.
        """
        heard = func.coalesce(sessions.c.seen_at, sessions.c.opened_at)
        count = await self._lose(sessions, and_(LIVE, heard < before, sessions.c.opened_at < before), at, but, limit)
        for table in (streams, calls):
            same = and_(sessions.c.node == table.c.node, sessions.c.session == table.c.session)
            alone = ~select(sessions.c.node).where(same).exists()
            idle = and_(table.c.over_at.is_(None), table.c.seen_at < before, alone)
            count += await self._lose(table, idle, at, but, limit)
        return count

    async def purge(self, before: int, limit: int = 200) -> int:
        """Forget at most ``limit`` of each that have been over since, with what went on in sessions; how many.

        ``before`` in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow.
        """
        return await self._database.write(
            lambda connection: sum(_purge(connection, table, before, limit) for table in (sessions, streams, calls))
        )

    async def _revive(self, table: Table, over: Sequence[Tombstone], at: int, values: dict[str, Any]) -> int:
        change = update(table).values(over_at=None, over_reason=None, **values)
        again = {"end_next_at": at, "end_at": func.coalesce(table.c.end_at, at)}
        again["end_reason"] = func.coalesce(table.c.end_reason, Over.ENDED.value)
        found = sorted((each.key, each) for each in over)
        count = 0
        for some in _parts(found):

            def work(connection: Connection, some: Sequence[tuple[Any, Tombstone]] = some) -> int:
                changed = []
                for key, each in some:
                    one = change.values(**again) if each.ended else change
                    as_it_was = (table.c.over_at == each.over_at, table.c.over_reason == each.reason)
                    if connection.execute(one.where(*_is(table, key), *as_it_was)).rowcount:
                        changed.append(key)
                unsaid.found(connection, table, changed, at)
                return len(changed)

            count += await self._database.write(work)
        return count

    async def _lose(self, table: Table, which: ColumnElement[bool], at: int, but: Sequence[str], limit: int) -> int:
        query = select(*table.primary_key).where(which, table.c.node.not_in(but)).limit(limit)
        found = await self._database.read(lambda connection: sorted(map(tuple, connection.execute(query))))
        change = update(table).where(which).values(over_at=at, over_reason=Over.LOST.value)
        return await self._each(table, found, change.values(due=0) if table is sessions else change, at)

    async def _each(
        self, table: Table, keys: Sequence[tuple[str, ...]], change: Any, lost_at: int | None = None
    ) -> int:
        count = 0
        for some in _parts(keys):

            def work(connection: Connection, some: Sequence[tuple[str, ...]] = some) -> int:
                changed = change_each(connection, change, some, [*table.primary_key])
                if changed and lost_at is not None:
                    unsaid.lost(connection, table, some, lost_at)
                return changed

            count += await self._database.write(work)
        return count


def _purge(connection: Connection, table: Table, before: int, limit: int) -> int:
    over = table.c.over_at < before
    keys = sorted(map(tuple, connection.execute(select(*table.primary_key).where(over).limit(limit))))
    for key in keys:
        if connection.execute(delete(table).where(over, *_is(table, key))).rowcount and table is sessions:
            for below in (streams, calls):
                connection.execute(delete(below).where(below.c.node == key[0], below.c.session == key[1]))
    return len(keys)


def _is(table: Table, key: Sequence[str]) -> Iterator[ColumnElement[bool]]:
    columns: Sequence[Column[Any]] = [*table.primary_key]
    return (column == part for column, part in zip(columns, key, strict=True))


def _one_of(ids: Sequence[tuple[str, str]]) -> ColumnElement[bool]:
    """Whether a stream is one of these. For ``(session, media) IN (...)`` SQLite would read the whole table."""
    return or_(*(and_(streams.c.session == session, streams.c.media == media) for session, media in ids))


def _parts(found: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (found[at : at + _BATCH] for at in range(0, len(found), _BATCH))


def _row(stream: Stream) -> dict[str, Any]:
    return {
        "node": stream.key.node,
        "session": stream.key.session,
        "media": stream.key.media,
        "app_key": clipped(stream.app_key, LABEL_LENGTH),
        "name": clipped(stream.name, SUBJECT_LENGTH),
        "published": stream.published,
        "status": clipped(stream.status, LABEL_LENGTH),
        "since": stream.since,
        "seen_at": stream.seen_at,
        "end_tries": 0,
    }
