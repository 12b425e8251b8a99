import json

import pytest

from authgate.errors import BadHook
from authgate.hooks.parse import parse
from authgate.model import Delivery, SessionKey
from authgate.strictjson import MAX_DEPTH, MAX_VALUES

GOOD = {"nodeId": "n@192.0.2.10", "appKey": "defaultApp", "sessionId": "/203.0.113.7:5/192.0.2.10:8443"}


def body(**fields):
    return json.dumps(GOOD | fields).encode()


def nested(levels):
    return b'{"appKey":"a","sessionId":"s","x":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


READ = {
    "as the media server sends it": body(),
    "pretty printed": json.dumps(GOOD, indent=1).encode(),
    "white space around": b" \r\n" + body() + b"\n",
    "custom is a string": body(custom="token=1"),
    "custom is an array": body(custom=["token"]),
    "custom is null": body(custom=None),
    "a number of thirty digits": body(big=10**29),
    "a date beyond 32 bits": body(createDate=1700000000000),
    "an exponent": body()[:-1] + b',"x":1e2}',
    "a name in any script": body(name="поток-ストリーム-🎥"),
    "a whole surrogate pair": body()[:-1] + b',"name":"\\ud83c\\udfa5"}',
    "an escaped backslash before a u": body()[:-1] + b',"name":"\\\\ud800"}',
    "a NUL in what a client chose": body(name="a\0b"),
    "as deep as allowed": nested(MAX_DEPTH),
    "many brackets side by side": body(x=[[] for _ in range(500)]),
    "many brackets inside a string": body(x="[" * 5000),
    "a log full of commas": body(logs="12:00:01, INFO, ...\n" * 20_000),
    "as many values as allowed": body(x=[1] * (MAX_VALUES - 10)),
}


@pytest.mark.parametrize("body", READ.values(), ids=READ)
def test_read(body):
    hook = parse(Delivery("connect", body))
    assert hook.body is body
    assert hook.key.session


BAD = {
    "empty": b"",
    "white space": b" ",
    "not JSON": b"connect",
    "cut off": body()[:-1],
    "something after it": body() + b"{}",
    "null": b"null",
    "an array": b"[1]",
    "a string": b'"x"',
    "a number": b"1",
    "a BOM": b"\xef\xbb\xbf" + body(),
    "UTF-16": body().decode().encode("utf-16"),
    "UTF-16 without a BOM": body().decode().encode("utf-16-le"),
    "latin-1": json.dumps(GOOD | {"name": "café"}, ensure_ascii=False).encode("latin-1"),
    "a lone surrogate": body()[:-1] + b',"name":"\\ud800"}',
    "a lone low surrogate in a key": body()[:-1] + b',"\\uDFff":1}',
    "an encoded surrogate": body()[:-1] + b',"name":"\xed\xa0\x80"}',
    "NaN": body()[:-1] + b',"x":NaN}',
    "Infinity": body()[:-1] + b',"x":-Infinity}',
    "a number beyond every float": body()[:-1] + b',"x":1e999}',
    "five thousand digits": body()[:-1] + b',"x":' + b"1" * 5000 + b"}",
    "a key twice": b'{"appKey":"a","sessionId":"s","appKey":"b"}',
    "a key twice by an escape": b'{"appKey":"a","sessionId":"s","app\\u004bey":"b"}',
    "a key twice inside custom": body()[:-1] + b',"custom":{"token":"good","token":"bad"}}',
    "one level too deep": nested(MAX_DEPTH + 1),
    "a hundred thousand levels deep": nested(100_000),
    "a hundred thousand objects deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "unclosed brackets": b"[" * 200_000,
    "an unclosed string of escaped quotes": b"[" * 300 + b'"' + b'\\"' * 500_000,
    "a megabyte of objects": body(x=[{}] * 300_000),
    "a megabyte of numbers": body(x=[1.5] * 200_000),
    "a megabyte of empty strings": body(x=[""] * 300_000),
    "more values than allowed": body(x=[1] * (MAX_VALUES + 1)),
    "a hundred thousand keys": json.dumps(GOOD | {f"k{n}": n for n in range(100_000)}).encode(),
    "a control character unescaped": body()[:-1] + b',"name":"a\x01"}',
    "sessionId is a number": body(sessionId=5),
    "sessionId is an object": body(sessionId={}),
    "sessionId is missing": b'{"appKey":"a"}',
    "sessionId is null": body(sessionId=None),
    "sessionId is empty": body(sessionId=""),
    "sessionId is too long": body(sessionId="s" * 256),
    "sessionId holds a NUL": body(sessionId="s\0"),
    "nodeId is a list": body(nodeId=[]),
    "nodeId is too long": body(nodeId="n" * 129),
    "nodeId holds a line end": body(nodeId="n\n"),
    "appKey is true": body(appKey=True),
    "appKey is missing": b'{"sessionId":"s"}',
    "appKey is too long": body(appKey="a" * 129),
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_malformed(body):
    with pytest.raises(BadHook) as caught:
        parse(Delivery("connect", body))
    assert "good" not in str(caught.value)


def test_only_connect_needs_a_session():
    assert parse(Delivery("ErrorStatusEvent", b"{}")).key == SessionKey("", "")
    assert parse(Delivery("playHLS", b'{"sessionId":null}')).key == SessionKey("", "")
