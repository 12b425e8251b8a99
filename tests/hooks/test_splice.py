import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate.hooks.splice import member_spans, splice

CASES = {
    "added at the end": (b'{"a":1}', {"b": b"2"}, b'{"a":1,"b":2}'),
    "into an empty object": (b"{ }", {"b": b"2"}, b'{"b":2}'),
    "before the last brace": (b'{"a":{}}\n', {"b": b"2"}, b'{"a":{},"b":2}\n'),
    "pretty printed": (b'{\n "a": 1\n}', {"b": b"2"}, b'{\n "a": 1,"b":2}'),
    "replaced where it stands": (b'{"a": 1 , "b":2}', {"a": b'"x"'}, b'{"a": "x" , "b":2}'),
    "replaced and added": (b'{"a":1,"b":2}', {"b": b"3", "c": b"4"}, b'{"a":1,"b":3,"c":4}'),
    "two replaced": (b'{"a":1,"b":2}', {"a": b"[1,2]", "b": b"{}"}, b'{"a":[1,2],"b":{}}'),
    "named by an escape": (b'{"\\u0061":1}', {"a": b"2"}, b'{"\\u0061":2}'),
    "the name inside a string is left alone": (b'{"x":"\\"a\\":1","a":1}', {"a": b"2"}, b'{"x":"\\"a\\":1","a":2}'),
    "the name deeper down is left alone": (b'{"x":{"a":1}}', {"a": b"2"}, b'{"x":{"a":1},"a":2}'),
    "numbers stay as written": (
        b'{"a":1e2,"b":123456789012345678901234567890,"c":0.10,"d":1}',
        {"d": b"2"},
        b'{"a":1e2,"b":123456789012345678901234567890,"c":0.10,"d":2}',
    ),
    "strings stay as written": (
        '{"sdp":"v=0\\r\\n\\/ü🎥","d":1}'.encode(),
        {"d": b"2"},
        '{"sdp":"v=0\\r\\n\\/ü🎥","d":2}'.encode(),
    ),
    "nothing to change": (b'{"a": 1}', {}, b'{"a": 1}'),
}


@pytest.mark.parametrize(("body", "changes", "expected"), CASES.values(), ids=CASES)
def test_splice(body, changes, expected):
    assert splice(body, json.loads(body), changes) == expected


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=5), VALUES, max_size=6)


@given(OBJECTS, OBJECTS, st.sampled_from([None, 1]), st.booleans())
def test_splice_changes_what_it_names_and_nothing_else(received, changes, indent, ascii_only):
    text = json.dumps(received, indent=indent, ensure_ascii=ascii_only)
    body = text.encode("utf-8", "surrogatepass")
    new = {name: json.dumps(value).encode() for name, value in changes.items()}
    spliced = splice(body, received, new).decode()
    assert json.loads(spliced) == received | changes
    assert list(json.loads(spliced)) == list(received | changes)
    kept = received.keys() - changes.keys()
    before, after = member_spans(text), member_spans(spliced)
    assert all(text[slice(*before[name])] == spliced[slice(*after[name])] for name in kept)
