"""Delivery -> Hook: strict where a decision could depend on it, and nothing is thrown away."""

import json
import math
import re
from typing import Any

from authgate.errors import BadHook
from authgate.hooks.methods import method
from authgate.model import Delivery, Hook, Kind, SessionKey

MAX_DEPTH = 200  # levels of nesting; the media server's own parser stops at 1,000
MAX_NODE = 128  # characters of nodeId
MAX_SESSION = 255  # characters of sessionId
MAX_APP = 128  # characters of appKey

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def parse(delivery: Delivery) -> Hook:
    """The hook in a delivery.

    Raises:
        BadHook: not UTF-8, not one JSON object, with a key twice, a number that is none, half a
            character, too deep, or without what its method needs.
    """
    of = method(delivery.method)
    fields = read_object(delivery.body)
    app_key = _key(fields, "appKey", MAX_APP)
    key = SessionKey(_key(fields, "nodeId", MAX_NODE), _key(fields, "sessionId", MAX_SESSION))
    if of.kind is Kind.CONNECT and not (app_key and key.session):
        raise BadHook("connect needs appKey and sessionId")
    return Hook(of, app_key, key, fields, delivery.body)


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in these bytes (RFC 8259), read more strictly than the standard library does.

    Raises:
        BadHook: as for ``parse``.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise BadHook("the body is not UTF-8") from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise BadHook(f"the body is nested more than {MAX_DEPTH} levels deep")
    try:
        fields = _DECODER.decode(text)
    except ValueError:  # also a number of more than 4,300 digits
        raise BadHook("the body is not JSON") from None
    if not isinstance(fields, dict):
        raise BadHook("the body is not a JSON object")
    if _SURROGATE.search(body):
        try:
            json.dumps(fields, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise BadHook("the body holds half a character (a lone surrogate)") from None
    return fields


def _key(fields: dict[str, Any], name: str, most: int) -> str:
    """A field that tells sessions apart; absent and null are one, as they are on the media server."""
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadHook(f"{name} is not text")
    if len(value) > most:
        raise BadHook(f"{name} has more than {most} characters")
    if not value.isprintable():
        raise BadHook(f"{name} holds a control character")
    return value


def _depth(text: str) -> int:
    """How deep brackets are nested, leaving out those inside strings."""
    deepest = depth = 0
    for bracket in _BRACKETS.findall(text):
        if bracket in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif bracket in "]}":
            depth -= 1
    return deepest


# A string, closed or not, or a bracket; possessive, so that no text takes longer than its length.
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BadHook("the body holds a key twice")
    return value


def _constant(name: str) -> Any:
    raise BadHook(f"the body holds {name}, which is not JSON")


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise BadHook("the body holds a number that is too large")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
