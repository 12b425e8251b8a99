"""What clients send, in the transaction that records their hooks: rates, rooms, and the queue of messages.

All processes take turns at it by one row, so that rates and limits are exact among them, and messages are numbered in
the order of their commits.
"""

import secrets
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Select, String, column, delete, select, update, values

from authgate.errors import StoreError
from authgate.model import Entry, Reason, SessionKey
from authgate.store.addressees import live_addressees
from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.padded import Padded
from authgate.store.signal_tables import messages, room_members, shared_secrets, signal_senders
from authgate.store.signalled import Member, Signalled, accounts
from authgate.store.tables import versions

TURN = "signals"  # among the versions
_SECRET = "signals"  # noqa: S105 - a name, among the secrets that are shared
_ROWS = 2  # messages that one signal comes to, at most


class Desk:
    """Takes what the entries of a batch ask for by signals: for the ledger's transactions."""

    def __init__(self, database: Database) -> None:
        self.known: bytes | None = None  # the secret that all processes share, once it was read
        turn = versions.c.name == ""
        self._turn = database.text(update(versions).where(turn).values(number=versions.c.number + 1))
        self._number = database.text(select(versions.c.number).where(turn))
        self._first_turn = database.text(database.insert_unless_there(versions))
        self._secret = database.text(select(shared_secrets.c.secret).where(shared_secrets.c.name == ""))
        self._draw = database.text(database.insert_unless_there(shared_secrets))
        of = signal_senders.c
        self._owed: Padded[str] = Padded(
            lambda size: database.text(select(of.sender, of.owed_at).where(of.sender.in_([""] * size)))
        )
        self._owes = database.text(database.insert_or_replace(signal_senders))
        self._rooms: Padded[SessionKey] = Padded(lambda size: database.text(_by_session(size)))
        self._join = database.text(database.insert_or_replace(room_members))
        mine = [room_members.c[name] == "" for name in ("app_key", "room", "node", "session")]
        self._leave = database.text(delete(room_members).where(*mine))
        self._put = database.text(database.insert_unless_there(messages))
        found = {to: live_addressees("app", to, "name") for to in ("user", "app", "stream", "room")}
        self._found = {to: database.text(query) for to, query in found.items()}
        self._waiting = database.text(select(messages.c.id).where(messages.c.done_at.is_(None)))

    def take(self, connection: Direct, entries: Sequence[Entry]) -> Mapping[int, Reason]:
        """Do what the allowed ones of these entries ask for; those that are refused after all, by place, and why."""
        asked = {
            at: entry.signal for at, entry in enumerate(entries) if entry.signal is not None and entry.record.allowed
        }
        if not asked:
            return {}
        last = self.turn(connection, _ROWS * len(asked))
        key = self.key(connection)
        every = list(asked.values())
        text, names = self._owed.of([name for each in every for name in accounts(key, each)])
        owed = {row[0]: int(row[1]) for row in connection.exec_driver_sql(text, tuple(names))}
        text, keys = self._rooms.of([each.sender for each in every])
        rows = connection.exec_driver_sql(text, tuple(chain.from_iterable(keys)))
        members = {Member(row[2], row[3], SessionKey(row[0], row[1]), int(row[4])) for row in rows}

        def count(app_key: str, to: str, name: str, most: int) -> int:
            whom = (app_key,) if to == "app" else (app_key, name)
            return _count(connection, self._found[to], whom, most)

        waiting = self.waiting(connection, max(each.limits.queue for each in every))
        batch = Signalled(key, owed, members, count, waiting, last - _ROWS * len(asked))
        in_order = sorted(asked.items(), key=lambda each: each[1].at)  # as their hooks came, not as they were judged
        answers = {at: reason for at, each in in_order if (reason := batch.take(each)) is not None}
        self._write(connection, batch)
        return answers

    def turn(self, connection: Direct, count: int) -> int:
        """Wait until nobody else is at it, until this transaction ends; the last of so many numbers for messages."""
        if not connection.exec_driver_sql(self._turn, (count, TURN)).rowcount:
            connection.exec_driver_sql(self._first_turn, (TURN, 0))
            connection.exec_driver_sql(self._turn, (count, TURN))
        return int(connection.exec_driver_sql(self._number, (TURN,)).fetchone()[0])

    def waiting(self, connection: Direct, most: int) -> int:
        """How many messages wait, counted no further than this."""
        return _count(connection, self._waiting, (), most)

    def key(self, connection: Direct) -> bytes:
        """The secret that all processes share, drawn by whoever needs it first."""
        found = self.look(connection)
        if found is None:
            connection.exec_driver_sql(self._draw, (_SECRET, secrets.token_hex(32)))
            found = self._read(connection)  # not remembered: it may not be committed
        if found is None:
            raise StoreError("the store does not keep the secret that its processes share")
        return found

    def look(self, connection: Direct) -> bytes | None:
        """The same secret; None: nobody has drawn it yet."""
        if self.known is None:
            self.known = self._read(connection)
        return self.known

    def put(self, connection: Direct, rows: Sequence[tuple[object, ...]]) -> None:
        """Put messages into the queue; those that are there already stay as they are."""
        connection.exec_driver_sql(self._put, list(rows))

    def _read(self, connection: Direct) -> bytes | None:
        found = connection.exec_driver_sql(self._secret, (_SECRET,)).fetchone()
        return None if found is None else bytes.fromhex(found[0])

    def _write(self, connection: Direct, batch: Signalled) -> None:
        if batch.owes:
            connection.exec_driver_sql(self._owes, [batch.owes[name] for name in sorted(batch.owes)])
        if batch.joined:
            connection.exec_driver_sql(self._join, [batch.joined[each] for each in sorted(batch.joined)])
        if batch.left:
            left = [(each.app_key, each.room, *each.key) for each in sorted(batch.left)]
            connection.exec_driver_sql(self._leave, left)
        if batch.rows:
            self.put(connection, batch.rows)


def _by_session(size: int) -> Select[Any]:
    """The rooms of some sessions."""
    nobody = [("", "")] * size
    asked = values(column("node", String), column("session", String), name="asked").data(nobody).cte("asked")
    of = room_members.c
    same = (of.node == asked.c.node) & (of.session == asked.c.session)
    return select(of.node, of.session, of.app_key, of.room, of.opened_at).select_from(asked.join(room_members, same))


def _count(connection: Direct, text: str, given: tuple[object, ...], most: int) -> int:
    """How many rows a statement finds, counted no further than this."""
    limited = f"SELECT count(*) FROM ({text} LIMIT {most:d}) AS found"  # noqa: S608 - a number of our own
    return int(connection.exec_driver_sql(limited, given).fetchone()[0])
