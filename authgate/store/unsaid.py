"""Records of what no hook told: that something is over, since the media server does not have it, or goes on."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, insert, null, select

from authgate.model import Over, Reason, Record, SessionKey
from authgate.store.ids import record_id
from authgate.store.record_rows import COLUMNS, dump
from authgate.store.tables import calls, records, sessions, streams

LOST, FOUND = "LOST", "FOUND"  # the statuses of such records

# What each is called where a hook has its method, none of which has a dot, and the column that it is about.
_NAMED = {
    sessions.name: ("session", null()),
    streams.name: ("stream", streams.c.name),
    calls.name: ("call", calls.c.callee),
}


def lost(connection: Connection, table: Table, keys: Sequence[Sequence[object]], at: int) -> None:
    """Record which of the rows under these keys this transaction has closed as lost, at ``at``.

    A key may go on with more than the table's.
    """
    _record(connection, table, keys, at, LOST, (table.c.over_at == at, table.c.over_reason == Over.LOST.value))


def found(connection: Connection, table: Table, keys: Sequence[Sequence[object]], at: int) -> None:
    """The same for those that it has taken as live again."""
    _record(connection, table, keys, at, FOUND, (table.c.over_at.is_(None), table.c.seen_at == at))


def _record(
    connection: Connection, table: Table, keys: Sequence[Sequence[object]], at: int, status: str, so: Sequence[Any]
) -> None:
    noun, subject = _NAMED[table.name]
    columns = (table.c.node, table.c.session, table.c.app_key, sessions.c.user_name, subject)
    query = select(*columns).where(*so)
    if table is not sessions:
        query = query.select_from(
            table.outerjoin(sessions, and_(sessions.c.node == table.c.node, sessions.c.session == table.c.session))
        )
    rows = []
    for key in keys:
        this = (column == part for column, part in zip(table.primary_key, key, strict=False))
        for node, session, app_key, user, about in connection.execute(query.where(*this)):
            record = Record(
                id=record_id(),
                at=at,
                key=SessionKey(node, session),
                app_key=app_key,
                method=f"{noun}.{status.lower()}",
                user=user,
                allowed=True,
                reason=Reason.OK,
                rule="",
                status=status,
                subject=about or "",
            )
            rows.append(dict(zip(COLUMNS, dump(record), strict=True)))
    if rows:
        connection.execute(insert(records).inline(), rows)
