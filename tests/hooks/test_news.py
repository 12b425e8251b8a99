"""What hooks tell of streams and calls."""

import json

import pytest

from authgate.hooks.news import news
from authgate.hooks.parse import parse
from authgate.model import CallKey, CallNews, Decision, Delivery, MediaKey, Reason, StreamNews

AT = 5
ALLOWED, REJECTED = Decision(Reason.OK), Decision(Reason.GRANT_MISSING)
RENAMED = Decision(Reason.OK, changes={"name": "internal-1"})


def hook(method, **fields):
    return parse(Delivery(method, json.dumps({"nodeId": "n", "sessionId": "s", "appKey": "app", **fields}).encode()))


def of_stream(method, **fields):
    return hook(method, **{"mediaSessionId": "m", "name": "a", **fields})


def of_call(method, **fields):
    return hook(method, **{"callId": "c", "caller": "1", "callee": "2", **fields})


def stream(status, published=None, *, name="a", over=False, kept=False):
    return StreamNews(MediaKey("n", "s", "m"), "app", AT, name, published, status, over, kept)


def call(status, incoming=None, *, caller="1", callee="2", over=False):
    return CallNews(CallKey("n", "s", "c"), "app", AT, caller, callee, incoming, status, over)


CASES = {
    "publish": (of_stream("publishStream", status="PENDING", published=True), ALLOWED, stream("PENDING", True)),
    "publish as RTMP says it": (of_stream("publishStream", status="NEW"), ALLOWED, stream("NEW", True)),
    "publish under another name": (
        of_stream("publishStream", status="NEW"),
        RENAMED,
        stream("NEW", True, name="internal-1"),
    ),
    "publish rejected": (of_stream("publishStream", status="PENDING"), REJECTED, None),
    "publish without an id": (of_stream("publishStream", mediaSessionId=None, status="NEW"), ALLOWED, None),
    "publish with a number for an id": (of_stream("publishStream", mediaSessionId=7, status="NEW"), ALLOWED, None),
    "play": (of_stream("playStream", status="PENDING", published=False), ALLOWED, stream("PENDING", False)),
    "play with nonsense": (
        of_stream("playStream", status=7, published="yes", name=[]),
        ALLOWED,
        stream("", False, name=""),
    ),
    "play of an address with a password": (
        of_stream("playStream", status="NEW", name="rtsp://u:p@h/cam?token=t"),
        ALLOWED,
        stream("NEW", False, name="rtsp://h/cam"),
    ),
    "HLS": (of_stream("playHLS"), ALLOWED, None),
    "RTSP": (of_stream("playRTSP"), ALLOWED, None),
    "a still": (of_stream("snapshot"), ALLOWED, None),
    "asked to stop": (of_stream("stopStream", status="PLAYING"), ALLOWED, None),
    "asked to stop publishing": (of_stream("unPublishStream", status="PUBLISHING"), ALLOWED, None),
    "publishing": (of_stream("StreamStatusEvent", status="PUBLISHING"), ALLOWED, stream("PUBLISHING", True)),
    "playing": (of_stream("StreamStatusEvent", status="playing"), ALLOWED, stream("PLAYING", False)),
    "paused": (of_stream("StreamStatusEvent", status="PAUSED", published=False), ALLOWED, stream("PAUSED", False)),
    "a status of a later build": (of_stream("StreamStatusEvent", status="WAITING"), ALLOWED, stream("WAITING")),
    "no status": (of_stream("StreamStatusEvent"), ALLOWED, stream("")),
    "resized": (of_stream("StreamStatusEvent", status="RESIZE", published=True), ALLOWED, stream("", True)),
    "unpublished": (
        of_stream("StreamStatusEvent", status="UNPUBLISHED"),
        ALLOWED,
        stream("UNPUBLISHED", True, over=True),
    ),
    "stopped": (of_stream("StreamStatusEvent", status="STOPPED"), ALLOWED, stream("STOPPED", over=True)),
    "failed, in the short form": (
        of_stream("StreamStatusEvent", status="FAILED", name=None),
        ALLOWED,
        stream("FAILED", name="", over=True),
    ),
    "a file that was played to its end": (
        of_stream("StreamStatusEvent", status="DISCONNECTED", published=True),
        ALLOWED,
        stream("DISCONNECTED", True, over=True),
    ),
    "kept alive": (
        of_stream("StreamKeepAliveEvent", status="PLAYING", published=False),
        ALLOWED,
        stream("PLAYING", False, kept=True),
    ),
    "a keep-alive that is refused": (of_stream("StreamKeepAliveEvent", status="PLAYING"), REJECTED, None),
    "call": (of_call("call", status="NEW"), ALLOWED, call("NEW", False)),
    "call redirected": (
        of_call("call", status="NEW"),
        Decision(Reason.OK, changes={"callee": "3"}),
        call("NEW", False, callee="3"),
    ),
    "call rejected": (of_call("call", status="NEW"), REJECTED, None),
    "incoming": (of_call("OnCallEvent", status="PENDING", incoming=True), ALLOWED, call("PENDING", True)),
    "answered": (of_call("answer", status="PENDING"), ALLOWED, None),
    "talking": (of_call("CallStatusEvent", status="ESTABLISHED", incoming=False), ALLOWED, call("ESTABLISHED", False)),
    "on hold": (of_call("CallStatusEvent", status="HOLD", caller=7), ALLOWED, call("HOLD", caller="")),
    "busy": (of_call("CallStatusEvent", status="BUSY"), ALLOWED, call("BUSY", over=True)),
    "hung up": (of_call("CallStatusEvent", status="FINISH"), ALLOWED, call("FINISH", over=True)),
    "a call without an id": (of_call("call", callId="", status="NEW"), ALLOWED, None),
    "a connection": (hook("ConnectionStatusEvent", status="ESTABLISHED", mediaSessionId="m"), ALLOWED, None),
    "a method that nobody knows": (of_stream("pokeStream", status="PUBLISHING"), ALLOWED, None),
}


@pytest.mark.parametrize(("given", "decision", "told"), CASES.values(), ids=CASES)
def test_news(given, decision, told):
    assert news(given, decision, AT) == told
