"""From where users have logged in, on all three databases."""

import asyncio

HERE, THERE = "203.0.113.7", "2001:db8::/64"
NOW = 1_700_000_000.0


async def test_what_was_noted_is_known(store):
    await store.known.note("ann", HERE, NOW)
    await store.known.note("ann", THERE, NOW)
    asked = [("ann", HERE), ("ann", THERE), ("bob", HERE), ("ann", "203.0.113.8"), ("a\0", HERE)]
    found = await asyncio.gather(*(store.known.knows(*whom, NOW - 60) for whom in asked))
    assert found == [True, True, False, False, False]


async def test_it_is_forgotten_in_the_end(store):
    await store.known.note("ann", HERE, NOW)
    assert await store.known.knows("ann", HERE, NOW)
    assert not await store.known.knows("ann", HERE, NOW + 1)
    await store.known.note("ann", HERE, NOW + 7_200)
    assert await store.known.knows("ann", HERE, NOW + 7_200)
    store.known._pruned_at -= 10_000
    await store.known.note("bob", HERE, NOW + 400 * 86_400)
    assert not await store.known.knows("ann", HERE, 0)


async def test_it_is_written_once_an_hour(store):
    for seconds in (0, 10, 3_500):
        await store.known.note("ann", HERE, NOW + seconds)
    assert not await store.known.knows("ann", HERE, NOW + 1)
    await store.known.note("ann", HERE, NOW + 3_601)
    assert await store.known.knows("ann", HERE, NOW + 3_601)


async def test_many_at_once(store):
    noted = [(f"user {n % 50}", f"192.0.2.{n % 7}") for n in range(500)]
    await asyncio.gather(*(store.known.note(*whom, NOW) for whom in noted))
    assert all(await asyncio.gather(*(store.known.knows(*whom, NOW) for whom in noted)))
