"""What a batch of signals comes to, before anything of it is written: who owes what, who is where, what is sent."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from authgate.model import Reason, SessionKey, Signal

_SECOND = 1_000_000  # in microseconds


class Member(NamedTuple):
    """A session in a room."""

    app_key: str
    room: str
    key: SessionKey
    opened_at: int  # milliseconds since the epoch


class Signalled:
    """Takes one signal after the other, in the order in which they came."""

    def __init__(
        self,
        key: bytes,
        owed: dict[str, int],
        members: set[Member],
        count: Callable[[str, str, str, int], int],
        waiting: int,
        last: int,
    ) -> None:
        """``owed`` says until when what a sender has sent is not paid for, in microseconds since the epoch.

        ``members`` has the rooms of all senders; ``count`` says how many sessions an addressee is, up to a limit;
        ``waiting`` is how many messages wait, and ``last`` the last number that one of them has.
        """
        self._key = key
        self._owed = owed
        self._members = members
        self._count = count
        self._waiting = waiting
        self._last = last
        self.owes: dict[str, tuple[object, ...]] = {}
        self.joined: dict[Member, tuple[object, ...]] = {}
        self.left: set[Member] = set()
        self.rows: list[tuple[object, ...]] = []

    def take(self, signal: Signal) -> Reason | None:
        """Do what a signal asks for, or say why not."""
        if not self._pay(signal):
            return Reason.SIGNAL_TOO_FAST
        member = Member(signal.app_key, signal.name, signal.sender, signal.opened_at)
        inside = member in self._members
        match signal.verb:
            case "join":
                return self._join(signal, member, inside=inside)
            case "leave":
                if inside:
                    self._members.discard(member)
                    self.joined.pop(member, None)
                    self.left.add(member)
                    self._message(signal, "left", "room", signal.name)
            case "who":
                if not inside:
                    return Reason.SIGNAL_NOT_IN_ROOM
                return self._queue(signal, "members", "session", self._sender(signal), signal.name)
            case "send":
                if signal.to == "room" and not inside:
                    return Reason.SIGNAL_NOT_IN_ROOM
                if signal.to != "session":
                    most = signal.limits.addressees
                    if self._count(signal.app_key, signal.to, signal.name, most + 1) > most:
                        return Reason.SIGNAL_TOO_MANY_ADDRESSEES
                return self._queue(signal, "sent", signal.to, signal.name, signal.body)
        return None

    def _join(self, signal: Signal, member: Member, *, inside: bool) -> Reason | None:
        mine = sum(each.key == member.key and each.opened_at == member.opened_at for each in self._members)
        if not inside and mine >= signal.limits.rooms:
            return Reason.SIGNAL_ROOMS_EXCEEDED
        sender = self._sender(signal)
        if reason := self._queue(signal, "members", "session", sender, signal.name):
            return reason
        if not inside:
            self._members.add(member)
            self.left.discard(member)
            place = (member.app_key, member.room, *member.key)
            self.joined[member] = (*place, member.opened_at, sender, signal.user, signal.at)
            self._message(signal, "joined", "room", signal.name)
        return None

    def _sender(self, signal: Signal) -> str:
        return sender_id(self._key, signal.sender, signal.opened_at)

    def _queue(self, signal: Signal, kind: str, to: str, name: str, body: str) -> Reason | None:
        if self._waiting >= signal.limits.queue:
            return Reason.SIGNAL_QUEUE_FULL
        self._message(signal, kind, to, name, body)
        return None

    def _message(self, signal: Signal, kind: str, to: str, name: str, body: str = "") -> None:
        self._last += 1
        self._waiting += 1
        number = signal.operation or f"{signal.at} {self._last}"
        of = (kind, *signal.sender, str(signal.opened_at), number)
        row = (_mark(self._key, "message", *of), self._last, signal.at, None, kind, signal.app_key, to, name)
        self.rows.append((*row, *signal.sender, self._sender(signal), signal.user, body))

    def _pay(self, signal: Signal) -> bool:
        """Count a signal, unless its session or its user has sent too many."""
        limits, now = signal.limits, signal.at * 1000
        rates = ((limits.per_session, limits.per_session_burst), (limits.per_user, limits.per_user_burst))
        paid: dict[str, int] = {}
        for name, (rate, burst) in zip(accounts(self._key, signal), rates, strict=False):
            costs = _SECOND / rate
            begin = max(self._owed.get(name, 0), now)
            if begin - now > (burst - 1) * costs:
                return False
            paid[name] = int(begin + costs)
        for name, until in paid.items():
            self._owed[name] = until
            of_user = name.startswith(_USER)
            self.owes[name] = (name, until, *((None, None, None) if of_user else (*signal.sender, signal.opened_at)))
        return True


def accounts(key: bytes, signal: Signal) -> Iterator[str]:
    """What counts as one sender: the session, and its user over all sessions."""
    yield sender_id(key, signal.sender, signal.opened_at)
    if signal.user is not None:
        yield _USER + _mark(key, "user", signal.user)


def sender_id(key: bytes, sender: SessionKey, opened_at: int) -> str:
    """The id under which others know a session: it tells nothing of where the client is, and nobody can guess it."""
    return _mark(key, "session", *sender, str(opened_at))


def _mark(key: bytes, *parts: str) -> str:
    """26 letters and digits that stand for these."""
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(text, digest_size=16, key=key).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


_USER = "user:"
