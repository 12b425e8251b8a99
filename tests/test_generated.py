"""Whatever the rules say, the media server was told to obey: no refusal without FAIL, no change without OVERWRITE."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authgate.errors import StoreError
from authgate.gateway import InForce
from authgate.hooks.fields import ACTIONS, EVENTS_AFTER, NAMES, rewritable
from authgate.hooks.methods import METHODS, spellings
from authgate.model import Authority, Kind, Principal, Session
from authgate.policies import POLICIES
from authgate.ports import Answered
from authgate.rewrites import REWRITES
from authgate.rules import PolicyOptions, RuleOptions, Rules, check
from authgate.verifiers.credentials import CredentialPaths
from authgate.wiring import wire
from tests.fakes import FakeAliases, FakeAuthorities, FakeTargets
from tests.rules.test_defaults import APPS, OPTIONS
from tests.test_gateway import BAD, KEY, NOW, TOKEN, body, build, live, send

PATHS = CredentialPaths()
REFUSABLE = sorted(name for name, method in METHODS.items() if method.refusable)
NAMED = st.sampled_from(["cam", "room-1", "r%6fom-1", "ROOM-2", "rtsp://cam.local/room-1", "", "../room-1", "x" * 300])
PATTERN = st.sampled_from(["*", "room-*", "cam", "rtsp://*", "*1"])
FIELD = st.sampled_from(["name", "callee", "target", "visibleName", "record", "custom"])


@st.composite
def policies(draw):
    kind = draw(st.sampled_from(sorted(POLICIES)))
    if kind != "forward":
        return POLICIES[kind]()
    overwrite = tuple(draw(st.lists(st.sampled_from(["name", "callee"]), max_size=2, unique=True)))
    return POLICIES[kind](draw(st.sampled_from(["yes", "no", "away", "open"])), overwrite=overwrite)


@st.composite
def rewrites(draw):
    kind, field, hide = draw(st.sampled_from(sorted(REWRITES))), draw(FIELD), draw(st.booleans())
    if kind == "put":
        value = draw(st.sampled_from(["int-{name}", "{user}", "fixed", "{callee}", "{claim.room}", 5, True]))
        return REWRITES[kind](field=field, value=value, hide=hide)
    if kind == "map":
        otherwise = draw(st.sampled_from(["reject", "keep"]))
        return REWRITES[kind](field=field, store="cams", otherwise=otherwise, hide=hide)
    return REWRITES[kind](field=field, hide=hide)


@st.composite
def rules(draw):
    """A rule that the start would accept, or None."""
    select = draw(st.sampled_from(["methods", "kinds", "actions", "none"]))
    chosen = {
        "methods": st.lists(st.sampled_from(REFUSABLE), min_size=1, max_size=4, unique=True),
        "kinds": st.lists(st.sampled_from(["call", "incoming", "connect"]), min_size=1, max_size=3, unique=True),
        "actions": st.lists(st.sampled_from(sorted(ACTIONS)), min_size=1, max_size=2, unique=True),
    }
    options = {select: tuple(draw(chosen[select]))} if select in chosen else {}
    options["apps"] = draw(st.sampled_from([(), ("app",), ("else",)]))
    options["names"] = draw(st.just(()) | st.tuples(PATTERN) | st.fixed_dictionaries({"name": st.tuples(PATTERN)}))
    options["users"] = draw(st.sampled_from([(), (), ("ann",), ("bob",)]))
    options["groups"] = draw(st.sampled_from([(), (), ("staff",), ("guests",)]))
    options["origins"] = draw(st.sampled_from([(), (), ("https://page.example",)]))
    options["times"] = draw(st.sampled_from([(), (), ("mon",), ("tue",)]))
    changes = draw(st.lists(rewrites(), max_size=2)) if select in ("methods", "actions") else []
    name = draw(st.uuids()).hex
    rule = RuleOptions(name, draw(policies()), rewrites=tuple(changes), insecure_trust_address=True, **options)
    return rule if not check([rule], ["yes", "no", "away", "open"], ["room"]) else None


RULES = st.lists(rules(), max_size=5).map(lambda found: tuple(rule for rule in found if rule))
HOOKS = st.builds(
    lambda session, more, name: body("app", session=session, **more, name=name, callee=name, target=name, record=True),
    st.sampled_from(["live", "gone"]),
    st.sampled_from([{}, TOKEN, BAD]),
    NAMED,
)


def gateway_of(given_rules, options, app):
    """A gateway of these rules that answers connects with what is generated from them."""
    targets = FakeTargets(yes={"name": "changed", "callee": "changed"}, no=None, open=Answered(True, {}, "away"))
    grants = FakeAuthorities(ann=Authority(frozenset({"staff"}), ("publish:*", "!play:*secret*")))
    gateway = build(options, {"app": app}, given_rules, targets, FakeAliases(cams={"cam": "rtsp://cam.local"}), grants)
    made = Rules(given_rules, options, {"app": app})
    judge = gateway.in_force.judge
    wires = {each: wire(made, each, PATHS) for each in ("app", "else")}
    gateway.in_force = InForce(judge, wires, wire(made, "", PATHS))
    live(gateway)[KEY] = Session(KEY, "app", NOW * 1000, Principal("ann", "token"), origin="https://page.example")
    return gateway


def told(gateway, name):
    """What the media server is told of a method for sessions of the application."""
    return json.loads(gateway.in_force.wire("app").rest_client_config)[name]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RULES, OPTIONS, APPS, st.sampled_from(sorted(METHODS)), HOOKS, st.booleans())
async def test_no_refusal_without_fail_and_no_change_without_overwrite(given_rules, options, app, name, sent, away):
    gateway = gateway_of(given_rules, options, app)
    if away:
        gateway.ledger.trouble = StoreError("away")
    answer = await send(gateway, name, sent)
    if METHODS[name].kind is Kind.CONNECT:
        return
    for spelling in spellings(name):
        config = told(gateway, spelling)
        assert config.keys() == {"clientExclude", "restExclude", "restOnError", "restPolicy", "restOverwrite"}
        if answer.status != 200:
            assert config["restOnError"] == "FAIL"
            continue
        before, after = json.loads(sent), json.loads(answer.body)
        changed = {field for field in before.keys() | after.keys() if before.get(field) != after.get(field)}
        if changed:
            assert config["restPolicy"] == "OVERWRITE"
            assert changed <= set(config["restOverwrite"].split(","))
            assert rewritable(METHODS[name])
        assert changed.isdisjoint(config["restExclude"].split(","))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RULES, OPTIONS, APPS)
def test_what_a_rewrite_hides_no_event_shows_and_what_a_rule_looks_at_is_sent(given_rules, options, app):
    gateway = gateway_of(given_rules, options, app)
    configs = json.loads(gateway.in_force.wire("app").rest_client_config)
    kept_back = {name: set(config["clientExclude"].split(",")) for name, config in configs.items()}
    rules_here = gateway.in_force.judge.setup.rules
    for name, method in METHODS.items():
        hidden = {each.field for rule in rules_here.of("app", method) for each in rule.rewrites if each.hide}
        shown = [*EVENTS_AFTER.get(name, ()), *([] if method.kind is Kind.CONNECT else [name])]
        for event in shown:
            assert hidden <= kept_back[event], (name, event)
        # A field that a rule matches or rewrites must not be left out of the hook.
        if method.kind is not Kind.CONNECT:
            assert set(NAMES.get(name, ())).isdisjoint(configs[name]["restExclude"].split(",")), name


def test_an_unknown_application_is_told_as_much():
    made = Rules((), PolicyOptions(call="deny"), {})
    assert wire(made, "anything", PATHS).rest_client_config == wire(made, "", PATHS).rest_client_config
