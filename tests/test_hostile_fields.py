"""Whatever stands in a field of a hook: there is an answer on purpose, and nobody is let in who should not be."""

import asyncio
import json
from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authgate.hooks.methods import METHODS
from authgate.model import Delivery, Kind, Secret, SessionKey, User
from authgate.verifiers import PasswordVerifier, TokenVerifier
from tests import test_gateway
from tests.fakes import FakeUsers
from tests.judge.made import put as put_text
from tests.judge.made import rule
from tests.test_recorded import BODIES, method_of
from tests.verifiers.forge import SECRET, signed

CREDENTIALS = {"custom": {"token": signed({"sub": "ann", "exp": test_gateway.NOW + 60})}}
HOSTILE = {
    "null": None,
    "true": True,
    "a number": -1,
    "a large number": 10**30,
    "a fraction": 1e-300,
    "nothing": "",
    "a word": "x",
    "a NUL": "a\0b",
    "a line end": 'x\r\n{"level":"info"}',
    "another script": "\u202e\U0001f44b\ufdfa\ufffe",
    "too long": "y" * 2000,
    "an empty list": [],
    "a list": ["x", None],
    "an empty object": {},
    "an object": {"token": None, "login": [], "password": {}, "x": {"y": "z"}},
}
MEGABYTE = "\u00e9" * 500_000


def build(rules=()):
    gateway = test_gateway.build(apps={}, rules=rules)
    judge = gateway.in_force.judge
    setup = replace(judge.setup, verifiers=[TokenVerifier(Secret(SECRET)), PasswordVerifier()])
    outside = replace(judge.outside, users=FakeUsers(User("ann", "Ann", hash="hash:of-ann")))
    gateway.in_force = replace(gateway.in_force, judge=replace(judge, setup=setup, outside=outside))
    return gateway


def paths(value, path=()):
    """The path of each field, at any depth."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in entries:
        yield (*path, name)
        yield from paths(inner, (*path, name))


def put(fields, path, value):
    changed = deepcopy(fields)
    target = changed
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return changed


async def answer(gateway, method, body):
    return await gateway.answer(Delivery(method, body), asyncio.get_running_loop().time() + 5)


async def judged(gateway, method, body):
    """The answer's status, once everything is right that is so for each hook."""
    of = METHODS[method]
    got = await answer(gateway, method, body)
    assert got.status in (200, 400, 403), got
    assert gateway.tally["verdicts_degraded_internal"] == 0
    if got.status == 200 and of.kind is not Kind.CONNECT:
        assert got.body in (body, b"{}")
    if of.kind is Kind.EVENT:
        assert got.status == 200
    return got.status


def variants(name):
    fields = json.loads(BODIES[name])
    for path in paths(fields):
        for what, value in HOSTILE.items():
            yield f"{path} is {what}", put(fields, path, value)


@pytest.mark.parametrize("name", BODIES)
async def test_of_nobody(name):
    """No session, and credentials that are none of ours, whatever becomes of them."""
    gateway, method = build(), method_of(name)
    for case, fields in variants(name):
        status = await judged(gateway, method, json.dumps(fields).encode())
        assert status != 200 or METHODS[method].kind is Kind.EVENT, case
    assert test_gateway.live(gateway).keys() == {test_gateway.KEY}


@pytest.mark.parametrize("name", [name for name in BODIES if method_of(name) == "connect"])
async def test_connect_with_good_credentials(name):
    """What else stands in a connect does not matter, as long as it can be told from others."""
    gateway = build()
    for case, fields in variants(name):
        if not any(step in case for step in ("'custom'", "'sip", "'login'")):
            body = json.dumps(fields | CREDENTIALS).encode()
            status = await judged(gateway, "connect", body)
            assert status == 200 or any(key in case for key in ("'nodeId'", "'appKey'", "'sessionId'")), case
            if status == 200:
                sent = json.loads((await answer(gateway, "connect", body)).body)
                assert sent.pop("restClientConfig")
                assert list(sent.items()) == list(json.loads(body).items())


def needs_session(name):
    method = METHODS[method_of(name)]
    return method.kind in (Kind.CALL, Kind.INCOMING) and not method.sessionless


@pytest.mark.parametrize("name", list(filter(needs_session, BODIES)))
async def test_in_a_live_session(name):
    gateway = build()
    fields = json.loads(BODIES[name])
    live = test_gateway.live(gateway)
    live[SessionKey(fields["nodeId"], fields["sessionId"])] = live.pop(test_gateway.KEY)
    for case, changed in variants(name):
        status = await judged(gateway, method_of(name), json.dumps(changed).encode())
        own = "custom" in changed or any(key in case for key in ("'nodeId'", "'sessionId'", "'appKey'"))
        assert own or status == 200, case


RULES = (
    rule("no", "deny", names="secret*"),
    rule("nowhere", "deny", methods="connect", origins="https://evil.example"),
    rule("staff", "session", groups="staff", names={"custom.room": ("x*",)}),
    rule("granted", "grant", actions="publish", rewrites=[put_text("name", "{user}-{name}-{random}")]),
    rule("aliased", "session", methods="playStream", rewrites=[{"type": "map", "field": "name", "store": "t"}]),
    rule("emptied", "session", methods="call", rewrites=[{"type": "drop", "field": "custom"}]),
    rule("told", "session", methods=("call", "answer"), rewrites=[put_text("callee", "{custom.room}{callee}")]),
    rule("named", "session", methods="connect", rewrites=[put_text("sipLogin", "{user}-{app}")]),
)


@pytest.mark.parametrize("name", BODIES)
async def test_under_rules(name):
    """Every condition, grant and rewrite meets every odd value; what comes of it is on purpose."""
    gateway, method = build(RULES), method_of(name)
    fields = json.loads(BODIES[name])
    live = test_gateway.live(gateway)
    live[SessionKey(fields.get("nodeId", ""), fields.get("sessionId", ""))] = live[test_gateway.KEY]
    for case, changed in variants(name):
        got = await answer(gateway, method, json.dumps(changed).encode())
        assert got.status in (200, 400, 403), case
        json.loads(got.body)
    assert gateway.tally["verdicts_degraded_internal"] == 0


@pytest.mark.parametrize("name", {method_of(name): name for name in BODIES}.values())
async def test_a_megabyte_in_a_field(name):
    gateway, method = build(), method_of(name)
    fields = json.loads(BODIES[name])
    for field in fields:
        status = await judged(gateway, method, json.dumps(fields | {field: MEGABYTE}, ensure_ascii=False).encode())
        assert status != 200 or METHODS[method].kind is Kind.EVENT, field


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["nodeId", "appKey", "sessionId", "custom", "status", "name", "sipLogin", "sipPassword"])
CUSTOM = st.dictionaries(st.sampled_from(["token", "login", "username", "password"]), JSON)
FIELDS = st.dictionaries(NAMES | st.text(), JSON | st.text(max_size=9) | CUSTOM)
BYTES = st.binary() | st.text().map(str.encode) | JSON.map(json.dumps).map(str.encode)
HOOKS = FIELDS.map(json.dumps).map(str.encode)
TORN = st.tuples(HOOKS, st.integers(0, 200), st.binary(max_size=3)).map(lambda t: t[0][: t[1]] + t[2] + t[0][t[1] :])
EACH_KIND = ["connect", "publishStream", "playHLS", "OnCallEvent", "StreamKeepAliveEvent", "ConnectionStatusEvent"]


@pytest.mark.no_cover  # it runs what other tests run, and to be watched takes several times as long
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(EACH_KIND), BYTES | HOOKS | TORN)
async def test_any_bytes(method, body):
    gateway = build()
    status = await judged(gateway, method, body)
    assert status != 200 or METHODS[method].kind is Kind.EVENT
    assert test_gateway.live(gateway).keys() == {test_gateway.KEY}


@pytest.mark.no_cover
@settings(max_examples=100, deadline=None)
@given(st.text(), BYTES | HOOKS)
async def test_any_method(name, body):
    got = await answer(build(), name, body)
    assert got.status in (200, 400, 403)
    known = METHODS.get(name)
    assert got.status != 200 or (known.kind is Kind.EVENT if known else name.endswith("Event"))
