"""Statistics of tables that grow faster than PostgreSQL looks at them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from authgate.model import Entry, Open, SessionKey
from authgate.store import Store
from authgate.store import statistics as module

from .samples import a_record, a_session, eventually

pytestmark = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)


async def opened(store: Store, count: int, first: int = 0) -> None:
    keys = [SessionKey("n", f"s{first + n}") for n in range(count)]
    await asyncio.gather(*(store.ledger.write(Entry(a_record(key=key), Open(a_session(key)))) for key in keys))


async def run(store: Store, statement: str):
    async with store.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        result = await connection.execute(text(statement))
        return [*result.scalars()] if result.returns_rows else []


async def changed(store: Store) -> int:
    """Rows of sessions that have changed since it was analysed, as PostgreSQL has been told by now."""
    (found,) = await run(store, "SELECT n_mod_since_analyze FROM pg_stat_user_tables WHERE relname = 'sessions'")
    return int(found)


@pytest.fixture
async def analysed(store: Store) -> AsyncIterator[Store]:
    """Nothing is to be done. What its own transactions changed, a connection of PostgreSQL tells a moment later."""
    await run(store, "ALTER TABLE sessions SET (autovacuum_enabled = false)")
    await run(store, "ANALYZE")
    await eventually(0, changed, store)
    yield store
    await run(store, "ALTER TABLE sessions RESET (autovacuum_enabled)")


async def grown(store: Store, count: int) -> None:
    await opened(store, count)

    async def told():
        return await changed(store) >= count

    await eventually(True, told)


async def test_a_table_is_analysed_that_has_outgrown_what_is_known(analysed: Store):
    await grown(analysed, 700)
    assert "sessions" in await analysed.statistics.once()
    assert await changed(analysed) == 0
    assert (await run(analysed, "SELECT reltuples FROM pg_class WHERE relname = 'sessions'"))[0] >= 700


async def test_not_for_a_few_rows(analysed: Store):
    await grown(analysed, 300)
    assert await analysed.statistics.once() == []


async def test_not_before_as_much_has_changed_as_there_was(analysed: Store):
    await grown(analysed, 900)
    assert "sessions" in await analysed.statistics.once()
    await opened(analysed, 600, first=900)
    await asyncio.sleep(1.1)  # until it is told
    assert "sessions" not in await analysed.statistics.once()


async def test_the_table_of_records_is_left_to_postgresql(analysed: Store):
    await grown(analysed, 700)
    assert "records" not in await analysed.statistics.once()


async def test_whoever_does_not_own_the_table_leaves_it_alone(analysed: Store, store_options):
    await grown(analysed, 700)
    name = "stranger_of_statistics"
    await run(analysed, f"DROP ROLE IF EXISTS {name}")
    await run(analysed, f"CREATE ROLE {name}")
    try:
        async with analysed.engine.connect() as connection:
            await connection.execute(text(f"SET ROLE {name}"))
            assert [*(await connection.execute(module._OUTGROWN)).scalars()] == []
    finally:
        await run(analysed, f"DROP ROLE {name}")


async def test_it_is_done_while_the_server_runs(analysed: Store, monkeypatch):
    monkeypatch.setattr(module, "_EVERY", 0.05)
    analysed.statistics.start()
    await grown(analysed, 700)
    await eventually(0, changed, analysed)
    await analysed.statistics.close()


async def test_a_store_that_is_away_is_told_of_once(analysed: Store, monkeypatch, caplog):
    monkeypatch.setattr(module, "_EVERY", 0.01)

    async def away():
        raise module.StoreError("the store is away")

    monkeypatch.setattr(analysed.statistics, "once", away)
    caplog.set_level("INFO", module.log.name)
    analysed.statistics.start()
    await asyncio.sleep(0.2)
    await analysed.statistics.close()
    assert [record.getMessage() for record in caplog.records if record.name == module.log.name] == [
        "tables are analysed when PostgreSQL does so itself: the store is away"
    ]
