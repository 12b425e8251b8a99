"""Streams and calls, alike on every engine, in whatever order they are told of."""

import asyncio
import itertools
from dataclasses import replace

import pytest

from authgate.model import (
    Call,
    CallKey,
    CallNews,
    Close,
    Ending,
    Entry,
    MediaKey,
    Open,
    Over,
    SessionKey,
    Stream,
    StreamNews,
)
from authgate.store import Store

from .samples import KEY, a_record, a_session, closing, opening

MEDIA = MediaKey(*KEY, "media-1")
CALL = CallKey(*KEY, "call-1")
LATER = 10_000  # milliseconds: the sessions of these tests are opened at 1000


def told(status: str, at: int = 2000, *, key: MediaKey = MEDIA, **changes) -> Entry:
    over = status in ("UNPUBLISHED", "STOPPED", "FAILED")
    news = StreamNews(key, "defaultApp", at, "a", True, status, over)
    return Entry(a_record(key=SessionKey(*key[:2]), method="StreamStatusEvent"), news=replace(news, **changes))


def rung(status: str, at: int = 2000, *, key: CallKey = CALL, **changes) -> Entry:
    over = status in ("FINISH", "FAILED", "BUSY")
    news = CallNews(key, "defaultApp", at, "1", "2", False, status, over)
    return Entry(a_record(key=SessionKey(*key[:2]), method="CallStatusEvent"), news=replace(news, **changes))


async def write(store: Store, *entries: Entry) -> None:
    for entry in entries:
        await store.ledger.write(entry)


ASKED, BEGUN, STOPPED, KEPT = told("PENDING"), told("PUBLISHING"), told("STOPPED"), told("PUBLISHING", 3000, kept=True)

# What is told of a stream one after the other, and what is known then: its status, or None where it is over.
LIVES = {
    "asked for": ([ASKED], "PENDING"),
    "begun": ([ASKED, BEGUN], "PUBLISHING"),
    "begun, told before the request is written": ([BEGUN, ASKED], "PUBLISHING"),
    "begun, told twice": ([BEGUN, BEGUN], "PUBLISHING"),
    "paused": ([BEGUN, told("PAUSED")], "PAUSED"),
    "stopped": ([ASKED, BEGUN, STOPPED], None),
    "stopped, told first": ([STOPPED, BEGUN], None),
    "stopped, told before the request is written": ([STOPPED, ASKED], None),
    "stopped, kept alive late": ([BEGUN, STOPPED, KEPT], None),
    "stopped twice": ([BEGUN, STOPPED, STOPPED], None),
    "failed": ([ASKED, told("FAILED", name="", published=None)], None),
    "seen first when it is kept alive": ([KEPT], "PUBLISHING"),
    "something passing about one that nobody knows": ([told("")], None),
    "something passing": ([BEGUN, told("")], "PUBLISHING"),
    "asked for again under the same id": ([BEGUN, STOPPED, told("NEW", 60_000)], "NEW"),
    "asked for again and begun": ([BEGUN, STOPPED, told("NEW", 60_000), told("PUBLISHING", 60_100)], "PUBLISHING"),
    "asked for again and stopped": ([BEGUN, STOPPED, told("NEW", 60_000), told("STOPPED", 60_100)], None),
}


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "in one commit"])
@pytest.mark.parametrize(("entries", "status"), LIVES.values(), ids=LIVES)
async def test_the_life_of_a_stream(store: Store, entries, status, together: bool):
    await store.ledger.write(opening(a_session()))
    if together:
        await asyncio.gather(*map(store.ledger.write, entries))
    else:
        await write(store, *entries)
    assert [each.status for each in await store.streams.list()] == ([status] if status else [])


async def test_a_stream_comes_back_as_it_is_known(store: Store):
    await write(store, opening(a_session()), told("PENDING", 2000, name=""), told("PUBLISHING", 2500, name="ж😀\0"))
    assert await store.streams.list() == [
        Stream(MEDIA, "defaultApp", "ж😀\ufffd", True, "PUBLISHING", 2000, 2500, "ann")
    ]
    await write(store, told("FAILED", name="", published=None, app_key=""))
    assert await store.streams.list() == []


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
async def test_what_is_stopped_stays_so_in_whatever_order_it_is_told(store: Store, order):
    entries = [told("PENDING", 2000), told("PUBLISHING", 2100), told("UNPUBLISHED", 2200)]
    await write(store, opening(a_session()), *(entries[at] for at in order))
    assert await store.streams.list() == []


async def test_streams_end_with_their_session(store: Store):
    await write(store, opening(a_session()), BEGUN, rung("ESTABLISHED"))
    assert len(await store.streams.list()) == len(await store.calls.list()) == 1
    await write(store, closing(at=3000))
    assert await store.streams.list() == await store.calls.list() == []
    await write(store, told("PUBLISHING", 3100, key=MediaKey(*KEY, "late")), rung("RING", 3100, key=CallKey(*KEY, "l")))
    assert await store.streams.list() == await store.calls.list() == []


async def test_streams_of_a_session_whose_key_was_used_again(store: Store):
    await write(store, opening(a_session()), BEGUN, opening(a_session(opened_at=20_000, user="bob")))
    assert await store.streams.list() == []
    await write(store, told("PUBLISHING", 20_100, key=MediaKey(*KEY, "other")))
    assert [(each.key.media, each.user) for each in await store.streams.list()] == [("other", "bob")]


async def test_streams_of_no_session(store: Store):
    """Those that the media server pulls are of none that connected."""
    await write(store, told("PUBLISHING", key=MediaKey("node-1", "", "pulled")))
    assert [(each.key.media, each.user) for each in await store.streams.list()] == [("pulled", None)]


async def test_one_that_was_lost_is_found_when_it_is_kept_alive(store: Store):
    await write(store, opening(a_session()), BEGUN)
    assert await store.streams.over(await store.streams.list(), Over.LOST, 5000) == 1
    await write(store, told("PUBLISHING", 4000))  # that was on its way
    assert await store.streams.list() == []
    await write(store, told("PUBLISHING", 6000, kept=True))
    assert [each.since for each in await store.streams.list()] == [2000]
    await write(store, told("STOPPED", 6100), told("PUBLISHING", 7000, kept=True))
    assert await store.streams.list() == []


async def test_one_that_was_heard_of_since_is_not_lost(store: Store):
    await write(store, opening(a_session()), BEGUN)
    seen = await store.streams.list()
    await write(store, told("PUBLISHING", 3000, kept=True))
    assert await store.streams.over(seen, Over.LOST, 5000) == 0
    assert len(await store.streams.list()) == 1


FILTERS = {
    "all": ({}, ["a1", "b1", "b2"]),
    "user": ({"user": "ann"}, ["a1"]),
    "nobody": ({"user": "ann\0"}, []),
    "node": ({"node": "n2"}, ["b1", "b2"]),
    "session": ({"session": "s1"}, ["a1"]),
    "application": ({"app_key": "defaultApp"}, ["a1", "b2"]),
    "name": ({"name": "x"}, ["b1"]),
    "another name": ({"name": "X"}, []),
    "published": ({"published": True}, ["a1", "b1"]),
    "played": ({"published": False}, ["b2"]),
    "one after another": ({"after": MediaKey("n1", "s1", "a1"), "limit": 1}, ["b1"]),
    "after the last": ({"after": MediaKey("n2", "s2", "b2")}, []),
}


@pytest.mark.parametrize(("filters", "found"), FILTERS.values(), ids=FILTERS)
async def test_streams_are_found(store: Store, filters, found):
    one, two = SessionKey("n1", "s1"), SessionKey("n2", "s2")
    await write(
        store,
        opening(a_session(one)),
        opening(a_session(two, user="bob")),
        told("PUBLISHING", key=MediaKey(*one, "a1")),
        told("PUBLISHING", key=MediaKey(*two, "b1"), name="x", app_key="other"),
        told("PLAYING", key=MediaKey(*two, "b2"), published=False),
    )
    assert [each.key.media for each in await store.streams.list(**filters)] == found


async def test_an_ordered_end(store: Store):
    await write(store, opening(a_session()), BEGUN)
    assert await store.streams.to_end(LATER, 10) == []
    live = await store.streams.list()
    assert await store.streams.order_end(live, "by hand", 5000) == 1
    assert await store.streams.order_end(live, "again", 6000) == 0
    assert await store.streams.to_end(4999, 10) == []
    (meant,) = await store.streams.to_end(5000, 10)
    assert meant.ending == Ending(5000, "by hand", 0, 5000)
    await store.streams.not_ended([meant], "away", 7000)
    assert await store.streams.to_end(6999, 10) == []
    assert (await store.streams.list())[0].ending == Ending(5000, "by hand", 1, 7000, "away")
    await write(store, STOPPED)
    assert await store.streams.to_end(LATER, 10) == []


async def test_an_ordered_end_of_sessions(store: Store):
    one, other = a_session(SessionKey("n", "one")), a_session(SessionKey("n", "other"))
    await write(store, opening(one), opening(other))
    assert await store.sessions.order_end([one], "by hand", 5000) == 1
    assert await store.sessions.order_end([one], "again", 6000) == 0
    (meant,) = await store.sessions.to_end(5000, 10)
    assert (meant.key, meant.ending) == (one.key, Ending(5000, "by hand", 0, 5000))
    await store.sessions.not_ended([meant], "away", 7000)
    await store.sessions.not_ended([other], "away", 7000)
    assert [each.ending for each in await store.sessions.list()] == [Ending(5000, "by hand", 1, 7000, "away"), None]
    assert await store.sessions.to_end(6999, 10) == []
    assert len(await store.sessions.to_end(7000, 10)) == 1


async def test_a_new_session_under_the_key_of_one_that_is_to_be_ended_is_not(store: Store):
    await write(store, opening(a_session()))
    await store.sessions.order_end(await store.sessions.list(), "by hand", 5000)
    await write(store, opening(a_session(opened_at=6000, user="bob")))
    assert [each.ending for each in await store.sessions.list()] == [None]
    assert await store.sessions.to_end(LATER, 10) == []


async def test_hooks_renew_a_session(store: Store):
    await write(store, opening(a_session(opened_at=1000)), Entry(a_record(at=500_000)))
    assert (await store.sessions.list())[0].seen_at == 500_000
    await write(store, Entry(a_record(at=500_001)))  # a moment later is not worth a write
    assert (await store.sessions.list())[0].seen_at == 500_000
    await write(store, closing(at=600_000), Entry(a_record(at=900_000)))
    assert await store.sessions.list() == []


CALLS = {
    "asked for": ([rung("NEW")], "NEW"),
    "ringing": ([rung("NEW"), rung("RING")], "RING"),
    "ringing, told before the request is written": ([rung("RING"), rung("NEW")], "RING"),
    "talking": ([rung("NEW"), rung("RING"), rung("ESTABLISHED")], "ESTABLISHED"),
    "on hold": ([rung("ESTABLISHED"), rung("HOLD")], "HOLD"),
    "hung up": ([rung("ESTABLISHED"), rung("FINISH")], None),
    "hung up, told first": ([rung("FINISH"), rung("ESTABLISHED")], None),
    "busy": ([rung("NEW"), rung("BUSY")], None),
}


@pytest.mark.parametrize(("entries", "status"), CALLS.values(), ids=CALLS)
async def test_the_life_of_a_call(store: Store, entries, status):
    await write(store, opening(a_session()), *entries)
    assert [each.status for each in await store.calls.list(user="ann")] == ([status] if status else [])


async def test_a_call_comes_back_as_it_is_known(store: Store):
    await write(
        store, opening(a_session()), rung("NEW", 2000), rung("RING", 2100, callee="3", caller="", incoming=None)
    )
    known = Call(CALL, "defaultApp", "1", "3", False, "RING", 2000, 2100, "ann")
    assert await store.calls.list(node=KEY.node, session=KEY.session, app_key="defaultApp") == [known]
    assert await store.calls.list(user="bob") == await store.calls.list(after=CALL) == []


async def test_two_stores_tell_of_the_same_streams_at_once(store: Store, store_options):
    other = Store(store_options)
    keys = [MediaKey("n", f"s{n % 7}", str(n)) for n in range(40)]
    await asyncio.gather(*(store.ledger.write(opening(a_session(SessionKey(*key[:2])))) for key in keys))

    async def tell(to: Store, order, status: str) -> None:
        await asyncio.gather(*(to.ledger.write(told(status, key=key)) for key in order))
        changes = (Open(a_session(SessionKey(*key[:2]), opened_at=1500)) for key in order)
        await asyncio.gather(*(to.ledger.write(Entry(a_record(), change)) for change in changes))

    await asyncio.gather(tell(store, keys, "PUBLISHING"), tell(other, keys[::-1], "STOPPED"))
    assert await store.streams.list(limit=1000) == []
    gone = (Entry(a_record(), Close(SessionKey("n", f"s{n}"), 9_000)) for n in range(7))
    await asyncio.gather(*map(other.ledger.write, gone))
    await other.close()
