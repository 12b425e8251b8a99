"""The store hangs, goes away and comes back: callers are told in time, and nothing leaks."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from authgate.errors import StoreError
from authgate.model import Entry, Secret
from authgate.store import Store, StoreOptions, direct, engine
from authgate.wanted import RecordFilter

from .proxy import Proxy
from .samples import ANN, KEY, a_record, a_session, closing, eventually, opening

TIMEOUT = 0.3
SERVERS = pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)


@pytest.fixture
def store_options(store_options: StoreOptions) -> StoreOptions:
    return replace(store_options, timeout=TIMEOUT)


@pytest.fixture
async def proxy(store_options: StoreOptions) -> AsyncIterator[Proxy]:
    url = make_url(store_options.url.reveal())
    proxy = Proxy(url.host or "", url.port or 0)
    await proxy.start()
    yield proxy
    proxy.thaw()
    await proxy.stop()


@pytest.fixture
async def far_store(store_options: StoreOptions, proxy: Proxy) -> AsyncIterator[Store]:
    """A store behind the proxy."""
    url = make_url(store_options.url.reveal()).set(host="127.0.0.1", port=proxy.port)
    store = Store(replace(store_options, url=Secret(url.render_as_string(hide_password=False))))
    await store.start()
    await store.users.add(ANN)
    yield store
    await store.close()
    assert store.engine.pool.checkedout() == 0


async def find(store: Store) -> bool:
    return (await store.users.find("ann")) is not None


BOUND = 10 * TIMEOUT  # seconds: far more than it takes, far less than a hang


async def refused(store: Store) -> None:
    """Every port says StoreError, all of them together in bounded time."""
    asked = [store.users.find("ann"), store.sessions.find(KEY), store.ledger.write(Entry(a_record()))]
    asked += [store.users.find(f"u{n}") for n in range(50)] + [store.ledger.write(Entry(a_record())) for _ in range(50)]
    async with asyncio.timeout(BOUND):
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StoreError}


@SERVERS
async def test_away_and_back(far_store: Store, proxy: Proxy):
    await proxy.stop()
    await refused(far_store)
    await refused(far_store)  # known by now
    with pytest.raises(StoreError):
        await far_store.ping()
    assert far_store.ledger.defer(closing())
    await proxy.start()
    await eventually(True, find, far_store)
    await eventually(None, far_store.ping)
    await eventually(1, deferred, far_store)


async def deferred(store: Store) -> int:
    return len(await store.records.list(RecordFilter(methods=("ConnectionStatusEvent",))))


@SERVERS
async def test_it_shows_whether_the_store_answers_and_how_often_it_did_not(far_store: Store, proxy: Proxy):
    assert far_store.states() == {"read": (True, 0), "write": (True, 0)}
    await proxy.stop()
    await refused(far_store)
    for up, failed in far_store.states().values():
        assert not up
        assert failed >= 1
    assert far_store.ledger.waiting == 0
    await proxy.start()
    async with asyncio.timeout(10):
        while not all(up for up, _ in far_store.states().values()):  # noqa: ASYNC110 - it says nothing when it is back
            await asyncio.sleep(0.01)


@SERVERS
async def test_a_restarted_server_is_not_noticed(far_store: Store, proxy: Proxy):
    await find(far_store)
    await far_store.ledger.write(Entry(a_record()))
    await proxy.stop()
    await proxy.start()
    assert await find(far_store)  # its connection had gone stale: the work is done again on another
    await far_store.ledger.write(Entry(a_record()))


@SERVERS
async def test_a_server_that_is_stopped_hangs_nobody(far_store: Store, proxy: Proxy):
    await find(far_store)
    proxy.freeze()
    await refused(far_store)
    await refused(far_store)
    await asyncio.sleep(5 * TIMEOUT)  # a few probes
    await refused(far_store)
    assert far_store.engine.pool.checkedout() <= 5
    proxy.thaw()
    await eventually(True, find, far_store)
    await eventually(None, far_store.ping)
    await eventually(0, checked_out, far_store)


async def checked_out(store: Store) -> int:
    return store.engine.pool.checkedout()


@SERVERS
async def test_a_silent_server_does_not_hold_up_a_command(far_store: Store, proxy: Proxy):
    await far_store.revision()
    proxy.freeze()
    async with asyncio.timeout(BOUND):
        with pytest.raises(StoreError):
            await far_store.revision()
        with pytest.raises(StoreError):
            await far_store.check()


@SERVERS
async def test_a_pool_that_cannot_be_emptied_leaves_no_connection_open(
    store_options: StoreOptions, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
):
    async def for_ever(_):
        await asyncio.sleep(60)

    url = make_url(store_options.url.reveal()).set(host="127.0.0.1", port=proxy.port)
    store = Store(replace(store_options, url=Secret(url.render_as_string(hide_password=False))))
    assert not await find(store)
    assert proxy.open
    monkeypatch.setattr(type(store.engine), "dispose", for_ever)
    await store.close()
    await eventually(0, connections, proxy)


async def connections(proxy: Proxy) -> int:
    return proxy.open


LOCK = {"postgresql": "LOCK TABLE records IN EXCLUSIVE MODE", "mariadb": "LOCK TABLES records WRITE"}


@SERVERS
async def test_a_locked_table_hangs_nobody(backend: str, store: Store, store_options: StoreOptions):
    other = Store(replace(store_options, timeout=60))  # the server lets nobody hold a lock for longer than that
    try:
        async with other.engine.connect() as connection:
            await connection.execute(text(LOCK[backend]))
            async with asyncio.timeout(BOUND):
                with pytest.raises(StoreError):
                    await store.ledger.write(Entry(a_record()))
            assert await store.users.find("ann") is None  # reading goes on
            with pytest.raises(StoreError):
                await store.ping()
            await connection.invalidate()
        await eventually(None, store.ledger.write, Entry(a_record()))
    finally:
        await other.close()


@SERVERS
async def test_an_empty_pool_hangs_nobody(store: Store, store_options: StoreOptions):
    taken = [await store.engine.connect() for _ in range(store_options.pool_size)]
    await refused(store)
    for connection in taken:
        await connection.close()
    await eventually(None, store.ledger.write, Entry(a_record()))
    assert not await find(store)


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_file_locked_by_another_process_hangs_nobody(store: Store):
    await store.users.add(ANN)
    path = store.engine.url.database or ""
    with subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == "locked\n"
        async with asyncio.timeout(BOUND):
            writes = [store.ledger.write(Entry(a_record())) for _ in range(50)]
            outcomes = await asyncio.gather(*writes, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {StoreError}
        assert await find(store)  # a writer does not lock out readers
        holder.stdin.close()
    await eventually(None, store.ledger.write, Entry(a_record()))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_reader_that_goes_on_to_write_waits_its_turn(store: Store):
    """Two that read and then write: one waits for the other, none is told that the database is locked."""
    await store.users.add(ANN)

    async def renew(old: str, new: str):
        return await store.users.renew("ann", old, new)

    writes = [store.ledger.write(opening(a_session(opened_at=n))) for n in range(100)]
    outcomes = await asyncio.gather(
        *writes, *(store.users.change("ann", {"display": str(n)}) for n in range(4)), renew("x", "y")
    )
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_writers_of_one_process_take_turns_and_none_asks_for_the_lock_twice(store: Store, monkeypatch):
    await store.watch.close()
    await store.users.add(ANN)
    asked = []
    monkeypatch.setattr(direct.time, "sleep", asked.append)

    async def noted(n: int):
        await store.known.note("ann", f"203.0.113.{n}", 1.0)

    async def renamed(n: int):
        await store.users.change("ann", {"display": str(n)})

    async def written(_):
        await store.ledger.write(Entry(a_record()))

    for _ in range(10):
        await asyncio.gather(*(write(n) for n in range(40) for write in (noted, renamed, written)))
    assert len(await store.records.list(limit=1000)) == 400
    assert asked == []


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_file_that_is_no_database(store_options: StoreOptions):
    path = make_url(store_options.url.reveal()).database or ""
    with open(path, "wb") as file:  # noqa: ASYNC230
        file.write(os.urandom(8192))
    store = Store(store_options)
    await refused(store)
    await store.close()


# A disk that is full refuses to take a record, and goes on deleting nothing.
FULL = {
    "postgresql": (
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END$$",
        "CREATE TRIGGER full_disk BEFORE INSERT ON records FOR EACH ROW EXECUTE FUNCTION full_disk()",
    ),
    "mariadb": (
        "CREATE TRIGGER full_disk BEFORE INSERT ON records FOR EACH ROW "
        "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021, MESSAGE_TEXT = 'the disk is full'",
    ),
}
ROOM_AGAIN = {"postgresql": ("DROP FUNCTION full_disk CASCADE",), "mariadb": ("DROP TRIGGER full_disk",)}


async def executed(store: Store, statements: Iterable[str]) -> None:
    async with store.engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def write_one(store: Store) -> None:
    await store.ledger.write(Entry(a_record()))


async def away_for_a_while(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """The store is away and stays so, however often it is looked for."""
    await asyncio.sleep(0.3)  # a few probes
    with pytest.raises(StoreError, match="full"):
        await store.ping()
    assert "the store is back" not in caplog.text


@SERVERS
async def test_a_full_disk_is_not_taken_for_a_store_that_is_back(backend: str, store: Store, caplog):
    await executed(store, FULL[backend])
    try:
        with pytest.raises(StoreError, match="full"):
            await store.ledger.write(Entry(a_record()))
        await away_for_a_while(store, caplog)
    finally:
        await executed(store, ROOM_AGAIN[backend])
    await eventually(None, store.ledger.write, Entry(a_record()))
    assert len(await store.records.list()) == 1  # and nothing is left of the probes


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_full_disk_under_sqlite_is_not_taken_for_a_store_that_is_back(
    store: Store, caplog, monkeypatch: pytest.MonkeyPatch
):
    prepare = engine._prepare

    def small(connection):
        prepare(connection)
        connection.cursor().execute("PRAGMA max_page_count = 1")  # as many as there are

    monkeypatch.setattr(engine, "_prepare", small)
    outcomes = [await asyncio.gather(write_one(store), return_exceptions=True) for _ in range(300)]
    assert "full" in str(outcomes[-1])
    await away_for_a_while(store, caplog)
    await executed(store, ["BEGIN IMMEDIATE", "DELETE FROM records"])
    await eventually(None, store.ledger.write, Entry(a_record()))
    assert len(await store.records.list()) == 1


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_tables_that_are_gone_let_nobody_in(store: Store):
    await store.users.add(ANN)
    with sqlite3.connect(store.engine.url.database or "") as connection:
        connection.execute("DROP TABLE users")
    connection.close()
    with pytest.raises(StoreError, match="no such table"):
        await store.users.find("ann")
    with pytest.raises(StoreError, match="no such table"):
        await store.users.any()


WRITERS = """
import asyncio, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from authgate.model import Entry, Secret
from authgate.store import Store, StoreOptions
from tests.store.samples import a_record

async def write():
    store = Store(StoreOptions(url=Secret(sys.argv[1])))
    async def one():
        for _ in range(20):
            await store.ledger.write(Entry(a_record()))
    await asyncio.gather(*(one() for _ in range(8)))
    await store.close()

writers = []
for _ in range(4):
    writer = os.fork()
    if writer == 0:
        asyncio.run(write())
        sys.exit()
    writers.append(writer)
sys.exit(sum(os.waitpid(writer, 0)[1] != 0 for writer in writers))
"""


async def test_four_processes_write_at_once_and_each_gets_its_turn(store: Store, store_url: str):
    command = [sys.executable, "-c", WRITERS, store_url, str(Path(__file__).parents[2])]
    race = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=120, check=False)
    assert (race.returncode, race.stdout, race.stderr) == (0, "", "")
    assert len(await store.records.list(limit=10_000)) == 4 * 8 * 20
