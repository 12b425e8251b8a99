"""The trail is sent on to a stream: each record, in order and once, whoever writes and whoever sends."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import delete, update

from authgate.feed import RecordStream, StreamOptions, streaming, tenure
from authgate.model import Entry
from authgate.store import Store
from authgate.store.index_tables import record_streams
from authgate.store.tables import duties, records
from tests.feed.made import a_record as made_record
from tests.feed.redises import SHARED, fresh_key, shared
from tests.feed.streamed import PATIENCE, fails, options, process, read, sent
from tests.store.samples import writing


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    for module, name, seconds in (
        (tenure, "RENEWED", 0.05),
        (tenure, "TENURE", 2.0),
        (streaming, "EVERY", 0.02),
        (streaming, "LOOKED", 0.1),
        (streaming, "FIRST_PAUSE", 0.02),
        (streaming, "LONGEST_PAUSE", 0.2),
    ):
        monkeypatch.setattr(module, name, seconds)


@pytest.fixture
def key():
    return fresh_key()


@pytest.fixture
def redis(key):
    with shared(key) as client:
        yield client


def one(database):
    return pytest.mark.parametrize("backend", [database], indirect=True)


async def kept(store):
    return [(seq, record.id) for seq, record in await store.records.after(0, 1_000_000)]


async def test_the_whole_trail_arrives_and_what_comes_then(store_options, redis, key):
    async with process(store_options, SHARED, key) as here:
        await here.write(50)
        state = await sent(here.store, key)
        assert state.sent_at is not None
        await here.write(3)
        await sent(here.store, key)
        assert read(redis, key) == await kept(here.store)
    async with process(store_options, SHARED, key) as again:
        await again.write(1)
        await sent(again.store, key)
        assert read(redis, key) == await kept(again.store)
        assert redis.xlen(key) == 54


async def test_what_two_write_and_two_send_is_there_once_and_in_order(store_options, redis, key, monkeypatch):
    monkeypatch.setattr(streaming, "BATCH", 20)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        here, there = [await enter(process(store_options, SHARED, key)) for _ in range(2)]
        written = await asyncio.gather(*(each.write(200) for each in (here, there, here, there)))
        await sent(here.store, key)
        told = read(redis, key)
        assert sorted(id_ for _, id_ in told) == sorted(id_ for ids in written for id_ in ids)
        assert [seq for seq, _ in told] == sorted({seq for seq, _ in told})


async def test_two_who_both_think_that_it_is_theirs_do_no_harm(store_options, redis, key, monkeypatch):
    monkeypatch.setattr(streaming, "BATCH", 5)

    async def always(*_):
        return True

    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        both = [await enter(process(store_options, SHARED, key)) for _ in range(2)]
        for each in both:
            monkeypatch.setattr(each.store.duties, "hold", always)
        await asyncio.gather(*(each.write(100) for each in both))
        await sent(both[0].store, key)
        assert read(redis, key) == await kept(both[0].store)


async def test_another_goes_on_where_the_one_is_gone(store_options, redis, key):
    async with process(store_options, SHARED, key) as first:
        await first.write(5)
        await sent(first.store, key)
        async with process(store_options, SHARED, key) as second:
            # As one that is killed: it lays nothing down, and the time for which it had the duty passes.
            first.stream._running._tenure._task.cancel()
            await second.write(5)
            await sent(second.store, key)
            assert read(redis, key) == await kept(second.store)
            assert redis.xlen(key) == 10


async def test_the_duty_is_not_taken_from_who_has_it(store_options, redis, key):
    async with process(store_options, SHARED, key) as first:
        await first.write(1)
        await sent(first.store, key)
        async with process(store_options, SHARED, key) as second:
            await second.write(20)
            await sent(second.store, key)
            assert second.stream._running._at == 0
            async with writing(first.store) as connection:  # and now it is
                gone = update(duties).where(duties.c.name == f"record stream {key}")
                await connection.execute(gone.values(holder="somebody", until=2**50))
            await asyncio.sleep(1.2)
            await second.write(1)
            await asyncio.sleep(0.3)
            assert redis.xlen(key) == 21


async def test_what_arrived_and_was_not_noted_is_not_there_twice(store_options, redis, key):
    """As where a process is killed between the two."""
    async with process(store_options, SHARED, key) as here:
        await here.write(30)
        await sent(here.store, key)
    for removed in (False, True):  # by whoever has read it
        async with process(store_options, SHARED, key) as here:
            newest = await here.store.records.newest_seq()
            if removed:
                redis.xdel(key, f"{newest}-0")
            await here.stream.close()
            async with writing(here.store) as connection:
                await connection.execute(update(record_streams).values(seq=newest - 7))
            here.stream.start()
            await here.write(1)
            await sent(here.store, key)
            told = [seq for seq, _ in read(redis, key)]
            assert told == [seq for seq, _ in await kept(here.store) if not removed or seq != newest]


LOST = {
    "the newest ones": (lambda redis, key, all_: _left(redis, key, all_[:20]), 20, "followed record {20}, and {30}"),
    "all": (lambda redis, key, all_: redis.delete(key), 0, "followed record 0, and {30} was sent"),
}


def _left(redis, key, entries):
    redis.delete(key)
    for id_, fields in entries:
        redis.xadd(key, fields, id=id_)


@pytest.mark.parametrize(("lose", "left", "told"), LOST.values(), ids=LOST)
@pytest.mark.parametrize("runs", [True, False], ids=["while it runs", "while it does not"])
@one("sqlite")
async def test_what_redis_has_lost_is_sent_again(store_options, redis, key, lose, left, told, runs, caplog):
    async with process(store_options, SHARED, key) as here:
        await here.write(30)
        await sent(here.store, key)
        everything = await kept(here.store)
        if runs:
            lose(redis, key, redis.xrange(key))
            await asyncio.sleep(0.3)  # nothing new comes, and it is seen all the same
            await sent(here.store, key)
            assert read(redis, key) == everything
    if not runs:
        lose(redis, key, redis.xrange(key))
        async with process(store_options, SHARED, key) as here:
            await sent(here.store, key)
            async with asyncio.timeout(PATIENCE):
                while redis.xlen(key) < 30:  # noqa: ASYNC110 - it is another server's
                    await asyncio.sleep(0.01)
            assert read(redis, key) == everything
    warned = [each.message for each in caplog.records if each.levelname == "WARNING"]
    numbers = {str(at): str(everything[at - 1][0]) for at in (20, 30)}
    for at, seq in numbers.items():
        told = told.replace("{" + at + "}", seq)
    assert len([each for each in warned if told in each]) == 1


@one("sqlite")
async def test_what_was_lost_and_is_not_kept_any_more_is_told(store_options, redis, key, caplog):
    async with process(store_options, SHARED, key) as here:
        await here.write(30)
        await sent(here.store, key)
        await here.stream.close()
        everything = await kept(here.store)
        async with writing(here.store) as connection:
            await connection.execute(delete(records).where(records.c.seq < everything[20][0]))
        redis.delete(key)
        here.stream.start()
        async with asyncio.timeout(PATIENCE):
            while redis.xlen(key) < 10:  # noqa: ASYNC110 - it is another server's
                await asyncio.sleep(0.01)
        assert read(redis, key) == everything[20:]
    assert f"those before {everything[20][0]} are not in the store any more" in caplog.text


def _entry(client, key, id_, record):
    client.xadd(key, {"seq": id_.partition("-")[0], "record": f'{{"record":"{record}"}}'}, id=id_)


STRANGE = {
    "it is further than the store": (
        lambda redis, key, all_: _entry(redis, key, f"{all_[-1][0] + 100}-0", "x" * 26),
        "and the newest of this store is",
    ),
    "it is somebody else's, with the ids that Redis gives": (
        lambda redis, key, all_: redis.xadd(key, {"x": "y"}),
        "and the newest of this store is",
    ),
    "it is somebody else's": (
        lambda redis, key, all_: redis.xadd(key, {"x": "y"}, id="5-3"),
        "which authgate does not send",
    ),
    "it is of another store that is further": (
        lambda redis, key, all_: _entry(redis, key, f"{all_[-1][0]}-0", "x" * 26),
        "it is of another one",
    ),
    "it is of another store that is not so far": (
        lambda redis, key, all_: _entry(redis, key, f"{all_[0][0]}-0", "x" * 26),
        "it is of another one",
    ),
    "it has no record": (lambda redis, key, all_: redis.xadd(key, {"x": "y"}, id=f"{all_[0][0]}-0"), "another record"),
    "it has come to the end of all numbers": (
        lambda redis, key, all_: redis.xadd(key, {"x": "y"}, id="18446744073709551615-18446744073709551615"),
        "which authgate does not send",
    ),
}


@pytest.mark.parametrize(("fill", "told"), STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("begun", [True, False], ids=["it has begun", "it is new"])
@one("sqlite")
async def test_a_stream_of_others_is_left_alone(store_options, redis, key, fill, told, begun, caplog):
    async with process(store_options, SHARED, key) as here:
        await here.stream.close()
        await here.write(30)
        everything = await kept(here.store)
        if begun:
            await here.store.record_streams.begin(key)
            await here.store.record_streams.sent(key, everything[10][0], 1)
        fill(redis, key, everything)
        here.stream.start()
        state = await fails(here.store, key, told)
        assert "another records.stream.key" in state.error
        await here.write(5)
        await asyncio.sleep(0.3)
        assert redis.xlen(key) == 1
        assert await here.stream.sent() == (everything[10][0] if begun else 0)  # nothing is removed meanwhile
        assert len([each for each in caplog.records if told in each.message and each.levelname == "ERROR"]) == 1
        # Once somebody has put it right, it goes on by itself; with another key at once.
        redis.delete(key)
        await sent(here.store, key)
        assert [seq for seq, _ in read(redis, key)] == [seq for seq, _ in await kept(here.store)]


@one("sqlite")
async def test_a_store_that_was_set_back_and_goes_on_is_never_taken_for_the_one_before(store_options, redis, key):
    """Its numbers come again for other records, also where consumers have removed all that they could be told by."""
    async with process(store_options, SHARED, key) as here:
        await here.write(30)
        await sent(here.store, key)
        await here.stream.close()
        newest = await here.store.records.newest_seq()
        async with writing(here.store) as connection:
            await connection.execute(delete(records).where(records.c.seq > newest - 10))
            await connection.execute(update(record_streams).values(seq=newest - 10))
            await connection.exec_driver_sql("UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM records)")
        redis.xtrim(key, maxlen=0, approximate=False)
        here.stream.start()
        await fails(here.store, key, "the store was set back to a backup")
        await here.write(20)
        assert await here.store.records.newest_seq() > newest
        await asyncio.sleep(0.5)
        state = await fails(here.store, key, "it is of another one")
        assert state.at == newest - 10
        assert redis.xlen(key) == 0
        other = f"{key}:2"
        try:
            here.stream.adopt(options(SHARED, other))
            await sent(here.store, other)
            assert read(redis, other) == await kept(here.store)
        finally:
            redis.delete(other)


@one("sqlite")
async def test_another_configuration_is_taken_over(store_options, redis, key):
    other = f"{key}:2"
    async with process(store_options, SHARED, key) as here:
        await here.write(10)
        await sent(here.store, key)
        running = here.stream._running
        here.stream.adopt(options(SHARED, key))
        assert here.stream._running is running
        here.stream.adopt(options(SHARED, key, 1_000_000))
        assert here.stream._running is not running
        await here.write(10)
        await sent(here.store, key)
        try:
            here.stream.adopt(options(SHARED, other))
            await sent(here.store, other)
            assert redis.xlen(key) == redis.xlen(other) == 20
            here.stream.adopt(StreamOptions())
            assert here.stream._running is None
            assert await here.stream.sent() is None
            await here.write(10)
            await asyncio.sleep(0.2)
            assert redis.xlen(other) == 20
            here.stream.adopt(options(SHARED, other))
            await sent(here.store, other)
            assert read(redis, other) == await kept(here.store)
        finally:
            redis.delete(other)


@one("sqlite")
async def test_one_that_is_not_configured_reads_and_holds_nothing(store: Store):
    none = RecordStream(StreamOptions(), store.records, store.record_streams, store.duties)
    none.start()
    none.adopt(StreamOptions())
    assert none._running is None
    assert await none.sent() is None
    await none.close()


@one("sqlite")
async def test_all_text_arrives_as_it_is(store_options, redis, key):
    async with process(store_options, SHARED, key) as here:
        for at, text in enumerate(("käse", "\U0001f600", "\x00\x1b[2J", 'a"b\\c', "x" * 512)):
            await here.store.ledger.write(Entry(made_record(id=f"{at:026}", subject=text)))
        await sent(here.store, key)
        assert read(redis, key) == await kept(here.store)
