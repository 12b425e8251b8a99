"""Messages on their way: those that wait, whom they are for, and who has gone from the rooms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, delete, exists, select, update

from authgate.errors import Refused
from authgate.model import Session, SessionKey
from authgate.store.addressees import KINDS, key_of, live, live_addressees
from authgate.store.database import Database
from authgate.store.ids import record_id
from authgate.store.signal_tables import messages, room_members, signal_senders
from authgate.store.signalled import sender_id
from authgate.store.signals import TURN, Desk
from authgate.store.tables import LABEL_LENGTH, SESSION_LENGTH, sessions, storable
from authgate.store.watch import Watch

_KEPT = 120_000  # milliseconds for which a message that is done with is remembered, so that none is delivered twice
_FORGOTTEN = 86_400  # seconds after which who has sent nothing more and has no session is forgotten
_PAGE = 200  # rows in one transaction


@dataclass(frozen=True, slots=True)
class Message:
    """One message that waits."""

    id: str
    seq: int
    at: int  # milliseconds since the epoch
    kind: str  # sent, joined, left or members
    app_key: str  # "": any
    to: str  # see ``addressees.KINDS``
    name: str  # of the addressee
    sender: SessionKey | None  # None: the server itself
    sender_id: str | None
    user: str | None
    body: str = field(repr=False)  # JSON; of members: the room


class SqlOutbox:
    """The queue of messages, for whoever delivers them."""

    def __init__(self, database: Database, watch: Watch, desk: Desk) -> None:
        self._database = database
        self._desk = desk
        self._introduce = database.text(database.insert_unless_there(signal_senders))
        self._wakes: list[Callable[[], None]] = []
        watch.when_changed(TURN, self._changed)

    @property
    def secret(self) -> bytes | None:
        """What all processes on this store share; None: it is not known here yet."""
        return self._desk.known

    def when_changed(self, wake: Callable[[], None]) -> None:
        """Have this called when there may be more messages."""
        self._wakes.append(wake)

    async def introduce(self, session: Session, now: float) -> str:
        """The id under which others know a session, by which it can be sent to from now on.

        Raises:
            StoreError: the store is away or too slow.
        """

        def work(connection: Connection) -> str:
            self._desk.turn(connection, 1)
            sender = sender_id(self._desk.key(connection), session.key, session.opened_at)
            row = (sender, int(now * 1_000_000), *session.key, session.opened_at)
            connection.exec_driver_sql(self._introduce, row)
            return sender

        return await self._database.write(work)

    async def put(self, app_key: str, to: str, name: str, body: str, queue: int, now: float) -> str:
        """Queue a message of the server's own, where not so many wait already; its id.

        Raises:
            Refused: it cannot be for anybody, or too many wait.
            StoreError: the store is away or too slow.
        """
        if to not in KINDS or not storable(name, SESSION_LENGTH) or not storable(app_key, LABEL_LENGTH):
            raise Refused("there is nobody of this kind and name")
        id = record_id()

        def work(connection: Connection) -> None:
            seq = self._desk.turn(connection, 1)
            if self._desk.waiting(connection, queue) >= queue:
                raise Refused(f"{queue} messages wait to be delivered; try again later")
            of_nobody = (None, None, None, None)
            row = (id, seq, int(now * 1000), None, "sent", app_key, to, name, *of_nobody, body)
            self._desk.put(connection, [row])

        await self._database.write(work)
        for wake in self._wakes:
            wake()
        return id

    async def waiting(self, after: int, limit: int = _PAGE) -> list[Message]:
        """The messages that wait, in their order, from the one that follows a number.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = select(messages).where(messages.c.done_at.is_(None), messages.c.seq > after)
        query = query.order_by(messages.c.seq).limit(limit)
        return await self._database.read(lambda connection: [_load(row) for row in connection.execute(query)])

    async def addressees(self, message: Message, most: int) -> list[SessionKey]:
        """The live sessions that a message is for, at most so many.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = live_addressees(message.app_key, message.to, message.name).limit(most)
        return await self._database.read(lambda connection: [key_of(row) for row in connection.execute(query)])

    async def members(self, app_key: str, room: str, limit: int) -> list[tuple[str, str | None]]:
        """The ids and users of the live sessions in a room, those that came first before the others.

        Raises:
            StoreError: the store is away or too slow.
        """
        of = room_members.c
        query = select(of.sender, of.user_name).where(of.app_key == app_key, of.room == room, _lives())
        query = query.order_by(of.joined_at, of.sender).limit(limit)
        return await self._database.read(lambda connection: [(row[0], row[1]) for row in connection.execute(query)])

    async def done(self, ids: Sequence[str], now: float) -> None:
        """Be done with messages, whatever became of them; nothing is kept of what stood in them.

        Raises:
            StoreError: the store is away or too slow.
        """
        for at in range(0, len(ids), _PAGE):
            these = messages.c.id.in_(sorted(ids[at : at + _PAGE]))
            finish = update(messages).where(these).values(done_at=int(now * 1000), body="")
            await self._database.write(partial(_finish, finish))

    async def leave(self, now: float) -> int:
        """Take sessions that are over out of their rooms, and queue the news for the others; how many there were.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = select(room_members).where(~_lives()).limit(_PAGE)
        if not await self._database.read(lambda connection: connection.execute(query).all()):
            return 0
        at = int(now * 1000)

        def work(connection: Connection) -> int:
            last = self._desk.turn(connection, _PAGE)
            gone = connection.execute(query).all()
            rows: list[tuple[object, ...]] = []
            for number, row in enumerate(gone):
                of = room_members.c
                same = (of.app_key == row.app_key, of.room == row.room, of.node == row.node, of.session == row.session)
                connection.execute(delete(room_members).where(*same, of.opened_at == row.opened_at))
                news = ("left", row.app_key, "room", row.room, row.node, row.session, row.sender, row.user_name, "")
                rows.append((record_id(), last - _PAGE + 1 + number, at, None, *news))
            if rows:
                self._desk.put(connection, rows)
            return len(gone)

        return await self._database.write(work)

    async def prune(self, now: float) -> None:
        """Forget what is of no use any more.

        Raises:
            StoreError: the store is away or too slow.
        """
        at = int(now * 1000)
        old = select(messages.c.id).where(messages.c.done_at < at - _KEPT).order_by(messages.c.done_at).limit(_PAGE)
        of, lives = signal_senders.c, _session_of(signal_senders)
        silent = select(of.sender).where(of.owed_at < (at - _FORGOTTEN * 1000) * 1000, ~lives)
        silent = silent.order_by(of.owed_at).limit(_PAGE)

        def idle(connection: Connection) -> bool:
            return connection.execute(old).first() is None and connection.execute(silent).first() is None

        if await self._database.read(idle):
            return

        def work(connection: Connection) -> bool:
            self._desk.turn(connection, 1)
            ids = [row[0] for row in connection.execute(old)]
            senders = [row[0] for row in connection.execute(silent)]
            if ids:
                connection.execute(delete(messages).where(messages.c.id.in_(sorted(ids))))
            if senders:
                connection.execute(delete(signal_senders).where(signal_senders.c.sender.in_(sorted(senders))))
            return len(ids) == _PAGE or len(senders) == _PAGE

        while await self._database.write(work):
            pass

    async def share(self) -> None:
        """See that there is a secret that all processes share, and that they know it before it is used.

        Raises:
            StoreError: the store is away or too slow.
        """
        if self._desk.known is None:
            await self._database.read(self._desk.look)
        if self._desk.known is None:

            def work(connection: Connection) -> None:
                self._desk.turn(connection, 1)
                self._desk.key(connection)

            await self._database.write(work)
            await self._database.read(self._desk.look)

    async def _changed(self) -> None:
        if self._desk.known is None:
            await self._database.read(self._desk.look)
        for wake in self._wakes:
            wake()


def _finish(statement: Any, connection: Connection) -> None:
    connection.execute(statement)


def _lives() -> Any:
    return _session_of(room_members)


def _session_of(table: Any) -> Any:
    """Whether the session of a row lives."""
    same = (
        sessions.c.node == table.c.node,
        sessions.c.session == table.c.session,
        sessions.c.opened_at == table.c.opened_at,
    )
    return exists(select(sessions.c.node).where(*same, live())).correlate(table)


def _load(row: Any) -> Message:
    sender = None if row.node is None else SessionKey(row.node, row.session)
    whom = (row.app_key, row.addressee, row.name)
    return Message(row.id, row.seq, row.at, row.kind, *whom, sender, row.sender, row.user_name, row.body)
