"""The table of hook methods, each with its kind (vendor's manual, "Four types of REST methods")."""

from authgate.model import Kind, Method


def method(name: str) -> Method:
    """The method of this name, in the table's spelling. Letter case counts.

    A name that nobody knows yet is an event if it says so, else a call.
    """
    known = METHODS.get(ALIASES.get(name, name))
    if known is not None:
        return known
    if name.endswith("Event"):
        return Method(name, Kind.EVENT, refusable=False, known=False)
    return Method(name, Kind.CALL, refusable=True, known=False)


def spellings(name: str) -> tuple[str, ...]:
    """Each name under which the media server may know this method."""
    return (name, *(alias for alias, proper in ALIASES.items() if proper == name))


# The manual's page on types spells these two otherwise than its list of methods.
ALIASES = {"sendDTMF": "sendDtmf", "sendBugReport": "submitBugReport"}

_CALLS = (
    "publishStream",
    "unPublishStream",
    "playStream",
    "pauseStream",
    "stopStream",
    "snapshot",
    "availableStream",
    "sendStreamEvent",
    "call",
    "answer",
    "hold",
    "unhold",
    "transfer",
    "hangup",
    "sendDtmf",
    "sendMessage",
    "sendIMDN",
    "subscribe",
    "sendXcapRequest",
    "submitBugReport",
    "pushLogs",
    "sessionDebug",
    "OnDataEvent",  # named like an event, and yet a client asks and may be refused
)
_SESSIONLESS = ("playHLS", "playRTSP")  # of players that are no clients
_INCOMING = ("OnCallEvent", "OnMessageEvent", "OnTransferEvent")
_EVENTS = (
    "ConnectionStatusEvent",
    "RegistrationStatusEvent",
    "StreamStatusEvent",
    "StreamEvent",
    "CallStatusEvent",
    "TransferStatusEvent",
    "MessageStatusEvent",
    "DataStatusEvent",
    "SubscriptionStatusEvent",
    "XcapStatusEvent",
    "BugReportStatusEvent",
    "SessionDebugStatusEvent",
    "RecordingStatusEvent",
    "ErrorStatusEvent",
    "ErrorEvent",
    "StreamsStatEvent",
    "StreamTranscodingGroupEvent",
)

METHODS: dict[str, Method] = {
    each.name: each
    for each in (
        Method("connect", Kind.CONNECT, refusable=True),
        *(Method(name, Kind.CALL, refusable=True) for name in _CALLS),
        *(Method(name, Kind.CALL, refusable=True, sessionless=True) for name in _SESSIONLESS),
        *(Method(name, Kind.INCOMING, refusable=True) for name in _INCOMING),
        *(Method(name, Kind.EVENT, refusable=False) for name in _EVENTS),
        Method("StreamKeepAliveEvent", Kind.EVENT, refusable=True),  # the one event whose refusal ends something
    )
}
