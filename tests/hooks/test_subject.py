import json

import pytest

from authgate.hooks.parse import parse
from authgate.hooks.subject import subject
from authgate.model import Delivery

CASES = {
    "a stream": ({"name": "stream1", "mediaSessionId": "x"}, "stream1"),
    "a call": ({"callId": "c1", "callee": "1002"}, "1002"),
    "a transfer": ({"callId": "c1", "target": "1003"}, "1003"),
    "a hangup": ({"callId": "c1"}, "c1"),
    "data": ({"operationId": "o1"}, "o1"),
    "nothing": ({"sessionId": "s"}, ""),
    "another type": ({"name": ["stream1"], "callId": "c1"}, "c1"),
    "a key in the address": ({"name": "rtsp://wcs.example.com:5554/s?aclAuth=abc"}, "rtsp://wcs.example.com:5554/s"),
    "a password in the address": ({"name": "rtsp://user:secret@cam.example.com/1"}, "rtsp://cam.example.com/1"),
    "a SIP address": ({"callee": "sip:ann:secret@pbx.example.com"}, "sip:pbx.example.com"),
    "a SIP address without a password": ({"callee": "sip:1001@pbx.example.com"}, "sip:1001@pbx.example.com"),
    "a user and a password alone": ({"callee": "1001:secret@pbx.example.com"}, "pbx.example.com"),
    "an address with one slash": ({"name": "rtsp:/user:secret@h/1"}, "rtsp:/h/1"),
    "an address without a scheme": ({"name": "//user:secret@h/1"}, "//h/1"),
    "an encoded address": ({"name": "rtsp%3A%2F%2Fuser:secret%40h/1"}, "rtsp***"),
    "an encoded query": ({"name": "cam%3Ftoken=secret"}, "cam***"),
    "a fragment": ({"name": "cam#token=secret"}, "cam"),
    "an @ in a plain name": ({"callee": "1002@example.com"}, "1002@example.com"),
    "a percent sign": ({"name": "100%25 cam"}, "100%25 cam"),
    "a password with a question mark": ({"name": "rtsp://user:pa?ss@h/1"}, "rtsp://***"),
    "a password with a number sign": ({"name": "rtsp://user:pa#ss@h/1"}, "rtsp://***"),
    "a password with a slash": ({"name": "rtsp://user:pa/ss@h/1"}, "rtsp://h/1"),
    "a password with an @": ({"name": "rtsp://user:p@ss@h/1"}, "rtsp://h/1"),
    "an @ in the query": ({"name": "rtsp://user:secret@h/1?to=a@b"}, "rtsp://h/1"),
    "an @ in the path": ({"name": "rtmp://h/app/a@b"}, "rtmp://h/app/a@b"),
    "a token behind the name": ({"name": "stream1?token=abc"}, "stream1"),
    "old RTSP": ({"rtspUrl": "rtsp://h/s?aclAuth=abc"}, "rtsp://h/s"),
    "a long name": ({"name": "n" * 1000}, "n" * 255),
}


@pytest.mark.parametrize(("fields", "expected"), CASES.values(), ids=CASES)
def test_subject(fields, expected):
    assert subject(parse(Delivery("playStream", json.dumps(fields).encode()))) == expected
