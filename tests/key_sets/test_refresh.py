"""What is fetched in time or on demand, and what is said of it."""

import asyncio
import logging

import pytest

from authgate.errors import KeysError
from authgate.key_sets import State
from tests.key_sets.issuer import (
    HANG,
    NOW,
    OTHER_RSA,
    P256,
    answer,
    jwk,
    until,
)

AWAY = answer(b"", "500 Internal Server Error")


def ids(found):
    return [each.id for each in found]


async def test_a_refresh_asks_at_once(issuer, key_sets, source):
    await key_sets.find(source, "one", "RS256")
    issuer.publish(jwk(OTHER_RSA, "two"))
    await key_sets.refresh()
    assert ids(key_sets.known(source, None, "RS256")) == ["two"]


async def test_a_refresh_asks_again_where_somebody_asks_already(issuer, key_sets, source):
    issuer.gate.clear()
    asking = asyncio.create_task(key_sets.find(source, "one", "RS256"))
    await until(lambda: issuer.asked)
    refreshing = [asyncio.create_task(key_sets.refresh(source)) for _ in range(3)]
    await asyncio.sleep(0)
    issuer.gate.set()
    await asyncio.gather(asking, *refreshing)
    assert issuer.asked == ["/keys"] * 2


async def test_a_reload_does_not_wait(issuer, key_sets, source):
    await key_sets.find(source, "one", "RS256")
    issuer.answers["/keys"] = HANG
    with pytest.raises(StopIteration):
        key_sets.reload().send(None)
    await until(lambda: len(issuer.asked) == 2)


async def test_keys_are_fetched_ahead_of_their_time(issuer, made, source, options, shelf, clock):
    key_sets = made({source: options}, shelf, clock, tick=0.005)
    key_sets.start()
    await until(lambda: key_sets.known(source, "one", "RS256"))
    clock.now += 0.74 * 600
    await asyncio.sleep(0.05)
    assert issuer.asked == ["/keys"]
    clock.now = NOW + 0.86 * 600
    await until(lambda: len(issuer.asked) == 2)
    assert key_sets.states()[0].state is State.FRESH


async def test_an_issuer_that_is_away_is_asked_again_after_each_cool_down(issuer, made, source, options, shelf, clock):
    issuer.answers["/keys"] = AWAY
    key_sets = made({source: options}, shelf, clock, tick=0.005)
    key_sets.start()
    for times in (1, 2, 3):
        await until(lambda times=times: len(shelf.tried) == times)
        await asyncio.sleep(0.03)
        assert len(issuer.asked) == times
        clock.now += 31
    issuer.publish(jwk())
    clock.now += 31
    await until(lambda: key_sets.known(source, "one", "RS256"))


async def test_an_outage_is_said_once_and_so_is_its_end(issuer, key_sets, source, clock, caplog):
    caplog.set_level(logging.WARNING)
    await key_sets.refresh()
    issuer.answers["/keys"] = AWAY
    for _ in range(4):
        await key_sets.refresh()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "answers with status 500; those of before are used on" in caplog.text
    issuer.publish(jwk())
    for _ in range(3):
        await key_sets.refresh()
    assert len(caplog.records) == 2
    assert "can be fetched again" in caplog.text


async def test_a_clock_that_is_set_back_stops_no_fetch_for_good(issuer, key_sets, source, clock):
    await key_sets.find(source, "one", "RS256")
    clock.now -= 3600
    assert ids(await key_sets.find(source, "one", "RS256")) == ["one"]
    await until(lambda: len(issuer.asked) == 2)


async def test_states_say_how_each_stands(issuer, key_sets, source, clock):
    before = key_sets.states()[0]
    assert (before.state, before.keys, before.fetched_at, before.tried_at) == (State.MISSING, (), None, None)
    issuer.publish(jwk(), jwk(P256, None), jwk(P256, None), jwk(use="enc"))
    await key_sets.find(source, "one", "RS256")
    clock.now += 700
    found = key_sets.state(source)
    assert (found.issuer, found.url) == (source.issuer, source.url)
    assert found.state is State.STALE
    assert found.keys == (("one", ("RS256",)), (None, ("ES256",)), (None, ("ES256",)))
    assert found.notes == ("key 'one' is not for signatures (use)",)
    assert found.fetched_at == found.tried_at == int(NOW * 1000)
    assert found.fault == ""


async def test_a_mistake_of_ours_is_a_fault_like_others(key_sets, source, monkeypatch, caplog):
    def broken(document, algorithms):
        raise RuntimeError("of ours")

    monkeypatch.setattr("authgate.key_sets.held.read_key_set", broken)
    with pytest.raises(KeysError, match="could not be taken over, see the log"):
        await key_sets.find(source, "one", "RS256")
    assert "of ours" in caplog.text


async def test_closing_gives_up_what_is_under_way(issuer, key_sets, source):
    issuer.answers["/keys"] = HANG
    key_sets.start()
    await until(lambda: issuer.asked)
    await key_sets.close()
    await key_sets.close()
    assert len(asyncio.all_tasks()) <= 2  # the test's own, and the server's
