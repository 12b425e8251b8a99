"""Whoever listens is told everything once and in order, from memory or from the store, and holds up nobody."""

import asyncio
import json
import random

import pytest

from authgate.feed import Feed, Filter
from authgate.feed import feed as module
from tests.feed.made import Heard, Trail


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    """What takes seconds for the sake of a store takes none here."""
    monkeypatch.setattr(module, "EVERY", 0.02)
    monkeypatch.setattr(module, "PACE", 0.0)
    monkeypatch.setattr(module, "PAUSE", 0.02)


@pytest.fixture
async def listen():
    """Starts readers: ``listen(trail, after, ...)``."""
    feeds, heard = {}, []

    def start(trail, after=None, *, window=1000, **options):
        feed = feeds.setdefault(id(trail), Feed(trail, window))
        heard.append(Heard(feed, after, **options))
        return heard[-1]

    start.feed = lambda trail: feeds[id(trail)]
    yield start
    for each in heard:
        await each.stop()
    for feed in feeds.values():
        await feed.close()


async def ready(heard):
    """Come back when a reader has its place."""
    await asyncio.wait_for(heard.begun.wait(), 10)
    async with asyncio.timeout(10):
        while heard.reader._feed._window is None:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_what_comes_from_now_on(listen):
    trail = Trail(5)
    heard = listen(trail)
    await ready(heard)
    trail.write(3)
    await heard.until(3)
    assert heard.ids == [6, 7, 8]


async def test_what_came_since_an_id_and_then_what_comes(listen):
    trail = Trail(5)
    heard = listen(trail, 2)
    await heard.until(3)
    trail.write(2)
    await heard.until(5)
    assert heard.ids == [3, 4, 5, 6, 7]


async def test_from_the_very_beginning(listen):
    heard = listen(Trail(3), 0)
    await heard.until(3)
    assert heard.ids == [1, 2, 3]


async def test_what_this_process_writes_is_told_at_once(listen, monkeypatch):
    monkeypatch.setattr(module, "EVERY", 3600)
    trail = Trail()
    heard = listen(trail)
    await ready(heard)
    trail.write()
    listen.feed(trail).wake()
    await heard.until(1)


async def test_while_nobody_listens_nothing_is_read(listen):
    trail = Trail(5)
    heard = listen(trail)
    await ready(heard)
    await heard.stop()
    feed = listen.feed(trail)
    await asyncio.wait_for(feed._task, 10)
    before = trail.reads
    feed.wake()
    await asyncio.sleep(0.1)
    assert (trail.reads, feed.readers) == (before, 0)


async def test_all_who_listen_share_one_reader_of_the_store(listen, monkeypatch):
    monkeypatch.setattr(module, "EVERY", 3600)
    trail = Trail()
    every = [listen(trail) for _ in range(50)]
    for each in every:
        await ready(each)
    before = trail.reads
    trail.write(20)
    listen.feed(trail).wake()
    for each in every:
        await each.until(20)
    assert trail.reads - before <= 3
    assert every[0].events[0] is every[49].events[0]


async def test_all_who_come_at_once_share_one_look_at_the_store():
    """Each took a connection to the store of its own, and hooks found none."""
    trail = Trail(5)
    feed = Feed(trail, 16)
    every = [feed.listen(Filter(), 30) for _ in range(50)]
    await asyncio.gather(*(each.begin(None) for each in every))
    assert trail.reads <= 2
    trail.write()
    late = feed.listen(Filter(), 30)
    await late.begin(None)
    assert ([each.at for each in every], late.at) == ([5] * 50, 6)


async def test_who_comes_back_is_told_the_rest_once(listen):
    """However often somebody goes in the middle: with the last id nothing is lost and nothing comes twice."""
    trail, told, chance = Trail(1), [], random.Random(7)
    other = listen(trail, 0)  # so that there are events in memory
    after = 0
    while after < 300:
        heard = listen(trail, after, window=16)
        for _ in range(5):
            if trail.rows[-1][0] < 300:
                trail.write(chance.randrange(1, 12))
            await asyncio.sleep(chance.choice((0, 0, 0.001)))
        await heard.until(1)
        await heard.stop()
        told += heard.ids
        after = told[-1]
    assert told == [*range(1, after + 1)]
    await other.until(after)
    assert other.ids == [*range(1, trail.rows[-1][0] + 1)]


async def test_one_who_is_slow_is_told_everything_from_the_store_and_holds_up_nobody(listen):
    trail = Trail()
    slow, quick = listen(trail, window=16), listen(trail)
    await ready(slow)
    await ready(quick)
    slow.slow.clear()
    for round_ in range(20):
        trail.write(50)
        await quick.until(50 * (round_ + 1))
    assert len(slow.events) < 1000
    assert len(listen.feed(trail)._window._events) == 16  # so much is kept for it, and no more
    slow.slow.set()
    await slow.until(1000)
    assert slow.ids == quick.ids == [*range(1, 1001)]


async def test_who_wants_little_gets_that_alone_and_knows_where_it_is(listen):
    trail = Trail()
    for number in range(500):
        trail.write(app_key="chat" if number % 100 == 7 else "other")
    heard = listen(trail, 0, wanted=Filter(apps=("chat",)), heartbeat=0.1)
    await heard.until(5)
    assert heard.ids == [8, 108, 208, 308, 408]
    while not heard.heartbeats:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert heard.reader.at == 500


async def test_who_hears_nothing_gets_signs_of_life(listen):
    heard = listen(Trail(), heartbeat=0.02)
    while heard.heartbeats < 3:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert heard.events == []


async def test_what_was_pruned_is_told_in_words(listen):
    trail = Trail(20)
    trail.prune(11)
    heard = listen(trail, 3)
    await heard.until(11)
    assert heard.ids == [10, *range(11, 21)]
    told = json.loads(heard.events[0].json)
    assert told.pop("at")
    assert told == {
        "id": 10,
        "kind": "events.gap",
        "text": "the events from 4 to 10 are not in the store any more: they were pruned",
        "after": 3,
        "before": 11,
    }


async def test_who_wants_all_that_is_kept_is_not_told_that_there_was_more(listen):
    trail = Trail(20)
    trail.prune(11)
    heard = listen(trail, 0)
    await heard.until(10)
    assert heard.ids == [*range(11, 21)]


async def test_everything_was_pruned(listen):
    trail = Trail(20)
    await ready(listen(trail))
    trail.prune(21)
    heard = listen(trail, 3)
    await heard.until(1)
    trail.write()
    await heard.until(2)
    assert (heard.kinds, heard.ids) == (["events.gap", "hook.allowed"], [20, 21])


async def test_ids_that_were_never_given_are_no_gap(listen):
    trail = Trail(10)
    trail.rows = [row for row in trail.rows if row[0] not in (4, 5, 9)]
    heard = listen(trail, 3)
    await heard.until(4)
    assert heard.ids == [6, 7, 8, 10]


async def test_an_id_of_another_store_is_told_in_words(listen):
    trail = Trail(5)
    heard = listen(trail, 900)
    await heard.until(1)
    trail.write()
    await heard.until(2)
    assert heard.kinds == ["events.gap", "hook.allowed"]
    assert heard.ids == [5, 6]
    assert "has no event 900, its newest is 5" in json.loads(heard.events[0].json)["text"]


async def test_a_store_that_is_away_loses_nothing(listen, caplog):
    trail = Trail(5)
    live, behind = listen(trail), listen(trail, 0, window=1)
    await ready(live)
    await behind.until(5)
    trail.away = True
    late = listen(trail, 2)
    await asyncio.sleep(0.1)
    trail.write(5)
    await asyncio.sleep(0.1)
    trail.away = False
    for each, ids in ((live, range(6, 11)), (behind, range(1, 11)), (late, range(3, 11))):
        await each.until(len(ids))
        assert each.ids == [*ids]
    told = [each.message for each in caplog.records if each.levelname == "WARNING"]
    assert len(told) == 1
    assert "cannot be read from the store" in told[0]


async def test_the_end_of_the_process_is_the_end_for_everybody(listen):
    trail = Trail(5)
    every = [listen(trail), listen(trail, 0)]
    await every[1].until(5)
    listen.feed(trail).end()
    await asyncio.wait_for(asyncio.gather(*(each.task for each in every)), 10)
    assert [(each.kinds[-1], each.ids[-1]) for each in every] == [("events.end", 5)] * 2


async def test_one_who_is_stopped_is_told_why_and_nothing_else(listen):
    trail = Trail(5)
    one, other = listen(trail, 0), listen(trail, 0)
    for each in (one, other):
        await each.until(5)
    trail.write(3)
    one.reader.stop("because of this")
    await asyncio.wait_for(one.task, 10)
    await other.until(8)
    assert (one.kinds[-1], one.ids[-1]) == ("events.end", 5)
    assert json.loads(one.events[-1].json)["text"] == "because of this"
    assert one.ids == [1, 2, 3, 4, 5, 5]
