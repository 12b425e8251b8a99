"""Tokens that are good for one session or one stream, on each database."""

import asyncio
from dataclasses import replace

import pytest

from authgate.issuance import OneTimeToken
from authgate.model import Begin, Close, Entry, Issued, Open, Principal, Reason, Record, Session, SessionKey, Where
from authgate.store import Store
from authgate.store.ids import record_id

NOW = 1_900_000_000
EXP = NOW + 600
KEY_A, KEY_B = SessionKey("n", "session a"), SessionKey("n", "session b")
A, B = Where(holder="n\nsession a\n", opens=KEY_A), Where(holder="n\nsession b\n", opens=KEY_B)
LASTING = Where(holder="n\ns\nplayer", lasting=True)
TOKEN = OneTimeToken("token", "webapp", "t")
LATER = NOW + 31  # when a reservation is not waited for any more


def record(at=NOW * 1000):
    return Record(record_id(), at, SessionKey("n", "s"), "app", "StreamStatusEvent", None, True, Reason.OK, "")


async def begin(store, where, at=NOW):
    await store.ledger.write(Entry(record(), Begin(where.holder, at * 1000)))


async def reserve(store, where, now=NOW, token=TOKEN, **more):
    return await store.one_time.reserve(token, where, EXP, now, **more)


async def test_who_shows_it_first_has_it(store):
    assert await reserve(store, A)
    assert not await reserve(store, B)


async def test_the_same_hook_sent_again_finds_its_own_reservation(store):
    """The media server sends a hook up to three times where an answer is late."""
    assert [await reserve(store, A, NOW + second) for second in (0, 1, 2, 20)] == [True] * 4
    await begin(store, A)
    assert await reserve(store, A, NOW + 3), "an answer that was late"


async def test_what_never_began_is_released(store):
    """Ant-Media-Server#5440: a token must not be burnt by a stream that was not live yet."""
    assert await reserve(store, A)
    assert not await reserve(store, B, NOW + 29)
    assert await reserve(store, B, LATER)
    assert not await reserve(store, A, LATER), "it is the other's now"


async def test_what_has_begun_is_used_up_for_good(store):
    assert await reserve(store, A)
    await begin(store, A)
    for now in (NOW, LATER, EXP - 1):
        assert not await reserve(store, B, now)
    assert not await reserve(store, A, LATER), "nor is it good for a second stream of the same client"


async def test_a_player_may_be_asked_for_again_for_as_long_as_it_plays(store):
    assert await reserve(store, LASTING)
    await begin(store, LASTING)
    assert await reserve(store, LASTING, EXP - 1)
    assert not await reserve(store, Where(holder="n\ns\nother", lasting=True), EXP - 1)


async def opened(store, key=KEY_A, verifier="token", issuer="webapp", token_id="t"):
    """A session is opened with a token."""
    client = Principal("ann", verifier, token_id=token_id, issued=Issued("ann", token_id, issuer))
    await store.ledger.write(Entry(record(), Open(Session(key, "app", NOW * 1000, client))))


@pytest.mark.parametrize("issuer", ["webapp", None])
async def test_a_session_that_lives_tells_that_it_began_where_no_event_did(store, issuer):
    token = TOKEN._replace(issuer=issuer)
    assert await reserve(store, A, token=token)
    await opened(store, issuer=issuer)
    assert not await reserve(store, B, LATER, token=token)
    assert not await reserve(store, B, LATER, token=token, dry=True)
    await store.ledger.write(Entry(record(), Close(KEY_A, LATER * 1000)))
    assert await reserve(store, B, LATER, token=token)


def over(key=KEY_A, status="DISCONNECTED", method="ConnectionStatusEvent"):
    """A hook tells that a session is over."""
    told = replace(record(), key=key, method=method, status=status)
    return Entry(told, Close(key, LATER * 1000))


async def test_a_session_that_ended_had_begun_though_no_event_told_it(store):
    assert await reserve(store, A)
    await opened(store)
    await store.ledger.write(over())
    assert not await reserve(store, B, LATER)
    assert not await reserve(store, B, EXP - 1)


RELEASED = {
    "it failed": (KEY_A, over(status="FAILED")),
    "another hook tells of it": (KEY_A, over(method="StreamStatusEvent")),
    "its connect was refused": (None, over()),
    "another session ended": (SessionKey("n", "session c"), over(SessionKey("n", "session c"))),
}


@pytest.mark.parametrize(("session", "told"), RELEASED.values(), ids=RELEASED)
async def test_what_did_not_begin_is_released_when_its_session_is_over(store, session, told):
    assert await reserve(store, A)
    if session is not None:
        await opened(store, session)
    await store.ledger.write(told)
    assert await reserve(store, B, LATER)


OTHERS = {
    "of another verifier": {"verifier": "other"},
    "of another issuer": {"issuer": "other"},
    "of no issuer": {"issuer": None},
    "under another id": {"token_id": "T"},
    "of another session": {"key": SessionKey("n", "session c")},
    "of another node": {"key": SessionKey("m", "session a")},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
async def test_a_session_that_another_token_opened_tells_nothing_of_this_one(store, other):
    assert await reserve(store, A)
    await opened(store, **other)
    assert await reserve(store, B, LATER)


async def test_who_takes_it_over_is_who_is_looked_for_from_then_on(store):
    assert await reserve(store, A)
    assert await reserve(store, B, LATER)
    await opened(store, KEY_B)
    assert not await reserve(store, Where(holder="c"), LATER + 31)


@pytest.mark.parametrize("key", [SessionKey("n", "s" * 256), SessionKey("n" * 129, "s"), SessionKey("n", "s\0")])
async def test_a_session_that_no_store_can_hold_is_never_live(store, key):
    assert await reserve(store, Where(holder="a", opens=key))
    await opened(store, SessionKey(key.node[:128], key.session.replace("\0", "\ufffd")[:255]))
    assert await reserve(store, B, LATER)


async def test_to_ask_reserves_nothing(store):
    assert await reserve(store, B, dry=True)
    assert await reserve(store, A)
    assert await reserve(store, A, dry=True)
    assert not await reserve(store, B, dry=True)
    assert await reserve(store, B, LATER, dry=True)
    assert not await reserve(store, B, NOW + 5)


async def test_what_begins_uses_up_no_token_of_another(store):
    assert await reserve(store, A)
    await begin(store, B)
    assert await reserve(store, B, LATER)


async def test_tokens_of_two_verifiers_with_one_id_are_two(store):
    assert await reserve(store, A, token=TOKEN)
    assert await reserve(store, B, token=TOKEN._replace(verifier="two"))


async def test_tokens_of_two_issuers_with_one_id_are_two(store):
    assert await reserve(store, A, token=TOKEN)
    assert await reserve(store, B, token=TOKEN._replace(issuer="two"))
    assert await reserve(store, Where(holder="c"), token=TOKEN._replace(issuer=None))


async def test_of_many_who_show_it_at_once_one_has_it(store):
    holders = [Where(holder=f"n\n{number}\n") for number in range(40)]
    assert sum(await asyncio.gather(*(reserve(store, each) for each in holders))) == 1


async def test_of_two_nodes_that_are_shown_it_at_once_one_gives_it(store_options, store):
    other = Store(store_options)
    try:
        for number in range(10):
            token = TOKEN._replace(token_id=str(number))
            both = await asyncio.gather(reserve(store, A, token=token), reserve(other, B, token=token))
            assert sorted(both) == [False, True]
            taken = await asyncio.gather(
                reserve(store, Where(holder="c"), LATER, token=token),
                reserve(other, Where(holder="d"), LATER, token=token),
            )
            assert sum(taken) == 1
    finally:
        await other.close()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_what_expired_long_ago_is_forgotten(store):
    assert await store.one_time.reserve(TOKEN, A, 5, NOW)
    await begin(store, A)
    assert await reserve(store, B, token=TOKEN._replace(token_id="new"))
    store.one_time._pruned_at -= 61  # seconds: it is done once a minute
    assert await store.one_time.reserve(TOKEN, B, 5, NOW), "its time is over anyhow"
