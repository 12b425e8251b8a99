"""Record -> Event: what has happened, as it is told to whoever listens. A record holds no secrets, nor does this."""

import json
import time
from datetime import UTC, datetime
from typing import Any

from authgate.hooks.methods import METHODS
from authgate.model import Kind, Record

# What kind of event a record is, by method, status and verdict; in the order in which docs/events.md explains them.
KINDS = (
    "session.opened",
    "session.refused",
    "session.closed",
    "session.state",
    "stream.started",
    "stream.stopped",
    "stream.state",
    "stream.alive",
    "call.started",
    "call.ended",
    "call.state",
    "hook.allowed",
    "hook.refused",
    "hook.reported",
)
FAMILIES = tuple(dict.fromkeys(kind.partition(".")[0] for kind in KINDS))

# Vendor's manual, "Event statuses". A status that nobody knows is a state.
_KIND_BY_STATUS = {
    "ConnectionStatusEvent": ("session", {"FAILED": "closed", "DISCONNECTED": "closed"}),
    "StreamStatusEvent": (
        "stream",
        {"PUBLISHING": "started", "PLAYING": "started"}
        | dict.fromkeys(("UNPUBLISHED", "STOPPED", "FAILED", "DISCONNECTED"), "stopped"),
    ),
    "CallStatusEvent": ("call", {"ESTABLISHED": "started", "FINISH": "ended", "FAILED": "ended", "BUSY": "ended"}),
}
# What authgate has found out by itself, see store.unsaid.
_UNSAID = {
    "session.lost": "session.closed",
    "session.found": "session.opened",
    "stream.lost": "stream.stopped",
    "stream.found": "stream.started",
    "call.lost": "call.ended",
}
_OF_STREAMS = (
    "publishStream unPublishStream playStream pauseStream stopStream snapshot availableStream sendStreamEvent "
    "playHLS playRTSP StreamStatusEvent StreamEvent StreamKeepAliveEvent RecordingStatusEvent stream.lost stream.found"
)
STREAM_METHODS = frozenset(_OF_STREAMS.split())  # whose subject is the name of a stream


def kind_of(record: Record) -> str:
    """The kind of event that a record is: one of ``KINDS``."""
    if record.method in _UNSAID:
        return _UNSAID[record.method]
    if record.method == "connect":
        return "session.opened" if record.allowed else "session.refused"
    if not record.allowed:
        return "hook.refused"
    if record.method == "StreamKeepAliveEvent":
        return "stream.alive"
    if record.method in _KIND_BY_STATUS:
        family, known = _KIND_BY_STATUS[record.method]
        return f"{family}.{known.get(record.status, 'state')}"
    known_method = METHODS.get(record.method)
    happened = known_method.kind is Kind.EVENT if known_method else record.method.endswith("Event")
    return "hook.reported" if happened else "hook.allowed"


def stream_of(record: Record) -> str | None:
    """The name of the stream that a record is about; None: it is about none."""
    return record.subject if record.method in STREAM_METHODS and record.subject else None


class Event:
    """A record with its place among all; written down once, however many read it."""

    __slots__ = ("_json", "_sse", "id", "kind", "record")

    def __init__(self, id_: int, record: Record) -> None:
        self.id = id_
        self.kind = kind_of(record)
        self.record = record
        self._json: bytes | None = None
        self._sse: bytes | None = None

    @property
    def json(self) -> bytes:
        """One JSON object, in ASCII."""
        if self._json is None:
            self._json = dumped(fields(self))
        return self._json

    @property
    def sse(self) -> bytes:
        """The same as a message of Server-Sent Events."""
        if self._sse is None:
            self._sse = b"id: %d\ndata: %s\n\n" % (self.id, self.json)
        return self._sse


class Note(Event):
    """What is told of the feed itself, not of a record; ``id`` is where the reader is now."""

    __slots__ = ("at", "told")

    def __init__(self, id_: int, kind: str, **more: object) -> None:
        self.id = id_
        self.kind = kind
        self.at = time.time_ns() // 1_000_000  # milliseconds since the epoch
        self.told = {"id": id_, "kind": kind, "at": iso(self.at), **more}
        self._json = dumped(self.told)
        self._sse = None


def fields(event: Event) -> dict[str, Any]:
    """The fields of an event, as docs/events.md explains them."""
    record = event.record
    return {
        "id": event.id,
        "kind": event.kind,
        "at": iso(record.at),
        "node": record.key.node,
        "session": record.key.session,
        "app": record.app_key,
        "method": record.method,
        "user": record.user,
        "verdict": "allowed" if record.allowed else "rejected",
        "reason": record.reason.value,
        "rule": record.rule,
        "status": record.status,
        "subject": record.subject,
        "stream": stream_of(record),
        "record": record.id,
    }


def iso(milliseconds: int) -> str:
    """A time since the epoch as ISO 8601 in UTC; what lies outside of all calendars becomes the nearest there is."""
    seconds = min(max(milliseconds, 0), _LATEST) / 1000
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_LATEST = 253_402_300_799_000  # the last second of the year 9999


def dumped(value: dict[str, Any]) -> bytes:
    """JSON on one line, in ASCII: there is nothing in it that could end a line of the stream."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")
