"""Clients whom no verifier knows, and another back end vouches for."""

import pytest

from authgate.hooks import reply
from authgate.model import Reason, SessionKey, User
from authgate.rules import AppPolicies, PolicyOptions
from tests.judge.made import gateway_of, rule, verdict
from tests.test_gateway import BAD, body, live, send


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


KEPT_OUT = {
    "disabled": (User("eve", "Eve", enabled=False), Reason.USER_DISABLED),
    "expired": (User("eve", "Eve", expires_at=1), Reason.USER_EXPIRED),
    "not yet let in": (User("eve", "Eve", not_before=253_402_300_799), Reason.USER_NOT_YET_VALID),
}


@pytest.mark.parametrize(("user", "expected"), KEPT_OUT.values(), ids=KEPT_OUT)
async def test_a_user_who_is_kept_out_is_not_vouched_for(user, expected):
    gateway = gateway_of([], PolicyOptions(fallback="yes"), {})
    gateway.in_force.judge.outside.users.users["eve"] = user
    reason, _, _ = await verdict(gateway, "connect", body(custom={"login": "Eve", "password": "x"}))
    assert reason is expected


async def test_a_user_of_the_store_is_not_vouched_for_by_name():
    gateway = gateway_of([], PolicyOptions(fallback="yes"), {})
    gateway.in_force.judge.outside.users.users["admin"] = User("admin", "Admin")
    await send(gateway, "connect", body(custom={"ticket": "bobs", "login": "Admin", "password": "x"}))
    client = live(gateway)[SessionKey("n", "new")].client
    assert (client.user, client.stored_user) == ("anonymous@yes", False)


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
