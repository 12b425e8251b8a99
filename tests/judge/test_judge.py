"""Which rule decides, and what it comes to."""

import asyncio
from ipaddress import ip_network

import pytest

from authgate.errors import StoreError
from authgate.hooks import reply
from authgate.model import Reason
from authgate.rules import PolicyOptions
from tests.judge.made import ADDRESS, LIVE, gateway_of, put, rule, verdict
from tests.test_gateway import BAD, TOKEN, body, build, send

# The rules of a case, the hook, and which rule decides how. The default policies ask for a session.
CASES = {
    "the first that matches": (
        [rule("a", "deny", names="x*"), rule("b", "allow")],
        ("publishStream", body(**LIVE, name="x1")),
        (Reason.POLICY_DENIED, "a"),
    ),
    "the next one where the first does not": (
        [rule("a", "deny", names="x*"), rule("b", "allow")],
        ("publishStream", body(name="y1")),
        (Reason.OK, "b"),
    ),
    "the default policy where none does": (
        [rule("a", "deny", names="x*")],
        ("publishStream", body(**LIVE, name="y1")),
        (Reason.OK, "policies.call"),
    ),
    "the default policy rejects": (
        [rule("a", "deny", names="x*")],
        ("publishStream", body(name="y1")),
        (Reason.SESSION_UNKNOWN, "policies.call"),
    ),
    "a rule before an application's policy": (
        [rule("a", "deny", methods="publishStream")],
        ("publishStream", body("open")),
        (Reason.POLICY_DENIED, "a"),
    ),
    "another application": (
        [rule("a", "deny", apps="else")],
        ("publishStream", body(**LIVE)),
        (Reason.OK, "policies.call"),
    ),
    "this application": (
        [rule("a", "deny", apps="app")],
        ("publishStream", body(**LIVE)),
        (Reason.POLICY_DENIED, "a"),
    ),
    "an unknown method": ([rule("a", "deny")], ("teleport", body(**LIVE)), (Reason.POLICY_DENIED, "a")),
    "an event is not meant": ([rule("a", "deny")], ("StreamStatusEvent", body()), (Reason.OK, "policies.event")),
    "a keep-alive is not meant by all": (
        [rule("a", "deny")],
        ("StreamKeepAliveEvent", body()),
        (Reason.OK, "policies.event"),
    ),
    "a keep-alive that is named": (
        [rule("a", "deny", methods="StreamKeepAliveEvent", names="x")],
        ("StreamKeepAliveEvent", body(name="x")),
        (Reason.POLICY_DENIED, "a"),
    ),
    "connect is not meant by all": ([rule("a", "deny")], ("connect", body(**TOKEN)), (Reason.OK, "verifiers.token")),
    "connect that is named": (
        [rule("a", "deny", methods="connect")],
        ("connect", body(**TOKEN)),
        (Reason.POLICY_DENIED, "a"),
    ),
    "connect by a rule": (
        [rule("a", "session", methods="connect")],
        ("connect", body(**TOKEN)),
        (Reason.OK, "a"),
    ),
    "connect of nobody by a rule": (
        [rule("a", "session", methods="connect")],
        ("connect", body()),
        (Reason.CREDENTIALS_MISSING, "a"),
    ),
    "connect of anybody": ([rule("a", "allow", methods="connect")], ("connect", body()), (Reason.OK, "a")),
    "a bad token where anybody may connect": (
        [rule("a", "allow", methods="connect")],
        ("connect", body(**BAD)),
        (Reason.TOKEN_INVALID, "a"),
    ),
    "stills by the action": (
        [rule("a", "deny", actions="play", names="x")],
        ("snapshot", body(**LIVE, name="x")),
        (Reason.POLICY_DENIED, "a"),
    ),
    "playlists by the action": (
        [rule("a", "deny", actions="play", names="x")],
        ("playHLS", body(**TOKEN, name="x")),
        (Reason.POLICY_DENIED, "a"),
    ),
    "RTSP by the action, the name in an address": (
        [rule("a", "deny", actions="play", names="x")],
        ("playRTSP", body(**TOKEN, name="rtsp://wcs.example.com:5554/x?aclAuth=abc")),
        (Reason.POLICY_DENIED, "a"),
    ),
    "RTSP of an older build": (
        [rule("a", "deny", actions="play", names="x")],
        ("playRTSP", body(**TOKEN, rtspUrl="rtsp://wcs.example.com:5554/x")),
        (Reason.POLICY_DENIED, "a"),
    ),
    "whom a call is for": (
        [rule("a", "deny", names={"callee": ("00*",)})],
        ("call", body(**LIVE, callee="0049123")),
        (Reason.POLICY_DENIED, "a"),
    ),
    "whom a call is transferred to, by the action": (
        [rule("a", "deny", actions="call", names="00*")],
        ("transfer", body(**LIVE, callId="c", target="0049123")),
        (Reason.POLICY_DENIED, "a"),
    ),
    "who calls": (
        [rule("a", "deny", methods="OnCallEvent", names={"caller": ("666*",)})],
        ("OnCallEvent", body(**LIVE, caller="666", callee="1")),
        (Reason.POLICY_DENIED, "a"),
    ),
    "a parameter of the application's": (
        [rule("a", "deny", names={"custom.room": ("x",)})],
        ("hangup", body(**LIVE, custom={"room": "x"})),
        (Reason.POLICY_DENIED, "a"),
    ),
    "every field must match": (
        [rule("a", "deny", methods="call", names={"callee": ("1",), "caller": ("2",)})],
        ("call", body(**LIVE, callee="1", caller="3")),
        (Reason.OK, "policies.call"),
    ),
    "a user": ([rule("a", "deny", users="ann")], ("publishStream", body(**LIVE)), (Reason.POLICY_DENIED, "a")),
    "another user": ([rule("a", "deny", users="bob")], ("hold", body(**LIVE)), (Reason.OK, "policies.call")),
    "nobody is no user": ([rule("a", "allow", users="*")], ("hold", body()), (Reason.SESSION_UNKNOWN, "policies.call")),
    "a group": ([rule("a", "deny", groups="Staff")], ("hold", body(**LIVE)), (Reason.POLICY_DENIED, "a")),
    "another group": ([rule("a", "deny", groups="guests")], ("hold", body(**LIVE)), (Reason.OK, "policies.call")),
    "a bad token does not slip past a group's rule": (
        [rule("a", "deny", groups="staff"), rule("b", "allow")],
        ("hold", body(**LIVE, **BAD)),
        (Reason.TOKEN_INVALID, "b"),
    ),
    "an origin": (
        [rule("a", "deny", methods="connect", origins="https://evil.example")],
        ("connect", body(**TOKEN, origin="https://evil.example")),
        (Reason.POLICY_DENIED, "a"),
    ),
    "an origin that cannot be read is not let past a deny": (
        [rule("a", "deny", methods="connect", origins="https://evil.example")],
        ("connect", body(**TOKEN, origin="https://evil.example/x")),
        (Reason.POLICY_DENIED, "a"),
    ),
    "the origin of the session": (
        [rule("a", "deny", origins="https://page.example")],
        ("publishStream", body(**LIVE)),
        (Reason.POLICY_DENIED, "a"),
    ),
    "the origin of the session, though the hook has a token": (
        [rule("a", "deny", origins="https://page.example")],
        ("publishStream", body(**LIVE, **TOKEN)),
        (Reason.POLICY_DENIED, "a"),
    ),
    "an origin in the hook is not believed": (
        [rule("a", "deny", origins="https://page.example")],
        ("publishStream", body(**LIVE, origin="https://other.example")),
        (Reason.POLICY_DENIED, "a"),
    ),
    "an address": (
        [rule("a", "deny", methods="connect", addresses=(ip_network("203.0.113.0/24"),))],
        ("connect", body(**TOKEN, **ADDRESS)),
        (Reason.POLICY_DENIED, "a"),
    ),
    "another address": (
        [rule("a", "deny", methods="connect", addresses=(ip_network("10.0.0.0/8"),))],
        ("connect", body(**TOKEN, **ADDRESS)),
        (Reason.OK, "verifiers.token"),
    ),
    "an address that cannot be told is not let past a deny": (
        [rule("a", "deny", methods="connect", addresses=(ip_network("10.0.0.0/8"),))],
        ("connect", body(**TOKEN)),
        (Reason.POLICY_DENIED, "a"),
    ),
    "a time": (
        [rule("a", "deny", times="2023-11-14/2023-11-15")],
        ("hold", body(**LIVE)),
        (Reason.POLICY_DENIED, "a"),
    ),
    "another time": ([rule("a", "deny", times="mon")], ("hold", body(**LIVE)), (Reason.OK, "policies.call")),
    "another time zone": (
        [rule("a", "deny", times="wed", timezone="Pacific/Auckland")],
        ("hold", body(**LIVE)),
        (Reason.POLICY_DENIED, "a"),
    ),
    "a name that may be read as a denied one": (
        [rule("a", "deny", names="secret"), rule("b", "allow")],
        ("playStream", body(name="sec%72et")),
        (Reason.POLICY_DENIED, "a"),
    ),
    "a name that may be read as an allowed one": (
        [rule("a", "allow", names="open-*")],
        ("playStream", body(name="open-1/%2e%2e/x")),
        (Reason.SESSION_UNKNOWN, "policies.call"),
    ),
    "a stricter rule for a name that may be read as its own can only refuse": (
        [rule("a", "token", names="secret"), rule("b", "allow")],
        ("playStream", body(**LIVE, name="sec%72et")),
        (Reason.CREDENTIALS_MISSING, "a"),
    ),
    "passing a rule that only may match leads on": (
        [rule("a", "token", names="secret"), rule("b", "deny")],
        ("playStream", body(**TOKEN, name="sec%72et")),
        (Reason.POLICY_DENIED, "b"),
    ),
    "token: a session alone is not enough": (
        [rule("a", "token")],
        ("publishStream", body(**LIVE)),
        (Reason.CREDENTIALS_MISSING, "a"),
    ),
    "token: the hook's own": ([rule("a", "token")], ("publishStream", body(**TOKEN)), (Reason.OK, "a")),
    "token: a bad one": ([rule("a", "token")], ("publishStream", body(**LIVE, **BAD)), (Reason.TOKEN_INVALID, "a")),
    "grant: of the store": (
        [rule("a", "grant", actions="publish")],
        ("publishStream", body(**LIVE, name="ann-1")),
        (Reason.OK, "a"),
    ),
    "grant: none for this name": (
        [rule("a", "grant", actions="publish")],
        ("publishStream", body(**LIVE, name="bob-1")),
        (Reason.GRANT_MISSING, "a"),
    ),
    "grant: denied": (
        [rule("a", "grant", actions="publish")],
        ("publishStream", body(**LIVE, name="ann-secret")),
        (Reason.GRANT_DENIED, "a"),
    ),
    "grant: nobody": (
        [rule("a", "grant", actions="publish")],
        ("publishStream", body(name="ann-1")),
        (Reason.SESSION_UNKNOWN, "a"),
    ),
    "forward: refused": (
        [rule("a", {"type": "forward", "target": "no"})],
        ("publishStream", body(**LIVE)),
        (Reason.TARGET_REFUSED, "a"),
    ),
    "forward: a session is wanted too": (
        [rule("a", {"type": "forward", "target": "yes", "session": True})],
        ("publishStream", body()),
        (Reason.SESSION_UNKNOWN, "a"),
    ),
    "forward: allowed": (
        [rule("a", {"type": "forward", "target": "yes"})],
        ("publishStream", body()),
        (Reason.OK, "a"),
    ),
    "forward: away": (
        [rule("a", {"type": "forward", "target": "away"})],
        ("publishStream", body(**LIVE)),
        (Reason.TARGET_UNAVAILABLE, ""),
    ),
    "forward: a connect that the target vouches for": (
        [rule("a", {"type": "forward", "target": "yes"}, methods="connect")],
        ("connect", body(custom={"token": "other"})),
        (Reason.OK, "a"),
    ),
    "forward: a connect with a token that a verifier rejects": (
        [rule("a", {"type": "forward", "target": "yes"}, methods="connect")],
        ("connect", body(**BAD)),
        (Reason.TOKEN_INVALID, "a"),
    ),
    "forward: a target that is passed over vouches for nobody": (
        [rule("a", {"type": "forward", "target": "open"}, methods="connect")],
        ("connect", body(custom={"token": "other"})),
        (Reason.TARGET_UNAVAILABLE, "a"),
    ),
    "forward: a login that can be no name": (
        [rule("a", {"type": "forward", "target": "yes"}, methods="connect")],
        ("connect", body(custom={"login": "\u202e", "password": "x"})),
        (Reason.CREDENTIALS_MALFORMED, "a"),
    ),
    "a rewrite that needs a user": (
        [rule("a", "allow", methods="publishStream", rewrites=[put("name", "{user}-{name}")])],
        ("publishStream", body(name="x")),
        (Reason.REWRITE_IMPOSSIBLE, "a"),
    ),
    "an alias that is not there": (
        [rule("a", "allow", methods="playStream", rewrites=[{"type": "map", "field": "name", "store": "cams"}])],
        ("playStream", body(name="nowhere")),
        (Reason.ALIAS_UNKNOWN, "a"),
    ),
}


@pytest.mark.parametrize(("rules", "hook", "expected"), CASES.values(), ids=CASES)
async def test_who_decides(rules, hook, expected):
    reason, name, _ = await verdict(gateway_of(rules), *hook)
    assert (reason, name) == expected


async def test_a_user_without_grants_follows_the_default_policy():
    rules = [rule("a", "grant", actions="publish")]
    for policy, expected in {"session": Reason.OK, "deny": Reason.POLICY_DENIED, "grant": Reason.GRANT_MISSING}.items():
        gateway = build(PolicyOptions(call=policy), {}, rules)
        reason, name, _ = await verdict(gateway, "publishStream", body(**LIVE, name="x"))
        assert (reason, name) == (expected, "a")


ODD_VALUES = {
    "a list of one": {"custom": {"room": ["vip-1"]}},
    "an object": {"custom": {"room": {"0": "vip-1"}}},
    "JSON as text": {"custom": '{"room":"vip-1"}'},
    "a fraction": {"custom": {"room": 7.0}},
    "true": {"custom": {"room": True}},
}


@pytest.mark.parametrize("fields", ODD_VALUES.values(), ids=ODD_VALUES)
async def test_a_value_that_is_no_text_does_not_slip_past_a_deny(fields):
    rules = [rule("a", "deny", methods="hold", names={"custom.room": ("vip-*",)}), rule("b", "allow")]
    for sent in (body(**LIVE, **fields), body(**LIVE)):
        _, name, _ = await verdict(gateway_of(rules), "hold", sent)
        assert name == ("a" if b"custom" in sent else "b")


async def test_a_name_that_is_a_list_is_matched_by_what_denies():
    rules = [rule("a", "deny", methods="playStream", names="secret"), rule("b", "allow")]
    _, name, _ = await verdict(gateway_of(rules), "playStream", body(**LIVE, name=["secret"]))
    assert name == "a"


async def test_an_origin_too_long_to_be_kept_is_not_cut_into_another():
    rules = [rule("a", "session", origins="https://*.example.com"), rule("b", "deny")]
    gateway = gateway_of(rules)
    long = f"https://{'a' * 230}.example.com.evil.example"
    await send(gateway, "connect", body(**TOKEN, origin=long))
    _, name, _ = await verdict(gateway, "hold", body())
    assert name == "b"


async def test_what_nobody_asks_for_is_not_looked_up():
    gateway = build(PolicyOptions(), {}, [rule("a", "session", names="x"), rule("b", "grant", actions="publish")])
    gateway.in_force.judge.outside.authorities.away = True
    reason, name, _ = await verdict(gateway, "publishStream", body(**LIVE, name="x"))
    assert (reason, name) == (Reason.OK, "a")


async def test_grants_that_cannot_be_looked_up_allow_nothing():
    gateway = build(PolicyOptions(call="allow"), {}, [rule("b", "grant", actions="publish")])
    gateway.in_force.judge.outside.authorities.away = True
    answer = await send(gateway, "publishStream", body(**LIVE, name="x"))
    assert answer == reply.UNAVAILABLE


async def test_trouble_in_a_condition_allows_nothing_though_every_policy_would():
    gateway = build(PolicyOptions(call="allow"), {}, [rule("b", "allow", groups="staff")])
    gateway.in_force.judge.outside.authorities.away = True
    assert await send(gateway, "publishStream", body(**LIVE, name="x")) == reply.UNAVAILABLE


async def test_each_hook_is_observed_once_whatever_the_verdict():
    gateway = build(PolicyOptions(), {})
    await send(gateway, "publishStream", body(**LIVE))
    await send(gateway, "publishStream", body())
    await send(gateway, "StreamStatusEvent", body())
    gateway.ledger.trouble = StoreError("away")
    await send(gateway, "StreamStatusEvent", body())
    observed = [("publishStream", True), ("publishStream", False), *[("StreamStatusEvent", True)] * 2]
    assert gateway.targets.observed == observed


async def test_a_hook_is_answered_by_what_was_in_force_when_it_came():
    before = build(PolicyOptions(), {})
    after = build(PolicyOptions(call="deny"), {}).in_force
    before.ledger.hang = True
    answer = asyncio.create_task(send(before, "publishStream", body(**LIVE)))
    await asyncio.sleep(0.01)
    before.in_force = after
    before.ledger.hang = False
    reason, _, _ = await verdict(before, "publishStream", body(**LIVE))
    assert reason is Reason.POLICY_DENIED
    answer.cancel()
