"""What is explained is what is answered."""

import json
from dataclasses import replace
from ipaddress import ip_network
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authgate.errors import StoreError
from authgate.explain import callers, dry, explain, explain_past, recall, refused, sent_by
from authgate.explain.dry import UnaskedTargets
from authgate.hooks import reply
from authgate.hooks.caller import CallerOptions
from authgate.hooks.methods import METHODS
from authgate.hooks.parse import parse
from authgate.limits import AppLimits, LimitOptions, Limits
from authgate.model import Delivery, Reason, Secret, User
from authgate.rules import PolicyOptions
from tests.explain.made import LIVE, dried, explained, judged_by
from tests.judge.made import rule
from tests.rules.test_defaults import APPS, OPTIONS
from tests.test_gateway import BAD, KEY, NOW, TOKEN, body, build, live, send
from tests.test_generated import HOOKS, RULES, gateway_of

NAMES = st.sampled_from([*sorted(METHODS), "teleport", "MoodEvent"])


BODIES = HOOKS | st.binary(max_size=20) | st.sampled_from([b"{}", b"null", b'{"appKey":"app","sessionId":5}'])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RULES, OPTIONS, APPS, NAMES, BODIES)
async def test_what_is_explained_is_what_is_answered(rules, options, app, name, sent):
    gateway = gateway_of(rules, options, app)
    found = await explained(gateway, name, sent, ask=True, rules=rules)
    before = dict(live(gateway))
    answer = await send(gateway, name, sent)
    assert found.answer == answer
    assert set(before) == {KEY}, "explaining changed a session"
    if found.decision is None:
        assert (found.fault != "", gateway.ledger.written) == (True, [])
        return
    [record] = [entry.record for entry in (*gateway.ledger.written, *gateway.ledger.deferred)]
    assert (found.decision.reason, found.decision.rule) == (record.reason, record.rule)
    if answer.status == 200:
        assert told_changes(found) == changes(sent, answer.body)


def told_changes(found):
    return {each.field for each in found.differences} | ({"restClientConfig"} if found.config else set())


def changes(sent, answered):
    """The fields that an answer has otherwise."""
    before, after = json.loads(sent), json.loads(answered)
    return {name for name in after if name not in before or before[name] != after[name]}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RULES, OPTIONS, APPS, NAMES, HOOKS)
async def test_targets_are_not_asked(rules, options, app, name, sent):
    gateway = gateway_of(rules, options, app)
    found = await explained(gateway, name, sent, rules=rules)
    assert gateway.targets.asked == []
    answer = await send(gateway, name, sent)
    if found.decision is None:
        assert gateway.targets.asked[0][0] == found.target
    else:
        assert (found.answer, gateway.targets.asked) == (answer, [])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RULES, OPTIONS, APPS, NAMES, HOOKS)
async def test_every_rule_is_told_once_and_in_order(rules, options, app, name, sent):
    found = await explained(gateway_of(rules, options, app), name, sent, rules=rules)
    asked = [step for step in found.rules if step.what == "rule"]
    assert [step.name for step in asked][:-1] == [each.name for each in rules]
    assert {step.outcome for step in asked} <= {"hit", "may", "miss", "shadowed", "not asked"}
    outcomes = [step.outcome for step in asked]
    if "shadowed" in outcomes:
        first = outcomes.index("shadowed")
        assert set(outcomes[first:]) <= {"shadowed", "miss"}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RULES, OPTIONS, APPS, NAMES, HOOKS)
async def test_the_record_of_a_hook_explains_its_verdict(rules, options, app, name, sent):
    """Judged again from its record, a hook comes to what it came to; or it is said what is missing."""
    gateway = gateway_of(rules, options, app)
    await send(gateway, name, sent)
    record = (gateway.ledger.written or gateway.ledger.deferred)[-1].record
    live(gateway).clear()
    found = await explain_past(recall(record), dried(gateway), rules)
    if found.decision is None:
        assert found.pending
    else:
        assert found.decision.reason is record.reason


STEPS = {
    "a miss, a hit, and what comes after": (
        [rule("a", names="x*"), rule("b", "session", names="y*"), rule("c")],
        ("publishStream", body(**LIVE, name="y1")),
        [("a", "miss"), ("b", "hit"), ("c", "shadowed"), ("policies.call", "shadowed")],
    ),
    "a name that may be meant": (
        [rule("a", "token", names="secret"), rule("b", "deny")],
        ("playStream", body(**TOKEN, name="sec%72et")),
        [("a", "may"), ("b", "hit"), ("policies.call", "shadowed")],
    ),
    "a rule for other hooks": (
        [rule("a", methods="call"), rule("b", apps="else")],
        ("publishStream", body(**LIVE)),
        [("a", "miss"), ("b", "miss"), ("policies.call", "hit")],
    ),
    "a target that is not asked": (
        [rule("a", {"type": "forward", "target": "yes"}), rule("b")],
        ("publishStream", body(**LIVE)),
        [("a", "hit"), ("b", "not asked"), ("policies.call", "not asked")],
    ),
}


@pytest.mark.parametrize(("rules", "hook", "expected"), STEPS.values(), ids=STEPS)
async def test_rules(rules, hook, expected):
    found = await explained(judged_by(rules), *hook, rules=rules)
    assert [(step.name, step.outcome) for step in found.rules if step.what == "rule"] == expected


async def test_what_each_condition_saw():
    rules = [rule("a", names="x*", users="bob", methods="publishStream"), rule("b", "session", users="ann")]
    found = await explained(judged_by(rules), "publishStream", body(**LIVE, name="x1"), rules=rules)
    details = [step.detail for step in found.rules if step.what == "rule"]
    assert details == ["names: hit 'x1'; users: miss 'ann'", "users: hit 'ann'", ""]


async def test_who_sent_it():
    found = await explained(judged_by([]), "publishStream", body(**LIVE))
    assert [(step.what, step.name, step.outcome) for step in found.sender] == [
        ("credentials", "", "none"),
        ("session", "live", "live"),
        ("client", "ann", "known"),
    ]
    found = await explained(judged_by([]), "publishStream", body(**LIVE, **BAD))
    assert [step.outcome for step in found.sender] == ["a token", "token_invalid", "token_invalid"]


async def test_a_target_that_would_decide_is_named():
    found = await explained(judged_by([rule("a", {"type": "forward", "target": "yes"})]), "hold", body(**LIVE))
    assert (found.decision, found.answer, found.allowed, found.target) == (None, None, False, "yes")
    gateway = judged_by([], PolicyOptions(fallback="legacy"))
    found = await explained(gateway, "connect", body(custom={"token": "other"}))
    assert (found.target, found.pending) == ("legacy", "decided by target legacy, which was not asked")


class TestTrouble:
    async def test_a_store_that_is_away_is_told_as_such(self):
        gateway = judged_by([rule("a", groups="staff")])
        gateway.in_force.judge.outside.authorities.away = True
        try:
            with pytest.raises(StoreError):
                await explained(gateway, "hold", body(**LIVE))
        finally:
            gateway.in_force.judge.outside.authorities.away = False

    async def test_a_mistake_is_answered_as_it_would_be(self):
        gateway = judged_by([])
        sent = body(custom={"token": "raise"})
        found = await explained(gateway, "connect", sent)
        assert found.decision.reason is Reason.INTERNAL
        assert found.answer == await send(gateway, "connect", sent) == reply.REFUSED

    async def test_a_target_that_is_away(self):
        gateway = judged_by([rule("a", {"type": "forward", "target": "away"})])
        found = await explained(gateway, "hold", body(**LIVE), ask=True)
        assert (found.decision.reason, found.answer) == (Reason.TARGET_UNAVAILABLE, reply.UNAVAILABLE)


# The limit of a user who has one session open, under which id the next connects, and what that comes to.
LIMITS = {
    "as many as there may be": (1, "new", Reason.SESSIONS_EXCEEDED, "1 open, 1 at most"),
    "none may be": (0, "new", Reason.SESSIONS_EXCEEDED, "1 open, 0 at most"),
    "one more may be": (2, "new", Reason.OK, "1 open, 2 at most"),
    "the same again": (1, "live", Reason.OK, "0 open, 1 at most"),
    "no limit": (None, "new", Reason.OK, None),
}


@pytest.mark.parametrize(("limit", "session", "reason", "told"), LIMITS.values(), ids=LIMITS)
async def test_a_connect_is_held_to_its_user_s_limit(limit, session, reason, told):
    gateway = judged_by([])
    gateway.in_force.judge.outside.users.users["ann"] = User("ann", "Ann", max_sessions=limit)
    in_force = dried(gateway)
    hook = parse(Delivery("connect", body(session=session)))
    found = await explain(hook, NOW, in_force, await sent_by("ann", hook, NOW, in_force))
    assert (found.decision.reason, found.allowed) == (reason, reason is Reason.OK)
    assert [step.outcome for step in found.sender if step.what == "sessions"] == ([told] if told else [])


HELD = LimitOptions(sessions_per_user=1)
ENDING = LimitOptions(sessions_per_user=1, sessions_per_user_exceeded="end-oldest", sessions_per_app=2)
STUDIO = {"app": AppLimits(sessions_per_user=1)}

# What the configuration says, the user's own limit, the session that connects, and what that comes to.
CONFIGURED = {
    "the limit of all": (Limits(HELD), None, "new", Reason.SESSIONS_EXCEEDED, ["1 open, 1 at most"]),
    "the store's goes before it": (Limits(HELD), 2, "new", Reason.OK, ["1 open, 2 at most"]),
    "the oldest goes": (
        Limits(ENDING),
        None,
        "new",
        Reason.OK,
        ["1 open, 1 at most; the oldest is ended for it", "1 open, 2 at most"],
    ),
    "none may be": (Limits(ENDING), 0, "new", Reason.SESSIONS_EXCEEDED, ["1 open, 0 at most", "1 open, 2 at most"]),
    "that of the application": (
        Limits(LimitOptions(), STUDIO),
        None,
        "new",
        Reason.SESSIONS_EXCEEDED,
        ["1 open, 1 at most"],
    ),
    "that of another": (Limits(LimitOptions(), {"other": STUDIO["app"]}), None, "new", Reason.OK, []),
}


@pytest.mark.parametrize(("limits", "own", "session", "reason", "told"), CONFIGURED.values(), ids=CONFIGURED)
async def test_a_connect_is_held_to_the_limits_of_the_configuration(limits, own, session, reason, told):
    gateway = judged_by([])
    gateway.in_force.judge.outside.users.users["ann"] = User("ann", "Ann", max_sessions=own)
    in_force = replace(dried(gateway), limits=limits)
    hook = parse(Delivery("connect", body(session=session)))
    found = await explain(hook, NOW, in_force, await sent_by("ann", hook, NOW, in_force))
    assert found.decision.reason is reason
    assert [step.outcome for step in found.sender if step.what == "sessions"] == told


ONE_NAME = LimitOptions(publishers_per_name=1)
LAST_NAME = LimitOptions(publishers_per_name=1, publishers_per_name_exceeded="end-oldest")

# What the configuration says, how many publish already, and what one more comes to.
PUBLISHING = {
    "one": (ONE_NAME, 0, Reason.OK, ["0 published, 1 at most"]),
    "one more": (ONE_NAME, 1, Reason.PUBLISHERS_EXCEEDED, ["1 published, 1 at most"]),
    "the oldest go": (LAST_NAME, 2, Reason.OK, ["2 published, 1 at most; the oldest 2 are ended for it"]),
    "no limit": (LimitOptions(), 9, Reason.OK, []),
}


@pytest.mark.parametrize(("options", "published", "reason", "told"), PUBLISHING.values(), ids=PUBLISHING)
async def test_a_publisher_is_held_to_the_limit_of_its_name(options, published, reason, told):
    gateway = judged_by([])
    gateway.in_force.judge.outside.sessions.published = published
    in_force = replace(dried(gateway), limits=Limits(options))
    found = await explain(parse(Delivery("publishStream", body(**LIVE, name="x"))), NOW, in_force)
    assert found.decision.reason is reason
    assert [step.outcome for step in found.sender if step.what == "sessions"] == told


class TestSentBy:
    def gateway(self):
        gateway = judged_by([rule("a", "token", names="t"), rule("b", "grant", actions="publish")])
        users = gateway.in_force.judge.outside.users.users
        users["ann"], users["eve"] = User("ann", "Ann"), User("eve", "Eve", enabled=False)
        users["late"] = User("late", "Late", expires_at=int(NOW))
        return gateway

    CASES: ClassVar = {
        "in a session": ("ann", body(name="ann-1"), Reason.OK),
        "what is not granted": ("ann", body(name="bob-1"), Reason.GRANT_MISSING),
        "a session is no token": ("ann", body(name="t"), Reason.CREDENTIALS_MISSING),
        "a token is taken to be the user's": ("ann", body(name="t", **BAD), Reason.OK),
        "disabled": ("eve", body(name="ann-1"), Reason.USER_DISABLED),
        "expired": ("late", body(name="ann-1"), Reason.USER_EXPIRED),
        "unknown": ("bob", body(name="ann-1"), Reason.USER_UNKNOWN),
    }

    @pytest.mark.parametrize(("user", "sent", "reason"), CASES.values(), ids=CASES)
    async def test_as(self, user, sent, reason):
        in_force = dried(self.gateway())
        hook = parse(Delivery("publishStream", sent))
        found = await explain(hook, NOW, in_force, await sent_by(user, hook, NOW, in_force))
        assert found.decision.reason is reason

    async def test_the_origin_is_that_of_the_session_or_of_the_connect(self):
        in_force = dried(self.gateway())
        for name, sent, origin in (
            ("publishStream", body(**LIVE, origin="https://other.example"), "https://page.example"),
            ("publishStream", body(origin="https://other.example"), ""),
            ("connect", body(origin="https://other.example"), "https://other.example"),
        ):
            assert (await sent_by("ann", parse(Delivery(name, sent)), NOW, in_force)).origin == origin


KEYS = CallerOptions(hmac_keys=(Secret("example-secret"),))


SIGNED = ("WCS 809deb46072c23e12bb71b6d373d3f6e",)


CALLERS = {
    "no check": (CallerOptions(), Delivery("x", b""), [("", "trusted")]),
    "signed": (KEYS, Delivery("x", b'{"appKey":"defaultApp"}', SIGNED), [("signature", "trusted")]),
    "of another body": (KEYS, Delivery("x", b'{"appKey":"else"}', SIGNED), [("signature", "not trusted")]),
    "unsigned": (KEYS, Delivery("x", b"{}"), [("signature", "not trusted")]),
    "a bare body": (KEYS, None, [("signature", "not asked")]),
    "two checks": (
        replace(KEYS, addresses=(ip_network("192.0.2.0/24"),)),
        Delivery("x", b'{"appKey":"defaultApp"}', SIGNED),
        [("signature", "trusted"), ("address", "not asked")],
    ),
}


@pytest.mark.parametrize(("options", "delivery", "expected"), CALLERS.values(), ids=CALLERS)
def test_callers(options, delivery, expected):
    found = callers(options, delivery)
    assert [(each.name, each.outcome) for each in found] == expected
    assert refused(found) is any(outcome == "not trusted" for _, outcome in expected)


def test_targets_that_are_never_asked_keep_nothing():
    assert UnaskedTargets().observe(None, None) is None


async def test_the_outside_is_not_written_to():
    class Renewing:
        async def verify(self, password, stored, turn=None):
            return True

        async def renewed(self, password, stored):
            raise AssertionError("a hash was renewed")

    judge = build().in_force.judge
    outside = dry(replace(judge.outside, hasher=Renewing()))
    assert await outside.hasher.verify("x", "y")
    assert await outside.hasher.renewed("x", "y") is None
