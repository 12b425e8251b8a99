"""Which names a hook carries, by method: what rules match, what grants are about, what rewrites may not touch."""

import re
from collections.abc import Mapping
from typing import Any

from authgate.hooks.methods import METHODS
from authgate.model import Hook, Kind, Method

_STREAM = ("name",)
_CALL = ("callee", "caller", "visibleName")

# Method -> the fields that name something, the first one being what the hook is about (vendor's manual, "The list
# of methods and their parameters"; of messages and subscriptions, the fields of the vendor's older client).
NAMES: Mapping[str, tuple[str, ...]] = {
    "connect": ("sipLogin", "sipDomain", "login"),
    "publishStream": _STREAM,
    "unPublishStream": _STREAM,
    "playStream": _STREAM,
    "pauseStream": _STREAM,
    "stopStream": _STREAM,
    "snapshot": _STREAM,
    "availableStream": _STREAM,
    "playHLS": _STREAM,
    "playRTSP": _STREAM,
    "StreamKeepAliveEvent": _STREAM,
    "call": _CALL,
    "answer": ("callee",),
    "transfer": ("target",),
    "sendMessage": ("to", "from"),
    "subscribe": ("event",),
    "sendXcapRequest": ("url",),
    "OnCallEvent": ("caller", "callee", "visibleName"),
    "OnTransferEvent": ("caller", "callee", "target"),
    "OnMessageEvent": ("from", "to"),
}

# What a grant allows -> the methods that do it. A still, a playlist and the question whether a stream is there show
# as much as playing does, and a transfer reaches whom a call reaches.
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "publish": ("publishStream", "unPublishStream"),
    "play": ("playStream", "pauseStream", "stopStream", "snapshot", "availableStream", "playHLS", "playRTSP"),
    "call": ("call", "transfer"),
    "message": ("sendMessage",),
    "data": ("OnDataEvent",),
    "receive": ("OnCallEvent", "OnTransferEvent", "OnMessageEvent"),
}
ACTION_OF: Mapping[str, str] = {method: action for action, methods in ACTIONS.items() for method in methods}

# How the media server knows what it is talking of: to change one of these in an answer would confuse it.
FIXED = (
    "nodeId",
    "appKey",
    "sessionId",
    "mediaSessionId",
    "callId",
    "parentCallId",
    "operationId",
    "id",
    "status",
    "authToken",
    "restClientConfig",
)

LOGIN_FIELDS = ("sipLogin", "login")  # in which a client may have typed anything, its password too
SECRET_FIELDS = ("sipPassword",)  # of which nobody is shown a value

# Hook -> the events that tell the client of what came of it, with the fields that the hook had.
EVENTS_AFTER: Mapping[str, tuple[str, ...]] = {
    "connect": ("ConnectionStatusEvent", "RegistrationStatusEvent"),
    **dict.fromkeys(
        (*ACTIONS["publish"], *ACTIONS["play"], "sendStreamEvent"),
        ("StreamStatusEvent", "StreamEvent", "StreamKeepAliveEvent", "RecordingStatusEvent"),
    ),
    **dict.fromkeys(
        ("call", "answer", "hold", "unhold", "hangup", "transfer", "sendDtmf", "OnCallEvent", "OnTransferEvent"),
        ("CallStatusEvent", "TransferStatusEvent", "RecordingStatusEvent"),
    ),
    **dict.fromkeys(("sendMessage", "sendIMDN", "OnMessageEvent"), ("MessageStatusEvent",)),
    "subscribe": ("SubscriptionStatusEvent",),
    "sendXcapRequest": ("XcapStatusEvent",),
    "OnDataEvent": ("DataStatusEvent",),
}

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")  # nothing that would end an entry of a list of fields


def may_name(method: Method, field: str) -> bool:
    """Whether hooks of this method can carry a field that a rule wants to match."""
    if field.startswith("custom."):
        return True
    known = NAMES.get(method.name)
    return field in known if known is not None else not method.known


def name_of(hook: Hook) -> str:
    """What a hook is about, as a grant names it: a stream, a callee; of data, the application. "" for nothing."""
    if hook.method.name == "OnDataEvent":
        return hook.app_key
    field = main_field(hook.method)
    return text_at(hook, field) if field else ""


def main_field(method: Method) -> str:
    """The field that says what hooks of a method are about, "" where there is none."""
    names = NAMES.get(method.name)
    return names[0] if names else ""


def text_at(hook: Hook, field: str) -> str:
    """A field that a rule matches, as text: a dotted path leads into ``custom``. "" where there is none.

    A player of RTSP names a stream by its address; its path is the stream (older builds: ``rtspUrl``).
    """
    value: Any = hook.fields
    for step in field.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if hook.method.name == "playRTSP" and field == "name":
        if value is None:
            value = hook.fields.get("rtspUrl")
        return _path(value) if isinstance(value, str) else ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)


def is_odd(hook: Hook, field: str) -> bool:
    """Whether something stands in a field that rules match which is no text and no integer, or in the way to it.

    What others make of it, nobody knows: some take a list of one text for that text.
    """
    value: Any = hook.fields
    for step in field.split("."):
        if value is None:
            return False
        if not isinstance(value, dict):
            return True
        value = value.get(step)
    return isinstance(value, bool) or not isinstance(value, str | int | None)


def _path(address: str) -> str:
    scheme, slashes, rest = address.partition("://")
    if not slashes or not scheme.isalpha():
        return address.partition("?")[0].lstrip("/")
    host, _, rest = rest.partition("/")
    path, _, query = rest.partition("?")
    if not path or not host.isascii() or any(mark in host for mark in "%\\?#"):
        return address  # somebody may see a path in what stands here for the host: the patterns read it in every way
    # Whoever does not cut the query off first would be led elsewhere by one such as "?/../other".
    odd = any(mark in query.lower() for mark in ("..", "\\", "%2e", "%2f", "%5c", "%25"))
    return (f"{path}?{query}" if odd else path).lstrip("/")


def cannot_change(field: str) -> str:
    """Why no answer may change a field, or ""."""
    if field in FIXED:
        return f"{field!r} is how the media server knows what it is talking of; it cannot be rewritten"
    if field == "sdp":
        return "'sdp' is between the client and the media server; it cannot be rewritten"
    if not _FIELD.fullmatch(field):
        return f"{field!r} must be the name of a field of the hook itself, such as 'name'; not of one inside 'custom'"
    return ""


def rewritable(method: Method) -> bool:
    """Whether the media server takes over fields of the answer to this method."""
    return method.kind in (Kind.CONNECT, Kind.CALL, Kind.INCOMING) and not method.sessionless


assert ACTION_OF.keys() | NAMES.keys() <= METHODS.keys()  # noqa: S101 - a misspelled method would guard nothing
