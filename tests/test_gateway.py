import asyncio
import itertools
import json
from dataclasses import replace

import pytest

from authgate.errors import Overloaded, StoreError
from authgate.gateway import AppWire, Gateway, InForce
from authgate.hooks import reply
from authgate.judge import Judge, Outside, Setup
from authgate.model import Close, Delivery, Over, Principal, Reason, Session, SessionKey
from authgate.rules import AppPolicies, PolicyOptions, Rules
from authgate.sessions import SessionOptions
from authgate.turn import Turn
from authgate.verifiers.credentials import CredentialPaths
from tests.fakes import (
    FakeAliases,
    FakeAuthorities,
    FakeGuessing,
    FakeHasher,
    FakeKeys,
    FakeLedger,
    FakeOneTime,
    FakeRevocations,
    FakeSessions,
    FakeStreamKeys,
    FakeTargets,
    FakeUsers,
    FakeVerdicts,
    FakeVerifier,
)

NOW = 1_700_000_000
KEY = SessionKey("n", "live")
APPS_HERE = {
    "open": AppPolicies(connect="allow_anonymous", call="allow"),
    "closed": AppPolicies(connect="deny", call="deny", methods={"StreamKeepAliveEvent": "deny"}),
}


def build(policies=None, apps=None, rules=(), targets=None, aliases=None, authorities=None, guessing=None):
    apps = APPS_HERE if apps is None else apps
    sessions = FakeSessions()
    sessions.live[KEY] = Session(KEY, "app", NOW * 1000, Principal("ann", "token"))
    ids = itertools.count()
    targets = targets or FakeTargets()
    setup = Setup(
        Rules(rules, policies or PolicyOptions(), apps), [FakeVerifier()], CredentialPaths(), {}, SessionOptions()
    )
    outside = Outside(
        FakeUsers(),
        FakeHasher(),
        sessions,
        authorities or FakeAuthorities(),
        targets,
        FakeKeys(),
        FakeRevocations(),
        FakeOneTime(),
        FakeStreamKeys(),
        guessing or FakeGuessing(),
    )
    return Gateway(
        in_force=InForce(Judge(setup, outside, aliases or FakeAliases()), {}, AppWire(b'{"x":{}}', "d1")),
        ledger=FakeLedger(sessions),
        targets=targets,
        verdicts=FakeVerdicts(),
        new_id=lambda: f"{next(ids):026}",
        clock=lambda: NOW,
    )


def live(gateway):
    """The live sessions."""
    return gateway.in_force.judge.outside.sessions.live


@pytest.fixture
def gateway():
    return build()


def body(app="app", session="new", **fields):
    return json.dumps({"nodeId": "n", "appKey": app, "sessionId": session, **fields}).encode()


async def send(gateway, method, body, seconds=5.0):
    return await gateway.answer(Delivery(method, body), asyncio.get_running_loop().time() + seconds)


TOKEN = {"custom": {"token": "ann"}}
BAD = {"custom": {"token": "forged"}}
ALLOWED = {
    "connect by token": ("connect", body(**TOKEN), "verifiers.token"),
    "connect of nobody where it may be": ("connect", body("open"), "apps.open.policies.connect"),
    "connect by token where nobody may be": ("connect", body("open", **TOKEN), "verifiers.token"),
    "publish in a live session": ("publishStream", body(session="live"), "policies.call"),
    "publish by its own token": ("publishStream", body(**TOKEN), "policies.call"),
    "HLS by its own token": ("playHLS", body(**TOKEN), "policies.call"),
    "call coming in to a live session": ("OnCallEvent", body(session="live"), "policies.incoming"),
    "unknown call in a live session": ("teleport", body(session="live"), "policies.call"),
    "anything where calls are allowed": ("publishStream", body("open", **BAD), "apps.open.policies.call"),
    "event": ("StreamStatusEvent", body(), "policies.event"),
    "event with a bad token": ("ConnectionStatusEvent", body(**BAD), "policies.event"),
    "event of no session": ("ErrorStatusEvent", b'{"status":"FAILED"}', "policies.event"),
    "unknown event": ("MoodEvent", b"{}", "policies.event"),
    "keep-alive": ("StreamKeepAliveEvent", body(), "policies.event"),
}


async def test_credentials_are_verified_in_the_turn_of_their_application_and_before_the_deadline(gateway):
    until = asyncio.get_running_loop().time() + 5
    await gateway.answer(Delivery("connect", body("app", **TOKEN)), until)
    assert gateway.in_force.judge.setup.verifiers[0].turns == [Turn("app", until)]


@pytest.mark.parametrize(("method", "body", "rule"), ALLOWED.values(), ids=ALLOWED)
async def test_allowed(gateway, method, body, rule):
    answer = await send(gateway, method, body)
    assert answer.status == 200
    if method == "connect":
        assert json.loads(answer.body) == json.loads(body) | {"restClientConfig": {"x": {}}}
    else:
        assert answer.body is body
    [entry] = gateway.ledger.written
    assert (entry.record.allowed, entry.record.reason, entry.record.rule) == (True, Reason.OK, rule)
    assert gateway.verdicts.told == [entry.record]


REJECTED = {
    "connect without credentials": ("connect", body(), Reason.CREDENTIALS_MISSING),
    "connect with custom of null": ("connect", body(custom=None), Reason.CREDENTIALS_MISSING),
    "connect with a list for custom": ("connect", body(custom=["ann"]), Reason.CREDENTIALS_MALFORMED),
    "text for custom does not become nobody": ("connect", body("open", custom="ann"), Reason.CREDENTIALS_MALFORMED),
    "connect with a bad token": ("connect", body(**BAD), Reason.TOKEN_INVALID),
    "connect with a token that is a number": ("connect", body(custom={"token": 5}), Reason.CREDENTIALS_MALFORMED),
    "connect with what no verifier knows": ("connect", body(custom={"token": "other"}), "unrecognized"),
    "connect with the media server's authToken": ("connect", body(authToken="ann"), Reason.CREDENTIALS_MISSING),
    "a bad token does not become nobody": ("connect", body("open", **BAD), Reason.TOKEN_INVALID),
    "an empty token does not become nobody": (
        "connect",
        body("open", custom={"token": ""}),
        Reason.CREDENTIALS_MALFORMED,
    ),
    "a password alone does not become nobody": (
        "connect",
        body("open", custom={"password": "x"}),
        Reason.CREDENTIALS_UNRECOGNIZED,
    ),
    "connect to a closed application": ("connect", body("closed", **TOKEN), Reason.POLICY_DENIED),
    "publish without a session": ("publishStream", body(), Reason.SESSION_UNKNOWN),
    "publish without any id": ("publishStream", b"{}", Reason.SESSION_UNKNOWN),
    "publish with a bad token in a live session": ("publishStream", body(session="live", **BAD), Reason.TOKEN_INVALID),
    "publish on another node": (
        "publishStream",
        b'{"nodeId":"other","sessionId":"live","appKey":"app"}',
        Reason.SESSION_UNKNOWN,
    ),
    "publish where it is denied": ("publishStream", body("closed", session="live"), Reason.POLICY_DENIED),
    "keep-alive where it is denied": ("StreamKeepAliveEvent", body("closed", session="live"), Reason.POLICY_DENIED),
    "HLS without a token": ("playHLS", body(), Reason.CREDENTIALS_MISSING),
    "HLS under the id of a live session": ("playHLS", body(session="live"), Reason.CREDENTIALS_MISSING),
    "HLS with a bad token": ("playHLS", body(**BAD), Reason.TOKEN_INVALID),
    "call coming in to nobody": ("OnCallEvent", body(), Reason.SESSION_UNKNOWN),
    "data from nobody": ("OnDataEvent", body(), Reason.SESSION_UNKNOWN),
    "unknown call": ("teleport", body(), Reason.SESSION_UNKNOWN),
    "connect in the wrong letter case": ("Connect", body(**BAD), Reason.TOKEN_INVALID),
}


@pytest.mark.parametrize(("method", "body", "reason"), REJECTED.values(), ids=REJECTED)
async def test_rejected(gateway, method, body, reason):
    answer = await send(gateway, method, body)
    assert answer == reply.REFUSED
    [entry] = gateway.ledger.written
    assert not entry.record.allowed
    assert entry.record.reason.endswith(reason)
    assert entry.change == (Close(entry.record.key, NOW * 1000, Over.REJECTED) if method == "connect" else None)


MALFORMED = {
    "connect": ("connect", b"[]", reply.MALFORMED),
    "call": ("publishStream", b"\xff", reply.MALFORMED),
    "unknown call": ("teleport", b"", reply.MALFORMED),
    "a player without a session": ("playHLS", b"[]", reply.REFUSED),
    "event": ("StreamStatusEvent", b"{", reply.SEEN),
    "unknown event": ("MoodEvent", b"null", reply.SEEN),
    "keep-alive that some application refuses": ("StreamKeepAliveEvent", b"null", reply.MALFORMED),
}


@pytest.mark.parametrize(("method", "body", "expected"), MALFORMED.values(), ids=MALFORMED)
async def test_malformed(gateway, method, body, expected):
    assert await send(gateway, method, body) == expected
    assert gateway.ledger.written == []
    assert gateway.tally["hooks_malformed"] == 1


async def test_a_malformed_keep_alive_that_nobody_refuses_is_an_event():
    assert await send(build(apps={}), "StreamKeepAliveEvent", b"null") == reply.SEEN


async def test_unknown_methods_are_counted(gateway):
    await send(gateway, "teleport", body())
    await send(gateway, "MoodEvent", body())
    assert gateway.tally["hooks_of_unknown_method"] == 2


# What happens: the store is away at the commit, the commit hangs, a verifier fails or hangs.
TROUBLES = {
    "store away": ("trouble", StoreError("away"), Reason.STORE_UNAVAILABLE, 503),
    "overloaded": ("trouble", Overloaded("full"), Reason.OVERLOADED, 503),
    "commit hangs": ("hang", True, Reason.DEADLINE, 503),
    "our mistake": ("trouble", ZeroDivisionError(), Reason.INTERNAL, 403),
}
REFUSABLE = {
    "connect": ("connect", body(**TOKEN)),
    "connect of nobody": ("connect", body("open")),
    "publish": ("publishStream", body(session="live")),
    "incoming": ("OnCallEvent", body(session="live")),
    "unknown call": ("teleport", body(session="live")),
}


@pytest.mark.parametrize(("how", "what", "reason", "status"), TROUBLES.values(), ids=TROUBLES)
@pytest.mark.parametrize(("method", "body"), REFUSABLE.values(), ids=REFUSABLE)
async def test_trouble_never_allows(gateway, method, body, how, what, reason, status):
    setattr(gateway.ledger, how, what)
    answer = await send(gateway, method, body, seconds=0.02)
    assert answer.status == status
    [entry] = gateway.ledger.deferred
    assert (entry.record.allowed, entry.record.reason) == (False, reason)
    assert entry.change == (Close(entry.record.key, NOW * 1000, Over.REJECTED) if method == "connect" else None)
    assert gateway.tally[f"verdicts_degraded_{reason}"] == 1
    assert gateway.verdicts.told == [entry.record]


@pytest.mark.parametrize(("how", "what", "reason", "status"), TROUBLES.values(), ids=TROUBLES)
async def test_trouble_keeps_events_for_later(gateway, how, what, reason, status):
    setattr(gateway.ledger, how, what)
    sent = body(status="DISCONNECTED")
    answer = await send(gateway, "ConnectionStatusEvent", sent, seconds=0.02)
    assert answer.status == 200
    assert answer.body is sent
    [entry] = gateway.ledger.deferred
    assert entry.record.allowed
    assert entry.change == Close(SessionKey("n", "new"), NOW * 1000)


@pytest.mark.parametrize("app", ["open", "app"])
async def test_trouble_lets_go_on_only_what_is_always_allowed(gateway, app):
    gateway.ledger.trouble = StoreError("away")
    answer = await send(gateway, "playStream", body(app, session="live"))
    assert answer.status == (200 if app == "open" else 503)


@pytest.mark.parametrize("method", ["playHLS", "playRTSP"])
async def test_trouble_refuses_players_by_the_one_status_that_is_sure_to(gateway, method):
    gateway.ledger.trouble = StoreError("away")
    assert await send(gateway, method, body(**TOKEN)) == reply.REFUSED
    [entry] = gateway.ledger.deferred
    assert entry.record.reason is Reason.STORE_UNAVAILABLE


async def test_a_session_too_many_is_refused_on_purpose(gateway):
    """By the ledger, after everybody else had allowed it: the answer, the log and the observers say what it says."""
    gateway.ledger.full = True
    assert await send(gateway, "connect", body(**TOKEN)) == reply.REFUSED
    [entry] = gateway.ledger.written
    expected = replace(entry.record, allowed=False, reason=Reason.SESSIONS_EXCEEDED)
    assert gateway.verdicts.told == [expected]
    assert gateway.targets.observed == [("connect", False)]
    assert (gateway.tally["verdicts_allowed"], gateway.tally["verdicts_rejected"]) == (0, 1)
    assert gateway.ledger.deferred == []
    assert await send(gateway, "publishStream", body()) == reply.REFUSED


async def test_trouble_does_not_soften_a_rejection(gateway):
    gateway.ledger.trouble = StoreError("away")
    assert await send(gateway, "connect", body(**BAD)) == reply.REFUSED
    [entry] = gateway.ledger.deferred
    assert entry.record.reason is Reason.TOKEN_INVALID
    assert entry.change == Close(entry.record.key, NOW * 1000, Over.REJECTED)


async def test_who_is_rejected_does_not_stand_on_an_older_session(gateway):
    """The media server gives an id again; the end of its first owner was lost."""
    assert await send(gateway, "connect", body(session="live", **BAD)) == reply.REFUSED
    assert await send(gateway, "publishStream", body(session="live")) == reply.REFUSED


@pytest.mark.parametrize(("token", "answer"), {"raise": reply.REFUSED, "hang": reply.UNAVAILABLE}.items(), ids=str)
async def test_trouble_while_verifying_never_allows(gateway, token, answer):
    for app in ("app", "open"):
        assert await send(gateway, "connect", body(app, custom={"token": token}), seconds=0.02) == answer
    assert live(gateway).keys() == {KEY}


async def test_a_rejected_client_is_recorded_by_the_name_it_gave_or_had(gateway):
    live(gateway)[KEY] = replace(live(gateway)[KEY], user_enabled=False)
    await send(gateway, "connect", body(**BAD))
    await send(gateway, "playHLS", body(**BAD))
    await send(gateway, "publishStream", body(session="live"))
    await send(gateway, "publishStream", body())
    assert [entry.record.user for entry in gateway.ledger.written] == ["forger", "forger", "ann", None]
    assert not any(entry.record.allowed for entry in gateway.ledger.written)


class Slow(FakeVerifier):
    def __init__(self):
        super().__init__()
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def verify(self, offered, means):
        self.asked.set()
        await self.go_on.wait()
        return await super().verify(offered, means)


@pytest.mark.parametrize("status", ["DISCONNECTED", "FAILED"])
async def test_a_client_that_leaves_while_it_is_judged_leaves_no_session(gateway, status):
    verifier = Slow()
    judge = gateway.in_force.judge
    slow = replace(judge, setup=replace(judge.setup, verifiers=[verifier]))
    gateway.in_force = replace(gateway.in_force, judge=slow)
    connect = asyncio.create_task(send(gateway, "connect", body(**TOKEN)))
    await verifier.asked.wait()
    gateway.clock = lambda: NOW + 1
    await send(gateway, "ConnectionStatusEvent", body(status="ESTABLISHED"))
    await send(gateway, "ConnectionStatusEvent", body(session="other", status=status))
    await send(gateway, "ConnectionStatusEvent", body(status=status))
    verifier.go_on.set()
    assert (await connect).status == 403
    assert live(gateway).keys() == {KEY}
    await send(gateway, "connect", body(**TOKEN))
    assert SessionKey("n", "new") in live(gateway), "the next one under this id is another"


async def test_a_second_connect_replaces_the_session(gateway):
    for _ in range(2):
        await send(gateway, "connect", body(session="live", **TOKEN))
    assert live(gateway)[KEY].opened_at == NOW * 1000
    await send(gateway, "ConnectionStatusEvent", body(session="live", status="DISCONNECTED"))
    assert (await send(gateway, "publishStream", body(session="live"))).status == 403
