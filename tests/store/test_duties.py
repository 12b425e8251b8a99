"""Of all that share a store one alone has a duty."""

import asyncio

import pytest
from sqlalchemy import event

from authgate.store import Store
from authgate.store.duties import SqlDuties


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
async def others(store: Store):
    clock = Clock()
    return clock, *(SqlDuties(store._database, clock) for _ in range(3))


async def test_one_has_it_until_its_time_is_up(others):
    clock, one, two, _ = others
    assert await one.hold("a", 10)
    assert not await two.hold("a", 10)
    clock.now += 9
    assert await one.hold("a", 10)
    clock.now += 9
    assert not await two.hold("a", 10)
    clock.now += 2
    assert await two.hold("a", 10)
    assert not await one.hold("a", 10)


async def test_duties_are_apart(others):
    _, one, two, _ = others
    assert await one.hold("a", 10)
    assert await two.hold("A", 10)
    assert await two.hold("a ", 10)


async def test_who_lays_it_down_leaves_it_to_the_next_at_once(others):
    _, one, two, three = others
    assert await one.hold("a", 10)
    assert await one.hold("b", 10)
    await two.lay_down()  # that has none
    assert not await three.hold("a", 10)
    await one.lay_down()
    assert await two.hold("a", 10)
    assert await three.hold("b", 10)


async def test_many_ask_at_once(others):
    _, *all_of_them = others
    held = await asyncio.gather(*(each.hold("a", 10) for each in all_of_them))
    assert held.count(True) == 1


async def test_one_that_keeps_it_seldom_writes(store: Store, others):
    clock, one, *_ = others
    await store.watch.close()
    assert await one.hold("a", 10)
    checkouts = []
    event.listen(store.engine.sync_engine, "checkout", lambda *_: checkouts.append(1))
    for _ in range(4):
        clock.now += 1
        assert await one.hold("a", 10)
    assert checkouts == []
    clock.now += 2
    assert await one.hold("a", 10)
    assert checkouts == [1]
