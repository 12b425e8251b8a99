"""Delivery -> Hook: strict where a decision could depend on it, and nothing is thrown away."""

from typing import Any

from authgate.errors import BadHook
from authgate.hooks.methods import method
from authgate.model import Delivery, Hook, Kind, SessionKey
from authgate.strictjson import read_object

MAX_NODE = 128  # characters of nodeId
MAX_SESSION = 255  # characters of sessionId
MAX_APP = 128  # characters of appKey


def parse(delivery: Delivery) -> Hook:
    """The hook in a delivery.

    Raises:
        BadHook: no JSON object that can be read in one way only, or without what its method needs.
    """
    of = method(delivery.method)
    try:
        fields = read_object(delivery.body)
    except ValueError as fault:
        raise BadHook(f"the body {fault}") from None
    app_key = _key(fields, "appKey", MAX_APP)
    key = SessionKey(_key(fields, "nodeId", MAX_NODE), _key(fields, "sessionId", MAX_SESSION))
    if of.kind is Kind.CONNECT and not (app_key and key.session):
        raise BadHook("connect needs appKey and sessionId")
    return Hook(of, app_key, key, fields, delivery.body)


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
