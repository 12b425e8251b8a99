"""The Web SDK's WebSocket messages, and what of them reaches a hook.

A frame is ``{"message": name, "data": [object]}`` in both directions. The names are those that
``flashphoner-core.js`` of the SDK sends and switches on.
"""

import json
from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]

CONNECT_FIELDS = (
    "mediaProviders", "clientVersion", "clientOSVersion", "clientBrowserVersion", "keepAlive", "authToken", "custom",
    "sipLogin", "sipAuthenticationName", "sipPassword", "sipVisibleName", "sipDomain", "sipOutboundProxy", "sipProxy",
    "sipPort", "sipRegisterRequired", "sipContactParams", "login",
)  # fmt: skip
STREAM_FIELDS = (
    "mediaSessionId", "name", "published", "hasVideo", "hasAudio", "status", "sdp", "record", "width", "height",
    "bitrate", "minBitrate", "maxBitrate", "quality", "mediaProvider", "rtmpUrl", "transport", "cvoExtension",
    "constraints", "localMediaInfo", "custom",
)  # fmt: skip
CALL_FIELDS = (
    "callId", "incoming", "status", "caller", "callee", "visibleName", "hasAudio", "hasVideo", "sdp", "sipSDP",
    "sipHeaders", "inviteParameters", "mediaProvider", "localMediaInfo", "custom",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """What a client may ask for: the hook that it raises and the event that reports its failure."""

    hook: str
    fields: tuple[str, ...] | None  # those that reach the hook; None: all, the object is free
    failure: str  # apiMethod of the failure
    id: str = ""  # the field that says which stream or call has failed


OPERATIONS = {
    "publishStream": Operation("publishStream", STREAM_FIELDS, "StreamStatusEvent", "mediaSessionId"),
    "unPublishStream": Operation("unPublishStream", STREAM_FIELDS, "StreamStatusEvent", "mediaSessionId"),
    "playStream": Operation("playStream", STREAM_FIELDS, "StreamStatusEvent", "mediaSessionId"),
    "pauseStream": Operation("pauseStream", STREAM_FIELDS, "StreamStatusEvent", "mediaSessionId"),
    "stopStream": Operation("stopStream", STREAM_FIELDS, "StreamStatusEvent", "mediaSessionId"),
    "snapshot": Operation("snapshot", ("name", "mediaSessionId"), "StreamStatusEvent", "mediaSessionId"),
    "availableStream": Operation("availableStream", ("name", "mediaSessionId"), "availableStream", "mediaSessionId"),
    "sendStreamEvent": Operation(
        "sendStreamEvent", ("mediaSessionId", "type", "payload"), "StreamEvent", "mediaSessionId"
    ),
    "call": Operation("call", CALL_FIELDS, "CallStatusEvent", "callId"),
    "answer": Operation("answer", CALL_FIELDS, "CallStatusEvent", "callId"),
    "hold": Operation("hold", ("callId", "holdForTransfer"), "CallStatusEvent", "callId"),
    "unhold": Operation("unhold", ("callId",), "CallStatusEvent", "callId"),
    "hangup": Operation("hangup", ("callId",), "CallStatusEvent", "callId"),
    "transfer": Operation("transfer", ("callId", "target"), "TransferStatusEvent", "callId"),
    "sendDtmf": Operation("sendDtmf", ("callId", "type", "dtmf"), "CallStatusEvent", "callId"),
    "sendData": Operation("OnDataEvent", ("operationId", "payload"), "DataStatusEvent", "operationId"),
    "submitBugReport": Operation("submitBugReport", None, "BugReportStatusEvent"),
    "pushLogs": Operation("pushLogs", ("logs",), "pushLogs"),
    "sessionDebug": Operation("sessionDebug", ("command",), "SessionDebugStatusEvent"),
}

HOOKS = frozenset(
    {operation.hook for operation in OPERATIONS.values()}
    | {
        "connect",
        "ConnectionStatusEvent",
        "RegistrationStatusEvent",
        "StreamStatusEvent",
        "StreamKeepAliveEvent",
        "StreamEvent",
    }
    | {"CallStatusEvent", "TransferStatusEvent", "OnCallEvent", "DataStatusEvent", "BugReportStatusEvent"}
    | {"SessionDebugStatusEvent", "playHLS", "playRTSP"}
)  # what ``add app-rest-method -a`` adds


def frame(message: str, *data: object) -> str:
    """One message to the other side; the SDK reads ``data[0]`` of every one, so there is always one."""
    return json.dumps({"message": message, "data": data or [None]}, ensure_ascii=False)


def read(text: str | bytes) -> tuple[str, Fields]:
    """The name of a message and its first object, ``{}`` where it has none."""
    message = json.loads(text)
    data = message.get("data") or [None]
    return message["message"], data[0] if isinstance(data[0], dict) else {}


def selected(fields: Fields, names: tuple[str, ...] | None) -> Fields:
    """Those fields that reach a hook, in the client's order; a null is left out, as the media server does."""
    return {key: value for key, value in fields.items() if value is not None and (names is None or key in names)}
