"""The fields of each hook, as far as the vendor's manual and Web SDK tell ("The list of methods and their parameters").

Other builds send others too; what is not here goes through untouched.
"""

from collections.abc import Mapping
from difflib import get_close_matches

from authgate.hooks.methods import METHODS
from authgate.model import Method

_COMMON = "nodeId appKey sessionId custom origin status info"
_STREAM = (
    "mediaSessionId name published hasVideo hasAudio sdp record recordName width height bitrate minBitrate maxBitrate "
    "audioBitrate quality fps gop audioCodec videoCodec codecImpl history cvoExtension transport createDate mediaType "
    "audioState videoState mediaProvider rtmpUrl constraints localMediaInfo"
)
_STREAM_ID = "mediaSessionId name"
_PLAYER = f"{_STREAM} token userAgent User-Agent rtspUrl"
_CALL_ID = "callId"
_CALL = (
    "callId parentCallId incoming sipStatus caller callee visibleName hasAudio hasVideo sdp sipSDP sipHeaders "
    "inviteParameters mediaProvider isMsrp holdForTransfer target rtmpUrl rtmpStream rtmpStreamStatus streamName "
    "sipMessageRaw localMediaInfo"
)
_MESSAGE = "id from to visibleName body contentType isImdnRequired"
_CONNECT = (
    "mediaProviders clientVersion clientOSVersion clientBrowserVersion keepAlive authToken msePacketizationVersion "
    "clientInfo useWsTunnel useWsTunnelPacketization2 useBase64BinaryEncoding sipLogin sipAuthenticationName "
    "sipPassword sipVisibleName sipDomain sipOutboundProxy sipProxy sipPort sipRegisterRequired sipContactParams "
    "urlServer width height supportedResolutions useProxy useDTLS useSelfSigned login"
)
_OWN = {
    "connect": _CONNECT,
    **dict.fromkeys(("publishStream", "unPublishStream", "playStream", "pauseStream", "stopStream"), _STREAM),
    **dict.fromkeys(("snapshot", "availableStream"), _STREAM_ID),
    **dict.fromkeys(("playHLS", "playRTSP"), _PLAYER),
    "StreamKeepAliveEvent": _STREAM,
    "sendStreamEvent": "mediaSessionId type payload",
    **dict.fromkeys(("call", "OnCallEvent", "OnTransferEvent"), _CALL),
    "answer": "callId incoming hasVideo hasAudio mediaProvider sdp callee",
    "hold": "callId holdForTransfer",
    **dict.fromkeys(("unhold", "hangup"), _CALL_ID),
    "transfer": "callId target",
    "sendDtmf": "callId type dtmf",
    **dict.fromkeys(("sendMessage", "sendIMDN", "OnMessageEvent"), _MESSAGE),
    "subscribe": "event expires",
    "sendXcapRequest": "url",
    "submitBugReport": "text type",
    "pushLogs": "logs",
    "sessionDebug": "command",
    "OnDataEvent": "operationId payload",
}
_FIELDS: Mapping[str, frozenset[str]] = {
    method: frozenset(f"{_COMMON} {_OWN.get(method, '')}".split()) for method in METHODS
}


def no_such_field(method: Method, field: str) -> str:
    """Why hooks of this method carry no such field as far as is known, or ""; a dotted path leads inside of one."""
    known = _FIELDS.get(method.name)
    root = field.partition(".")[0]
    if known is None or root in known:
        return ""
    lower = {name.lower(): name for name in known}
    near = get_close_matches(root.lower(), lower, 1)
    return f"{method.name} has no field {root!r}" + (f"; did you mean {lower[near[0]]!r}?" if near else "")
