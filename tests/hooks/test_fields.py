"""What hooks carry: each method and field that the tables name is one of the media server's."""

import json

import pytest

from authgate.hooks.fields import (
    ACTION_OF,
    ACTIONS,
    EVENTS_AFTER,
    FIXED,
    NAMES,
    cannot_change,
    may_name,
    name_of,
    rewritable,
    text_at,
)
from authgate.hooks.methods import METHODS, method
from authgate.hooks.parse import parse
from authgate.model import Delivery, Kind

NAMED = {name for names in NAMES.values() for name in names}
CHANGEABLE = ["sipPassword", "User-Agent", "custom", "x" * 64, *sorted(NAMED)]
UNCHANGEABLE = {
    "the session": ("sessionId", "how the media server knows"),
    "the stream": ("mediaSessionId", "how the media server knows"),
    "the configuration that is sent": ("restClientConfig", "how the media server knows"),
    "the offer": ("sdp", "between the client and the media server"),
    "inside custom": ("custom.room", "not of one inside"),
    "none": ("", "must be the name"),
    "two in one, past the table": ("name,sessionId", "must be the name"),
    "a blank after it, past the table": ("sessionId ", "must be the name"),
    "a line break after it, past the table": ("sessionId\n", "must be the name"),
    "a look-alike": ("ѕessionId", "must be the name"),
    "quoted": ('"name"', "must be the name"),
    "a placeholder": ("{name}", "must be the name"),
    "longer than any": ("x" * 65, "must be the name"),
}


@pytest.mark.parametrize("field", CHANGEABLE)
def test_what_an_answer_may_change(field):
    assert cannot_change(field) == ""


@pytest.mark.parametrize(("field", "why"), UNCHANGEABLE.values(), ids=UNCHANGEABLE)
def test_what_no_answer_may_change(field, why):
    assert why in cannot_change(field)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_answers_count_where_a_client_or_a_caller_waits(name):
    of = METHODS[name]
    assert rewritable(of) == (of.kind is not Kind.EVENT and not of.sessionless)


def test_events_after_a_hook_are_events():
    assert EVENTS_AFTER.keys() <= METHODS.keys()
    assert {METHODS[event].kind for events in EVENTS_AFTER.values() for event in events} == {Kind.EVENT}


def test_no_hook_whose_fields_can_be_rewritten_and_that_names_something_leaves_its_events_unhidden():
    assert {name for name in NAMES if rewritable(METHODS[name])} <= EVENTS_AFTER.keys()


def test_each_action_is_of_methods_that_can_be_refused():
    assert all(METHODS[name].refusable for name in ACTION_OF)
    assert sum(map(len, ACTIONS.values())) == len(ACTION_OF), "a method is of two actions"


def test_names_are_not_what_the_media_server_knows_things_by():
    assert not NAMED & set(FIXED)


MAY_NAME = {
    "its own": ("playStream", "name", True),
    "inside custom": ("hangup", "custom.room", True),
    "a method that nobody knows": ("dance", "partner", True),
    "another method's": ("playStream", "callee", False),
    "custom itself": ("playStream", "custom", False),
    "beside custom": ("playStream", "customer.room", False),
    "of a method without names": ("hangup", "name", False),
}


@pytest.mark.parametrize(("name", "field", "expected"), MAY_NAME.values(), ids=MAY_NAME)
def test_may_name(name, field, expected):
    assert may_name(method(name), field) is expected


ADDRESSES = {
    "an address": ("rtsp://wcs.example.com:5554/stream1?aclAuth=abc", "stream1"),
    "with a user and a password": ("rtsp://ann:pw@wcs.example.com/stream1", "stream1"),
    "of several parts": ("rtsp://wcs.example.com/live/stream1", "live/stream1"),
    "slashes before it": ("rtsp://wcs.example.com//stream1", "stream1"),
    "a path": ("/stream1?x=/y", "stream1"),
    "a name": ("stream1", "stream1"),
    "no path": ("rtsp://wcs.example.com", "rtsp://wcs.example.com"),
    "a backslash after the host": ("rtsp://h\\secret-1", "rtsp://h\\secret-1"),
    "an encoded slash after the host": ("rtsp://h%2Fsecret-1/x", "rtsp://h%2Fsecret-1/x"),
    "a full-width slash after the host": ("rtsp://h\uff0fsecret-1/x", "rtsp://h\uff0fsecret-1/x"),
    "a query that climbs": ("rtsp://h/a?/../secret-1", "a?/../secret-1"),
    "a query that climbs, encoded": ("rtsp://h/a?%2e%2e/secret-1", "a?%2e%2e/secret-1"),
    "a query with slashes": ("rtsp://h/stream1?aclAuth=a/b=", "stream1"),
    "empty": ("", ""),
    "a number": (5, ""),
    "an object": ({"x": "stream1"}, ""),
}


@pytest.mark.parametrize(("value", "expected"), ADDRESSES.values(), ids=ADDRESSES)
@pytest.mark.parametrize("field", ["name", "rtspUrl"])
def test_a_player_of_rtsp_names_a_stream_by_its_address(field, value, expected):
    assert name_of(hook("playRTSP", {field: value})) == expected


def test_of_two_names_of_a_player_of_rtsp_the_newer_one_counts():
    assert name_of(hook("playRTSP", {"rtspUrl": "rtsp://x/old", "name": "rtsp://x/new"})) == "new"


ABOUT = {
    "a stream": ("publishStream", {"name": "cam"}, "cam"),
    "an address stays one": ("playStream", {"name": "rtsp://x/cam?y"}, "rtsp://x/cam?y"),
    "a callee": ("call", {"caller": "1001", "callee": "1002"}, "1002"),
    "a caller": ("OnCallEvent", {"caller": "1001", "callee": "1002"}, "1001"),
    "a number": ("call", {"callee": 1002}, "1002"),
    "data is about the application": ("OnDataEvent", {"name": "cam"}, "app"),
    "true": ("playStream", {"name": True}, ""),
    "null": ("playStream", {"name": None}, ""),
    "a list": ("playStream", {"name": ["cam"]}, ""),
    "another spelling": ("playStream", {"Name": "cam"}, ""),
    "nothing": ("hangup", {"name": "cam"}, ""),
}


@pytest.mark.parametrize(("name", "fields", "expected"), ABOUT.values(), ids=ABOUT)
def test_what_a_hook_is_about(name, fields, expected):
    assert name_of(hook(name, fields)) == expected


INSIDE = {
    "inside": ({"custom": {"room": "lobby"}}, "lobby"),
    "no object": ({"custom": "room"}, ""),
    "a name with the dot": ({"custom.room": "lobby"}, ""),
    "an object": ({"custom": {"room": {"x": 1}}}, ""),
    "a fraction": ({"custom": {"room": 1.5}}, ""),
}


@pytest.mark.parametrize(("fields", "expected"), INSIDE.values(), ids=INSIDE)
def test_what_is_inside_custom(fields, expected):
    assert text_at(hook("playStream", fields), "custom.room") == expected


def hook(name, fields):
    return parse(Delivery(name, json.dumps({"appKey": "app"} | fields).encode()))
