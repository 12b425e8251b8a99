"""What is explained is what is answered, and nothing in it is secret."""

import json
from dataclasses import replace
from ipaddress import ip_network
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authgate.errors import BadHook, StoreError
from authgate.explain import callers, dry, explain, explain_past, explain_unread, recall, refused, sent_by, told
from authgate.explain.dry import UnaskedTargets
from authgate.explain.kept import NOT_KEPT
from authgate.gateway import AppWire
from authgate.hooks import reply
from authgate.hooks.caller import CallerOptions
from authgate.hooks.methods import METHODS, method
from authgate.hooks.parse import parse
from authgate.judge import Given
from authgate.model import Delivery, Principal, Reason, Secret, Session, User
from authgate.rules import PolicyOptions
from authgate.verifiers.credentials import CredentialPaths
from authgate.wiring import wire
from tests.judge import test_judge
from tests.judge.test_judge import put, rule
from tests.rules.test_defaults import APPS, OPTIONS
from tests.test_gateway import BAD, KEY, NOW, TOKEN, body, build, live, send
from tests.test_generated import HOOKS, RULES, gateway_of

LIVE = {"session": "live"}


PATHS = CredentialPaths()


def told_as_generated(gateway):
    """The gateway, with what is generated for its rules in place of a stand-in."""
    made = wire(gateway.in_force.judge.setup.rules, "", PATHS)
    gateway.in_force = replace(gateway.in_force, any_app=replace(made, digest="d1"))
    return gateway


def judged_by(rules, *policies):
    return told_as_generated(test_judge.gateway_of(rules, *policies))


def dried(gateway, *, ask=False):
    judge = gateway.in_force.judge
    return replace(gateway.in_force, judge=replace(judge, outside=dry(judge.outside, send=ask)))


async def explained(gateway, name, sent, *, ask=False, rules=(), **how):
    """As the command line does it."""
    in_force = dried(gateway, ask=ask)
    try:
        hook = parse(Delivery(name, sent))
    except BadHook as fault:
        return explain_unread(method(name), str(fault), reply.MALFORMED, in_force)
    return await explain(hook, NOW, in_force, rules=rules, **how)


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


class TestSecrets:
    """Whatever stands in a hook, an explanation shows no credentials."""

    CANARIES: ClassVar = {
        "token": body(**LIVE, custom={"token": "c4nary"}, name="x"),
        "password": body(**LIVE, custom={"login": "ann", "password": "c4nary"}, name="x"),
        "address": body(**LIVE, name="rtsp://user:c4nary@cam.local/1?x=c4nary"),
        "address with an odd password": body(**LIVE, name="rtsp://user:c4nary?c4nary@cam.local/1"),
        "query": body(**LIVE, name="x?token=c4nary"),
        "a second password": body(**LIVE, custom={"login": "ann", "password": "x"}, sipPassword="c4nary", name="x"),
    }

    @pytest.mark.parametrize("sent", CANARIES.values(), ids=CANARIES)
    async def test_of_the_hook(self, sent):
        rules = [
            rule("a", names={"custom.token": ("x",)}),
            rule("b", names={"custom.password": ("x",)}),
            rule("e", names={"custom.pin": ("x",)}),
            rule("c", names={"name": ("y",)}, methods="playStream"),
            rule("d", "allow", methods="playStream", rewrites=[put("visibleName", "{name}")]),
        ]
        found = await explained(judged_by(rules), "playStream", sent, rules=rules)
        assert "c4nary" not in f"{found.sender}{found.rules}{found.differences}{found.outlook}"
        assert [step.name for step in found.rules if step.what == "rule"][:5] == ["a", "b", "e", "c", "d"]

    async def test_a_number_where_a_password_should_be(self):
        rules = [rule("a", names={"custom.password": ("x",)}), rule("b", names={"custom.token": ("x",)})]
        found = await explained(judged_by(rules), "hold", body(custom={"password": 73914, "token": 73914}))
        assert "73914" not in f"{found.rules}"
        assert "names.custom.password: miss '***'" in f"{found.rules}"

    async def test_of_a_rewrite(self):
        secret = {"type": "put", "field": "sipPassword", "secret": Secret("c4nary")}
        rules = [rule("a", "session", methods="connect", rewrites=[secret, put("sipVisibleName", "{sipPassword}!")])]
        found = await explained(judged_by(rules), "connect", body(**TOKEN), rules=rules)
        assert [(each.field, each.before, each.after) for each in found.differences] == [
            ("sipPassword", None, '"***"'),
            ("sipVisibleName", None, '"***!"'),
        ]

    async def test_a_credential_that_a_rewrite_copies(self):
        rules = [rule("a", "session", methods="connect", rewrites=[put("sipVisibleName", "x-{custom.token}")])]
        found = await explained(judged_by(rules), "connect", body(**TOKEN), rules=rules)
        assert [each.after for each in found.differences] == ['"x-***"']

    async def test_of_what_is_dropped(self):
        rules = [
            rule("a", "session", methods="publishStream", rewrites=[{"type": "drop", "field": each}])
            for each in ("info", "list", "custom")
        ]
        fields = {"info": {"url": "rtsp://u:c4nary@h/1", "n": 5}, "list": ["x?c4nary"], "custom": {"token": "c4nary"}}
        for each, shown in zip(rules, ('{"url": "rtsp://***@h/1", "n": 5}', '["x?***"]', '"***"'), strict=True):
            given = Given(Principal("ann"))
            found = await explained(judged_by([each]), "publishStream", body(**fields), given=given)
            assert [difference.before for difference in found.differences] == [shown]

    async def test_an_alias_that_is_an_address(self):
        rules = [
            rule("a", "session", methods="playStream", rewrites=[{"type": "map", "field": "name", "store": "cams"}])
        ]
        gateway = judged_by(rules)
        gateway.in_force.judge.aliases.tables["cams"] = {"x": "rtsp://u:c4nary@cam.local/1"}
        try:
            found = await explained(gateway, "playStream", body(**LIVE, name="x"))
        finally:
            gateway.in_force.judge.aliases.tables["cams"] = {"lobby": "rtsp://cam.local/1"}
        assert [(each.before, each.after) for each in found.differences] == [('"x"', '"rtsp://***@cam.local/1"')]


class TestSentBy:
    def gateway(self):
        gateway = judged_by([rule("a", "token", names="t"), rule("b", "grant", actions="publish")])
        users = gateway.in_force.judge.outside.users.users
        users["ann"], users["eve"] = User("ann", "Ann"), User("eve", "Eve", enabled=False)
        return gateway

    CASES: ClassVar = {
        "in a session": ("ann", body(name="ann-1"), Reason.OK),
        "what is not granted": ("ann", body(name="bob-1"), Reason.GRANT_MISSING),
        "a session is no token": ("ann", body(name="t"), Reason.CREDENTIALS_MISSING),
        "a token is taken to be the user's": ("ann", body(name="t", **BAD), Reason.OK),
        "disabled": ("eve", body(name="ann-1"), Reason.USER_DISABLED),
        "unknown": ("bob", body(name="ann-1"), Reason.USER_UNKNOWN),
    }

    @pytest.mark.parametrize(("user", "sent", "reason"), CASES.values(), ids=CASES)
    async def test_as(self, user, sent, reason):
        in_force = dried(self.gateway())
        hook = parse(Delivery("publishStream", sent))
        found = await explain(hook, NOW, in_force, await sent_by(user, hook, in_force))
        assert found.decision.reason is reason

    async def test_the_origin_is_that_of_the_session_or_of_the_connect(self):
        in_force = dried(self.gateway())
        for name, sent, origin in (
            ("publishStream", body(**LIVE, origin="https://other.example"), "https://page.example"),
            ("publishStream", body(origin="https://other.example"), ""),
            ("connect", body(origin="https://other.example"), "https://other.example"),
        ):
            assert (await sent_by("ann", parse(Delivery(name, sent)), in_force)).origin == origin


class TestMediaServer:
    """What comes of an answer depends on what the session was told."""

    def gateway(self, rules, config="d1"):
        gateway = judged_by(rules)
        live(gateway)[KEY] = Session(KEY, "app", NOW * 1000, Principal("ann", "token"), config=config)
        return gateway

    DENY = rule("a", "deny")
    RENAME = rule("a", "session", methods="publishStream", rewrites=[put("name", "int-{name}")])
    CASES: ClassVar = {
        "connect that is allowed": ([], "d1", "connect", body(**TOKEN), ["the session is opened"]),
        "connect that is rejected": (
            [],
            "d1",
            "connect",
            body(),
            ["not opened: the client sees FAILED 'Access denied'"],
        ),
        "a player of HLS": ([], "d1", "playHLS", body(), ["the player gets 401"]),
        "a player of RTSP": ([], "d1", "playRTSP", body(), ["the player's connection is dropped"]),
        "a player that is allowed": ([], "d1", "playHLS", body(**TOKEN), ["the player is served"]),
        "an event": ([], "d1", "StreamStatusEvent", body(), ["it has happened"]),
        "a refusal": ([DENY], "d1", "publishStream", body(**LIVE), ["is not published; the client sees it FAILED"]),
        "a refusal in other words": (
            [rule("a", {"type": "deny", "reason": "Closed"})],
            "d1",
            "playStream",
            body(**LIVE),
            ["FAILED 'Closed': its restClientConfig says FAIL for playStream"],
        ),
        "a refusal in an older session": (
            [DENY],
            "d0",
            "publishStream",
            body(**LIVE),
            ["is not published", "but this session was opened under older rules"],
        ),
        "a refusal in a session that nobody knows": (
            [DENY],
            "d1",
            "publishStream",
            body(),
            ["is not published", "but this session is not in the store"],
        ),
        "a refusal of an unknown method": ([DENY], "d1", "teleport", body(**LIVE), ["told nothing of teleport"]),
        "a call from outside": ([DENY], "d1", "OnCallEvent", body(**LIVE), ["not delivered; the caller gets an error"]),
        "a keep-alive": (
            [rule("a", "deny", methods="StreamKeepAliveEvent")],
            "d1",
            "StreamKeepAliveEvent",
            body(**LIVE),
            ["the stream is ended"],
        ),
        "nothing is changed": ([], "d1", "publishStream", body(**LIVE), ["the operation goes on"]),
        "a rewrite": (
            [RENAME],
            "d1",
            "publishStream",
            body(**LIVE, name="x"),
            ["goes on with name as the answer has it (OVERWRITE)"],
        ),
        "a rewrite in an older session": (
            [RENAME],
            "",
            "publishStream",
            body(**LIVE, name="x"),
            ["goes on with name", "if it was not told OVERWRITE for publishStream, what the answer changes is ignored"],
        ),
        "a hook that cannot be read": ([DENY], "d1", "publishStream", b"[]", ["is not published"]),
    }

    @pytest.mark.parametrize(("rules", "config", "name", "sent", "said"), CASES.values(), ids=CASES)
    async def test_outlook(self, rules, config, name, sent, said):
        found = await explained(self.gateway(rules, config), name, sent)
        assert len(found.outlook) == len(said)
        for sentence, part in zip(found.outlook, said, strict=True):
            assert part in sentence

    async def test_a_refusal_that_is_only_logged(self):
        """Not by what is generated; but whoever reads the answer must be told."""
        gateway = self.gateway([self.DENY])
        told_log = gateway.in_force.any_app.rest_client_config.replace(b"FAIL", b"LOG")
        gateway.in_force = replace(gateway.in_force, any_app=AppWire(told_log, "d1"))
        found = await explained(gateway, "publishStream", body(**LIVE))
        assert found.outlook == (
            "its restClientConfig says LOG for publishStream: the 403 is only logged, and the operation goes on",
        )

    def test_told(self):
        here = told(self.gateway([self.RENAME]).in_force.any_app)
        assert (here["publishStream"].fail, here["publishStream"].overwrite) == (True, ("name",))
        assert "name" in here["StreamStatusEvent"].hidden
        assert here["StreamStatusEvent"].fail is False
        assert "sdp" in here["playStream"].unsent


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
        async def verify(self, password, stored):
            return True

        async def renewed(self, password, stored):
            raise AssertionError("a hash was renewed")

    judge = build().in_force.judge
    outside = dry(replace(judge.outside, hasher=Renewing()))
    assert await outside.hasher.verify("x", "y")
    assert await outside.hasher.renewed("x", "y") is None


class TestPast:
    async def record(self, gateway, name, sent):
        await send(gateway, name, sent)
        return (gateway.ledger.written or gateway.ledger.deferred)[-1].record

    async def test_a_verdict_of_before_is_explained_by_today(self):
        record = await self.record(judged_by([rule("a", "deny", users="ann")]), "publishStream", body(**LIVE, name="x"))
        found = await explain_past(recall(record), dried(judged_by([])))
        assert (record.reason, found.decision.reason) == (Reason.POLICY_DENIED, Reason.OK)

    async def test_who_was_not_asked_for_is_not_made_up(self):
        record = await self.record(judged_by([rule("a", "allow")]), "publishStream", body(**LIVE, name="x"))
        found = await explain_past(recall(record), dried(judged_by([])))
        assert (found.decision, found.pending) == (None, "it was not asked at the time who sent it")

    async def test_a_field_that_is_not_kept_is_not_made_up(self):
        gateway = judged_by([])
        record = await self.record(gateway, "publishStream", body(**LIVE, name="x", custom={"room": "r"}))
        rules = [rule("a", "deny", names={"custom.room": ("r",)})]
        found = await explain_past(recall(record), dried(judged_by(rules)))
        assert (found.decision, found.pending) == (None, "what the rules look at was not kept: custom")

    async def test_a_rewrite_by_a_field_that_is_not_kept_is_not_made_up(self):
        record = await self.record(judged_by([]), "publishStream", body(**LIVE, name="x", custom={"room": "r"}))
        rules = [rule("a", "session", methods="publishStream", rewrites=[put("name", "{custom.room}")])]
        found = await explain_past(recall(record), dried(judged_by(rules)))
        assert (found.decision, found.pending) == (None, "what the rules look at was not kept")

    async def test_a_record_without_facts(self):
        record = await self.record(judged_by([]), "publishStream", body(**LIVE, name="x"))
        old = replace(record, facts="")
        found = await explain_past(recall(old), dried(judged_by([rule("a", "deny", names="x")])))
        assert found.pending == "what the rules look at was not kept: name"

    async def test_a_name_that_was_cut_is_not_taken_for_the_whole(self):
        record = await self.record(judged_by([]), "publishStream", body(**LIVE, name="x?token=c4nary"))
        for rules, pending in (
            ([rule("a", "deny", names="x")], "what the rules look at was not kept: name"),
            ([rule("a", "session", methods="publishStream", rewrites=[put("name", "a-{name}")])], NOT_KEPT),
        ):
            found = await explain_past(recall(record), dried(judged_by(rules)))
            assert (found.decision, found.pending) == (None, pending)
        assert (await explain_past(recall(record), dried(judged_by([])))).decision.reason is Reason.OK

    ADDRESSES: ClassVar = {
        "rtsp://wcs.example.com:5554/x?aclAuth=c4nary": Reason.POLICY_DENIED,
        f"rtsp://wcs.example.com:5554/{'x' * 300}": None,
        "rtsp://user:pass?word@wcs.example.com/x": None,
    }

    @pytest.mark.parametrize(("address", "reason"), ADDRESSES.items())
    async def test_the_path_of_an_RTSP_players_address_is_enough(self, address, reason):
        record = await self.record(judged_by([]), "playRTSP", body(**TOKEN, name=address))
        found = await explain_past(recall(record), dried(judged_by([rule("a", "deny", actions="play", names="x")])))
        assert (found.decision and found.decision.reason) == reason

    async def test_a_name_that_is_a_number(self):
        record = await self.record(judged_by([]), "publishStream", body(**LIVE, name=5))
        found = await explain_past(recall(record), dried(judged_by([rule("a", "deny", names="5")])))
        assert found.decision.reason is Reason.POLICY_DENIED

    @pytest.mark.parametrize("facts", ["[", "[]", '{"changed":5}', '{"fields":{}}', "null"])
    async def test_facts_that_cannot_be_read(self, facts):
        record = replace(await self.record(judged_by([]), "hold", body(**LIVE)), facts=facts)
        assert (await explain_past(recall(record), dried(judged_by([])))).pending

    async def test_targets_of_the_past_are_not_asked(self):
        gateway = judged_by([rule("a", {"type": "forward", "target": "yes"})])
        record = await self.record(gateway, "hold", body(**LIVE))
        gateway.targets.asked.clear()
        found = await explain_past(recall(record), dried(gateway))
        assert (found.target, gateway.targets.asked) == ("yes", [])
