"""Hook -> what it tells of a stream or a call."""

from collections.abc import Mapping

from authgate.hooks.subject import without_secrets
from authgate.model import CallKey, CallNews, Decision, Hook, MediaKey, StreamNews


def news(hook: Hook, decision: Decision, at: int) -> StreamNews | CallNews | None:
    """What a decided hook tells of a stream or a call; ``at`` in milliseconds since the epoch.

    Of HLS and RTSP there is none: a player asks again and again, and nothing tells that it has left.
    """
    if not decision.allowed or hook.method.sessionless:
        return None
    name = hook.method.name
    if name in _OF_STREAMS and (media := hook.text("mediaSessionId")):
        return _of_stream(hook, decision, MediaKey(*hook.key, media), at)
    if name in _OF_CALLS and (call := hook.text("callId")):
        return _of_call(hook, decision, CallKey(*hook.key, call), at)
    return None


def _of_stream(hook: Hook, decision: Decision, key: MediaKey, at: int) -> StreamNews:
    status = hook.text("status").upper()
    if hook.method.name == "StreamStatusEvent" and status in _PASSING:
        status = ""
    renamed = decision.changes.get("name")
    name = renamed if isinstance(renamed, str) else hook.text("name")
    published = hook.fields.get("published")
    if not isinstance(published, bool):
        published = _PUBLISHED.get(hook.method.name, _PUBLISHED.get(status))
    over = hook.method.name == "StreamStatusEvent" and status in _STREAM_OVER
    kept = hook.method.name == "StreamKeepAliveEvent"
    return StreamNews(key, hook.app_key, at, without_secrets(name), published, status, over, kept)


def _of_call(hook: Hook, decision: Decision, key: CallKey, at: int) -> CallNews:
    status = hook.text("status").upper()
    ends = (decision.changes.get(end, hook.text(end)) for end in ("caller", "callee"))
    caller, callee = (without_secrets(end) if isinstance(end, str) else "" for end in ends)
    incoming = hook.fields.get("incoming")
    if not isinstance(incoming, bool):
        incoming = _INCOMING.get(hook.method.name)
    over = hook.method.name == "CallStatusEvent" and status in _CALL_OVER
    return CallNews(key, hook.app_key, at, caller, callee, incoming, status, over)


# Vendor's manual, "The list of methods and their parameters" and "Event statuses": what tells how it stands with a
# stream or a call. What only asks for something (unPublishStream, hold) is followed by an event that tells.
_OF_STREAMS = ("publishStream", "playStream", "StreamStatusEvent", "StreamKeepAliveEvent")
_OF_CALLS = ("call", "OnCallEvent", "CallStatusEvent")
_STREAM_OVER = ("UNPUBLISHED", "STOPPED", "FAILED", "DISCONNECTED")
_CALL_OVER = ("FINISH", "FAILED", "BUSY")
_PASSING = ("PLAYBACK_PROBLEM", "SNAPSHOT_COMPLETE", "RESIZE", "NOT_ENOUGH_BANDWIDTH")  # a stream goes on as it was
_PUBLISHED: Mapping[str, bool] = {
    "publishStream": True,
    "playStream": False,
    "PUBLISHING": True,
    "UNPUBLISHED": True,
    "PLAYING": False,
}
_INCOMING: Mapping[str, bool] = {"call": False, "OnCallEvent": True}
