"""What goes on: sessions by their keys, and the streams and calls in them, as values."""

from enum import StrEnum
from typing import NamedTuple

from authgate.value import value


class SessionKey(NamedTuple):
    """A client's connection: unique among all nodes for as long as it is open."""

    node: str  # nodeId, "" where the media server sent none
    session: str  # sessionId, "" where the hook belongs to no session


class MediaKey(NamedTuple):
    """A stream that somebody publishes or plays: of its session, or of none where that is ""."""

    node: str
    session: str
    media: str  # mediaSessionId


class CallKey(NamedTuple):
    """A call of a session."""

    node: str
    session: str
    call: str  # callId


class Over(StrEnum):
    """Why something is over. The values are stored."""

    TOLD = "told"  # the media server said so
    FAILED = "failed"  # it said that the connection could not be made
    REJECTED = "rejected"  # whoever opens it is not let in
    ENDED = "ended"  # by us
    LOST = "lost"  # the media server does not have it any more, and has not said so


@value(frozen=True, slots=True)
class Ending:
    """That something is to be ended at the media server, and how far that is."""

    at: int  # milliseconds since the epoch: when that was ordered
    reason: str
    tries: int = 0
    next_at: int = 0  # milliseconds since the epoch
    error: str = ""  # of the last try


@value(frozen=True, slots=True)
class Stream:
    """A stream that is being published or played."""

    key: MediaKey
    app_key: str
    name: str  # as the media server has it, without secrets; "" where nothing has told yet
    published: bool | None  # False: it is played; None: nothing has told yet
    status: str
    since: int  # milliseconds since the epoch
    seen_at: int  # milliseconds since the epoch: the last hook about it
    user: str | None = None  # of its session
    ending: Ending | None = None


@value(frozen=True, slots=True)
class Call:
    """A call that is going on."""

    key: CallKey
    app_key: str
    caller: str
    callee: str
    incoming: bool | None  # None: nothing has told yet
    status: str
    since: int  # milliseconds since the epoch
    seen_at: int  # milliseconds since the epoch: the last hook about it
    user: str | None = None  # of its session


@value(frozen=True, slots=True)
class StreamNews:
    """A change of the table of streams: what a hook tells of one."""

    key: MediaKey
    app_key: str
    at: int  # milliseconds since the epoch
    name: str  # "": it does not say
    published: bool | None  # None: it does not say
    status: str  # "": nothing new
    over: bool = False
    kept: bool = False  # whether it is a keep-alive


@value(frozen=True, slots=True)
class CallNews:
    """A change of the table of calls: what a hook tells of one."""

    key: CallKey
    app_key: str
    at: int  # milliseconds since the epoch
    caller: str  # "": it does not say
    callee: str  # "": it does not say
    incoming: bool | None  # None: it does not say
    status: str  # "": nothing new
    over: bool = False
