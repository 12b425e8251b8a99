"""Hooks for those who only look on: without the clients' credentials, and else as they came."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authgate.hooks.parse import parse
from authgate.model import Delivery
from authgate.targets.masked import masked
from authgate.verifiers.credentials import CredentialPaths, LoginPaths

PATHS = CredentialPaths()
APPS = {"cdnApp": CredentialPaths(("custom.acl.auth",), (LoginPaths("user", "pin"),))}


def mask(text: str) -> str:
    return masked(APPS, PATHS, parse(Delivery("publishStream", text.encode()))).decode()


CASES = {
    "nothing in it": ('{"name":"cam"}', '{"name":"cam"}'),
    "an empty object": ("{}", "{}"),
    "a token": ('{"custom":{"token":"s"}}', '{"custom":{"token":"***"}}'),
    "a login stays": ('{"custom":{"login":"ann","password":"s"}}', '{"custom":{"login":"ann","password":"***"}}'),
    "SIP": ('{"sipLogin":"1001","sipPassword":"s"}', '{"sipLogin":"1001","sipPassword":"***"}'),
    "the media server's own token": ('{"authToken":"s","status":"NEW"}', '{"authToken":"***","status":"NEW"}'),
    "spaces and numbers stay": (
        '{ "n" : 1e2,\r\n"custom" : { "a":1.0, "token"\t:"s" , "b":-0 } , "big":12345678901234567890 }\n',
        '{ "n" : 1e2,\r\n"custom" : { "a":1.0, "token"\t:"***" , "b":-0 } , "big":12345678901234567890 }\n',
    ),
    "names in escapes": (r'{"c\u0075stom":{"\u0074oken":"s"}}', r'{"c\u0075stom":{"\u0074oken":"***"}}'),
    "quotes in a token": (r'{"custom":{"token":"s\"},{\\"}}', '{"custom":{"token":"***"}}'),
    "not text": ('{"custom":{"token":["s",{"s":1}]}}', '{"custom":{"token":"***"}}'),
    "a number": ('{"custom":{"token":12345}}', '{"custom":{"token":"***"}}'),
    "empty": ('{"custom":{"token":""}}', '{"custom":{"token":"***"}}'),
    "null": ('{"custom":{"token":null},"sipPassword":null}', '{"custom":{"token":null},"sipPassword":null}'),
    "text where an object should be": ('{"custom":"s"}', '{"custom":"***"}'),
    "a list where an object should be": ('{"custom":[{"token":"s"}]}', '{"custom":"***"}'),
    "of another application": ('{"custom":{"acl":{"auth":"s","x":1}}}', '{"custom":{"acl":{"auth":"***","x":1}}}'),
    "of another application, in the way": ('{"custom":{"acl":"s"}}', '{"custom":{"acl":"***"}}'),
    "at the top": ('{"pin":"s","user":"ann"}', '{"pin":"***","user":"ann"}'),
    "another letter case is another field": ('{"custom":{"Token":"x"}}', '{"custom":{"Token":"x"}}'),
    "an address with a query": ('{"name":"rtsp://h:5554/cam?aclAuth=s"}', '{"name":"rtsp://h:5554/cam"}'),
    "an address with a user": ('{"name":"rtsp://u:s@h/cam"}', '{"name":"rtsp://h/cam"}'),
    "an address with a user that has an @": ('{"rtspUrl":"rtsp://u@x:s@h/cam"}', '{"rtspUrl":"rtsp://h/cam"}'),
    "a password with a slash": ('{"rtmpUrl":"rtmp://u:s/s@h/cam"}', '{"rtmpUrl":"rtmp://h/cam"}'),
    "a password with a question mark": ('{"rtmpUrl":"rtmp://u:s?s@h/cam"}', '{"rtmpUrl":"rtmp://***"}'),
    "a query with an @": ('{"name":"rtmp://h/cam?t=s@s"}', '{"name":"rtmp://***"}'),
    "an address with a fragment": ('{"name":"rtmp://h/cam#s"}', '{"name":"rtmp://h/cam"}'),
    "a name with a query": ('{"name":"cam?token=s"}', '{"name":"cam"}'),
    "other text with a question mark": ('{"info":"why?"}', '{"info":"why?"}'),
    "text that is no address": ('{"sdp":"v=0\\r\\na=x://y?z @"}', '{"sdp":"v=0\\r\\na=x://y?z @"}'),
    "an origin": ('{"origin":"https://app.example.com:8443"}', '{"origin":"https://app.example.com:8443"}'),
}


@pytest.mark.parametrize(("body", "expected"), CASES.values(), ids=CASES)
def test_masked(body: str, expected: str):
    assert mask(body) == expected
    assert mask(expected) == expected


def objects(values: st.SearchStrategy) -> st.SearchStrategy:
    names = st.sampled_from(["custom", "token", "password", "acl", "auth", "pin", "sipPassword", "x", "{", '"', "ж"])
    return st.dictionaries(names, values, max_size=6)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | objects(inner),
    max_leaves=12,
)


def reference(fields: dict) -> dict:
    """The same, the plain way."""
    paths = ["custom.token", "custom.password", "custom.acl.auth", "sipPassword", "pin"]
    for path in paths:
        *way, last = path.split(".")
        node = fields
        for step in way:
            if not isinstance(node.get(step), dict):
                last = step
                break
            node = node[step]
        if node.get(last) is not None:
            node[last] = "***"
    return fields


@given(objects(VALUES), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_object(fields: dict, ascii_only: bool):
    text = json.dumps(fields, ensure_ascii=ascii_only, indent=1 if ascii_only else None)
    assert json.loads(mask(text)) == reference(fields)


def test_a_long_name_takes_no_long_time():
    started = time.monotonic()
    for name in ("rtsp://" + "a" * 500_000 + " ", "rtsp://" + "@" * 500_000, "a" * 500_000 + "://?", "://" * 200_000):
        mask(json.dumps({"name": name}))
    assert time.monotonic() - started < 1
