"""How many publishers of a name there may be, and who goes for another."""

import asyncio
from dataclasses import replace

import pytest

from authgate.limits import AppLimits, LimitOptions, Limits
from authgate.model import Entry, MediaKey, Over, Principal, Reason, Session, SessionKey, StreamNews
from authgate.store import Store, StoreOptions

from .samples import a_record, closing, opening

FULL = Reason.PUBLISHERS_EXCEEDED
PATIENCE = 60.0  # seconds: how busy the machine is that a test runs on is no fault of the code
END = "end-oldest"
ONE = Limits(LimitOptions(publishers_per_name=1))
LAST = Limits(LimitOptions(publishers_per_name=1, publishers_per_name_exceeded=END))
TWO_IN_STUDIO = Limits(LimitOptions(publishers_per_name=1), {"studio": AppLimits(publishers_per_name=2)})


@pytest.fixture
def store_options(store_options: StoreOptions) -> StoreOptions:
    return replace(store_options, timeout=PATIENCE)


def told(media: str, at: int, status: str = "", *, name: str = "x", app: str = "app", over: bool = False) -> Entry:
    """What the media server tells of a stream of the session of the same name."""
    published = status != "PLAYING"
    news = StreamNews(MediaKey("n", f"s-{media[0]}", media), app, at, name, published, status or "NEW", over)
    return Entry(a_record(key=SessionKey("n", f"s-{media[0]}"), at=at), news=news)


def publish(media: str, of: Limits, at: int, **where: str) -> Entry:
    entry = told(media, at, **where)
    assert isinstance(entry.news, StreamNews)
    return replace(entry, limits=of.of_publisher(entry.news.app_key, entry.news.name))


def gone(media: str, at: int) -> Entry:
    return told(media, at, "UNPUBLISHED", over=True)


async def connected(store: Store, *media: str) -> None:
    for each in media:
        session = Session(SessionKey("n", f"s-{each}"), "app", 1, Principal("ann", "passwords"))
        assert await store.ledger.write(opening(session)) is None


async def live(store: Store) -> str:
    """The streams that hold places."""
    return " ".join(each.key.media for each in await store.streams.list() if each.ending is None)


# What is written one after the other, what each is answered with, and what is published then.
CASES = {
    "one": ([publish("a", ONE, 10)], [None], "a"),
    "one too many, before anything tells that the first runs": (
        [publish("a", ONE, 10), publish("b", ONE, 11)],
        [None, FULL],
        "a",
    ),
    "one too many, while the first runs": (
        [publish("a", ONE, 10), told("a", 11, "PUBLISHING"), publish("b", ONE, 12)],
        [None, None, FULL],
        "a",
    ),
    "one whose beginning was lost counts": (
        [told("a", 10, "PUBLISHING"), publish("b", ONE, 11)],
        [None, FULL],
        "a",
    ),
    "the same again": ([publish("a", ONE, 10), publish("a", ONE, 11)], [None, None], "a"),
    "another name": ([publish("a", ONE, 10), publish("b", ONE, 11, name="y")], [None, None], "a b"),
    "the same name in another application": (
        [publish("a", ONE, 10), publish("b", ONE, 11, app="other")],
        [None, None],
        "a b",
    ),
    "two where two may be": (
        [publish(media, TWO_IN_STUDIO, at, app="studio") for at, media in enumerate("abc", 10)],
        [None, None, FULL],
        "a b",
    ),
    "players are none": ([told("a", 10, "PLAYING"), publish("b", ONE, 11)], [None, None], "a b"),
    "after the first is over": ([publish("a", ONE, 10), gone("a", 11), publish("b", ONE, 12)], [None] * 3, "b"),
    "after the session of the first is over": (
        [publish("a", ONE, 10), closing(SessionKey("n", "s-a"), 11), publish("b", ONE, 12)],
        [None] * 3,
        "b",
    ),
    "turned away, and again": ([publish("a", ONE, 10), *[publish("b", ONE, 11)] * 2], [None, FULL, FULL], "a"),
    "turned away, told so, and again under the same id at once": (
        [publish("a", ONE, 10), publish("b", ONE, 11), told("b", 12, "FAILED", over=True), publish("b", ONE, 13)],
        [None, FULL, None, FULL],
        "a",
    ),
    "over, and again under the same id at once, which counts": (
        [publish("a", ONE, 10), gone("a", 11), publish("a", ONE, 12), publish("b", ONE, 13)],
        [None, None, None, FULL],
        "a",
    ),
    "the newest stays": ([publish("a", LAST, 10), publish("b", LAST, 11)], [None, None], "b"),
    "whoever comes back by the same session after a lost event": (
        [publish("a1", LAST, 10), publish("a2", LAST, 11), publish("a3", LAST, 12)],
        [None] * 3,
        "a3",
    ),
}


@pytest.mark.parametrize(("entries", "answers", "left"), CASES.values(), ids=CASES)
async def test_a_name_has_as_many_publishers_as_it_may(store: Store, entries, answers, left: str):
    await connected(store, "a", "b", "c")
    entries = [replace(entry, record=a_record(key=entry.record.key, at=entry.record.at)) for entry in entries]
    assert [await store.ledger.write(entry) for entry in entries] == answers
    assert await live(store) == left


async def test_the_older_stream_is_to_be_ended_and_says_why(store: Store):
    await connected(store, "a", "b")
    for at, media in enumerate("ab", 10):
        assert await store.ledger.write(publish(media, LAST, at)) is None
    [going] = await store.streams.to_end(1000, 10)
    assert going.key.media == "a"
    assert going.ending is not None
    assert going.ending.reason == FULL


async def test_a_stream_whose_session_is_to_be_ended_holds_no_place(store: Store):
    await connected(store, "a", "b")
    assert await store.ledger.write(publish("a", ONE, 10)) is None
    await store.sessions.order_end(await store.sessions.list(session="s-a"), "user_disabled", 11)
    assert await store.ledger.write(publish("b", ONE, 12)) is None


async def test_a_stream_that_is_found_gone_makes_room(store: Store):
    await connected(store, "a", "b")
    assert await store.ledger.write(publish("a", ONE, 10)) is None
    assert await store.ledger.write(publish("b", ONE, 11)) is FULL
    await store.streams.over(await store.streams.list(session="s-a"), Over.LOST, 12)
    assert await store.ledger.write(publish("b", ONE, 13)) is None


async def test_publishers_that_are_turned_away_leave_nothing_behind(store: Store):
    await connected(store, "a", "b")
    for at, media in enumerate("ab", 10):
        await store.ledger.write(publish(media, ONE, at))
    assert [each.key.media for each in await store.streams.list()] == ["a"]
    refused = [each for each in await store.records.list() if not each.allowed]
    assert [each.reason for each in refused] == [FULL]


@pytest.mark.parametrize("of", [ONE, LAST], ids=["reject-new", END])
async def test_of_a_hundred_publishers_over_two_stores_one_is_left(store: Store, store_options, of: Limits):
    stores = [Store(store_options) for _ in range(2)]
    await connected(store, *(chr(0x4E00 + n) for n in range(100)))
    try:
        entries = [publish(chr(0x4E00 + n), of, 100 + n) for n in range(100)]
        answers = await asyncio.gather(*(stores[n % 2].ledger.write(entry) for n, entry in enumerate(entries)))
        assert len((await live(store)).split()) == 1
        assert answers.count(None) == 1 if of is ONE else answers.count(None) >= 1
    finally:
        for each in stores:
            await each.close()
