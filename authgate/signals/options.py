"""The options of signalling: who may send to whom, and how much."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge, Gt, Le

from authgate.errors import BadName
from authgate.model import SignalLimits
from authgate.names import canonical
from authgate.patterns import Pattern

MAX_BYTES = 32_768  # of a payload: what every store holds in one column, whatever is escaped in it


@dataclass(frozen=True, slots=True)
class SignallingOptions:
    """Section ``[signalling]``: what the data that clients send is held to, and how it is delivered."""

    max_bytes: Annotated[int, Ge(64), Le(MAX_BYTES)] = 8192  # of a payload, as JSON
    max_depth: Annotated[int, Ge(1), Le(100)] = 16  # levels of nesting
    per_session: Annotated[float, Gt(0), Le(10_000)] = 10.0  # messages a second, on average
    per_session_burst: Annotated[int, Ge(1), Le(100_000)] = 20  # messages at once
    per_user: Annotated[float, Gt(0), Le(10_000)] = 20.0  # messages a second, of all sessions of a user
    per_user_burst: Annotated[int, Ge(1), Le(100_000)] = 40
    max_addressees: Annotated[int, Ge(1), Le(100_000)] = 1000  # sessions that one message may reach
    max_rooms: Annotated[int, Ge(1), Le(1000)] = 8  # that one session may be in
    queue: Annotated[int, Ge(1), Le(100_000)] = (
        1000  # messages that may wait to be delivered, in all processes together
    )
    batch: Annotated[int, Ge(1), Le(1000)] = 100  # sessions in one /data/send; 1 where the media server takes but one
    ttl: Annotated[int, Ge(1), Le(3600)] = 30  # seconds after which a message that waits is given up

    @property
    def limits(self) -> SignalLimits:
        """What is looked at where a message is written down."""
        return SignalLimits(
            self.per_session,
            self.per_session_burst,
            self.per_user,
            self.per_user_burst,
            self.max_addressees,
            self.max_rooms,
            self.queue,
        )


@dataclass(frozen=True, slots=True)
class Addressees:
    """Option ``to`` of a ``[[signals]]`` section: to whom may be sent, always within the sender's application."""

    rooms: tuple[str, ...] = ()  # patterns; a sender must be in the room
    users: tuple[str, ...] = ()  # patterns of canonical names
    streams: tuple[str, ...] = ()  # patterns; everybody who plays or publishes it
    sessions: bool = False  # one session, by the id that its messages carry
    app: bool = False  # everybody in the sender's application

    def __post_init__(self) -> None:
        if faults := [*_patterns("rooms", self.rooms), *_patterns("users", self.users)]:
            raise ValueError("\n".join(faults))
        if faults := [*_patterns("streams", self.streams)]:
            raise ValueError("\n".join(faults))

    @property
    def nobody(self) -> bool:
        """Whether nothing may be sent at all."""
        return not (self.rooms or self.users or self.streams or self.sessions or self.app)


@dataclass(frozen=True, slots=True)
class SignalOptions:
    """A ``[[signals]]`` section: which clients may send what to whom, and which rooms they may join.

    Every condition that is given must hold. What no section allows is refused.
    """

    name: str  # for people
    apps: tuple[str, ...] = ()  # appKeys; (): every one
    users: tuple[str, ...] = ()  # patterns of canonical names; (): everybody who has a session
    groups: tuple[str, ...] = ()  # of the store, or of the token
    join: tuple[str, ...] = ()  # patterns of rooms that may be joined
    to: Addressees = field(default_factory=Addressees)

    def __post_init__(self) -> None:
        faults = []
        if not self.name.strip() or not self.name.isprintable():
            faults.append("name: must be text that can be seen")
        faults += [*_patterns("users", self.users), *_patterns("join", self.join)]
        for group in self.groups:
            try:
                canonical(group)
            except BadName as fault:
                faults.append(f"groups: {fault}")
        for app in self.apps:
            if not app.strip() or {*"*?"} & {*app}:
                faults.append(f"apps: {app!r} would be one of this very name; patterns are for names and users alone")
        if self.to.nobody and not self.join:
            faults.append("to: neither it nor join allows anything; say to whom may be sent, or remove the section")
        if faults:
            raise ValueError("\n".join(faults))


def applications(sections: Iterable[SignalOptions]) -> tuple[str, ...]:
    """The applications that these sections speak of; "" is every one."""
    return tuple(app for each in sections for app in each.apps or ("",))


def _patterns(option: str, texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        try:
            Pattern(text)
        except ValueError as fault:
            yield f"{option}: {fault}"
