"""How many sessions a user may have open: looked at in the transaction that opens another, so that no two slip past.

Only users who have a limit pay for it. Their rows are locked first, so that whoever opens sessions of the same users,
in whatever process, waits; what is over the limit when all is in place is taken out again.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Select, String, column, delete, func, select, values

from authgate.model import Entry, Open, Session, SessionKey
from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.padded import Padded
from authgate.store.sessions import LIVE
from authgate.store.tables import sessions, users


class Limits:
    """The limits of users, for the ledger's transactions."""

    def __init__(self, database: Database) -> None:
        name, owner = users.c.name, sessions.c.user_name
        self._locks: Padded[str] = Padded(
            lambda size: database.text(
                # In the order of their names, so that two who lock the same ones do not wait for each other.
                select(name, users.c.max_sessions).where(name.in_([""] * size)).order_by(name).with_for_update()
            )
        )
        self._counts: Padded[str] = Padded(
            lambda size: database.text(select(owner, func.count()).where(LIVE, owner.in_([""] * size)).group_by(owner))
        )
        self._owners: Padded[SessionKey] = Padded(lambda size: database.text(_by_key([SessionKey("", "")] * size)))
        mine = (sessions.c.node == "", sessions.c.session == "", owner == "", sessions.c.opened_at == 0)
        self._delete = database.text(delete(sessions).where(*mine))

    def lock(self, connection: Direct, entries: Sequence[Entry]) -> Mapping[str, int]:
        """The limits, as they are now, of those users who had one when they were verified; nobody else adds to them.

        A user who has been deleted since is held to the limit of then.
        """
        of_then = {
            client.user: client.max_sessions
            for entry in entries
            if isinstance(entry.change, Open)
            and (client := entry.change.session.client) is not None
            and client.max_sessions is not None
        }
        if not of_then:
            return {}
        text, asked = self._locks.of(sorted(of_then))
        of_now = dict(connection.exec_driver_sql(text, tuple(asked)).fetchall())
        limits = {user: of_now.get(user, limit) for user, limit in of_then.items()}
        return {user: limit for user, limit in limits.items() if limit is not None}

    def take_out(
        self, connection: Direct, limits: Mapping[str, int], opened: Mapping[SessionKey, Session]
    ) -> Mapping[SessionKey, str]:
        """Of these sessions, which have just been opened, those that are too many, newest first; with their users."""
        if not limits:
            return {}
        text, asked = self._counts.of(sorted(limits))
        counts = dict(connection.exec_driver_sql(text, tuple(asked)).fetchall())
        excess = {user: counts[user] - limits[user] for user in counts if counts[user] > limits[user]}
        if not excess:
            return {}
        out: dict[SessionKey, str] = {}
        for session in self._newest_first(connection, opened, excess):
            user = _owner(session)
            if excess[user] > 0:
                excess[user] -= 1
                out[session.key] = user
        rows = [(*key, out[key], opened[key].opened_at) for key in sorted(out)]
        if rows:
            connection.exec_driver_sql(self._delete, rows)
        return out

    def _newest_first(
        self, connection: Direct, opened: Mapping[SessionKey, Session], users: Collection[str]
    ) -> Sequence[Session]:
        """Those sessions of some users that are in place: one that came late, or is over by now, makes no room."""
        theirs = [session for session in opened.values() if _owner(session) in users]
        if not theirs:
            return []
        text, asked = self._owners.of([session.key for session in theirs])
        rows = connection.exec_driver_sql(text, tuple(chain.from_iterable(asked)))
        there = {(node, session): (user, opened_at) for node, session, user, opened_at in rows}
        theirs = [each for each in theirs if there.get(each.key) == (_owner(each), each.opened_at)]
        return sorted(theirs, key=lambda each: each.opened_at)[::-1]


def _owner(session: Session) -> str:
    return session.client.user if session.client is not None else ""


def _by_key(keys: Sequence[SessionKey]) -> Select[Any]:
    """Whose the sessions under these keys are, and since when."""
    asked = values(column("node", String), column("session", String), name="asked").data(list(keys)).cte("asked")
    same = (sessions.c.node == asked.c.node) & (sessions.c.session == asked.c.session) & LIVE
    columns = (sessions.c.node, sessions.c.session, sessions.c.user_name, sessions.c.opened_at)
    return select(*columns).select_from(asked.join(sessions, same))
