"""The sessions and publishers that are more than there may be, since limits were lowered when they were there."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, literal, select

from authgate.limits import EXCEEDED, Limits
from authgate.model import Limit, Per, Reason, Session, SessionKey, Stream
from authgate.store.activity import SqlStreams
from authgate.store.database import Database
from authgate.store.places import HOLDS, OF_SESSION, PUBLISHES, SESSIONS
from authgate.store.sessions import by_key, load
from authgate.store.tables import sessions, streams, users


class SqlBeyond:
    """Looks at all that is live at once, which nobody waits for."""

    def __init__(self, database: Database, streams: SqlStreams) -> None:
        self._database = database
        self._streams = streams

    async def sessions(self, limits: Limits, nodes: Sequence[str], limit: int = 100) -> list[tuple[Session, Reason]]:
        """Sessions at these nodes that have to end, and why: at most ``limit`` at a time, of one kind.

        Of what is full they are the newest where one more would be rejected, and the oldest where those are ended for
        it. Those that are to be ended already are not among them.

        Raises:
            StoreError: the store is away or too slow.
        """
        for each, but in _each(limits):
            rows = await self._read(_sessions(each, but, nodes).limit(limit))
            if rows:  # who has to end for one may be too many for the next: look again when these are to be ended
                found = await self._read(by_key([SessionKey(*row) for row in rows]))
                return [(load(row), EXCEEDED[each.per]) for row in found]
        return []

    async def streams(self, limits: Limits, nodes: Sequence[str], limit: int = 100) -> list[tuple[Stream, Reason]]:
        """The same of publishers.

        Raises:
            StoreError: the store is away or too slow.
        """
        found: list[tuple[Stream, Reason]] = []
        for each, but in _of(limits, Per.NAME):
            for node, session, media in await self._read(_published(each, but, nodes).limit(limit)):
                there = await self._streams.list(node=node, session=session)
                found += [(stream, EXCEEDED[Per.NAME]) for stream in there if stream.key.media == media]
        return found[:limit]

    async def _read(self, query: Select[Any]) -> Sequence[Any]:
        return await self._database.read(lambda connection: connection.execute(query).all())


def _each(limits: Limits) -> Iterator[tuple[Limit, Sequence[str]]]:
    """What holds of sessions, and in which applications it does not."""
    for per in (Per.USER, Per.TOKEN, Per.APP):
        yield from _of(limits, per)


def _of(limits: Limits, per: Per) -> Iterator[tuple[Limit, Sequence[str]]]:
    own = tuple(limits.of_apps(per))
    yield from ((each, ()) for each in own)
    if per is Per.USER or limits.general(per).most is not None:  # of users the store may say more
        replaced = per in (Per.APP, Per.NAME)
        yield limits.general(per), [str(each.app_key) for each in own if replaced]


def _sessions(limit: Limit, but: Sequence[str], nodes: Sequence[str]) -> Select[Any]:
    """The keys of those sessions that are too many of their user, token or application."""
    of = SESSIONS[limit.per]
    source: FromClause = sessions
    most: ColumnElement[Any] = literal(limit.most)
    if limit.per is Per.USER and limit.app_key is None:
        same = sessions.c.user_name == users.c.name
        source, most = sessions.outerjoin(users, same), func.coalesce(users.c.max_sessions, limit.most)
        if limit.most is None:
            source, most = sessions.join(users, same & users.c.max_sessions.is_not(None)), users.c.max_sessions
    holds = HOLDS & of.is_not(None)
    if limit.per is Per.USER:  # see limits.is_nobody_in_particular
        holds &= sessions.c.user_name != literal("anonymous@") + sessions.c.verifier
    order = (sessions.c.opened_at, sessions.c.node, sessions.c.session)
    return _ranked(limit, source, holds, sessions.c.app_key, (of,), order, most, but, nodes)


def _published(limit: Limit, but: Sequence[str], nodes: Sequence[str]) -> Select[Any]:
    """The same of streams and the publishers of their names."""
    order = (streams.c.since, streams.c.node, streams.c.session, streams.c.media)
    of = (streams.c.app_key, streams.c.name)
    source, holds = streams.outerjoin(sessions, OF_SESSION), and_(PUBLISHES, streams.c.name != "")
    return _ranked(limit, source, holds, streams.c.app_key, of, order, literal(limit.most), but, nodes)


def _ranked(
    limit: Limit,
    source: FromClause,
    holds: ColumnElement[bool],
    app_key: Any,
    of: Sequence[Any],
    order: Sequence[Any],
    most: ColumnElement[Any],
    but: Sequence[str],
    nodes: Sequence[str],
) -> Select[Any]:
    """The keys of those that come after so many that may stay."""
    ordered = [each.desc() for each in order] if limit.ends_oldest else order
    place = func.row_number().over(partition_by=of, order_by=ordered).label("place")
    query = select(*order[1:], place, most.label("most")).select_from(source).where(holds)
    if limit.app_key is not None:
        query = query.where(app_key == limit.app_key)
    if but:
        query = query.where(app_key.not_in(but))
    ranked = query.subquery()
    *key, place_of, most_of = ranked.c
    return select(*key).where(place_of > most_of, key[0].in_(nodes))
