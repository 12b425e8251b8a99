"""Reading the trail as it grows: each record once, in one order, however many write it."""

import asyncio
from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from authgate.errors import StoreError
from authgate.model import Entry, SessionKey
from authgate.store import Store, StoreOptions
from authgate.store.record_rows import COLUMNS, dump
from authgate.store.tables import records
from authgate.store.tail import Tail

from .samples import a_record, a_session, eventually, opening

SERVERS = pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)


@pytest.fixture
def store_options(store_options: StoreOptions) -> StoreOptions:
    """What may still come is waited for as long as a transaction may last, which is some times this."""
    return replace(store_options, timeout=1.0)


def tail(store: Store, longest: float = 0.3) -> Tail:
    return Tail(store._database, longest)


async def caught_up(store: Store, longest: float = 60) -> tuple[Tail, int]:
    """A reader that has read all there is, and the number of the last: what came before may have been swept away."""
    await written(store)
    base = await tail(store, 0).newest()
    reader = tail(store, longest)
    reader._settled = base
    return reader, base


PATIENT = {
    "postgresql": "SET LOCAL idle_in_transaction_session_timeout = 60000",
    "mariadb": "SET SESSION idle_write_transaction_timeout = 60",
}


async def begun(connection, record, *, ended_by_the_server: bool = False) -> None:
    """Somebody else's transaction has written this record, and is not over."""
    if not ended_by_the_server:
        await connection.execute(text(PATIENT[connection.dialect.name]))
    await connection.execute(insert(records), dict(zip(COLUMNS, dump(record), strict=True)))


async def written(store: Store, count: int = 1):
    given = [a_record() for _ in range(count)]
    await asyncio.gather(*(store.ledger.write(Entry(each)) for each in given))
    return given


async def drained(reader: Tail | object, seq: int = 0, limit: int = 100):
    """All that the reader gives now: the records, and the number of the last."""
    found = []
    while page := await reader.after(seq, limit):
        found += [record for _, record in page]
        numbers = [number for number, _ in page]
        assert numbers == sorted(set(numbers))
        assert numbers[0] > seq
        seq = numbers[-1]
    return found, seq


async def test_records_come_in_the_order_in_which_they_were_written(store: Store):
    reader, begin = await caught_up(store)
    assert await reader.after(begin, 10) == []
    first = await written(store, 3)
    newest = await reader.newest()
    second = await written(store, 3)
    assert await drained(reader, begin) == (first + second, await reader.newest())
    assert (await drained(reader, newest))[0] == second
    assert (await drained(reader, begin, 1))[0] == first + second
    assert await reader.after(-5, 1) == await reader.after(0, 1)
    assert await reader.after(begin, 0) == []
    assert await reader.after(10**12, 10) == []


async def test_a_store_without_records_has_none_to_come(store: Store):
    assert (await store.records.after(0, 10), await store.records.newest_seq()) == ([], 0)
    assert await store.records.oldest_seq() is None


async def test_a_record_that_is_written_twice_comes_once(store: Store):
    reader, begin = await caught_up(store, 0.3)
    [record] = await written(store)
    await store.ledger.write(Entry(replace(record, rule="another")))
    await asyncio.gather(*(store.ledger.write(Entry(each)) for each in [record, a_record(), record]))
    last = await written(store)

    async def ids():  # numbers are missing, so it may take a moment
        return [each.id for each in (await drained(reader, begin))[0]]

    expected = [each.id for each in await store.records.list()][::-1][1:]
    assert (expected[0], expected[-1], expected.count(record.id)) == (record.id, last[0].id, 1)
    await eventually(expected, ids)


async def test_a_reader_sees_each_record_once_while_many_write(store: Store, store_options, backend: str):
    """Some is written twice, and some is given up half way."""
    plan = Random(7)
    others = [Store(store_options) for _ in range(3)]
    done = asyncio.Event()

    async def write(to: Store):
        for round_ in range(8):
            given = [a_record(key=SessionKey("n", str(n))) for n in range(plan.randrange(1, 30))]
            entries = [*map(Entry, given), *map(Entry, plan.sample(given, len(given) // 4))]
            if round_ % 3 == 1:
                entries.append(opening(a_session(SessionKey("n", "poison"), expires_at=2**70)))
            await asyncio.gather(*map(to.ledger.write, entries), return_exceptions=True)

    async def give_up():
        while not done.is_set():
            async with store.engine.connect() as connection:
                await begun(connection, a_record())
                await asyncio.sleep(0.005)
                await connection.rollback()

    async def read():
        found, seq = [], 0
        while True:
            over = done.is_set()
            page = await reader.after(seq, 50)
            found += [record.id for _, record in page]
            seq = page[-1][0] if page else seq
            if over and not page and len(found) >= len(await store.records.list(limit=100_000)):
                return found
            await asyncio.sleep(0.001)

    async def write_all():
        await asyncio.gather(*map(write, [store, *others]))
        done.set()

    reader = tail(others[0], 0.3)
    async with asyncio.timeout(60):
        _, found, *_ = await asyncio.gather(write_all(), read(), *([] if backend == "sqlite" else [give_up()]))
    assert sorted(found) == sorted(each.id for each in await store.records.list(limit=100_000))
    for each in others:
        await each.close()


@SERVERS
async def test_what_is_committed_late_is_not_passed_over(store: Store):
    reader, seq = await caught_up(store)
    late = a_record()
    async with store.engine.connect() as connection:
        await begun(connection, late)
        after = await written(store, 2)
        for _ in range(3):
            assert await reader.after(seq, 10) == []
        await connection.commit()
    assert (await drained(reader, seq))[0] == [late, *after]


@SERVERS
async def test_what_comes_before_a_gap_is_not_held_back(store: Store):
    reader, seq = await caught_up(store)
    before = await written(store, 2)
    async with store.engine.connect() as connection:
        await begun(connection, a_record())
        await written(store, 2)
        assert (await drained(reader, seq))[0] == before


@SERVERS
async def test_what_is_given_up_is_not_waited_for_longer_than_it_could_have_taken(store: Store):
    reader, seq = await caught_up(store, 0.3)
    async with store.engine.connect() as connection:
        await begun(connection, a_record())
        after = await written(store, 3)
        assert await reader.after(seq, 10) == []
        await connection.rollback()

    async def read():
        return [record for _, record in await reader.after(seq, 10)]

    await eventually(after, read)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_what_is_given_up_is_passed_over_at_once(store: Store):
    """PostgreSQL tells who writes, so there is no need to wait; but those who begin meanwhile are not waited for."""
    reader, seq = await caught_up(store)
    async with store.engine.connect() as other, store.engine.connect() as connection:
        await begun(connection, a_record())
        after = await written(store, 3)
        assert await reader.after(seq, 10) == []
        await begun(other, a_record())
        await connection.rollback()
        assert [record for _, record in await reader.after(seq, 10)] == after


@SERVERS
async def test_a_frozen_process_holds_nobody_up_for_long(store: Store, store_options):
    """Its transaction is ended by the server."""
    reader, seq = await caught_up(store, store_options.longest_transaction)
    before = await written(store)
    async with store.engine.connect() as connection:
        await begun(connection, a_record(), ended_by_the_server=True)
        after = await written(store, 2)
        assert (await drained(reader, seq))[0][:1] == before

        async def read():
            return [record for _, record in await reader.after(seq, 10)]

        await eventually([*before, *after], read)
        with pytest.raises(DBAPIError):
            await connection.commit()
        await connection.invalidate()
    assert (await drained(reader, seq))[0] == [*before, *after]


@SERVERS
async def test_the_newest_number_waits_for_what_is_committed_late(store: Store):
    reader, _ = await caught_up(store)
    async with store.engine.connect() as connection:
        await begun(connection, a_record())
        await written(store)
        asking = asyncio.create_task(reader.newest())
        done, _ = await asyncio.wait({asking}, timeout=0.1)
        assert not done
        await connection.commit()
        newest = await asking
    after = await written(store)
    assert (await drained(reader, newest))[0] == after


@SERVERS
async def test_the_newest_number_is_before_a_gap_that_does_not_close(store: Store):
    reader, _ = await caught_up(store)
    reader._longest = 0.1  # how long it is asked for
    async with store.engine.connect() as connection:
        late = a_record()
        await begun(connection, late)
        after = await written(store)
        newest = await reader.newest()
        assert await reader.settled() == newest
        assert await reader.after(newest, 10) == []
        await connection.commit()
    assert (await drained(reader, newest))[0] == [late, *after]


async def test_what_was_pruned_holds_nobody_up(store: Store):
    await written(store, 20)
    async with store.engine.begin() as connection:
        middle = (await connection.execute(text("SELECT max(seq) - 10 FROM records"))).scalar()
        await connection.execute(text("DELETE FROM records WHERE seq <= :middle"), {"middle": middle})
    reader = tail(store)
    await reader.newest()
    assert len((await drained(reader))[0]) == 10
    assert [number for number, _ in await reader.after(0, 1)] == [middle + 1]
    assert await store.records.oldest_seq() == middle + 1


async def test_a_number_is_never_given_twice(store: Store):
    """Whoever goes on after a number would miss what got a lower one, though everything was pruned meanwhile."""
    reader, _ = await caught_up(store)
    await written(store, 5)
    newest = await reader.newest()
    async with store.engine.begin() as connection:
        await connection.execute(text("DELETE FROM records"))
    after = await written(store)
    assert (await drained(reader, newest))[0] == after


async def test_a_store_that_is_away_is_told(store: Store, store_options):
    gone = Store(replace(store_options, url=type(store_options.url)("sqlite:////nonexistent/authgate.db")))
    for asked in (gone.records.after(0, 1), gone.records.newest_seq()):
        with pytest.raises(StoreError):
            await asked
    await gone.close()
