"""What the media server makes of an answer (its manual, "Error handling" and "restClientConfig object description")."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from authgate.gateway import AppWire
from authgate.model import Kind, Method, Reply, Session


class Standing(Enum):
    """Whether it is known what the media server was told when a hook's session was opened."""

    TODAY = "today"  # what it would be told now
    OLDER = "older"  # something else
    UNKNOWN = "unknown"  # the session is not in the store
    NONE = "none"  # there is no session, or it is only being opened


@dataclass(frozen=True, slots=True)
class MethodTold:
    """What the media server is told of one method."""

    method: str
    fail: bool  # whether it obeys a refusal
    overwrite: tuple[str, ...]  # fields that it takes from the answer
    hidden: tuple[str, ...]  # fields that it keeps from the client
    unsent: tuple[str, ...]  # fields that it keeps from us


def told(wire: AppWire) -> dict[str, MethodTold]:
    """What an application's sessions are opened with, by method."""
    return {
        name: MethodTold(
            name,
            each["restOnError"] == "FAIL",
            _list(each["restOverwrite"]) if each["restPolicy"] == "OVERWRITE" else (),
            _list(each["clientExclude"]),
            _list(each["restExclude"]),
        )
        for name, each in json.loads(wire.rest_client_config).items()
    }


def standing(method: Method, session: Session | None, wire: AppWire) -> Standing:
    """What is known of the configuration of a hook's session; ``wire`` is today's of the session's application."""
    if method.kind is Kind.CONNECT or method.sessionless:
        return Standing.NONE
    if session is None:
        return Standing.UNKNOWN
    return Standing.TODAY if session.config == wire.digest else Standing.OLDER


def outlook(
    method: Method, answer: Reply, changed: Sequence[str], here: MethodTold | None, where: Standing
) -> tuple[str, ...]:
    """What comes of an answer, a sentence each; ``here`` is what new sessions are told of the method."""
    if method.kind is Kind.CONNECT:
        return tuple(_connect(answer))
    if method.sessionless:
        return (_player(method, answer),)
    if method.kind is Kind.EVENT and not method.refusable:
        return ("it has happened, and the media server goes on whatever the answer says",)
    if answer.status == 200:
        return tuple(_allowed(method, changed, here, where))
    return tuple(_refused(method, answer, here, where))


def _connect(answer: Reply) -> Iterator[str]:
    if answer.status == 200:
        yield "the session is opened, and the media server keeps to the restClientConfig of this answer until it ends"
    else:
        yield f"the session is not opened: the client sees FAILED{_reading(answer)}, and its connection is closed"


def _player(method: Method, answer: Reply) -> str:
    if answer.status == 200:
        return "the player is served"
    if method.name == "playRTSP":
        return "the player's connection is dropped"
    return "the player gets 401, and no playlist"


def _allowed(method: Method, changed: Sequence[str], here: MethodTold | None, where: Standing) -> Iterator[str]:
    if not changed:
        yield "the operation goes on"
        return
    taken = [name for name in changed if here is not None and name in here.overwrite]
    if taken:
        yield f"the operation goes on with {', '.join(taken)} as the answer has it (OVERWRITE)"
    if left := [name for name in changed if name not in taken]:
        yield f"of {method.name} the media server takes nothing from the answer: {', '.join(left)} stays as it was"
    yield from _doubts(where, f"OVERWRITE for {method.name}", "what the answer changes is ignored")


def _refused(method: Method, answer: Reply, here: MethodTold | None, where: Standing) -> Iterator[str]:
    if here is None:
        yield (
            f"the media server is told nothing of {method.name}, and by itself it only logs the {answer.status}: "
            "the operation goes on"
        )
    elif here.fail:
        yield f"{_broken_off(method, answer)}: its restClientConfig says FAIL for {method.name}"
        yield from _doubts(where, f"FAIL for {method.name}", f"the {answer.status} is only logged")
    else:
        yield (
            f"its restClientConfig says LOG for {method.name}: the {answer.status} is only logged, "
            "and the operation goes on"
        )


def _broken_off(method: Method, answer: Reply) -> str:
    what, sees = _OUTCOMES.get(method.name, _OUTCOMES[""])
    if method.kind is Kind.INCOMING:
        what, sees = "it is not delivered", "the caller gets an error and the client a warning"
    return f"{what}; {sees.format(reading=_reading(answer))}"


def _doubts(where: Standing, setting: str, otherwise: str) -> Iterator[str]:
    """What may come otherwise, where the session was told something else than sessions are told now."""
    if where is Standing.OLDER:
        yield f"but this session was opened under older rules: if it was not told {setting}, {otherwise}"
    elif where is Standing.UNKNOWN:
        yield f"but this session is not in the store: if its connect was not told {setting}, {otherwise}"


_OUTCOMES: Mapping[str, tuple[str, str]] = {
    "publishStream": ("the stream is not published", "the client sees it FAILED{reading}"),
    "playStream": ("the stream is not played", "the client sees it FAILED{reading}"),
    "call": ("the call is not made", "the client sees FAILED{reading}"),
    "OnDataEvent": ("the data goes no further", "the client sees it FAILED"),
    "StreamKeepAliveEvent": ("the stream is ended", "the client sees it FAILED"),
    "": ("the operation is broken off", "the client sees FAILED{reading}"),
}


def _reading(answer: Reply) -> str:
    """The words of a refusal, which the client may read."""
    found: Any = json.loads(answer.body)
    text = found.get("reason") if isinstance(found, dict) else None
    return f" '{text}'" if text else ""


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()
