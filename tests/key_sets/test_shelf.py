"""A restart does not depend on the issuer, and keys do not depend on the store."""

import pytest

from authgate.errors import KeysError
from authgate.key_sets import State
from tests.key_sets.issuer import NOW, OTHER_RSA, answer, jwk, key_set, until

DAY = 86_400
AWAY = answer(b"", "503 Service Unavailable")


def at(seconds):
    return int((NOW - seconds) * 1000)


async def test_what_was_fetched_is_kept(issuer, key_sets, source, shelf, clock):
    await key_sets.find(source, "one", "RS256")
    await until(lambda: shelf.tried)
    assert shelf.documents == {source: (key_set(), at(0))}
    issuer.answers["/keys"] = AWAY
    clock.now += 60
    await key_sets.refresh()
    await until(lambda: len(shelf.tried) == 2)
    assert shelf.documents == {source: (key_set(), at(0))}
    assert shelf.tried[1][1:3] == (False, at(-60))
    assert "status 503" in shelf.tried[1][3]


async def test_fresh_keys_of_before_cost_no_request(issuer, key_sets, source, shelf):
    shelf.documents[source] = key_set(), at(100)
    assert [each.id for each in await key_sets.find(source, "one", "RS256")] == ["one"]
    assert issuer.asked == []
    assert key_sets.states()[0].fetched_at == at(100)


async def test_stale_keys_of_before_are_used_while_the_issuer_is_away(issuer, key_sets, source, shelf):
    issuer.answers["/keys"] = AWAY
    shelf.documents[source] = key_set(), at(DAY - 1)
    key_sets.start()
    await until(lambda: key_sets.states()[0].fault)
    assert [each.id for each in await key_sets.find(source, "one", "RS256")] == ["one"]
    assert key_sets.states()[0].state is State.STALE


OF_NO_USE = {
    "too old": (key_set(), at(DAY + 1)),
    "of a time that is too far ahead": (key_set(), at(-DAY - 1)),
    "no key set": (b"{}", at(0)),
    "not JSON": (b"\xff", at(0)),
    "of other algorithms": (key_set(jwk(alg="PS256")), at(0)),
}


@pytest.mark.parametrize("kept", OF_NO_USE.values(), ids=OF_NO_USE)
async def test_keys_of_before_that_are_of_no_use(issuer, key_sets, source, shelf, kept):
    issuer.answers["/keys"] = AWAY
    shelf.documents[source] = kept
    with pytest.raises(KeysError):
        await key_sets.find(source, "one", "RS256")
    assert issuer.asked == ["/keys"]


async def test_what_is_fetched_counts_for_more_than_what_was_kept(issuer, key_sets, source, shelf):
    shelf.documents[source] = key_set(jwk(OTHER_RSA, "old")), at(100)
    await key_sets.refresh()
    await key_sets.load()
    assert [each.id for each in key_sets.known(source, None, "RS256")] == ["one"]


async def test_keys_are_used_while_the_store_is_away(issuer, key_sets, source, shelf, caplog):
    shelf.away = True
    assert [each.id for each in await key_sets.find(source, "one", "RS256")] == ["one"]
    await until(lambda: "not kept for a restart: the store is away" in caplog.text)
    assert "that were kept cannot be used: the store is away" in caplog.text


async def test_a_store_that_hangs_is_not_waited_for(issuer, key_sets, source, shelf, caplog):
    shelf.slow = True
    assert [each.id for each in await key_sets.find(source, "one", "RS256")] == ["one"]
    assert "the store is too slow" in caplog.text


async def test_loading_fetches_nothing(issuer, key_sets, source, shelf):
    await key_sets.load()
    assert issuer.asked == []
    assert key_sets.states()[0].state is State.MISSING
