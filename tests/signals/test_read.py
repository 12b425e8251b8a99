"""What a payload asks for, and what of it is refused before anybody looks at who sent it."""

import json

import pytest

from authgate.model import Reason
from authgate.signals import Asked, SignallingOptions, read

OPTIONS = SignallingOptions(max_bytes=200, max_depth=4)
ID = "a" * 26


def nested(depth):
    value = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


UNDERSTOOD = {
    "to a user": ({"to": {"user": "Bob"}, "body": {"a": 1}}, Asked("send", "user", "bob", '{"a":1}')),
    "to a room": ({"to": {"room": "Lobby"}, "body": None}, Asked("send", "room", "lobby", "null")),
    "to everybody": ({"to": {"app": True}, "body": "hi"}, Asked("send", "app", "", '"hi"')),
    "to a stream": ({"to": {"stream": "Cam 1"}, "body": 1}, Asked("send", "stream", "Cam 1", "1")),
    "to a session": ({"to": {"session": ID}, "body": []}, Asked("send", "session", ID, "[]")),
    "join": ({"join": "Lobby"}, Asked("join", "room", "lobby")),
    "leave": ({"leave": " lobby "}, Asked("leave", "room", "lobby")),
    "who": ({"who": "lobby"}, Asked("who", "room", "lobby")),
    "a sender that it makes up is not looked at": (
        {"from": {"user": "root"}, "user": "root", "id": ID, "to": {"user": "bob"}, "body": 1},
        Asked("send", "user", "bob", "1"),
    ),
    "characters of any script": (
        {"to": {"user": "bob"}, "body": "hällo 你好 \0"},
        Asked("send", "user", "bob", '"hällo 你好 \\u0000"'),
    ),
    "what is no message of ours": ({"message": "hello"}, Asked("nothing")),
    "what arrived at somebody, sent back": ({"from": {"user": "ann"}, "body": 1}, Asked("nothing")),
    "an event that arrived, sent back": ({"from": {}, "event": {"joined": {}}}, Asked("nothing")),
    "text": ("to", Asked("nothing")),
    "nothing": (None, Asked("nothing")),
    "as deep as may be": (nested(4), Asked("nothing")),
}


@pytest.mark.parametrize(("payload", "asked"), UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_understood(payload, asked):
    assert read(payload, 100, OPTIONS) == asked


REFUSED = {
    "two wishes": ({"join": "a", "leave": "b"}, Reason.SIGNAL_MALFORMED),
    "a wish and a message": ({"to": {"user": "bob"}, "body": 1, "join": "a"}, Reason.SIGNAL_MALFORMED),
    "no body": ({"to": {"user": "bob"}}, Reason.SIGNAL_MALFORMED),
    "to nobody": ({"to": {}, "body": 1}, Reason.SIGNAL_MALFORMED),
    "to two": ({"to": {"user": "bob", "room": "lobby"}, "body": 1}, Reason.SIGNAL_MALFORMED),
    "to text": ({"to": "bob", "body": 1}, Reason.SIGNAL_MALFORMED),
    "to a list": ({"to": ["bob"], "body": 1}, Reason.SIGNAL_MALFORMED),
    "to a kind that there is not": ({"to": {"node": "n1"}, "body": 1}, Reason.SIGNAL_MALFORMED),
    "to a node by its key": ({"to": {"key": "x"}, "body": 1}, Reason.SIGNAL_MALFORMED),
    "to a user who is a number": ({"to": {"user": 1}, "body": 1}, Reason.SIGNAL_MALFORMED),
    "to an empty user": ({"to": {"user": " "}, "body": 1}, Reason.SIGNAL_MALFORMED),
    "to a user with a line end": ({"to": {"user": "bob\n"}, "body": 1}, Reason.SIGNAL_MALFORMED),
    "to an application by name": ({"to": {"app": "other"}, "body": 1}, Reason.SIGNAL_MALFORMED),
    "to no application": ({"to": {"app": False}, "body": 1}, Reason.SIGNAL_MALFORMED),
    "to one that is as good as true": ({"to": {"app": 1}, "body": 1}, Reason.SIGNAL_MALFORMED),
    "to a sessionId": ({"to": {"session": "/203.0.113.7:5/192.0.2.1:8443"}, "body": 1}, Reason.SIGNAL_MALFORMED),
    "to a stream without a name": ({"to": {"stream": ""}, "body": 1}, Reason.SIGNAL_MALFORMED),
    "to a stream with a control character": ({"to": {"stream": "a\0"}, "body": 1}, Reason.SIGNAL_MALFORMED),
    "a room that is a list": ({"join": ["lobby"]}, Reason.SIGNAL_MALFORMED),
    "a room without a name": ({"join": ""}, Reason.SIGNAL_MALFORMED),
    "a room with an invisible name": ({"join": "lobby\u200b"}, Reason.SIGNAL_MALFORMED),
    "a room with a long name": ({"join": "x" * 65}, Reason.SIGNAL_MALFORMED),
    "a giant payload": ({"to": {"user": "bob"}, "body": "x" * 200}, Reason.SIGNAL_TOO_LARGE),
    "a giant payload in few characters": ({"a": "你" * 70}, Reason.SIGNAL_TOO_LARGE),
    "a giant payload of no message": ("x" * 200, Reason.SIGNAL_TOO_LARGE),
    "deep nesting": (nested(5), Reason.SIGNAL_TOO_LARGE),
    "deep nesting in a list": ([[[[[]]]]], Reason.SIGNAL_TOO_LARGE),
}


@pytest.mark.parametrize(("payload", "reason"), REFUSED.values(), ids=REFUSED)
def test_refused(payload, reason):
    assert read(payload, 100, OPTIONS) is reason


def test_of_a_hook_that_is_far_too_long_no_payload_is_looked_at():
    assert read({"join": "lobby"}, 1_000_000, OPTIONS) is Reason.SIGNAL_TOO_LARGE


@pytest.mark.parametrize("size", [199, 200, 201])
def test_bytes_are_counted_as_json(size):
    payload = {"a": "x" * (size - len(json.dumps({"a": ""}, separators=(",", ":"))))}
    assert (read(payload, size, OPTIONS) is Reason.SIGNAL_TOO_LARGE) == (size > 200)
