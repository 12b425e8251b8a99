"""The payload of ``sendData`` -> what its sender asks for; what it says of itself is not looked at."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from authgate.errors import BadName
from authgate.model import Reason
from authgate.names import canonical
from authgate.signals.options import SignallingOptions

MAX_ROOM = 64  # characters
MAX_STREAM = 255  # characters
SESSION_ID = re.compile(r"[a-z2-7]{26}")  # of a sender, as its messages carry it
Verb = Literal["nothing", "send", "join", "leave", "who"]
_VERBS: Mapping[str, Verb] = {"to": "send", "join": "join", "leave": "leave", "who": "who"}
_ESCAPED = 6  # bytes that may stand for one in what was received
_BESIDE = 8192  # bytes of a hook beside its payload


@dataclass(frozen=True, slots=True)
class Asked:
    """What a payload asks for; what is no message of ours asks for nothing."""

    verb: Verb
    to: str = ""  # session, user, app, stream or room
    name: str = ""  # of the addressee
    body: str = field(default="", repr=False)  # JSON


def read(payload: Any, received: int, options: SignallingOptions) -> Asked | Reason:
    """What a payload asks for, or why it is refused: its size, its depth, its form.

    ``received`` is how many bytes the whole hook had: of what is far too long, no more is looked at.
    """
    if received > options.max_bytes * _ESCAPED + _BESIDE or _depth_over(payload, options.max_depth):
        return Reason.SIGNAL_TOO_LARGE
    if len(_dumped(payload)) > options.max_bytes:
        return Reason.SIGNAL_TOO_LARGE
    if not isinstance(payload, dict):
        return Asked("nothing")
    verbs = [verb for verb in _VERBS if verb in payload]
    if not verbs:
        return Asked("nothing")
    if len(verbs) > 1:
        return Reason.SIGNAL_MALFORMED
    given, verb = payload[verbs[0]], _VERBS[verbs[0]]
    if verb != "send":
        room = _canonical(given, MAX_ROOM)
        return Reason.SIGNAL_MALFORMED if room is None else Asked(verb, "room", room)
    if "body" not in payload or not isinstance(given, dict) or len(given) != 1:
        return Reason.SIGNAL_MALFORMED
    found = address(given)
    if found is None:
        return Reason.SIGNAL_MALFORMED
    return Asked(verb, *found, _dumped(payload["body"]).decode())


def address(given: Mapping[str, Any]) -> tuple[str, str] | None:
    """The kind of an addressee and its name, as both are stored; None: it is none."""
    [(kind, name)] = given.items()
    if kind == "app":
        return ("app", "") if name is True else None
    if not isinstance(name, str):
        return None
    found: str | None = None
    match kind:
        case "room":
            found = _canonical(name, MAX_ROOM)
        case "user":
            found = _canonical(name)
        case "stream":
            found = name if 0 < len(name) <= MAX_STREAM and name.isprintable() else None
        case "session":
            found = name if SESSION_ID.fullmatch(name) else None
    return None if found is None else (kind, found)


def _canonical(name: Any, most: int | None = None) -> str | None:
    """A name in the one form in which it is compared, as names of users are."""
    if not isinstance(name, str):
        return None
    try:
        found = canonical(name)
    except BadName:
        return None
    return found if most is None or len(found) <= most else None


def _dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _depth_over(value: Any, most: int) -> bool:
    """Whether it is nested deeper than so many levels; text or a number by itself has none."""
    level = [each for each in (value,) if isinstance(each, dict | list)]
    for _ in range(most):
        inside = (each.values() if isinstance(each, dict) else each for each in level)
        level = [inner for values in inside for inner in values if isinstance(inner, dict | list)]
    return bool(level)
