"""What workers keep in memory of the store, and how they learn that it has changed."""

import asyncio

import pytest

from authgate.errors import StoreError
from authgate.issuance import Revocation
from authgate.model import Issued
from authgate.store import Store, watch
from authgate.store.watch import Watch

ONLY_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
TOKEN = Issued("ann", "t", "webapp", "k", 1_000)


async def until(told, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not await told():  # noqa: ASYNC110 - what is waited for says nothing when it comes
            await asyncio.sleep(0.01)


async def test_a_revocation_reaches_every_other_process(store_options, store):
    others = [Store(store_options) for _ in range(2)]
    try:
        for each in others:
            await each.start()
            assert not await each.revocations.revoked(TOKEN)
        await store.revocations.add(Revocation("jti", "t"))
        for each in others:
            await until(lambda each=each: each.revocations.revoked(TOKEN), 2)
    finally:
        for each in others:
            await each.close()


async def test_numbers_go_up_by_one_for_each_change(store):
    assert await store.watch.number("x") == 0
    await asyncio.gather(*(store.watch.raise_number("x") for _ in range(10)))
    assert await store.watch.number("x") == 10
    assert await store.watch.number("y") == 0


@ONLY_SQLITE
async def test_who_does_not_look_regularly_has_it_read_when_it_is_first_asked(store_options, store):
    await store.revocations.add(Revocation("jti", "t"))
    other = Store(store_options)
    try:
        assert await other.revocations.revoked(TOKEN)
    finally:
        await other.close()


@ONLY_SQLITE
async def test_nothing_is_read_again_that_has_not_changed(store):
    reads = []

    async def reload():
        reads.append(1)

    store.watch.when_changed("x", reload)
    for _ in range(3):
        await store.watch.look()
    assert len(reads) == 1
    await store.watch.raise_number("x")
    await store.watch.look()
    assert len(reads) == 2


@ONLY_SQLITE
async def test_what_could_not_be_read_is_read_the_next_time(store):
    fails = [StoreError("away"), None]

    async def reload():
        if fails and (fault := fails.pop(0)):
            raise fault

    seen = Watch(store._database)
    seen.when_changed("x", reload)
    with pytest.raises(StoreError):
        await seen.look()
    await seen.look()
    assert fails == []


@ONLY_SQLITE
async def test_who_has_not_seen_the_store_for_long_says_nothing_of_what_was_revoked(store):
    """A list that may be old is no reason to let somebody in."""
    now = [0.0]
    database = store._database
    seen = Watch(database, clock=lambda: now[0])
    await seen.ready()
    now[0] += watch.BLIND

    async def away(_work):
        raise StoreError("the store is away")

    reads, database.read = database.read, away
    try:
        await seen.ready()
        now[0] += 0.001
        with pytest.raises(StoreError):
            await seen.ready()
    finally:
        database.read = reads
    await seen.ready()


@ONLY_SQLITE
async def test_a_store_that_comes_back_is_watched_again(store, caplog):
    database = store._database

    async def away(_work):
        raise StoreError("the store is away")

    reads, database.read = database.read, away
    await asyncio.sleep(3 * watch.EVERY)
    database.read = reads
    told = [record for record in caplog.records if "could not see what was changed" in record.getMessage()]
    assert len(told) == 1
    await store.revocations.add(Revocation("jti", "t"))
    await until(lambda: store.revocations.revoked(TOKEN), 2)


@ONLY_SQLITE
async def test_a_fault_of_ours_does_not_end_the_watching(store, caplog):
    async def reload():
        raise ZeroDivisionError

    store.watch.when_changed("x", reload)
    await asyncio.sleep(2 * watch.EVERY)
    assert "could not take over what was changed" in caplog.text
    store.watch.when_changed("x", store.revocations._reload)
    await store.revocations.add(Revocation("jti", "t"))
    await until(lambda: store.revocations.revoked(TOKEN), 2)
