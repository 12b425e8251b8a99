"""Storages of the limits library: alike in memory, in Redis and in SQL, and one step for each question."""

import asyncio

import pytest
from limits import RateLimitItemPerSecond
from limits.aio.strategies import MovingWindowRateLimiter

from authgate.guessing.storage import LEASE, Counted, Leased, MemoryStorage

ITEM = RateLimitItemPerSecond(3, 60)


@pytest.fixture
async def storage(places):
    return await places.worker()


async def test_a_moving_window(storage, clock):
    limiter = MovingWindowRateLimiter(storage)
    began = clock.now
    said = []
    for at in (0, 20, 40, 41, 59, 62, 63):
        clock.now = began + at
        said.append(await limiter.hit(ITEM, "ann"))
    assert said == [True, True, True, False, False, True, False]
    assert await limiter.hit(ITEM, "bob")
    assert (await limiter.get_window_stats(ITEM, "ann")).remaining == 0
    assert not await limiter.test(ITEM, "ann")
    await limiter.clear(ITEM, "ann")
    assert (await limiter.get_window_stats(ITEM, "ann")).remaining == 3
    assert (await limiter.get_window_stats(ITEM, "bob")).remaining == 2


@pytest.fixture(autouse=True)
def the_time_of_limits(monkeypatch, clock):
    """The library reads the clock itself where it counts in Redis."""
    monkeypatch.setattr("limits.aio.storage.redis.redispy.time.time", clock)


async def test_places(storage, clock):
    assert [await storage.lease("p", [Counted("f", 2, 60)]) for _ in range(3)] == [
        Leased((0,), 0, True),
        Leased((0,), 1, True),
        Leased((0,), 2, False),
    ]
    await storage.give_back("p")
    assert await storage.lease("p", [Counted("f", 2, 60)]) == Leased((0,), 1, True)
    await storage.give_back("p")
    await storage.acquire_entry("f", 2, 60)
    assert await storage.lease("p", [Counted("f", 2, 60)]) == Leased((1,), 1, False)
    await storage.give_back("p")
    assert await storage.lease("p", [Counted("f", 2, 60)]) == Leased((1,), 0, True)
    clock.now += 61
    assert await storage.lease("p", [Counted("f", 2, 60)]) == Leased((0,), 0, True)


async def test_each_of_several_windows_has_its_limit(storage, clock):
    soon, a_day = Counted("soon", 3, 60), Counted("day", 5, 86_400)
    for _ in range(5):
        clock.now += 100
        assert (await storage.lease("p", [soon, a_day])).taken
        for each in (soon, a_day):
            assert await storage.acquire_entry(each.key, each.limit, each.expiry)
        await storage.give_back("p")
    clock.now += 100
    assert await storage.lease("p", [soon, a_day]) == Leased((0, 5), 0, False)
    assert await storage.lease("p", [soon]) == Leased((0,), 0, True)


async def test_whoever_vanishes_with_a_place_loses_it_after_a_while(storage, clock):
    for _ in range(2):
        await storage.lease("p", [Counted("f", 2, 600)])
    clock.now += LEASE - 1
    assert await storage.lease("p", [Counted("f", 2, 600)]) == Leased((0,), 2, False)
    clock.now += 2
    assert await storage.lease("p", [Counted("f", 2, 600)]) == Leased((0,), 0, True)


async def test_what_is_given_back_is_the_oldest_place(storage, clock):
    """Else a place that somebody still holds would be lost too early."""
    await storage.lease("p", [Counted("f", 5, 600)])
    clock.now += LEASE - 1
    await storage.lease("p", [Counted("f", 5, 600)])
    await storage.give_back("p")
    clock.now += 2
    assert await storage.lease("p", [Counted("f", 5, 600)]) == Leased((0,), 1, True)


async def test_a_place_that_is_lost_already_is_not_given_back_twice(storage, clock):
    await storage.lease("p", [Counted("f", 5, 600)])
    clock.now += LEASE + 1
    await storage.lease("p", [Counted("f", 5, 600)])
    await storage.give_back("p")
    await storage.give_back("p")
    assert await storage.lease("p", [Counted("f", 5, 600)]) == Leased((0,), 0, True)


async def test_many_at_once_get_no_more_places_than_there_are(places):
    workers = [await places.worker() for _ in range(2)]
    asked = [workers[n % 2].lease(f"p{n % 3}", [Counted(f"f{n % 3}", 7, 60)]) for n in range(120)]
    taken = [n % 3 for n, leased in enumerate(await asyncio.gather(*asked)) if leased.taken]
    assert [taken.count(key) for key in range(3)] == [7, 7, 7]
    await asyncio.gather(*(workers[n % 2].give_back(f"p{n % 3}") for n in range(9)))
    assert [(await workers[1].lease(f"p{key}", [Counted(f"f{key}", 7, 60)])).pending for key in range(3)] == [4, 4, 4]


async def test_many_that_are_wrong_at_once_are_all_counted(places):
    workers = [await places.worker() for _ in range(2)]
    item = RateLimitItemPerSecond(1_000, 60)
    limiters = [MovingWindowRateLimiter(each) for each in workers]
    await asyncio.gather(*(limiters[n % 2].hit(item, "ann") for n in range(200)))
    assert (await limiters[0].get_window_stats(item, "ann")).remaining == 800


async def test_fixed_windows_are_counted_too(storage):
    assert [await storage.incr("k", 60, amount) for amount in (1, 2)] == [1, 3]
    assert await storage.get("k") == 3
    assert await storage.get("other") == 0
    assert await storage.check()
    await storage.clear("k")
    assert await storage.get("k") == 0


async def test_memory_is_bounded(clock, monkeypatch):
    monkeypatch.setattr(MemoryStorage, "MAX_KEYS", 10)
    storage = MemoryStorage(clock)
    for n in range(50):
        await storage.acquire_entry(f"k{n}", 5, 60)
    assert len(storage) == 10
    assert (await storage.get_moving_window("k49", 5, 60))[1] == 1
    clock.now += 130
    await storage.acquire_entry("k", 5, 60)
    assert len(storage) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"], indirect=True)
async def test_what_is_over_is_deleted_from_the_database(storage, places, clock):
    await storage.acquire_entry("k", 5, 60)
    await storage.lease("p", [Counted("f", 5, 60)])
    await storage.give_back("p")
    clock.now += 200
    storage._pruned_at -= 100
    await storage.acquire_entry("other", 5, 60)
    assert await storage.reset() == 1
