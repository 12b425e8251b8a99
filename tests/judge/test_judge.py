"""Which rule decides, and what it comes to."""

import asyncio
import json
from ipaddress import ip_network

import pytest

from authgate.errors import StoreError
from authgate.hooks import reply
from authgate.model import Authority, Principal, Reason, Session, SessionKey, User
from authgate.policies import POLICIES
from authgate.ports import Answered
from authgate.rewrites import REWRITES
from authgate.rules import AppPolicies, PolicyOptions, RuleOptions
from tests.fakes import FakeAliases, FakeAuthorities, FakeTargets
from tests.test_gateway import BAD, KEY, NOW, TOKEN, body, build, live, send

LIVE = {"session": "live"}
ADDRESS = {"session": "/203.0.113.7:52791/192.0.2.10:8443"}


def rule(name="rule", policy="deny", rewrites=(), **options):
    """A rule; its policy by name, or its options with ``type``."""
    options = {
        key: (value,) if isinstance(value, str) and key != "timezone" else value for key, value in options.items()
    }
    given = {"type": policy} if isinstance(policy, str) else policy
    kind = given["type"]
    made = POLICIES[kind](**{key: value for key, value in given.items() if key != "type"})
    changes = tuple(REWRITES[each["type"]](**{k: v for k, v in each.items() if k != "type"}) for each in rewrites)
    return RuleOptions(name=name, policy=made, rewrites=changes, **options)


def put(field, value):
    return {"type": "put", "field": field, "value": value}


async def verdict(gateway, method, sent):
    """The reason and the rule of the record, and the answer."""
    answer = await send(gateway, method, sent)
    record = (gateway.ledger.written or gateway.ledger.deferred)[-1].record
    assert (answer.status == 200) is record.allowed
    return record.reason, record.rule, answer


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
GRANTS = FakeAuthorities(ann=Authority(frozenset({"staff"}), ("publish:{user}-*", "!publish:*-secret")))
ALIASES = FakeAliases(cams={"lobby": "rtsp://cam.local/1"})


def gateway_of(rules, policies=None, apps=None):
    targets = FakeTargets(yes={"name": "changed", "sessionId": "no"}, no=None, open=Answered(True, {}, "away"))
    gateway = build(policies, apps, rules, targets, ALIASES, GRANTS)
    live(gateway)[KEY] = Session(KEY, "app", NOW * 1000, Principal("ann", "token"), origin="https://page.example")
    return gateway


@pytest.mark.parametrize(("rules", "hook", "expected"), CASES.values(), ids=CASES)
async def test_who_decides(rules, hook, expected):
    reason, name, _ = await verdict(gateway_of(rules), *hook)
    assert (reason, name) == expected


CHANGES = {
    "put": ([rule("a", "session", methods="publishStream", rewrites=[put("name", "int-{name}")])], {"name": "int-cam"}),
    "one after the other": (
        [
            rule(
                "a",
                "session",
                methods="publishStream",
                rewrites=[put("name", "{user}-{name}"), put("name", "x/{name}")],
            )
        ],
        {"name": "x/ann-cam"},
    ),
    "not by a rule that does not match": (
        [rule("a", "session", methods="publishStream", names="else", rewrites=[put("name", "int-{name}")])],
        {},
    ),
    "not by a rule that only may match": (
        [rule("a", "session", methods="publishStream", names="cam*", rewrites=[put("name", "int-{name}")])],
        {"name": "int-cam"},
    ),
    "what a target changes, as far as it may": (
        [rule("a", {"type": "forward", "target": "yes", "overwrite": ("name",)}, methods="publishStream")],
        {"name": "changed"},
    ),
    "nothing that a target may not change": ([rule("a", {"type": "forward", "target": "yes"})], {}),
}


@pytest.mark.parametrize(("rules", "changes"), CHANGES.values(), ids=CHANGES)
async def test_what_is_changed(rules, changes):
    sent = body(**LIVE, name="cam", width=1)
    reason, _, answer = await verdict(gateway_of(rules), "publishStream", sent)
    assert reason is Reason.OK
    assert json.loads(answer.body) == json.loads(sent) | changes


async def test_a_name_that_may_be_read_otherwise_is_not_rewritten():
    rules = [rule("a", "session", methods="publishStream", names="cam*", rewrites=[put("name", "int-{name}")])]
    sent = body(**LIVE, name="c%61m")
    reason, name, answer = await verdict(gateway_of(rules), "publishStream", sent)
    assert (reason, name, answer.body) == (Reason.OK, "policies.call", sent)


async def test_a_connect_is_changed_and_configured():
    rules = [rule("sip", "session", methods="connect", rewrites=[put("sipLogin", "{user}"), put("sipPort", 5060)])]
    _, name, answer = await verdict(gateway_of(rules), "connect", body(**TOKEN))
    told = json.loads(answer.body)
    assert (name, told["sipLogin"], told["sipPort"]) == ("sip", "ann", 5060)
    assert told["restClientConfig"] == {"x": {}}


async def test_a_deny_says_why_in_its_own_words():
    gateway = gateway_of([rule("a", {"type": "deny", "reason": "Come back on Monday"})])
    _, _, answer = await verdict(gateway, "publishStream", body(**LIVE))
    assert json.loads(answer.body) == {"status": 403, "reason": "Come back on Monday"}


async def test_another_rejection_keeps_the_usual_words():
    _, _, answer = await verdict(gateway_of([rule("a", "token")]), "publishStream", body(**LIVE))
    assert answer == reply.REFUSED


async def test_a_user_without_grants_follows_the_default_policy():
    rules = [rule("a", "grant", actions="publish")]
    for policy, expected in {"session": Reason.OK, "deny": Reason.POLICY_DENIED, "grant": Reason.GRANT_MISSING}.items():
        gateway = build(PolicyOptions(call=policy), {}, rules)
        reason, name, _ = await verdict(gateway, "publishStream", body(**LIVE, name="x"))
        assert (reason, name) == (expected, "a")


async def test_what_a_verifier_does_not_know_is_for_the_fall_back():
    for target, expected in {"yes": Reason.OK, "no": Reason.TARGET_REFUSED, "open": Reason.TARGET_UNAVAILABLE}.items():
        for sent in (body(custom={"token": "other"}), body(custom={"apiKey": "x"}), body()):
            gateway = gateway_of([], PolicyOptions(fallback=target), {})
            reason, name, _ = await verdict(gateway, "connect", sent)
            assert (reason, name) == (expected, f"targets.{target}")
    for sent in (body(**BAD), body(custom={"token": 5})):
        gateway = gateway_of([], PolicyOptions(fallback="yes"), {})
        reason, _, _ = await verdict(gateway, "connect", sent)
        assert reason in (Reason.TOKEN_INVALID, Reason.CREDENTIALS_MALFORMED)
        assert gateway.targets.asked == []


async def test_the_fall_back_is_not_asked_where_nobody_needs_to_be_known():
    gateway = gateway_of([], PolicyOptions(fallback="no"), {"app": AppPolicies(connect="allow_anonymous")})
    reason, _, _ = await verdict(gateway, "connect", body())
    assert (reason, gateway.targets.asked) == (Reason.OK, [])


async def test_a_fall_back_that_is_away_lets_nobody_in():
    gateway = gateway_of([], PolicyOptions(fallback="away"), {})
    assert await send(gateway, "connect", body()) == reply.UNAVAILABLE
    assert SessionKey("n", "new") not in live(gateway)


async def test_a_user_who_is_disabled_is_not_vouched_for():
    gateway = gateway_of([], PolicyOptions(fallback="yes"), {})
    gateway.in_force.judge.outside.users.users["eve"] = User("eve", "Eve", enabled=False)
    reason, _, _ = await verdict(gateway, "connect", body(custom={"login": "Eve", "password": "x"}))
    assert reason is Reason.USER_DISABLED


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


async def test_an_alias_that_cannot_be_looked_up_lets_nothing_out_unchanged():
    keep = {"type": "map", "field": "name", "store": "cams", "otherwise": "keep"}
    rules = [rule("a", "allow", methods="publishStream", rewrites=[keep, {"type": "drop", "field": "rtmpUrl"}])]
    gateway = build(PolicyOptions(call="allow"), {}, rules, aliases=Away())
    answer = await send(gateway, "publishStream", body(name="x", rtmpUrl="rtmp://192.168.0.1/"))
    assert answer == reply.UNAVAILABLE


class Away:
    async def find(self, table, name):
        raise StoreError("the store is away")


async def test_a_user_of_the_store_is_not_vouched_for_by_name():
    gateway = gateway_of([], PolicyOptions(fallback="yes"), {})
    gateway.in_force.judge.outside.users.users["admin"] = User("admin", "Admin")
    await send(gateway, "connect", body(custom={"ticket": "bobs", "login": "Admin", "password": "x"}))
    client = live(gateway)[SessionKey("n", "new")].client
    assert (client.user, client.stored_user) == ("anonymous@yes", False)


async def test_zero_is_not_false():
    answers = FakeTargets(yes={"record": False})
    rules = [rule("a", {"type": "forward", "target": "yes", "overwrite": ("record",)}, methods="publishStream")]
    gateway = build(PolicyOptions(), {}, rules, answers)
    answer = await send(gateway, "publishStream", body(**LIVE, record=0))
    assert json.loads(answer.body)["record"] is False


async def test_an_origin_too_long_to_be_kept_is_not_cut_into_another():
    rules = [rule("a", "session", origins="https://*.example.com"), rule("b", "deny")]
    gateway = gateway_of(rules)
    long = f"https://{'a' * 230}.example.com.evil.example"
    await send(gateway, "connect", body(**TOKEN, origin=long))
    _, name, _ = await verdict(gateway, "hold", body())
    assert name == "b"


async def test_a_target_that_only_may_be_meant_vouches_for_nobody():
    rules = [rule("a", {"type": "forward", "target": "yes"}, methods="connect", names={"login": ("eve",)})]
    for login, expected in {"eve": (Reason.OK, "a"), "%65ve": (Reason.CREDENTIALS_MISSING, "policies.connect")}.items():
        reason, name, _ = await verdict(gateway_of(rules), "connect", body(login=login))
        assert (reason, name) == expected


VOUCHED = {
    "a login with its password": ({"login": "Eve", "password": "x"}, "eve"),
    "a token": ({"token": "other"}, "anonymous@yes"),
    "a login beside a token": ({"token": "other", "login": "admin"}, "anonymous@yes"),
    "a login and a password beside a token": ({"token": "other", "login": "admin", "password": "x"}, "anonymous@yes"),
    "a login alone": ({"login": "admin"}, "anonymous@yes"),
    "nothing that is known": ({"apiKey": "x"}, "anonymous@yes"),
}


@pytest.mark.parametrize(("custom", "user"), VOUCHED.values(), ids=VOUCHED)
async def test_whom_a_target_vouches_for(custom, user):
    rules = [rule("a", {"type": "forward", "target": "yes"}, methods="connect")]
    for gateway in (gateway_of([], PolicyOptions(fallback="yes"), {}), gateway_of(rules)):
        assert (await send(gateway, "connect", body(custom=custom))).status == 200
        assert live(gateway)[SessionKey("n", "new")].client.user == user


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


async def test_a_rewrite_asks_who_the_client_is_where_the_policy_does_not():
    rules = [rule("a", "allow", methods="publishStream", rewrites=[put("name", "{user}-{name}")])]
    _, _, answer = await verdict(gateway_of(rules), "publishStream", body(**LIVE, name="cam"))
    assert json.loads(answer.body)["name"] == "ann-cam"


async def test_a_wrong_token_is_not_let_past_a_rewrite_that_would_keep_the_name():
    keep = {"type": "map", "field": "name", "store": "cams", "key": "{user}", "otherwise": "keep"}
    rules = [rule("a", "allow", methods="publishStream", rewrites=[keep])]
    reason, name, _ = await verdict(gateway_of(rules), "publishStream", body(**LIVE, **BAD, name="cam"))
    assert (reason, name) == (Reason.TOKEN_INVALID, "a")
