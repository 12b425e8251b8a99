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
