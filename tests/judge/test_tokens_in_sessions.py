"""Tokens after the connect: what a session was opened with is looked at again for each hook, as its own tokens are."""

import dataclasses
import json

import pytest

from authgate.errors import StoreError, Trouble
from authgate.hooks.parse import parse
from authgate.judge import Judge, Outside, Setup
from authgate.model import Delivery, Open, Principal, Reason, Secret, Session, SessionKey, User
from authgate.rules import AppPolicies, PolicyOptions, Rules
from authgate.sessions import SessionOptions, change
from authgate.verifiers.credentials import CredentialPaths
from authgate.verifiers.token import TokenVerifier
from tests.fakes import (
    FakeAliases,
    FakeAuthorities,
    FakeGuessing,
    FakeHasher,
    FakeKeys,
    FakeOneTime,
    FakeRevocations,
    FakeSessions,
    FakeStreamKeys,
    FakeTargets,
    FakeUsers,
)
from tests.verifiers.forge import GOOD, NOW, SECRET, signed
from tests.verifiers.ours import KEYS, OURS, STREAM_KEY, address, jwt, stream_key

CLIENT = "/203.0.113.7:52791/192.0.2.10:8443"
ELSEWHERE = "/198.51.100.9:40000/192.0.2.10:8443"
PAGE, EVIL = "https://app.example.com", "https://evil.example"
ANN = User("ann", "Ann", generation=7)


class LiveSessions(FakeSessions):
    """With the user as the store has it now, as the real ones."""

    def __init__(self, users):
        super().__init__()
        self.users = users

    async def find(self, key):
        session = self.live.get(key)
        if session is None or session.client is None:
            return session
        user = self.users.users.get(session.client.user)
        enabled = user.enabled if user is not None else not session.client.stored_user
        times = {"user_not_before": user and user.not_before, "user_expires_at": user and user.expires_at}
        return dataclasses.replace(session, user_enabled=enabled, user_generation=user and user.generation, **times)


class World:
    """A judge with everything around it that it asks."""

    def __init__(self, *verifiers, users=(ANN,)):
        self.users, self.revocations, self.one_time = FakeUsers(*users), FakeRevocations(), FakeOneTime()
        self.guessing = FakeGuessing()
        self.sessions, keys = LiveSessions(self.users), FakeKeys()
        keys.own = KEYS
        apps = {"open": AppPolicies(connect="allow_anonymous")}
        judged_by = verifiers or (TokenVerifier(Secret(SECRET), issuer="webapp"), OURS)
        options = SessionOptions()
        setup = Setup(Rules((), PolicyOptions(), apps), judged_by, CredentialPaths(), {}, options)
        outside = Outside(
            self.users,
            FakeHasher(),
            self.sessions,
            FakeAuthorities(),
            FakeTargets(),
            keys,
            self.revocations,
            self.one_time,
            FakeStreamKeys(stream_key()),
            self.guessing,
        )
        self.judge = Judge(setup, outside, FakeAliases())

    async def send(self, method, token=None, app="live", session=CLIENT, **fields):
        """What a hook comes to; a connect that is allowed opens its session."""
        custom = {"custom": {"token": token}} if token is not None else {}
        sent = {"nodeId": "n", "appKey": app, "sessionId": session} | custom | fields
        hook = parse(Delivery(method, json.dumps(sent).encode()))
        judged = await self.judge.judge(hook, NOW)
        made = change(hook, judged.decision, judged.client, NOW * 1000)
        if isinstance(made, Open):
            self.sessions.live[hook.key] = made.session
        elif method == "connect":
            self.sessions.live.pop(hook.key, None)
        return judged.decision.reason

    async def connected(self, token, **fields):
        assert await self.send("connect", token, **({"origin": PAGE} | fields)) is Reason.OK
        return self


def theirs(**claims):
    """A token of the web application's."""
    return signed(GOOD | {"iss": "webapp", "jti": "t", "iat": NOW} | claims)


# What the session's token is bound to, the hook, and what that comes to.
LATER = {
    "the application, kept": ({"appKey": "live"}, ("publishStream", {"name": "a"}), Reason.OK),
    "another application": ({"appKey": "live"}, ("publishStream", {"name": "a", "app": "vod"}), Reason.TOKEN_APP),
    "another application, by a call": ({"appKey": "live"}, ("call", {"callee": "1", "app": "vod"}), Reason.TOKEN_APP),
    "another application, by data": ({"appKey": "live"}, ("OnDataEvent", {"app": "vod"}), Reason.TOKEN_APP),
    "another application, by what nobody knows": ({"appKey": "live"}, ("teleport", {"app": "vod"}), Reason.TOKEN_APP),
    "no application": ({"appKey": "live"}, ("playStream", {"name": "a", "app": ""}), Reason.TOKEN_APP),
    "the origin, kept": ({"origin": PAGE}, ("publishStream", {"name": "a"}), Reason.OK),
    "the origin, whatever the hook says of it": ({"origin": PAGE}, ("publishStream", {"origin": EVIL}), Reason.OK),
    "the stream, kept": ({"stream": "room-*"}, ("publishStream", {"name": "room-1"}), Reason.OK),
    "another stream": ({"stream": "room-*"}, ("publishStream", {"name": "hall"}), Reason.TOKEN_STREAM),
    "another stream, played": ({"stream": "room-*"}, ("playStream", {"name": "hall"}), Reason.TOKEN_STREAM),
    "another stream, stopped": ({"stream": "room-*"}, ("unPublishStream", {"name": "hall"}), Reason.TOKEN_STREAM),
    "a still of another stream": ({"stream": "room-*"}, ("snapshot", {"name": "hall"}), Reason.TOKEN_STREAM),
    "whether another is there": ({"stream": "room-*"}, ("availableStream", {"name": "hall"}), Reason.TOKEN_STREAM),
    "a stream without a name": ({"stream": "room-*"}, ("publishStream", {}), Reason.TOKEN_STREAM),
    "a list for a name": ({"stream": "room-*"}, ("publishStream", {"name": ["room-1"]}), Reason.TOKEN_STREAM),
    "an object for a name": ({"stream": "room-*"}, ("publishStream", {"name": {"a": 1}}), Reason.TOKEN_STREAM),
    "null for a name": ({"stream": "room-*"}, ("publishStream", {"name": None}), Reason.TOKEN_STREAM),
    "a number that is bound": ({"stream": "7"}, ("publishStream", {"name": 7}), Reason.OK),
    "out by dots": ({"stream": "room-*"}, ("publishStream", {"name": "room-1/../hall"}), Reason.TOKEN_STREAM),
    "out by encoded dots": ({"stream": "room-*"}, ("playStream", {"name": "room-1%2f%2e%2e/x"}), Reason.TOKEN_STREAM),
    "in by an escape": ({"stream": "room-*"}, ("publishStream", {"name": "%72oom-1"}), Reason.TOKEN_STREAM),
    "a call, which is about no stream": ({"stream": "room-*"}, ("call", {"callee": "hall"}), Reason.OK),
    "data, which are about no stream": ({"stream": "room-*"}, ("OnDataEvent", {}), Reason.OK),
    "an event, which cannot be refused": ({"stream": "a"}, ("StreamStatusEvent", {"name": "b"}), Reason.OK),
}


@pytest.mark.parametrize(("bound", "sent", "reason"), LATER.values(), ids=LATER)
async def test_a_session_keeps_to_what_its_token_is_bound_to(bound, sent, reason):
    method, fields = sent
    for token in (theirs(**bound), jwt(**bound)):
        world = await World().connected(token)
        assert await world.send(method, **fields) is reason


CONNECTS = {
    "another application": ({"appKey": "live"}, {"app": "vod"}, Reason.TOKEN_APP),
    "another address": ({"ip": "203.0.113.7"}, {"session": ELSEWHERE}, Reason.TOKEN_ADDRESS),
    "an address within one of six": ({"ip": "203.0.113.7"}, {"session": "/[::ffff:203.0.113.7]:1/x"}, Reason.OK),
    "a session that tells no address": ({"ip": "203.0.113.7"}, {"session": "4b7c"}, Reason.TOKEN_ADDRESS),
    "another page": ({"origin": PAGE}, {"origin": EVIL}, Reason.TOKEN_ORIGIN),
    "no page": ({"origin": PAGE}, {}, Reason.TOKEN_ORIGIN),
    "a list of pages": ({"origin": PAGE}, {"origin": [PAGE]}, Reason.TOKEN_ORIGIN),
    "its page": ({"origin": PAGE}, {"origin": PAGE}, Reason.OK),
    "a stream, of which a connect says nothing": ({"stream": "room-1"}, {"name": "hall"}, Reason.OK),
}


@pytest.mark.parametrize(("bound", "fields", "reason"), CONNECTS.values(), ids=CONNECTS)
async def test_a_connect_keeps_to_what_its_token_is_bound_to(bound, fields, reason):
    world = World()
    assert await world.send("connect", theirs(**bound), **fields) is reason
    assert bool(world.sessions.live) == (reason is Reason.OK)


BOUND = {
    "address": ({"ip": ("198.51.100.9",)}, Reason.TOKEN_ADDRESS),
    "origin": ({"origin": (EVIL,)}, Reason.TOKEN_ORIGIN),
    "application": ({"appKey": ("vod",)}, Reason.TOKEN_APP),
    "stream": ({"stream": ("hall",)}, Reason.TOKEN_STREAM),
    "action": ({"action": ("play",)}, Reason.TOKEN_STREAM),
}


@pytest.mark.parametrize(("bound", "reason"), BOUND.values(), ids=BOUND)
async def test_a_session_that_never_should_have_been_opened_is_of_no_use(bound, reason):
    """Whoever writes into the table of sessions, or opened one before the token was bound."""
    world, key = World(), SessionKey("n", CLIENT)
    world.sessions.live[key] = Session(key, "live", 0, Principal("ann", "token", bound=bound), origin=PAGE)
    assert await world.send("publishStream", name="room-1") is reason


REVOKED = {"its id": "t", "its user": "ann", "its issuer": "webapp", "its key": "k"}


@pytest.mark.parametrize("name", REVOKED.values(), ids=REVOKED)
async def test_what_is_revoked_ends_the_session_that_it_opened(name):
    text = signed(GOOD | {"iss": "webapp", "jti": "t", "iat": NOW}, {"alg": "HS256", "kid": "k"})
    world = await World().connected(text)
    assert await world.send("publishStream", name="a") is Reason.OK
    world.revocations.cut.add(name)
    for method in ("publishStream", "playStream", "call", "OnDataEvent", "OnCallEvent", "teleport"):
        assert await world.send(method, name="a") is Reason.TOKEN_REVOKED
    assert await world.send("publishStream", text, name="a") is Reason.TOKEN_REVOKED, "nor is it good by itself"
    assert await world.send("connect", text, session=ELSEWHERE) is Reason.TOKEN_REVOKED
    assert await world.send("StreamStatusEvent", name="a") is Reason.OK, "an event cannot be refused"


@pytest.mark.parametrize("token", [theirs(), jwt(), theirs(authgate_gen=7)], ids=["theirs", "ours", "theirs with ours"])
async def test_a_later_generation_of_its_user_ends_a_session(token):
    world = await World().connected(token)
    world.users.users["ann"] = dataclasses.replace(ANN, generation=8, cut_off_at=NOW * 1000)
    assert await world.send("publishStream", name="a") is Reason.SESSION_REVOKED
    assert await world.send("publishStream", token, name="a") is Reason.TOKEN_REVOKED
    assert await world.send("connect", token, session=ELSEWHERE) is Reason.TOKEN_REVOKED
    assert await world.send("connect", jwt(authgate_gen=8), origin=PAGE) is Reason.OK
    assert await world.send("publishStream", name="a") is Reason.OK


@pytest.mark.parametrize("gone", [True, False], ids=["deleted", "disabled"])
async def test_who_is_disabled_or_deleted_is_no_client_any_more(gone):
    world = await World().connected(theirs())
    if gone:
        del world.users.users["ann"]
    else:
        world.users.users["ann"] = dataclasses.replace(ANN, enabled=False)
    assert await world.send("publishStream", name="a") is Reason.USER_DISABLED
    assert await world.send("publishStream", theirs(), name="a") in (Reason.USER_DISABLED, Reason.USER_UNKNOWN)


TIMES = {
    "over": ({"expires_at": NOW}, Reason.USER_EXPIRED),
    "not come yet": ({"not_before": NOW + 1}, Reason.USER_NOT_YET_VALID),
    "now": ({"not_before": NOW, "expires_at": NOW + 1}, Reason.OK),
}


@pytest.mark.parametrize(("time", "reason"), TIMES.values(), ids=TIMES)
async def test_who_is_out_of_time_is_no_client_any_more(time, reason):
    world = await World().connected(theirs())
    world.users.users["ann"] = dataclasses.replace(ANN, **time)
    assert await world.send("publishStream", name="a") is reason
    assert await world.send("publishStream", theirs(), name="a") is reason
    world.users.users["ann"] = ANN
    assert await world.send("publishStream", name="a") is Reason.OK


# A hook with a token of its own, in a session that was opened without one.
OWN = {
    "all of it kept": (theirs(appKey="open", ip="203.0.113.7", origin=PAGE, stream="room-*"), Reason.OK),
    "another application": (theirs(appKey="live"), Reason.TOKEN_APP),
    "another address": (theirs(ip="198.51.100.9"), Reason.TOKEN_ADDRESS),
    "another page": (theirs(origin=EVIL), Reason.TOKEN_ORIGIN),
    "another stream": (theirs(stream="hall"), Reason.TOKEN_STREAM),
    "an earlier generation": (jwt(authgate_gen=6), Reason.TOKEN_REVOKED),
    "revoked": (theirs(jti="gone"), Reason.TOKEN_REVOKED),
    "expired": (theirs(exp=5), Reason.TOKEN_EXPIRED),
    "forged": (signed(GOOD | {"iss": "webapp"}, key="x" * 40), Reason.TOKEN_INVALID),
    "unsigned and named as ours": (jwt().rpartition(".")[0] + ".", Reason.TOKEN_INVALID),
    "a key for an application": (STREAM_KEY, Reason.TOKEN_APP),
    "an address for an application": (address(), Reason.TOKEN_APP),
    "an address to play": (address(app_key=""), Reason.TOKEN_STREAM),
}


@pytest.mark.parametrize(("token", "reason"), OWN.values(), ids=OWN)
async def test_a_hook_with_a_token_of_its_own_is_looked_at_no_less(token, reason):
    world = World()
    world.revocations.cut.add("gone")
    assert await world.send("connect", app="open", origin=PAGE) is Reason.OK
    assert await world.send("publishStream", app="open", name="room-1") is Reason.SESSION_ANONYMOUS
    assert await world.send("publishStream", token, app="open", name="room-1") is reason


async def test_a_bad_token_in_a_good_session_is_not_passed_over():
    world = await World().connected(theirs())
    for token, reason in (("forged", Reason.TOKEN_INVALID), (theirs(stream="b"), Reason.TOKEN_STREAM)):
        assert await world.send("publishStream", token, name="a") is reason


PAGES = {
    "its own page": ({"origin": PAGE}, {}, Reason.OK),
    "another page": ({"origin": EVIL}, {}, Reason.TOKEN_ORIGIN),
    "another page, and the hook says that it is the right one": (
        {"origin": EVIL},
        {"origin": PAGE},
        Reason.TOKEN_ORIGIN,
    ),
    "no page": ({}, {}, Reason.TOKEN_ORIGIN),
    "no page, and the hook says that it is the right one": ({}, {"origin": PAGE}, Reason.TOKEN_ORIGIN),
    "a page too long to be kept": ({"origin": PAGE + "/" * 300}, {}, Reason.TOKEN_ORIGIN),
    "another session": ({"origin": PAGE}, {"session": ELSEWHERE}, Reason.TOKEN_ORIGIN),
    "no session": ({"origin": PAGE}, {"session": "", "origin": PAGE}, Reason.TOKEN_ORIGIN),
    "another node": ({"origin": PAGE}, {"nodeId": "m"}, Reason.TOKEN_ORIGIN),
}


@pytest.mark.parametrize(("connect", "fields", "reason"), PAGES.values(), ids=PAGES)
async def test_the_page_of_a_hook_is_that_of_its_session(connect, fields, reason):
    world = World()
    assert await world.send("connect", app="open", **connect) is Reason.OK
    assert await world.send("publishStream", theirs(origin=PAGE), app="open", name="a", **fields) is reason


@pytest.mark.parametrize("method", ["playHLS", "playRTSP"])
async def test_a_player_has_no_page_whatever_it_says(method):
    world = await World().connected(theirs())
    bound = theirs(origin=PAGE)
    for fields in ({}, {"origin": PAGE}, {"session": ""}):
        assert await world.send(method, bound, name="a", **fields) is Reason.TOKEN_ORIGIN
    assert await world.send(method, theirs(), name="a") is Reason.OK
    assert await world.send(method, theirs(stream="b"), name="a") is Reason.TOKEN_STREAM
    assert await world.send(method, address(), name="room-1") is Reason.OK
    assert await world.send(method, STREAM_KEY, name="room-1") is Reason.TOKEN_STREAM, "it is to publish"


async def test_a_key_to_publish_opens_a_session_that_does_nothing_else():
    world = await World().connected(STREAM_KEY)
    done = {"publishStream": "room-1", "unPublishStream": "room-1"}
    for method, name in done.items():
        assert await world.send(method, name=name) is Reason.OK
        assert await world.send(method, name="hall") is Reason.TOKEN_STREAM
    for method in ("playStream", "snapshot", "call", "transfer", "sendMessage", "OnDataEvent", "OnCallEvent"):
        assert await world.send(method, name="room-1") is Reason.TOKEN_STREAM
    for method in ("sendStreamEvent", "pushLogs", "sessionDebug", "answer", "teleport"):
        assert await world.send(method, name="room-1") is Reason.TOKEN_STREAM


async def test_where_the_store_cannot_say_what_was_revoked_nothing_is_allowed():
    world = await World().connected(theirs())
    world.revocations.away = True
    hooks = [("publishStream", None), ("playStream", None), ("call", None), ("OnCallEvent", None), ("teleport", None)]
    hooks += [(method, token) for method in ("connect", "publishStream", "playHLS") for token in (theirs(), jwt())]
    for method, token in hooks:
        with pytest.raises(StoreError) as caught:
            await world.send(method, token, name="room-1", session=CLIENT)
        assert isinstance(caught.value, Trouble)


# One-time tokens.

ONCE = theirs(once=True)


async def test_a_connect_that_is_sent_again_finds_its_one_time_token():
    world = World()
    assert [await world.send("connect", ONCE) for _ in range(3)] == [Reason.OK] * 3
    assert world.one_time.holders == {("token", "webapp", "t"): f"n\n{CLIENT}\n"}
    for fields in ({"session": ELSEWHERE}, {"nodeId": "m"}, {"session": CLIENT + "-2"}):
        assert await world.send("connect", ONCE, **fields) is Reason.TOKEN_USED
    assert await world.send("playHLS", ONCE, name="a", mediaSessionId="m") is Reason.TOKEN_USED
    assert await world.send("publishStream", name="a") is Reason.OK, "the session goes on"


async def test_a_one_time_token_is_for_one_stream_of_one_session():
    world = World()
    assert await world.send("connect", app="open") is Reason.OK
    stream = {"app": "open", "name": "a", "mediaSessionId": "m"}
    assert [await world.send("publishStream", ONCE, **stream) for _ in range(2)] == [Reason.OK] * 2
    assert world.one_time.holders == {("token", "webapp", "t"): f"n\n{CLIENT}\nm"}
    for fields in ({"mediaSessionId": "m2"}, {"session": ELSEWHERE}, {"mediaSessionId": ""}, {"nodeId": "m"}):
        assert await world.send("publishStream", ONCE, **(stream | fields)) is Reason.TOKEN_USED
    assert await world.send("connect", ONCE) is Reason.TOKEN_USED
    assert await world.send("connect", theirs(once=True, jti="another")) is Reason.OK


HOLDERS = {
    "a line end in the stream": ({"mediaSessionId": f"\n{CLIENT}\nm"}, {"mediaSessionId": "m"}),
    "a call under the id of a stream": ({"callId": "m"}, {"callId": "m2"}),
    "names, where there are no ids": ({"name": "a"}, {"name": "b"}),
}


@pytest.mark.parametrize(("one", "other"), HOLDERS.values(), ids=HOLDERS)
async def test_no_two_holders_are_alike(one, other):
    world = World()
    assert await world.send("connect", app="open") is Reason.OK
    assert await world.send("publishStream", ONCE, app="open", **one) is Reason.OK
    assert await world.send("publishStream", ONCE, app="open", **other) is Reason.TOKEN_USED


SPENT = {
    "another application": ({"appKey": "live"}, Reason.TOKEN_APP),
    "another address": ({"ip": "198.51.100.9"}, Reason.TOKEN_ADDRESS),
    "another stream": ({"stream": "b"}, Reason.TOKEN_STREAM),
    "another page": ({"origin": EVIL}, Reason.TOKEN_ORIGIN),
    "expired": ({"exp": 5}, Reason.TOKEN_EXPIRED),
    "a user who is unknown": ({"sub": "cid"}, Reason.USER_UNKNOWN),
}


@pytest.mark.parametrize(("claims", "reason"), SPENT.values(), ids=SPENT)
async def test_a_one_time_token_that_is_refused_is_not_reserved(claims, reason):
    """Else whoever has seen it could keep its owner out, from a page or an address that it is not for."""
    world = World()
    assert await world.send("connect", app="open", origin=PAGE) is Reason.OK
    assert await world.send("publishStream", theirs(once=True, **claims), app="open", name="a") is reason
    assert world.one_time.holders == {}


async def test_a_token_of_another_page_creates_no_user():
    world = World(TokenVerifier(Secret(SECRET), issuer="webapp", users="create"), users=())
    assert await world.send("connect", app="open", origin=PAGE) is Reason.OK
    assert await world.send("publishStream", theirs(origin=EVIL), app="open", name="a") is Reason.TOKEN_ORIGIN
    assert world.users.users == {}
