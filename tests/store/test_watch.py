"""What workers keep in memory of the store, and how they learn that it has changed."""

import asyncio
from itertools import pairwise

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


class Counted:
    """A database whose reads are counted; ``hold`` has them wait, ``away`` fails them."""

    def __init__(self, database):
        self._database = database
        self.reads, self.hold, self.away = 0, None, False
        self.when_moved = database.when_moved

    async def read(self, work):
        self.reads += 1
        if self.hold is not None:
            await self.hold.wait()
        if self.away:
            raise StoreError("the store is away")
        return await self._database.read(work)


@ONLY_SQLITE
async def test_all_who_ask_for_another_look_share_one(store):
    """coreos/go-oidc#482: what strangers make up must not cost a read each."""
    database = Counted(store._database)
    seen = Watch(database)
    for reads in (1, 2, 3):
        await asyncio.gather(*(seen.look_again() for _ in range(100)))
        assert database.reads == reads
    await seen.close()


@ONLY_SQLITE
async def test_looks_that_are_asked_for_keep_a_pause(store):
    seen = Watch(Counted(store._database), clock=lambda: 0.0)
    began = []

    async def reload():
        began.append(asyncio.get_running_loop().time())

    for _ in range(3):
        seen.when_changed("x", reload)  # so that it is called each time
        await seen.look_again()
    assert min(later - sooner for sooner, later in pairwise(began)) >= watch.PAUSE - 0.01


@ONLY_SQLITE
async def test_the_first_look_that_is_asked_for_waits_for_nothing(store, monkeypatch):
    monkeypatch.setattr(watch, "PAUSE", 3_600.0)
    now = [0.0]
    seen = Watch(Counted(store._database), clock=lambda: now[0])
    async with asyncio.timeout(20):
        await seen.look_again()
        now[0] += 3_600.0
        await seen.look()  # nor does a regular one count
        await seen.look_again()


@ONLY_SQLITE
async def test_a_look_that_began_before_it_was_asked_for_is_not_enough(store):
    """What was made since it read would be missed."""
    database = Counted(store._database)
    seen = Watch(database)
    database.hold = asyncio.Event()
    under_way = asyncio.create_task(seen.look_again())
    while not database.reads:  # noqa: ASYNC110 - what is waited for says nothing when it comes
        await asyncio.sleep(0)
    asked = asyncio.create_task(seen.look_again())
    await asyncio.sleep(0)
    database.hold.set()
    await asyncio.gather(under_way, asked)
    assert database.reads == 2
    await seen.close()


@ONLY_SQLITE
async def test_a_regular_look_serves_those_who_wait_for_another(store):
    now = [0.0]
    database = Counted(store._database)
    seen = Watch(database, clock=lambda: now[0])
    await seen.look_again()
    asked = asyncio.create_task(seen.look_again())  # waits for its pause
    await asyncio.sleep(0)
    now[0] += 0.1
    await seen.look()
    reads = database.reads
    await asked
    assert database.reads == reads
    await seen.close()


@ONLY_SQLITE
async def test_all_who_ask_while_the_store_is_away_are_told_and_it_is_asked_once(store):
    database = Counted(store._database)
    database.away = True
    seen = Watch(database)
    for reads in (1, 2):
        told = await asyncio.gather(*(seen.look_again() for _ in range(50)), return_exceptions=True)
        assert {type(each) for each in told} == {StoreError}
        assert database.reads == reads
    database.away = False
    await seen.look_again()
    await seen.close()


@ONLY_SQLITE
async def test_whoever_gives_up_leaves_the_look_to_the_others(store):
    database = Counted(store._database)
    database.hold = asyncio.Event()
    seen = Watch(database)
    first = asyncio.create_task(seen.look_again())
    while not database.reads:  # noqa: ASYNC110
        await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    closing = asyncio.create_task(seen.close())
    await asyncio.sleep(0)
    assert not closing.done(), "a read that is broken off leaves a thread behind"
    database.hold.set()
    await closing
    assert database.reads == 1


@ONLY_SQLITE
async def test_nobody_waits_for_a_pause_at_the_end(store):
    seen = Watch(Counted(store._database), clock=lambda: 0.0)
    await seen.look_again()
    seen._due_at = 3_600.0
    asked = asyncio.create_task(seen.look_again())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await seen.close()
    await asked
