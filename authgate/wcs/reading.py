"""What a node answers -> its connections and streams; only what can be read, and never more than is needed.

The media server prints null for what it does not know, and text where a number or a truth value is meant
(reference, 8.2), so all of that is taken as it is meant. What is no list of objects at all is no answer.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Value = TypeVar("Value")

_PAUSE = 200  # objects, after which others have their turn: a list of ten thousand takes a tenth of a second


@dataclass(frozen=True, slots=True)
class WcsConnection:
    """A client's connection, as its node tells."""

    session: str  # sessionId
    app_key: str = ""
    node: str = ""  # nodeId; "": it does not say, as is usual
    status: str = ""


@dataclass(frozen=True, slots=True)
class WcsStream:
    """A stream that is published or played, as its node tells."""

    media: str  # mediaSessionId
    session: str = ""  # sessionId; "": of no client, such as one that another server sends
    app_key: str = ""
    node: str = ""  # nodeId; "": it does not say, as is usual
    name: str = ""
    published: bool = False
    status: str = ""
    created_at: int | None = None  # milliseconds since the epoch


@dataclass(frozen=True, slots=True)
class WcsCall:
    """A call that goes on, as its node tells."""

    call: str  # callId
    session: str = ""  # sessionId; "": it does not say
    status: str = ""


class Unreadable(ValueError):
    """An answer is no list of objects; its words hold nothing of the answer."""


async def read_list(body: bytes, read: Callable[[dict[str, Any]], Value | None]) -> list[Value]:
    """Each object of a JSON list as ``read`` has it; those of which it makes nothing are left out.

    Raises:
        Unreadable: it is no such list, or there is nothing in it that can be read.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("is not UTF-8") from None
    found: list[Value] = []
    count, at = 0, _skip(text, 0)
    if text[at : at + 1] != "[":
        raise Unreadable("is not a JSON list")
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        element, at = _element(text, at)
        count += 1
        value = read(element) if isinstance(element, dict) else None
        if value is not None:
            found.append(value)
        at = _skip(text, at)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
            if text[at : at + 1] == "]":
                raise Unreadable("is not JSON")
        elif text[at : at + 1] != "]":
            raise Unreadable("is not JSON, or breaks off")
        if count % _PAUSE == 0:
            await asyncio.sleep(0)
    if text[at + 1 :].strip(_WHITE):
        raise Unreadable("is not JSON")
    if count and not found:
        raise Unreadable("is a list of what cannot be read")
    return found


def connection_of(fields: dict[str, Any]) -> WcsConnection | None:
    """A Connection object; None where it has no sessionId."""
    session = text_of(fields.get("sessionId"))
    if not session:
        return None
    app_key, node, status = (text_of(fields.get(name)) for name in ("appKey", "nodeId", "status"))
    return WcsConnection(session, app_key, node, status)


def stream_of(fields: dict[str, Any]) -> WcsStream | None:
    """A Stream object; None where it has no mediaSessionId."""
    media = text_of(fields.get("mediaSessionId"))
    if not media:
        return None
    session, app_key, node, name, status = (
        text_of(fields.get(each)) for each in ("sessionId", "appKey", "nodeId", "name", "status")
    )
    published, created = truth_of(fields.get("published")), number_of(fields.get("createDate"))
    if "published" not in fields:
        published = text_of(fields.get("mediaType")).lower() == "publish"
    return WcsStream(media, session, app_key, node, name, published, status, created)


def call_of(fields: dict[str, Any]) -> WcsCall | None:
    """A Call object; None where it has no callId."""
    call, session, status = (text_of(fields.get(each)) for each in ("callId", "sessionId", "status"))
    return WcsCall(call, session, status) if call else None


def text_of(value: object) -> str:
    """Text as it is, a number as its digits, and "" for everything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def truth_of(value: object) -> bool:
    """Whether true is meant: by true itself, or in text."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def number_of(value: object) -> int | None:
    """The whole number that is meant, also in text; None where that is none, or none that could be a time."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62 else None


def _element(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):  # also a number of more than 4,300 digits
        raise Unreadable("is not JSON, or breaks off") from None


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _WHITE:
        at += 1
    return at


_WHITE = " \t\r\n"
_DECODER = json.JSONDecoder()
