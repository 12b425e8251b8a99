"""Which of several servers the store is on: the one that takes writes, and never one that was left behind."""

import asyncio
from dataclasses import dataclass, field, replace

import asyncpg
import pytest
from sqlalchemy import make_url, text

from authgate.errors import StoreError
from authgate.model import Entry, Secret
from authgate.store import Store, StoreOptions
from authgate.store.engine import create_engine
from authgate.store.hosts import Hosts, Place, parse, places

from .proxy import Proxy
from .samples import ANN, a_record, eventually

PLACES = [Place(name, 5432) for name in ("one", "two", "three")]


@dataclass
class Server:
    """A server as one that connects finds it; ``fault`` is what comes of connecting."""

    timeline: int = 1
    writes: bool = True
    fault: Exception | None = None
    silent: bool = False
    mute: bool = False  # it does not tell its timeline
    connections: list["Connection"] = field(default_factory=list)


class Connection:
    def __init__(self, server: Server):
        self.server, self.open = server, True

    async def fetchval(self, query):
        if query == "SHOW transaction_read_only":
            return "off" if self.server.writes else "on"
        if self.server.mute:
            raise asyncpg.FeatureNotSupportedError("pg_walfile_name() is not supported here")
        return f"{self.server.timeline:08X}0000000000000003"

    def terminate(self):
        self.open = False


class World:
    def __init__(self, **servers: Server):
        self.servers = servers
        self.asked: list[str] = []
        self.moved: list[str] = []
        given = [place for place in PLACES if place.host in servers]
        self.hosts = Hosts(given, self._connect, 0.05, lambda trouble: self.moved.append(str(trouble)))

    async def at(self) -> str:
        """The server that a connection is given to; every other one is closed."""
        self.asked.clear()
        try:
            given = await self.hosts.connect(user="ann")
        finally:
            await asyncio.sleep(0)
        found = [name for name, server in self.servers.items() if given in server.connections]
        given.terminate()
        self.all_closed()
        return found[0]

    def all_closed(self):
        assert not [c for server in self.servers.values() for c in server.connections if c.open]

    async def _connect(self, host, port, user):
        assert (port, user) == (5432, "ann")
        self.asked.append(host)
        server = self.servers[host]
        if server.silent:
            await asyncio.sleep(60)
        if server.fault is not None:
            raise server.fault
        server.connections.append(Connection(server))
        return server.connections[-1]


REFUSED = ConnectionRefusedError(111, "Connection refused")
STARTING = asyncpg.CannotConnectNowError("the database system is starting up")
FOUND = {
    "the first": (World(one=Server(), two=Server(writes=False)), "one"),
    "the second": (World(one=Server(writes=False), two=Server()), "two"),
    "the first is gone": (World(one=Server(fault=REFUSED), two=Server()), "two"),
    "the first is silent": (World(one=Server(silent=True), two=Server()), "two"),
    "the first is starting": (World(one=Server(fault=STARTING), two=Server()), "two"),
    "one was left behind": (World(one=Server(timeline=1), two=Server(timeline=2)), "two"),
    "the last counts": (World(one=Server(timeline=3), two=Server(timeline=9), three=Server(timeline=10)), "three"),
    "nobody tells": (World(one=Server(mute=True), two=Server(mute=True)), "one"),
    "only one": (World(one=Server()), "one"),
}
NONE = {
    "a standby": (World(one=Server(writes=False)), "only reads"),
    "gone": (
        World(one=Server(fault=REFUSED), two=Server(fault=STARTING)),
        "Connection refused; the database system",
    ),
    "silent": (World(one=Server(silent=True), two=Server(writes=False)), "does not answer; only reads"),
    "wordless": (World(one=Server(fault=OSError()), two=Server(fault=ValueError())), "cannot be reached; ValueError"),
}


@pytest.mark.parametrize(("world", "name"), FOUND.values(), ids=FOUND)
async def test_whichever_takes_writes(world: World, name: str):
    assert await world.at() == name
    assert await world.at() == name
    assert world.asked == [name]  # it is remembered, and no other one asked
    assert not world.moved


@pytest.mark.parametrize(("world", "words"), NONE.values(), ids=NONE)
async def test_none_takes_writes(world: World, words: str):
    with pytest.raises(StoreError, match=words):
        await world.at()
    world.all_closed()


async def test_another_takes_over_and_what_was_read_before_counts_for_nothing():
    world = World(one=Server(), two=Server(writes=False))
    assert await world.at() == "one"
    world.servers["one"].fault = REFUSED
    world.servers["two"] = Server(timeline=2)
    with pytest.raises(StoreError, match="moved to another server"):
        await world.at()
    assert world.moved == ["the store has moved to another server"]
    assert await world.at() == "two"
    world.all_closed()


async def test_all_who_ask_while_it_moves_are_told_and_what_is_kept_is_dropped_once():
    world = World(one=Server(), two=Server(writes=False))
    assert await world.at() == "one"
    world.servers.update(one=Server(writes=False), two=Server(timeline=2))
    told = await asyncio.gather(*(world.hosts.connect(user="ann") for _ in range(5)), return_exceptions=True)
    assert {str(each) for each in told} == {"the store has moved to another server"}
    assert len(world.moved) == 1
    world.all_closed()


async def test_a_server_that_was_left_behind_is_not_gone_back_to():
    world = World(one=Server(), two=Server(writes=False))
    assert await world.at() == "one"
    world.servers.update(one=Server(fault=REFUSED), two=Server(timeline=2))
    with pytest.raises(StoreError, match="moved"):
        await world.at()
    world.servers.update(one=Server(), two=Server(timeline=2, fault=REFUSED))
    with pytest.raises(StoreError, match="was left behind when another was promoted; Connection refused"):
        await world.at()
    world.servers["two"] = Server(timeline=2)
    assert await world.at() == "two"
    world.servers.update(one=Server(timeline=3), two=Server(fault=REFUSED))
    with pytest.raises(StoreError, match="moved"):
        await world.at()
    assert await world.at() == "one"


async def test_whoever_gives_up_leaves_no_connection():
    world = World(one=Server(silent=True), two=Server(), three=Server(silent=True))
    asked = asyncio.create_task(world.hosts.connect(user="ann"))
    await asyncio.sleep(0.01)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    await asyncio.sleep(0)
    world.all_closed()


def test_places_as_they_are_shown():
    address = "postgresql://u@db1,[::1]:5433/n"
    assert [str(place) for place in places(parse(address))] == ["db1:5432", "[::1]:5433"]


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_a_server_that_only_reads_is_away_until_it_takes_writes_again(store: Store, store_options: StoreOptions):
    """It stands for one behind an address that moves: sessions go on as they began, whatever is said meanwhile."""
    await store.users.add(ANN)
    admin = create_engine(store_options).execution_options(isolation_level="AUTOCOMMIT")
    name = make_url(store_options.url.reveal()).database

    async def say(statement: str) -> None:
        async with admin.connect() as connection:
            await connection.execute(text("SET default_transaction_read_only = off"))
            await connection.execute(text(f"ALTER DATABASE {name} {statement}"))

    await say("SET default_transaction_read_only = on")
    try:
        await store.engine.dispose()
        with pytest.raises(StoreError, match="read-only transaction"):
            await store.ledger.write(Entry(a_record()))
        with pytest.raises(StoreError):
            await store.ping()
    finally:
        await say("RESET default_transaction_read_only")
        await admin.dispose()
    await eventually(None, store.ping)
    await store.ledger.write(Entry(a_record()))


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_a_server_that_falls_silent_with_open_connections_is_left(store_options: StoreOptions):
    """Nothing tells of it: neither those that are busy nor those that are idle hear of anything."""
    url = make_url(store_options.url.reveal())
    proxies = [Proxy(url.host or "", url.port or 0) for _ in range(2)]
    for each in proxies:
        await each.start()
    places = ",".join(f"127.0.0.1:{each.port}" for each in proxies)
    address = Secret(f"postgresql://{url.username}:{url.password or ''}@{places}/{url.database}")
    store = Store(replace(store_options, url=address, timeout=0.3, retry_after=0.1))
    try:
        await store.start()
        await store.users.add(ANN)
        await asyncio.gather(*(store.ping() for _ in range(20)))
        assert (proxies[0].open > 2, proxies[1].open) == (True, 0)
        proxies[0].freeze()
        with pytest.raises(StoreError):
            await store.ledger.write(Entry(a_record()))
        await eventually(None, store.ping)
        await eventually(True, written, store)
        assert proxies[1].open
    finally:
        await store.close()
        for each in proxies:
            each.thaw()
            await each.stop()


async def written(store: Store) -> bool:
    try:
        return await store.ledger.write(Entry(a_record())) is None
    except StoreError:
        return False
