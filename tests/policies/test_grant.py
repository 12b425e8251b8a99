"""The policy that asks what the client is granted."""

import json

import pytest

from authgate.hooks.fields import ACTION_OF, ACTIONS
from authgate.hooks.methods import METHODS, method
from authgate.hooks.parse import parse
from authgate.model import Asks, Authority, Case, Delivery, Principal, Reason
from authgate.policies.grant import Grant

OK, MISSING, DENIED = Reason.OK, Reason.GRANT_MISSING, Reason.GRANT_DENIED
URL = "rtsp://wcs.example.com:5554"


def case(called, grants, client=None, **fields):
    """A hook of a client whose user has these grants."""
    body = {"nodeId": "N1", "appKey": "roomApp", "sessionId": "S1", **fields}
    hook = parse(Delivery(called, json.dumps(body).encode()))
    return Case(hook, 0, client or Principal("ann"), authority=Authority(grants=grants), asked=Asks.AUTHORITY)


# Each hook that shows something of a stream, about the stream cam-1.
PLAYS = {
    "playStream": ("playStream", {"name": "cam-1"}),
    "playStream in capitals": ("playStream", {"name": "CAM-1"}),
    "pauseStream": ("pauseStream", {"name": "cam-1"}),
    "stopStream": ("stopStream", {"name": "cam-1"}),
    "snapshot": ("snapshot", {"name": "cam-1"}),
    "availableStream": ("availableStream", {"name": "cam-1"}),
    "playHLS": ("playHLS", {"name": "cam-1"}),
    "playRTSP with a name": ("playRTSP", {"name": "cam-1"}),
    "playRTSP with an address": ("playRTSP", {"name": f"{URL}/cam-1"}),
    "playRTSP with a query": ("playRTSP", {"name": f"{URL}/cam-1?aclAuth=x"}),
    "playRTSP of an older build": ("playRTSP", {"rtspUrl": f"{URL}/cam-1"}),
    "playRTSP of an older build with a query": ("playRTSP", {"rtspUrl": f"{URL}/cam-1?aclAuth=x"}),
}


@pytest.mark.parametrize(("name", "fields"), PLAYS.values(), ids=PLAYS)
def test_what_shows_a_stream_is_play(name, fields):
    policy = Grant()
    assert policy.cannot_judge([METHODS[name]]) == ""
    assert policy.judge(case(name, ("play:cam-*",), **fields)) is OK
    assert policy.judge(case(name, ("play:hall-*", "publish:*", "call:*", "data:*"), **fields)) is MISSING
    assert policy.judge(case(name, ("play:*", "!play:cam-1"), **fields)) is DENIED


def test_every_method_of_play_is_tried():
    assert {name for name, _ in PLAYS.values()} == set(ACTIONS["play"])


ATTACKS = {
    "percent-encoded": "%63am-1",
    "percent-encoded twice": "%2563am-1",
    "parent segment": "hall-1/../cam-1",
    "leading slash": "/cam-1",
    "zero width space": "cam\u200b-1",
    "query": "cam-1?hall-1",
    "NUL": "cam-1\0",
    "address": f"{URL}/cam-1",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("name", [name for name in ACTIONS["play"] if name != "playRTSP"])
def test_no_still_and_no_playlist_leaks(name, attack):
    assert Grant().judge(case(name, ("play:*", "!play:cam-*"), name=attack)) is DENIED
    assert Grant().judge(case(name, ("play:hall-*",), name=attack)) is MISSING


ADDRESSES = {
    "percent-encoded": f"{URL}/%63am-1",
    "parent segment": f"{URL}/hall-1/../cam-1",
    "doubled slash": f"{URL}//cam-1",
    "backslash": f"{URL}\\hall-1/../cam-1",
    "a folder before it": f"{URL}/live/cam-1",
    "fragment": f"{URL}/cam-1#hall-1",
    "path parameter": f"{URL}/cam-1;hall-1",
    "capitals": "RTSP://WCS.EXAMPLE.COM/CAM-1",
}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
@pytest.mark.parametrize("field", ["name", "rtspUrl"])
def test_no_address_of_a_player_leaks(field, address):
    assert Grant().judge(case("playRTSP", ("play:*", "!play:cam-*"), **{field: address})) is DENIED
    assert Grant().judge(case("playRTSP", ("play:hall-*",), **{field: address})) is MISSING


# method, fields, grants -> what it comes to
JUDGED = {
    "publish": ("publishStream", {"name": "cam-1"}, ("publish:cam-*",), OK),
    "publish is not play": ("publishStream", {"name": "cam-1"}, ("play:cam-*",), MISSING),
    "unpublish": ("unPublishStream", {"name": "cam-1"}, ("publish:cam-*",), OK),
    "call": ("call", {"callee": "1001"}, ("call:10*",), OK),
    "call of another": ("call", {"callee": "0900123", "caller": "1001"}, ("call:10*",), MISSING),
    "transfer reaches as a call does": ("transfer", {"target": "0900123"}, ("call:*", "!call:0900*"), DENIED),
    "message": ("sendMessage", {"to": "bob", "from": "ann"}, ("message:bob",), OK),
    "data of the application": ("OnDataEvent", {"payload": {}}, ("data:roomApp",), OK),
    "data of another application": ("OnDataEvent", {"payload": {}}, ("data:chatApp",), MISSING),
    "an incoming call": ("OnCallEvent", {"caller": "1001"}, ("receive:10*",), OK),
    "no name": ("publishStream", {}, ("publish:cam-*",), MISSING),
    "a name that is no text": ("publishStream", {"name": ["cam-1"]}, ("publish:cam-*",), MISSING),
    "an empty list": ("publishStream", {"name": "cam-1"}, (), MISSING),
    "no list": ("publishStream", {"name": "cam-1"}, None, None),
    "a method without an action": ("hangup", {"callId": "C1"}, ("*:*",), MISSING),
    "a method that nobody knows": ("teleport", {"name": "cam-1"}, ("*:*",), MISSING),
}


@pytest.mark.parametrize(("name", "fields", "grants", "reason"), JUDGED.values(), ids=JUDGED)
def test_judge(name, fields, grants, reason):
    assert Grant().judge(case(name, grants, **fields)) is reason


def test_an_action_that_is_named():
    keepalive = Grant(action="publish")
    assert keepalive.judge(case("StreamKeepAliveEvent", ("publish:cam-*",), name="cam-1")) is OK
    assert keepalive.judge(case("StreamKeepAliveEvent", ("play:cam-*",), name="cam-1")) is MISSING


@pytest.mark.parametrize("reason", [Reason.CREDENTIALS_MISSING, Reason.SESSION_UNKNOWN, Reason.USER_DISABLED])
def test_who_is_not_known_has_no_grants(reason):
    assert Grant().judge(case("playStream", ("*:*",), client=reason, name="cam-1")) is reason


def test_a_token_that_narrows():
    client = Principal("ann", grants=("play:cam-2",))
    assert Grant().judge(case("playStream", None, client=client, name="cam-1")) is MISSING
    assert Grant().judge(case("playStream", None, client=client, name="cam-2")) is None


# action, method -> what is said
CANNOT = {
    "names nothing": (None, "hangup", "names nothing"),
    "names nothing, whatever the action": ("call", "sendDtmf", "names nothing"),
    "no action of its own": (None, "answer", "say which"),
    "a keep-alive of what": (None, "StreamKeepAliveEvent", "say which"),
    "connect": (None, "connect", "say which"),
    "another action": ("publish", "playStream", "'play', not 'publish'"),
    "a method that nobody knows": (None, "teleport", "names nothing"),
}


@pytest.mark.parametrize(("action", "name", "says"), CANNOT.values(), ids=CANNOT)
def test_what_it_cannot_judge(action, name, says):
    assert says in Grant(action=action).cannot_judge(
        [METHODS["playHLS"], method(name)] if not action else [method(name)]
    )


def test_what_it_can_judge():
    for action, names in ACTIONS.items():
        assert Grant().cannot_judge(map(METHODS.__getitem__, names)) == ""
        assert Grant(action=action).cannot_judge(map(METHODS.__getitem__, names)) == ""
    assert Grant(action="call").cannot_judge([METHODS["answer"]]) == ""
    assert len(ACTION_OF) == sum(map(len, ACTIONS.values()))


@pytest.mark.parametrize("action", ["", "plai", "Play", "*", "playStream"])
def test_what_is_no_action(action):
    with pytest.raises(ValueError, match=r"action: .*publish, play, call"):
        Grant(action=action)


def test_it_is_a_policy_that_rejects_and_asks_the_store():
    assert (Grant().refuses, Grant().asks, Grant().overwrites) == (True, Asks.AUTHORITY, ())
