"""A record becomes an event of one kind, and what is told of it is what the record holds and no more."""

import json

import pytest

from authgate.feed.event import FAMILIES, KINDS, Event, Note, iso, kind_of, stream_of
from authgate.hooks.methods import METHODS
from authgate.model import Reason, SessionKey
from tests.feed.made import a_record

REFUSED = {"allowed": False, "reason": Reason.TOKEN_EXPIRED}
CASES = {
    "connect": ({"method": "connect"}, "session.opened"),
    "connect that is refused": ({"method": "connect", **REFUSED}, "session.refused"),
    "established": ({"method": "ConnectionStatusEvent", "status": "ESTABLISHED"}, "session.state"),
    "disconnected": ({"method": "ConnectionStatusEvent", "status": "DISCONNECTED"}, "session.closed"),
    "failed": ({"method": "ConnectionStatusEvent", "status": "FAILED"}, "session.closed"),
    "a status nobody knows": ({"method": "ConnectionStatusEvent", "status": "disconnected"}, "session.state"),
    "publishing": ({"method": "StreamStatusEvent", "status": "PUBLISHING"}, "stream.started"),
    "playing": ({"method": "StreamStatusEvent", "status": "PLAYING"}, "stream.started"),
    "unpublished": ({"method": "StreamStatusEvent", "status": "UNPUBLISHED"}, "stream.stopped"),
    "stopped": ({"method": "StreamStatusEvent", "status": "STOPPED"}, "stream.stopped"),
    "a stream that failed": ({"method": "StreamStatusEvent", "status": "FAILED"}, "stream.stopped"),
    "a VOD that is over": ({"method": "StreamStatusEvent", "status": "DISCONNECTED"}, "stream.stopped"),
    "paused": ({"method": "StreamStatusEvent", "status": "PAUSED"}, "stream.state"),
    "no status": ({"method": "StreamStatusEvent"}, "stream.state"),
    "keep-alive": ({"method": "StreamKeepAliveEvent", "status": "PLAYING"}, "stream.alive"),
    "keep-alive that is refused": ({"method": "StreamKeepAliveEvent", **REFUSED}, "hook.refused"),
    "a call is talked in": ({"method": "CallStatusEvent", "status": "ESTABLISHED"}, "call.started"),
    "a call is over": ({"method": "CallStatusEvent", "status": "FINISH"}, "call.ended"),
    "a call finds nobody": ({"method": "CallStatusEvent", "status": "BUSY"}, "call.ended"),
    "ringing": ({"method": "CallStatusEvent", "status": "RING"}, "call.state"),
    "publish": ({"method": "publishStream"}, "hook.allowed"),
    "publish that is refused": ({"method": "publishStream", **REFUSED}, "hook.refused"),
    "data, named like an event": ({"method": "OnDataEvent"}, "hook.allowed"),
    "an incoming call": ({"method": "OnCallEvent"}, "hook.allowed"),
    "another event": ({"method": "BugReportStatusEvent"}, "hook.reported"),
    "a call nobody knows": ({"method": "waveHand"}, "hook.allowed"),
    "an event nobody knows": ({"method": "HandWavedEvent"}, "hook.reported"),
}


@pytest.mark.parametrize(("changes", "kind"), CASES.values(), ids=CASES)
def test_kind(changes, kind):
    assert kind_of(a_record(**changes)) == kind


def test_every_kind_is_one_of_the_list_and_all_of_it_come():
    assert {kind for _, kind in CASES.values()} == {*KINDS}
    assert {kind_of(a_record(method=name)) for name in METHODS} <= {*KINDS}
    assert FAMILIES == ("session", "stream", "call", "hook")


STREAMS = {
    "publish": ({"method": "publishStream", "subject": "cam"}, "cam"),
    "HLS": ({"method": "playHLS", "subject": "cam"}, "cam"),
    "without a name": ({"method": "publishStream"}, None),
    "a call": ({"method": "call", "subject": "cam"}, None),
    "a connect": ({"method": "connect", "subject": "cam"}, None),
}


@pytest.mark.parametrize(("changes", "name"), STREAMS.values(), ids=STREAMS)
def test_stream(changes, name):
    assert stream_of(a_record(**changes)) == name


def test_what_is_told():
    record = a_record(subject="cam", facts='{"given": "a fact that is for explaining alone"}')
    told = json.loads(Event(7, record).json)
    assert told == {
        "id": 7,
        "kind": "hook.allowed",
        "at": "2023-11-14T22:13:20.000Z",
        "node": "n1",
        "session": "s1",
        "app": "chat",
        "method": "publishStream",
        "user": "ann",
        "verdict": "allowed",
        "reason": "ok",
        "rule": "a rule",
        "status": "",
        "subject": "cam",
        "stream": "cam",
        "record": "0" * 26,
    }


HOSTILE = {
    "a line of its own": "x\n\ndata: {}\n\nid: 99",
    "a carriage return": "x\rid: 99",
    "a line separator": "x\u2028id: 99",
    "next line": "x\x85id: 99",
    "half a character": "\ud800",
    "NUL": "\0",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_name_cannot_forge_a_message_of_the_stream(text):
    record = a_record(subject=text, key=SessionKey(text, text), status=text, app_key=text, user=text)
    sse = Event(7, record).sse
    assert sse.isascii()
    assert sse.splitlines() == [b"id: 7", sse[6:-2], b""]
    assert json.loads(sse[len(b"id: 7\ndata: ") :])["subject"] == text


@pytest.mark.parametrize("at", [-1, 10**18], ids=["before all time", "after it"])
def test_a_time_outside_of_all_calendars_is_told_all_the_same(at):
    assert json.loads(Event(7, a_record(at=at)).json)["at"][:4] in ("1970", "9999")


def test_it_is_written_down_once():
    event = Event(7, a_record())
    assert event.json is event.json
    assert event.sse is event.sse


def test_a_note():
    note = Note(7, "events.gap", text="why", before=9)
    assert json.loads(note.json) == {"id": 7, "kind": "events.gap", "at": iso(note.at), "text": "why", "before": 9}
    assert note.sse == b"id: 7\ndata: " + note.json + b"\n\n"
