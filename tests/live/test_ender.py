"""What is to be ended is ended at the media server, tried again where that fails, and never forgotten."""

import logging

import pytest

from authgate.model import Principal
from authgate.wcs import WcsNodes
from tests.wcs.fake import reply, stream

from .conftest import NOW


async def ordered(world, **which):
    found = await world.store.sessions.list(limit=5000, **which)
    await world.store.sessions.order_end(found, "user_disabled", int(world.now * 1000))


async def test_a_session_that_is_to_be_ended_is_ended_and_no_other(world):
    await world.both("a", "b")
    await ordered(world, session="a")
    assert await world.ender.round() == 0.5
    assert (await world.live(), [*world.wcs.connections]) == (["b"], ["b"])
    assert world.wcs.heard == [("/connection/terminate", {"sessionId": "a"})]
    assert world.tally == {"live_sessions_ended": 1}


async def test_a_session_that_is_gone_already_is_ended(world):
    await world.opened("a")
    world.wcs.add("another")
    await ordered(world)
    await world.ender.round()
    assert await world.live() == []


async def test_nothing_is_asked_where_nothing_is_to_be_ended(world):
    await world.both("a")
    assert await world.ender.round() == 0.5
    assert world.wcs.heard == []


async def test_a_thousand_sessions_are_ended_side_by_side(world):
    ids = [f"s{number:04}" for number in range(1000)]
    for start in range(0, len(ids), 500):
        await world.both(*ids[start : start + 500])
    await ordered(world)
    rounds = [await world.ender.round() for _ in range(3)]
    assert rounds == [0.0, 0.0, 0.5]
    assert (await world.live(), world.wcs.connections) == ([], {})
    assert world.wcs.most > 4
    assert world.tally == {"live_sessions_ended": 1000}


async def test_a_node_without_a_section_is_closed_in_the_store_alone(world):
    await world.both("a", node="elsewhere")
    await ordered(world)
    await world.ender.round()
    assert (await world.live(), [*world.wcs.connections]) == ([], ["a"])
    assert world.wcs.heard == []


async def test_a_session_without_an_id_is_closed_in_the_store_alone(world):
    await world.opened(" ")
    await ordered(world)
    await world.ender.round()
    assert await world.live() == []
    assert world.wcs.heard == []


BROKEN = {
    "away": b"",
    "an error": reply("", 500),
    "no login": reply("", 401),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
async def test_what_could_not_be_ended_is_tried_again_and_told_once(world, answer, caplog):
    caplog.set_level(logging.INFO)
    await world.both("a", "b")
    await ordered(world)
    world.wcs.answers = {"/connection/terminate": answer}
    waits = []
    for _ in range(7):
        await world.ender.round()
        [first, _] = await world.store.sessions.list()
        waits.append(first.ending.next_at / 1000 - world.now)
        world.now = first.ending.next_at / 1000 - 0.01
        await world.ender.round()  # it is not due yet
        world.now += 0.01
    assert waits == [1, 2, 4, 8, 15, 15, 15]
    assert first.ending.tries == 7
    assert "wcs 'n*'" in first.ending.error
    assert len([each for each in caplog.records if each.levelno == logging.WARNING]) == 1
    assert world.tally == {"live_ends_failed": 14}
    world.wcs.answers = {}
    await world.ender.round()
    assert (await world.live(), world.wcs.connections) == ([], {})
    assert "is ended again" in caplog.text


async def test_a_node_that_is_away_is_not_told_each_of_many(world):
    await world.opened(*(f"s{number}" for number in range(350)))
    await ordered(world)
    world.wcs.answers = {"/connection/terminate": b""}
    await world.wcs._hang_up()
    await world.nodes.close()
    object.__setattr__(world.nodes.all[0].options, "url", "http://127.0.0.1:1/rest-api")
    world.nodes = WcsNodes([world.nodes.all[0].options])
    await world.ender.round()
    assert await world.store.sessions.to_end(int(NOW * 1000), 10) == []
    [one, *_] = found = await world.store.sessions.list(limit=1000)
    assert {each.ending.tries for each in found} == {1}
    assert "cannot be reached" in one.ending.error
    await world.nodes.close()


async def test_one_that_fails_holds_up_no_other(world):
    await world.both("a", "b", "c")
    await world.streams("c", "1")
    world.wcs.streams = {"1": stream("1", "c")}
    await ordered(world)
    await world.store.streams.order_end(await world.store.streams.list(), "ended", int(NOW * 1000))
    world.wcs.answers = {"/stream/terminate": reply("", 500)}
    await world.ender.round()
    assert world.wcs.connections == {}
    assert await world.live() == []


async def test_a_stream_is_ended_and_its_session_goes_on(world):
    await world.both("a")
    await world.streams("a", "1", "2")
    world.wcs.streams = {"1": stream("1", "a"), "2": stream("2", "a")}
    [one, _] = await world.store.streams.list()
    await world.store.streams.order_end([one], "ended", int(NOW * 1000))
    await world.ender.round()
    assert (await world.live(), await world.live_streams(), [*world.wcs.streams]) == (["a"], ["2"], ["2"])
    assert world.wcs.heard == [("/stream/terminate", {"mediaSessionId": "1"})]
    assert world.tally == {"live_streams_ended": 1}


async def test_a_stream_of_a_node_without_a_section_waits_for_its_next_keep_alive(world):
    await world.opened("a", node="elsewhere", client=Principal("ann"))
    await world.streams("a", "1", node="elsewhere")
    await world.store.streams.order_end(await world.store.streams.list(), "ended", int(NOW * 1000))
    await world.ender.round()
    [one] = await world.store.streams.list()
    assert one.ending.tries == 1
    assert "no [[wcs]] section covers its node" in one.ending.error
