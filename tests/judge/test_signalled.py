"""Data that clients send is judged by the rules, then by [[signals]]; what tells of our own deliveries by neither."""

import json
from dataclasses import replace

import pytest

from authgate.errors import StoreError
from authgate.hooks.methods import METHODS
from authgate.model import Principal, Reason, Session, SessionKey
from authgate.rules import PolicyOptions, Rules
from authgate.signals import Addressees, SignallingOptions, SignalOptions, Signals, applications
from tests.judge.made import gateway_of, live, rule, verdict
from tests.test_gateway import BAD, NOW, TOKEN, body, send

SECTIONS = (
    SignalOptions("talk", ("app",), join=("lobby",), to=Addressees(rooms=("lobby",), users=("*",))),
    SignalOptions("staff", ("app",), groups=("staff",), to=Addressees(app=True)),
)
OTHER = SessionKey("n", "other")  # a session of nobody
JOIN = {"payload": {"join": "lobby"}}
TO_BOB = {"payload": {"to": {"user": "bob"}, "body": 1}}
TO_ALL = {"payload": {"to": {"app": True}, "body": 1}}


class Own:
    """Knows one operation id."""

    woken = 0

    def own(self, hook):
        return hook.text("operationId") == "ours"

    def wake(self, *, left=False):
        self.woken += 1


def signalling(rules=(), policies=None):
    """A gateway whose clients may signal; ann, who is staff, has the session ``live``, and nobody ``other``."""
    gateway = gateway_of(rules, policies)
    live(gateway)[OTHER] = Session(OTHER, "app", NOW * 1000)
    force = gateway.in_force
    made = Rules(rules, policies or PolicyOptions(), {}, applications(SECTIONS))
    setup = replace(force.judge.setup, rules=made, signals=Signals(SECTIONS, SignallingOptions(max_bytes=1000)))
    gateway.in_force = replace(force, judge=replace(force.judge, setup=setup))
    gateway.post = Own()
    return gateway


def sent(session="live", app="app", **fields):
    return body(app, session, **{"operationId": "op", **fields})


ALLOW = PolicyOptions(call="allow")
ALLOWED = {
    "join": (JOIN, {}, ("join", "room", "lobby", "ann")),
    "to a user": (TO_BOB, {}, ("send", "user", "bob", "ann")),
    "to everybody, of a group": (TO_ALL, {}, ("send", "app", "", "ann")),
    "by a policy that allows everything": (JOIN, {"policies": ALLOW}, ("join", "room", "lobby", "ann")),
    "what asks for nothing": ({"payload": "hi"}, {}, ("nothing", "", "", "ann")),
    "with good credentials of its own": (JOIN | TOKEN, {}, ("join", "room", "lobby", "ann")),
    "an anonymous client, where it may": (
        JOIN | {"session": "other"},
        {"policies": ALLOW},
        ("join", "room", "lobby", None),
    ),
}


@pytest.mark.parametrize(("given", "by", "signal"), ALLOWED.values(), ids=ALLOWED)
async def test_allowed(given, by, signal):
    gateway = signalling(**by)
    reason, _, _ = await verdict(gateway, "OnDataEvent", sent(**given))
    assert reason is Reason.OK
    found = gateway.ledger.written[-1].signal
    assert (found.verb, found.to, found.name, found.user) == signal
    assert (found.operation, found.opened_at, found.at) == ("op", NOW * 1000, NOW * 1000)
    assert gateway.post.woken == 1


DENY = (rule(methods="OnDataEvent"),)
REFUSED = {
    "what a rule denies": (JOIN, {"rules": DENY}, Reason.POLICY_DENIED, b"Access denied"),
    "what no section allows": ({"payload": {"join": "staff"}}, {}, Reason.SIGNAL_NOT_ALLOWED, b"Access denied"),
    "what cannot be understood": ({"payload": {"join": 1}}, {}, Reason.SIGNAL_MALFORMED, b"Malformed message"),
    "too large": ({"payload": "x" * 2000}, {}, Reason.SIGNAL_TOO_LARGE, b"Message too large"),
    "too large, where everything is allowed": (
        {"payload": "x" * 2000},
        {"policies": ALLOW},
        Reason.SIGNAL_TOO_LARGE,
        b"Message too large",
    ),
    "without a session, where everything is allowed": (
        JOIN | {"session": "gone"},
        {"policies": ALLOW},
        Reason.SESSION_UNKNOWN,
        b"Access denied",
    ),
    "with bad credentials of its own, where everything is allowed": (
        JOIN | BAD,
        {"policies": ALLOW},
        Reason.TOKEN_INVALID,
        b"Access denied",
    ),
    "an anonymous client to a group": (
        TO_ALL | {"session": "other"},
        {"policies": ALLOW},
        Reason.SIGNAL_NOT_ALLOWED,
        b"Access denied",
    ),
}


@pytest.mark.parametrize(("given", "by", "reason", "told"), REFUSED.values(), ids=REFUSED)
async def test_refused(given, by, reason, told):
    gateway = signalling(**by)
    found, _, answer = await verdict(gateway, "OnDataEvent", sent(**given))
    assert (found, answer.status) == (reason, 403)
    assert told in answer.body
    assert gateway.ledger.written[-1].signal is None


async def test_a_session_of_another_application_sends_nothing_here():
    gateway = signalling()
    live(gateway)[OTHER] = Session(OTHER, "elsewhere", NOW * 1000, Principal("ann", "token"))
    reason, _, _ = await verdict(gateway, "OnDataEvent", sent("other", **JOIN))
    assert reason is Reason.SIGNAL_NOT_ALLOWED


async def test_other_applications_are_as_they_were():
    gateway = signalling(policies=ALLOW)
    assert (await verdict(gateway, "OnDataEvent", sent(app="quiet", payload="x" * 2000)))[0] is Reason.OK
    assert gateway.ledger.written[-1].signal is None


@pytest.mark.parametrize("method", ["OnDataEvent", "DataStatusEvent"])
async def test_our_own_deliveries_are_nobodys(method):
    gateway = signalling(DENY)
    found = await verdict(gateway, method, sent("gone", operationId="ours", **TO_BOB))
    assert found[:2] == (Reason.OK, "signals.own")
    assert gateway.ledger.written[-1].signal is None
    assert gateway.targets.observed == []


async def test_our_own_deliveries_arrive_though_the_store_is_away():
    gateway = signalling()
    gateway.ledger.trouble = StoreError("away")
    found = await verdict(gateway, "OnDataEvent", sent(operationId="ours", **TO_BOB))
    assert found[:2] == (Reason.OK, "signals.own")


TOLD = {
    Reason.SIGNAL_TOO_FAST: "Too many messages",
    Reason.SIGNAL_NOT_IN_ROOM: "Not in this room",
    Reason.SIGNAL_ROOMS_EXCEEDED: "Too many rooms",
    Reason.SIGNAL_TOO_MANY_ADDRESSEES: "Too many addressees",
    Reason.SIGNAL_QUEUE_FULL: "Too many messages wait, try again later",
}


@pytest.mark.parametrize(("reason", "told"), TOLD.items(), ids=TOLD)
async def test_what_the_store_refuses_is_told_in_words(reason, told):
    gateway = signalling()

    async def write(_entry):
        return reason

    gateway.ledger.write = write
    answer = await send(gateway, "OnDataEvent", sent(**JOIN))
    assert (answer.status, json.loads(answer.body)) == (403, {"status": 403, "reason": told})


def test_where_signals_may_refuse_the_media_server_is_told_to_obey():
    data = METHODS["OnDataEvent"]
    made = Rules((), ALLOW, {}, applications(SECTIONS))
    assert made.refuses("app", data)
    assert not made.refuses("other", data)
    assert Rules((), ALLOW, {}, ("",)).refuses("other", data)
    assert not made.refuses("app", METHODS["publishStream"])
