"""Whoever is banned is let in nowhere, whatever it brings, and its live session is refused at the next hook."""

import pytest

from authgate.hooks.reply import REFUSED
from authgate.model import Principal, Reason, Session
from authgate.rules import PolicyOptions
from tests.fakes import FakeGuessing
from tests.judge.made import ADDRESS, LIVE, NOW, build, live, rule, verdict
from tests.test_gateway import KEY, body

HERE = ADDRESS["session"]


def banning(*bans, policies=None, rules=()):
    guessing = FakeGuessing()
    guessing.bans |= set(bans)
    gateway = build(policies, None, rules, guessing=guessing)
    live(gateway)[KEY] = Session(KEY, "app", NOW * 1000, Principal("ann", "token"))
    return gateway


TOKEN = {"custom": {"token": "ann"}}
BAD = {"custom": {"token": "forged"}}
CASES = {
    "an address, at connect by token": ("203.0.113.7", "connect", ADDRESS | TOKEN, Reason.BANNED),
    "an address, at connect with a bad token": ("203.0.113.7", "connect", ADDRESS | BAD, Reason.BANNED),
    "an address, at connect with nothing": ("203.0.113.7", "connect", ADDRESS, Reason.BANNED),
    "an address, anonymous where that is allowed": ("203.0.113.7", "connect", ADDRESS | {"app": "open"}, Reason.BANNED),
    "an address, of a player without a session": ("203.0.113.7", "playHLS", ADDRESS | TOKEN, Reason.BANNED),
    "a user, at connect by token": ("ann", "connect", ADDRESS | TOKEN, Reason.BANNED),
    "a user, in its session": ("ann", "publishStream", LIVE, Reason.BANNED),
    "a user, in a session with a token": ("ann", "publishStream", LIVE | TOKEN, Reason.BANNED),
    "another address": ("198.51.100.9", "connect", ADDRESS | TOKEN, Reason.OK),
    "another user": ("bob", "connect", ADDRESS | TOKEN, Reason.OK),
    "a user whose token is bad": ("ann", "connect", ADDRESS | BAD, Reason.TOKEN_INVALID),
    "an address, where none is told": ("203.0.113.7", "connect", LIVE | TOKEN, Reason.OK),
    "an address, of an event": ("203.0.113.7", "StreamStatusEvent", ADDRESS, Reason.OK),
}


@pytest.mark.parametrize(("ban", "method", "sent", "reason"), CASES.values(), ids=CASES)
async def test_banned(ban, method, sent, reason):
    found, _, answer = await verdict(banning(ban), method, body(**sent))
    assert found is reason
    if reason is Reason.BANNED:
        assert answer == REFUSED


async def test_a_session_of_a_banned_address_is_refused():
    gateway = banning("203.0.113.7")
    here = KEY._replace(session=HERE)
    live(gateway)[here] = Session(here, "app", NOW * 1000, Principal("ann", "token"))
    assert (await verdict(gateway, "publishStream", body(**ADDRESS)))[0] is Reason.BANNED


async def test_a_rule_that_allows_everybody_lets_in_nobody_who_is_banned():
    allows = [rule(policy="allow", kinds="connect")]
    assert (await verdict(banning("203.0.113.7", rules=allows), "connect", body(**ADDRESS)))[0] is Reason.BANNED
    assert (await verdict(banning("ann", rules=allows), "connect", body(**ADDRESS, **TOKEN)))[0] is Reason.BANNED


async def test_no_target_is_asked_about_whoever_is_banned():
    gateway = banning("203.0.113.7", policies=PolicyOptions(fallback="yes"))
    assert (await verdict(gateway, "connect", body(**ADDRESS, custom={"token": "other"})))[0] is Reason.BANNED
    assert gateway.targets.asked == []


async def test_a_target_vouches_for_nobody_who_is_banned():
    gateway = banning("guest", policies=PolicyOptions(fallback="yes"))
    gateway.targets.answers["yes"] = {}
    sent = ADDRESS | {"custom": {"login": "Guest", "password": "x"}}
    assert (await verdict(gateway, "connect", body(**sent)))[0] is Reason.BANNED


async def test_while_it_is_not_known_who_is_banned_nobody_is_let_in():
    gateway = banning()
    gateway.in_force.judge.outside.guessing.away = True
    assert (await verdict(gateway, "connect", body(**ADDRESS, **TOKEN)))[0] is Reason.STORE_UNAVAILABLE
    assert (await verdict(gateway, "connect", body("open", **ADDRESS)))[0] is Reason.STORE_UNAVAILABLE
