"""Who holds places: the sessions of a user, a token or an application, and the publishers of a name; in SQL.

A session holds one that is neither over nor to be ended, and a stream one whose session does.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    String,
    Table,
    and_,
    column,
    func,
    literal_column,
    or_,
    select,
    update,
    values,
)

from authgate.model import Limit, MediaKey, Per, Session
from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.engine import SQLITE
from authgate.store.padded import Padded
from authgate.store.tables import LABEL_LENGTH, NODE_LENGTH, SESSION_LENGTH, SUBJECT_LENGTH, clipped, sessions, streams
from authgate.store.turned import Key, Row, Scope, Turned

APART = 5_000  # milliseconds by which clocks of nodes may differ

HOLDS = sessions.c.over_at.is_(None) & sessions.c.end_at.is_(None)
OF_SESSION = and_(sessions.c.node == streams.c.node, sessions.c.session == streams.c.session)
# Of a session whose key was used again, what went on before is over.
_GOES_ON = and_(HOLDS, streams.c.seen_at >= sessions.c.opened_at - literal_column(str(APART)))
PUBLISHES = and_(
    streams.c.published.is_(True),
    streams.c.over_at.is_(None),
    streams.c.end_at.is_(None),
    or_(sessions.c.node.is_(None), _GOES_ON),
)


class Places:
    """Of one kind, sessions or streams: the statements, for the ledger's transactions."""

    def __init__(
        self,
        database: Database,
        table: Table,
        source: FromClause,
        holds: ColumnElement[bool],
        since: ColumnElement[int],
        of: Mapping[Per, ColumnElement[str]],
    ) -> None:
        """``of`` are the columns by which they are counted."""
        self._of = of
        self._offset = (0,) if database.is_a(SQLITE) else ()  # its statements have one wherever they have a limit
        self._key = [*table.primary_key]
        row = (*self._key, since, table.c.app_key, *of.values())
        self._found: Padded[Key] = Padded(
            lambda size: database.text(_by_key(self._key, row, source, holds, [("",) * len(self._key)] * size))
        )
        self._counts = {per: _counting(database, source, holds, table.c.app_key, each) for per, each in of.items()}
        self._oldest = {
            (per, inside): database.text(_ordered(row, source, holds, table.c.app_key if inside else None, each, since))
            for per, each in of.items()
            for inside in (False, True)
        }
        this = [each == "" for each in self._key]
        ending = {"end_at": 0, "end_reason": "", "end_tries": 0, "end_next_at": 0, "end_error": None}
        live = (table.c.over_at.is_(None), table.c.end_at.is_(None))
        self._end = database.text(update(table).where(*this, since == 0, *live).values(ending))

    def count(self, connection: Direct, bounds: Iterable[Scope]) -> Counter[Scope]:
        """How many there are of each."""
        counts: Counter[Scope] = Counter()
        for per, padded in self._counts.items():
            asked = sorted({scope.value for scope in bounds if scope.per is per})
            if not asked:
                continue
            text, filled = padded.of(asked)
            for value, app_key, count in connection.exec_driver_sql(text, tuple(filled)).fetchall():
                for inside in {app_key} if per is Per.APP else {"", app_key}:
                    counts[Scope(per, value, inside)] += count
        return counts

    def find(self, connection: Direct, keys: Iterable[Key]) -> list[Row]:
        """Those under these keys."""
        text, asked = self._found.of(sorted(keys))
        rows = connection.exec_driver_sql(text, tuple(chain.from_iterable(asked))).fetchall()
        return [self._row(row) for row in rows]

    def oldest(self, connection: Direct, scope: Scope, most: int) -> list[Row]:
        """So many of one scope, in their order."""
        inside = bool(scope.app_key) and scope.per is not Per.APP
        asked = (scope.value, *([scope.app_key] if inside else []), most, *self._offset)
        rows = connection.exec_driver_sql(self._oldest[scope.per, inside], asked).fetchall()
        return [self._row(row) for row in rows]

    def end(self, connection: Direct, turned: Turned, at: int) -> None:
        """Have those end that are to, from this time on."""
        if turned.out:
            out = sorted(turned.out.items())
            rows = [(at, reason.value, 0, at, None, *key, since) for key, (since, reason) in out]
            connection.exec_driver_sql(self._end, rows)

    def _row(self, found: Sequence[Any]) -> Row:
        key, (since, app_key, *of) = found[: len(self._key)], found[len(self._key) :]
        return Row(tuple(key), since, scopes(app_key, dict(zip(self._of, of, strict=True))))


def of_sessions(database: Database) -> Places:
    """The places of sessions."""
    return Places(database, sessions, sessions, HOLDS, sessions.c.opened_at, SESSIONS)


def of_streams(database: Database) -> Places:
    """The places of publishers."""
    source = streams.outerjoin(sessions, OF_SESSION)
    return Places(database, streams, source, PUBLISHES, streams.c.since, STREAMS)


def scopes(app_key: str, of: Mapping[Per, str | None]) -> tuple[Scope, ...]:
    """What something of this application is counted in: whoever ends a user's session makes room for it elsewhere."""
    found: list[Scope] = []
    for per, value in of.items():
        if per is Per.APP or (per is Per.NAME and value):
            found.append(Scope(per, value or "", app_key))
        elif value:
            found += [Scope(per, value, inside) for inside in dict.fromkeys((app_key, ""))]
    return tuple(found)


def of_limit(limit: Limit) -> Scope:
    """What is counted for a limit."""
    app_key = "" if limit.app_key is None else clipped(limit.app_key, LABEL_LENGTH)
    value = {Per.APP: app_key, Per.NAME: clipped(limit.value, SUBJECT_LENGTH)}.get(limit.per, limit.value)
    return Scope(limit.per, value, app_key)


def row_of(session: Session) -> Row:
    """A session that is to be opened."""
    client, app_key = session.client, clipped(session.app_key, LABEL_LENGTH)
    of = {Per.USER: client.user, Per.TOKEN: client.token} if client is not None else {}
    return Row(session.key, session.opened_at, scopes(app_key, {**of, Per.APP: app_key}))


def key_of_stream(key: MediaKey) -> Key:
    """The key under which a stream is kept."""
    lengths = (NODE_LENGTH, SESSION_LENGTH, SESSION_LENGTH)
    return tuple(clipped(part, length) for part, length in zip(key, lengths, strict=True))


def held(limit: Limit, but: Collection[str]) -> Select[Any]:
    """How many hold places under a limit, the one under this key left out."""
    scope = of_limit(limit)
    publishers = scope.per is Per.NAME
    table = streams if publishers else sessions
    source: FromClause = streams.outerjoin(sessions, OF_SESSION) if publishers else sessions
    column = (STREAMS if publishers else SESSIONS)[scope.per]
    this = and_(*(each == part for each, part in zip(table.primary_key, but, strict=True)))
    query = select(func.count()).select_from(source).where(column == scope.value, ~this)
    query = query.where(PUBLISHES if publishers else HOLDS)
    return query.where(table.c.app_key == scope.app_key) if scope.app_key or publishers else query


def _counting(database: Database, source: FromClause, holds: ColumnElement[bool], app_key: Any, of: Any) -> Padded[str]:
    query = select(of, app_key, func.count()).select_from(source).where(holds).group_by(of, app_key)
    return Padded(lambda size: database.text(query.where(of.in_([""] * size))))


def _by_key(
    key: Sequence[Any], row: Sequence[Any], source: FromClause, holds: ColumnElement[bool], keys: Sequence[Key]
) -> Select[Any]:
    """Those under these keys. Joined to a list: for ``(node, session) IN (...)`` SQLite would read the whole table."""
    asked = values(*(column(each.name, String) for each in key), name="asked").data(list(keys)).cte("asked")
    same = and_(*(each == asked.c[each.name] for each in key))
    return select(*row).select_from(asked.join(source, same)).where(holds)


def _ordered(
    row: Sequence[Any], source: FromClause, holds: ColumnElement[bool], app_key: Any, of: Any, since: Any
) -> Select[Any]:
    """The oldest that have a value in a column, so many; within one application or in all."""
    query = select(*row).select_from(source).where(of == "")
    query = query if app_key is None else query.where(app_key == "")
    return query.where(holds).order_by(since, *row[: row.index(since)]).limit(1)


# Narrow ones first.
SESSIONS: Mapping[Per, ColumnElement[str]] = {
    Per.USER: sessions.c.user_name,
    Per.TOKEN: sessions.c.token,
    Per.APP: sessions.c.app_key,
}
STREAMS: Mapping[Per, ColumnElement[str]] = {Per.NAME: streams.c.name}
