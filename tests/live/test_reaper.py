"""What nobody keeps alive is over, and what is over is forgotten: never because authgate itself did not hear."""

import pytest

from authgate.errors import StoreError
from authgate.live.reaper import KEPT
from authgate.sessions import SessionOptions


async def listen(world, seconds=60.0):
    """Time goes by, and authgate hears."""
    await world.reaper.round()
    world.later(seconds)


async def test_a_stream_that_is_not_kept_alive_any_more_is_over(world):
    await world.opened("a")
    await world.streams("a", "kept", "lapsed", kept=True)
    await world.streams("a", "never kept")
    await listen(world)
    await world.streams("a", "kept", kept=True)
    await world.reaper.round()
    assert await world.live_streams() == ["kept", "never kept"]
    assert world.tally == {"live_streams_lapsed": 1}


async def test_after_a_pause_of_its_own_everybody_has_the_time_to_be_heard_of(world):
    await world.opened("a")
    await world.streams("a", "1", kept=True)
    world.later(600)
    await world.reaper.round()
    world.later(29)
    await world.reaper.round()
    assert await world.live_streams() == ["1"]
    world.later(1)
    await world.reaper.round()
    assert await world.live_streams() == []


async def test_after_trouble_with_the_store_everybody_has_the_time_to_be_heard_of(world):
    await world.opened("a")
    await world.streams("a", "1", kept=True)
    await listen(world)
    lapse, world.store.upkeep.lapse_streams = world.store.upkeep.lapse_streams, _away
    with pytest.raises(StoreError):
        await world.reaper.round()
    world.store.upkeep.lapse_streams = lapse
    world.later(1)
    await world.reaper.round()
    assert await world.live_streams() == ["1"]


async def _away(*_arguments):
    raise StoreError("the store is away")


async def test_without_a_lease_no_stream_lapses(world):
    world.options = SessionOptions(stream_lease=0)
    await world.opened("a")
    await world.streams("a", "1", kept=True)
    await listen(world, 3600)
    await world.reaper.round()
    assert await world.live_streams() == ["1"]


async def test_a_session_without_hooks_is_over_after_a_day(world):
    await world.opened("a")
    world.later(86_399)
    await world.reaper.round()
    assert await world.live() == ["a"]
    world.later(2)
    await world.reaper.round()
    assert await world.live() == []
    assert world.tally == {"live_sessions_lapsed": 1}


async def test_a_session_may_be_idle_for_ever_where_that_is_wanted(world):
    world.options = SessionOptions(max_idle=0)
    await world.opened("a")
    world.later(10**7)
    await world.reaper.round()
    assert await world.live() == ["a"]


async def test_of_a_node_that_is_compared_nothing_lapses(world):
    world.compared = ("n1",)
    await world.opened("a")
    await world.streams("a", "1", kept=True)
    await listen(world, 10**6)
    await world.reaper.round()
    assert (await world.live(), await world.live_streams()) == (["a"], ["1"])


async def test_what_is_over_is_forgotten_after_some_minutes(world):
    await world.opened(*(f"s{number}" for number in range(250)))
    await world.closed(*(f"s{number}" for number in range(250)))
    world.later(KEPT - 1)
    await world.reaper.round()
    assert await world.store.upkeep.nodes() == ["n1"]
    world.later(2)
    assert await world.reaper.round() < 1  # the next step follows soon
    await world.reaper.round()
    assert await world.store.upkeep.nodes() == []
