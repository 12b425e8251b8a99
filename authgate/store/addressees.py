"""Which live sessions a message is for."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, literal_column, select

from authgate.model import SessionKey
from authgate.store.signal_tables import room_members, signal_senders
from authgate.store.tables import sessions, streams

_APART = 5_000  # milliseconds by which clocks of nodes may differ
KINDS = ("session", "user", "app", "stream", "room")


def live() -> ColumnElement[bool]:
    """Sessions that are neither over nor about to be ended."""
    return and_(sessions.c.over_at.is_(None), sessions.c.end_at.is_(None))


def live_addressees(app_key: str, to: str, name: str) -> Select[Any]:
    """Node and session of each live session that is meant; an application of "" is any.

    Values stand in it in this order: the application, the name.
    """
    where: list[ColumnElement[bool]] = []
    of: Any = sessions
    match to:
        case "room":
            of = room_members.join(sessions, _of_session(room_members))
            where = [room_members.c.app_key == app_key, room_members.c.room == name]
        case "session":
            of = signal_senders.join(sessions, _of_session(signal_senders))
            where = [*([sessions.c.app_key == app_key] if app_key else []), signal_senders.c.sender == name]
        case "user":
            where = [*([sessions.c.app_key == app_key] if app_key else []), sessions.c.user_name == name]
        case "stream":
            same = (streams.c.node == sessions.c.node, streams.c.session == sessions.c.session)
            of = streams.join(
                sessions, and_(*same, streams.c.seen_at >= sessions.c.opened_at - literal_column(str(_APART)))
            )
            where = [*([streams.c.app_key == app_key] if app_key else []), streams.c.name == name]
            where.append(streams.c.over_at.is_(None))
        case "app":
            where = [sessions.c.app_key == app_key]
        case _:
            raise ValueError(f"there is no addressee of the kind {to!r}")
    found = select(sessions.c.node, sessions.c.session).select_from(of).where(*where, live())
    return found.distinct() if to == "stream" else found  # a session may play and publish it


def _of_session(table: Any) -> ColumnElement[bool]:
    """A row is of a session where that was opened when the row says, not of another under the same ids."""
    return and_(
        table.c.node == sessions.c.node,
        table.c.session == sessions.c.session,
        table.c.opened_at == sessions.c.opened_at,
    )


def key_of(row: Any) -> SessionKey:
    """A row of these as a key."""
    return SessionKey(row[0], row[1])
