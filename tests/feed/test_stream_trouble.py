"""Whatever becomes of the Redis that records are sent on to, none is missing or twice there, and no hook notices."""

import asyncio
import time

import pytest

from authgate.feed import redis as redis_module
from authgate.feed import streaming, tenure
from authgate.feed.streaming import _pause
from authgate.store.retention import RecordOptions
from tests.feed.redises import fresh_key, own
from tests.feed.streamed import fails, options, process, read, sent
from tests.store.samples import eventually

SECRET = "c4nary-of-the-password"
OTHER = "another-password"


@pytest.fixture
def backend():
    return "sqlite"


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    for module, name, seconds in (
        (redis_module, "TIMEOUT", 0.5),
        (tenure, "RENEWED", 0.05),
        (tenure, "TENURE", 2.0),
        (streaming, "EVERY", 0.02),
        (streaming, "LOOKED", 0.1),
        (streaming, "FIRST_PAUSE", 0.02),
        (streaming, "LONGEST_PAUSE", 0.1),
    ):
        monkeypatch.setattr(module, name, seconds)


@pytest.fixture
def key():
    return fresh_key()


@pytest.fixture
def redis():
    with own("--appendonly", "no", password=SECRET) as made:
        yield made


def told_it(*words):
    """Does what is said by this command."""

    def do(redis, key):
        with redis.client as client:
            client.execute_command(*(key if word == "KEY" else word for word in words))

    return do


def _another_password(redis, key):
    told_it("CONFIG", "SET", "requirepass", OTHER)(redis, key)
    redis.password = OTHER
    told_it("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")(redis, key)


def _the_password_again(redis, key):
    told_it("CONFIG", "SET", "requirepass", SECRET)(redis, key)
    redis.password = SECRET


def _something_else_there(redis, key):
    told_it("DEL", "KEY")(redis, key)
    told_it("SET", "KEY", "x")(redis, key)


TROUBLE = {
    "it is killed": (lambda redis, key: redis.kill(), lambda redis, key: redis.start(), "cannot be reached"),
    "it does not move": (lambda redis, key: redis.pause(), lambda redis, key: redis.go_on(), "did not answer within"),
    "it is full": (
        told_it("CONFIG", "SET", "maxmemory", "1"),
        told_it("CONFIG", "SET", "maxmemory", "0"),
        "is full (OOM)",
    ),
    "it is a replica now": (
        told_it("REPLICAOF", "127.0.0.1", "1"),
        told_it("REPLICAOF", "NO", "ONE"),
        "is a replica, which takes nothing",
    ),
    "it has no replica": (
        told_it("CONFIG", "SET", "min-replicas-to-write", "1"),
        told_it("CONFIG", "SET", "min-replicas-to-write", "0"),
        "has too few replicas",
    ),
    "it has something else there": (_something_else_there, told_it("DEL", "KEY"), "has something else than a stream"),
    "it has another password": (_another_password, _the_password_again, "takes neither the user nor the password"),
    "it is somebody else's now": (
        lambda redis, key: (told_it("DEL", "KEY")(redis, key), told_it("XADD", "KEY", "*", "x", "y")(redis, key)),
        told_it("DEL", "KEY"),
        "has come to record",
    ),
}


@pytest.mark.parametrize(("spoil", "mend", "told"), TROUBLE.values(), ids=TROUBLE)
async def test_it_waits_and_goes_on(store_options, redis, key, spoil, mend, told, caplog):
    caplog.set_level("INFO", "authgate")
    async with process(store_options, redis.url, key) as here:
        written = await here.write(30)
        await sent(here.store, key)
        spoil(redis, key)
        began = time.monotonic()
        written += await here.write(30)
        took = time.monotonic() - began
        state = await fails(here.store, key, told)
        async with asyncio.timeout(20):
            while here.stream._running._failures < 4:  # noqa: ASYNC110 - it tries by itself
                await asyncio.sleep(0.01)
        still = await here.store.record_streams.find(key)
        assert (still.failing_at, still.at) == (state.failing_at, state.at)
        lines = [each.getMessage() for each in caplog.records if key in each.getMessage()]
        assert len([each for each in lines if told in each]) == 1
        assert not [each for each in lines if "goes on" in each]
        mend(redis, key)
        state = await sent(here.store, key)
        assert (state.error, state.failing_at, state.strange_at) == ("", None, None)
        with redis.client as client:
            assert [id_ for _, id_ in read(client, key)] == written
        await eventually(1, _count, caplog, "goes on")
        written += await here.write(3)
        await sent(here.store, key)
        with redis.client as client:
            assert [id_ for _, id_ in read(client, key)] == written
    assert took < 2
    assert "Traceback" not in caplog.text
    assert SECRET not in caplog.text


async def _count(caplog, words):
    return len([each for each in caplog.records if words in each.getMessage()])


async def test_what_a_replica_was_behind_is_sent_again(store_options, redis, key, caplog):
    """It is killed while much is written, and what takes its place has less."""
    async with process(store_options, redis.url, key) as here:
        written = await here.write(50)
        await sent(here.store, key)
        saved = redis.save()
        written += await here.write(50)
        await sent(here.store, key)
        writing = asyncio.create_task(here.write(300))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(redis.begin_again_with, saved)
        written += await writing
        await sent(here.store, key)
        async with asyncio.timeout(10):
            while True:
                with redis.client as client:
                    if [id_ for _, id_ in read(client, key)] == written:
                        break
                await asyncio.sleep(0.02)
    assert "has lost what followed record 50" in caplog.text


async def test_one_that_comes_and_goes_has_all_in_the_end(store_options, redis, key):
    async with process(store_options, redis.url, key) as here, process(store_options, redis.url, key) as there:
        writing = [asyncio.create_task(each.write(300)) for each in (here, there)]
        for _ in range(4):
            await asyncio.sleep(0.1)
            redis.pause()
            await asyncio.sleep(0.8)
            redis.go_on()
        written = [id_ for each in writing for id_ in await each]
        await sent(here.store, key)
        with redis.client as client:
            told = read(client, key)
        assert sorted(id_ for _, id_ in told) == sorted(written)
        assert [seq for seq, _ in told] == sorted({seq for seq, _ in told})


async def test_one_that_is_away_from_the_start(store_options, redis, key, caplog):
    redis.kill()
    async with process(store_options, redis.url, key) as here:
        written = await here.write(5)
        await fails(here.store, key, "cannot be reached")
        redis.start()
        await sent(here.store, key)
        with redis.client as client:
            assert [id_ for _, id_ in read(client, key)] == written
    assert SECRET not in caplog.text


async def test_it_stops_at_once_wherever_it_is(store_options, redis, key, monkeypatch):
    monkeypatch.setattr(redis_module, "TIMEOUT", 60.0)
    monkeypatch.setattr(streaming, "FIRST_PAUSE", 3600.0)
    monkeypatch.setattr(streaming, "LONGEST_PAUSE", 3600.0)
    redis.pause()
    try:
        async with asyncio.timeout(10), process(store_options, redis.url, key) as here:
            await here.write(5)
            await asyncio.sleep(0.2)
    finally:
        redis.go_on()
    redis.kill()
    async with asyncio.timeout(10), process(store_options, redis.url, key) as here:
        await fails(here.store, key, "cannot be reached")


async def test_nothing_that_waits_is_removed_and_all_is_once_it_was_sent(store_options, redis, key):
    limits = RecordOptions(keep_records=10)
    async with process(store_options, redis.url, key) as here:
        written = await here.write(50)
        await sent(here.store, key)
        redis.pause()
        written += await here.write(50)
        await here.store.record_upkeep.once(limits, here.stream.sent)
        left = [record.id for _, record in await here.store.records.after(0, 1000)]
        assert left == written[50:]
        redis.go_on()
        await sent(here.store, key)
        await here.store.record_upkeep.once(limits, here.stream.sent)
        left = [record.id for _, record in await here.store.records.after(0, 1000)]
        assert left == written[90:]
        with redis.client as client:
            assert [id_ for _, id_ in read(client, key)] == written
        redis.pause()
        here.stream.adopt(options(redis.url, f"{key}:new"))  # to which nothing has been sent
        await here.store.record_upkeep.once(RecordOptions(keep_records=1), here.stream.sent)
        assert len(await here.store.records.after(0, 1000)) == 10
        redis.go_on()


def test_pauses_grow_and_differ(monkeypatch):
    monkeypatch.undo()
    assert streaming.LONGEST_PAUSE == 30
    pauses = [[_pause(failures) for _ in range(200)] for failures in range(12)]
    longest = [max(each) for each in pauses]
    assert longest[:6] == sorted(longest[:6])
    assert all(max(each) <= streaming.LONGEST_PAUSE for each in pauses)
    assert all(min(each) >= 0.75 * streaming.FIRST_PAUSE for each in pauses)
    assert all(len(set(each)) > 100 for each in pauses)
