"""Which keys there are at which time, and what that costs the issuer."""

import asyncio

import pytest

from authgate.errors import KeysError
from authgate.key_sets import State
from authgate.ports import KeySource
from authgate.verifiers.jwks import JwksOptions
from authgate.wiring import LiveKeys
from tests.key_sets.issuer import (
    HANG,
    NOW,
    OTHER_RSA,
    P256,
    RSA,
    answer,
    jwk,
    key_set,
    port_of_nobody,
    until,
    verifies,
)

DAY = 86_400
AWAY = answer(b"", "500 Internal Server Error")


def ids(found):
    return [each.id for each in found]


async def test_keys_are_fetched_when_they_are_first_asked_for(issuer, key_sets, source):
    assert key_sets.known(source, "one", "RS256") == ()
    found = await key_sets.find(source, "one", "RS256")
    assert ids(found) == ["one"]
    assert verifies(found, RSA, "RS256")
    assert ids(key_sets.known(source, "one", "RS256")) == ["one"]
    assert issuer.asked == ["/keys"]


async def test_fresh_keys_are_found_without_waiting(issuer, key_sets, source, clock):
    await key_sets.find(source, "one", "RS256")
    clock.now += 599
    with pytest.raises(StopIteration) as stopped:  # it ends at the first step, so nothing was waited for
        key_sets.find(source, "one", "RS256").send(None)
    assert ids(stopped.value.value) == ["one"]
    assert issuer.asked == ["/keys"]


async def test_many_who_ask_at_once_cost_one_request(issuer, key_sets, source):
    issuer.gate.clear()
    asking = [asyncio.create_task(key_sets.find(source, "one", "RS256")) for _ in range(50)]
    await until(lambda: issuer.asked)
    issuer.gate.set()
    assert [ids(found) for found in await asyncio.gather(*asking)] == [["one"]] * 50
    assert issuer.asked == ["/keys"]


async def test_whoever_gives_up_waiting_does_not_end_it_for_others(issuer, key_sets, source):
    issuer.gate.clear()
    first, second = (asyncio.create_task(key_sets.find(source, "one", "RS256")) for _ in range(2))
    await until(lambda: issuer.asked)
    first.cancel()
    issuer.gate.set()
    assert ids(await second) == ["one"]
    assert issuer.asked == ["/keys"]


async def test_a_key_is_pinned_to_its_algorithm(issuer, key_sets, source):
    issuer.publish(jwk(alg="RS256"), jwk(P256, "two"))
    assert await key_sets.find(source, "one", "ES256") == ()
    assert await key_sets.find(source, "two", "RS256") == ()
    assert verifies(await key_sets.find(source, "two", "ES256"), P256, "ES256")
    assert issuer.asked == ["/keys"]


async def test_a_token_that_names_no_key_gets_all_of_its_algorithm(issuer, key_sets, source):
    issuer.publish(jwk(kid=None), jwk(OTHER_RSA, "two"), jwk(P256, "three"))
    assert ids(await key_sets.find(source, None, "RS256")) == [None, "two"]
    assert ids(await key_sets.find(source, None, "ES256")) == ["three"]


async def test_a_token_that_names_no_key_is_tried_with_sixteen_at_most(issuer, key_sets, source):
    issuer.publish(*(jwk(kid=str(each)) for each in range(40)))
    assert len(await key_sets.find(source, None, "RS256")) == 16


async def test_the_key_of_one_issuer_is_never_that_of_another(issuer, made, shelf, clock):
    """CVE-2026-49998: a cache by kid alone lets one tenant sign as another."""
    issuer.answers["/a"] = answer(key_set(jwk(RSA, "same")))
    issuer.answers["/b"] = answer(key_set(jwk(OTHER_RSA, "same")))
    a = KeySource("https://a.example.com", f"{issuer.url}/a", ("RS256",))
    b = KeySource("https://b.example.com", f"{issuer.url}/b", ("RS256",))
    key_sets = made({each: JwksOptions(each.url) for each in (a, b)}, shelf, clock)
    of_a, of_b = await key_sets.find(a, "same", "RS256"), await key_sets.find(b, "same", "RS256")
    assert verifies(of_a, RSA, "RS256")
    assert not verifies(of_b, RSA, "RS256")
    assert verifies(of_b, OTHER_RSA, "RS256")
    for other in (a.__class__(a.issuer, b.url, a.algorithms), a.__class__(a.issuer, a.url, ("RS512",))):
        assert key_sets.known(other, "same", "RS256") == ()
        with pytest.raises(KeysError, match=r"https://a\.example\.com are not among those"):
            await key_sets.find(other, "same", "RS256")


async def test_a_key_of_another_issuer_at_the_same_address_is_fetched_for_itself(issuer, made, shelf, clock):
    a, b = (KeySource(f"https://{name}.example.com", f"{issuer.url}/keys", ("RS256",)) for name in "ab")
    key_sets = made({each: JwksOptions(each.url) for each in (a, b)}, shelf, clock)
    await key_sets.find(a, "one", "RS256")
    assert key_sets.known(b, "one", "RS256") == ()


async def test_a_failed_refresh_keeps_the_keys(issuer, key_sets, source, clock):
    """jpadilla/pyjwt#1162: it wiped them, so a blip became an outage."""
    await key_sets.find(source, "one", "RS256")
    issuer.answers["/keys"] = AWAY
    clock.now += 601
    assert ids(await key_sets.find(source, "one", "RS256")) == ["one"]
    await until(lambda: key_sets.states()[0].fault)
    assert ids(await key_sets.find(source, "one", "RS256")) == ["one"]
    assert key_sets.states()[0].state is State.STALE
    clock.now = NOW + DAY
    assert ids(await key_sets.find(source, "one", "RS256")) == ["one"]
    assert ids(key_sets.known(source, "one", "RS256")) == ["one"]


async def test_keys_that_are_too_old_are_used_no_more(issuer, key_sets, source, clock):
    await key_sets.find(source, "one", "RS256")
    issuer.answers["/keys"] = AWAY
    clock.now += DAY + 1
    assert key_sets.known(source, "one", "RS256") == ()
    with pytest.raises(KeysError, match=r"too old of https://id\.example\.com: .*answers with status 500"):
        await key_sets.find(source, "one", "RS256")
    assert key_sets.states()[0].state is State.EXPIRED


EMPTIED = {
    "no key": key_set()[:9] + b"]}",
    "a key for encryption": key_set(jwk(use="enc")),
    "no key set": b"{}",
}


@pytest.mark.parametrize("document", EMPTIED.values(), ids=EMPTIED)
async def test_a_set_without_a_key_keeps_the_keys(issuer, key_sets, source, document):
    await key_sets.find(source, "one", "RS256")
    issuer.answers["/keys"] = answer(document)
    await key_sets.refresh()
    assert key_sets.states()[0].fault
    assert ids(key_sets.known(source, "one", "RS256")) == ["one"]


async def test_stale_keys_are_found_at_once_and_fetched_meanwhile(issuer, key_sets, source, clock):
    await key_sets.find(source, "one", "RS256")
    issuer.answers["/keys"] = HANG
    clock.now += 601
    for _ in range(5):
        with pytest.raises(StopIteration):
            key_sets.find(source, "one", "RS256").send(None)
    await until(lambda: len(issuer.asked) == 2)


async def test_a_key_that_the_issuer_takes_back_verifies_no_more(issuer, key_sets, source, clock):
    issuer.publish(jwk(), jwk(OTHER_RSA, "two"))
    assert ids(await key_sets.find(source, "two", "RS256")) == ["two"]
    issuer.publish(jwk())
    clock.now += 601
    await key_sets.find(source, "one", "RS256")
    await until(lambda: not key_sets.known(source, "two", "RS256"))


async def test_a_new_key_is_fetched_when_a_token_names_it(issuer, key_sets, source, clock):
    """bluenviron/mediamtx#4451: after a rotation all tokens were refused for up to an hour."""
    await key_sets.find(source, "one", "RS256")
    issuer.publish(jwk(), jwk(OTHER_RSA, "two"))
    clock.now += 31
    assert verifies(await key_sets.find(source, "two", "RS256"), OTHER_RSA, "RS256")
    assert issuer.asked == ["/keys"] * 2


async def test_a_new_key_waits_for_the_cool_down(issuer, key_sets, source, clock):
    await key_sets.find(source, "one", "RS256")
    issuer.publish(jwk(), jwk(OTHER_RSA, "two"))
    clock.now += 29
    assert await key_sets.find(source, "two", "RS256") == ()
    assert issuer.asked == ["/keys"]
    clock.now += 2
    assert ids(await key_sets.find(source, "two", "RS256")) == ["two"]


async def test_a_flood_of_unknown_keys_costs_one_request_in_a_cool_down(issuer, key_sets, source, clock):
    """zitadel-auth#156 and go-oidc#482: each of them cost a request, and the good keys."""
    await key_sets.find(source, "one", "RS256")
    for window in range(3):
        clock.now += 31
        flood = [key_sets.find(source, f"{window}-{each}", "RS256") for each in range(700)]
        assert not any(await asyncio.gather(*flood))
        assert not await key_sets.find(source, "0-0", "RS256")
        assert len(issuer.asked) == window + 2
        assert ids(await key_sets.find(source, "one", "RS256")) == ["one"]
    assert 0 < key_sets.states()[0].unknown <= 1024


async def test_unknown_keys_are_remembered_for_a_while_and_not_too_many(made, source, shelf, clock):
    patient = JwksOptions(source.url, timeout=10)  # who gives up waiting learns nothing that could be remembered
    key_sets = made({source: patient}, shelf, clock)
    await key_sets.find(source, "one", "RS256")
    clock.now += 31
    await asyncio.gather(*(key_sets.find(source, f"x{each}", "RS256") for each in range(3000)))
    assert key_sets.states()[0].unknown == 1024
    clock.now += 31
    assert key_sets.states()[0].unknown == 0


async def test_unknown_keys_are_shown_as_a_number(key_sets, source, clock):
    shown = LiveKeys(key_sets, None, None)  # of our own keys it shows none
    await key_sets.find(source, "one", "RS256")
    assert [each["unknown"] for each in shown.states()] == [0]
    clock.now += 31
    await asyncio.gather(*(key_sets.find(source, f"x{each}", "RS256") for each in range(3)))
    assert [each["unknown"] for each in shown.states()] == [3]


async def test_a_key_that_was_unknown_is_found_when_it_is_there(issuer, key_sets, source, clock):
    await key_sets.find(source, "one", "RS256")
    clock.now += 31
    assert await key_sets.find(source, "two", "RS256") == ()
    issuer.publish(jwk(), jwk(OTHER_RSA, "two"))
    await key_sets.refresh(source)
    assert ids(await key_sets.find(source, "two", "RS256")) == ["two"]


async def test_no_key_has_a_name_of_any_length(issuer, key_sets, source, clock):
    await key_sets.find(source, "one", "RS256")
    clock.now += 31
    assert await key_sets.find(source, "x" * 256, "RS256") == ()
    assert issuer.asked == ["/keys"]
    assert key_sets.states()[0].unknown == 0


async def test_an_unknown_key_is_no_trouble_while_the_issuer_is_away(issuer, key_sets, source, clock):
    await key_sets.find(source, "one", "RS256")
    issuer.answers["/keys"] = AWAY
    clock.now += 31
    assert await key_sets.find(source, "two", "RS256") == ()
    assert ids(await key_sets.find(source, "one", "RS256")) == ["one"]


async def test_nobody_waits_longer_than_a_fetch_may_take(issuer, key_sets, source):
    issuer.answers["/keys"] = HANG
    began = asyncio.get_running_loop().time()
    with pytest.raises(KeysError, match=r"no keys of https://id\.example\.com"):
        await key_sets.find(source, "one", "RS256")
    assert asyncio.get_running_loop().time() - began < 1


async def test_an_issuer_that_was_never_there_is_asked_once_in_a_cool_down(made, shelf, clock):
    source = KeySource("https://id.example.com", f"http://127.0.0.1:{port_of_nobody()}/keys", ("RS256",))
    key_sets = made({source: JwksOptions(source.url)}, shelf, clock)
    for _ in range(3):
        with pytest.raises(KeysError, match="cannot be reached"):
            await key_sets.find(source, "one", "RS256")
    assert len(shelf.tried) == 1
    clock.now += 31
    with pytest.raises(KeysError):
        await key_sets.find(source, "one", "RS256")
    await until(lambda: len(shelf.tried) == 2)
