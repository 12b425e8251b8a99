"""A store, a node of the media server, and who keeps the one as the other is."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from authgate.live import Means
from authgate.live.ender import Ender
from authgate.live.reaper import Reaper
from authgate.live.reconciler import Reconciler
from authgate.live.watcher import Watcher
from authgate.model import (
    CallKey,
    CallNews,
    Close,
    Entry,
    MediaKey,
    Open,
    Over,
    Principal,
    Secret,
    Session,
    SessionKey,
    StreamNews,
)
from authgate.sessions import SessionOptions
from authgate.store import Store, StoreOptions
from authgate.wcs import WcsNodes, WcsOptions
from tests.store.samples import a_record
from tests.wcs.fake import FakeWcs, running

NOW = 1_700_000_000.0  # seconds
ANN = Principal("ann", "passwords")


@pytest.fixture
def backend() -> str:
    """What SQL there is, is tried on every database by the tests of the store."""
    return "sqlite"


@pytest.fixture
def store_options(store_url: str, tmp_path: Path) -> StoreOptions:
    """With patience: nothing here is about a store that is slow."""
    return StoreOptions(url=Secret(store_url), spool=tmp_path / "spool", timeout=30.0)


class Banned:
    """Who is banned, as ``ports.Guessing`` says it."""

    def __init__(self) -> None:
        self.users: set[str] = set()
        self.addresses: set[str] = set()

    async def any_banned(self) -> bool:
        return bool(self.users or self.addresses)

    async def banned(self, user: str, address: str) -> bool:
        return user in self.users or address in self.addresses


@dataclass
class World:
    """Everything, at a time that stands still unless a test moves it."""

    store: Store
    wcs: FakeWcs
    nodes: WcsNodes
    options: SessionOptions = field(default_factory=SessionOptions)
    bans: Banned = field(default_factory=Banned)
    tally: Counter[str] = field(default_factory=Counter)
    now: float = NOW
    ordered: int = 0  # times that somebody said that there is something to be ended
    compared: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.reconciler = self.reconciler_of(0)
        self.ender = Ender(self.store, self.means, self.tally, self.clock)
        self.watcher = Watcher(self.store, self.means, self.tally, self._order, self.clock)
        self.reaper = Reaper(self.store, self.means, lambda: self.compared, self.tally, self.clock)

    def reconciler_of(self, section: int) -> Reconciler:
        node = self.nodes.all[section]
        return Reconciler(node, self.store, self.means, self.tally, self._order, self.clock)

    def clock(self) -> float:
        return self.now

    def means(self) -> Means:
        return Means(self.nodes, self.options, self.store.revocations, self.bans, self.as_of_now, 2.0)  # type: ignore[arg-type]

    async def as_of_now(self, session: Session) -> Session:
        return session

    def later(self, seconds: float = 60.0) -> None:
        self.now += seconds

    async def opened(self, *ids: str, node: str = "n1", client: Principal | None = ANN) -> None:
        """Sessions that authgate knows of, since now."""
        at = int(self.now * 1000)
        sessions = [Session(SessionKey(node, each), "app", at, client) for each in ids]
        await self._write(Entry(a_record(key=each.key, at=at, method="connect"), Open(each)) for each in sessions)

    async def both(self, *ids: str, **named: Any) -> None:
        """The same, and the media server has them too."""
        await self.opened(*ids, **named)
        self.wcs.add(*ids)

    async def closed(self, *ids: str, why: Over = Over.TOLD, node: str = "n1") -> None:
        at = int(self.now * 1000)
        keys = [SessionKey(node, each) for each in ids]
        await self._write(Entry(a_record(key=key, at=at, method="x"), Close(key, at, why)) for key in keys)

    async def streams(self, session: str, *ids: str, node: str = "n1", **changes: Any) -> None:
        """Streams that authgate was told of, now."""
        at = int(self.now * 1000)
        key = SessionKey(node, session)
        news = [StreamNews(MediaKey(*key, each), "app", at, "cam", True, "PUBLISHING") for each in ids]
        await self._write(Entry(a_record(key=key, at=at, method="x"), news=replace(each, **changes)) for each in news)

    async def calls(self, session: str, *ids: str, node: str = "n1") -> None:
        """Calls that authgate was told of, now."""
        at = int(self.now * 1000)
        key = SessionKey(node, session)
        news = [CallNews(CallKey(*key, each), "app", at, "ann", "bob", False, "ESTABLISHED") for each in ids]
        await self._write(Entry(a_record(key=key, at=at, method="x"), news=each) for each in news)

    async def live_calls(self) -> list[str]:
        return [each.key.call for each in await self.store.calls.list()]

    async def live(self) -> list[str]:
        return [each.key.session for each in await self.store.sessions.list()]

    async def live_streams(self) -> list[str]:
        return [each.key.media for each in await self.store.streams.list()]

    async def ending(self) -> dict[str, str]:
        """The sessions that are to be ended, and why."""
        return {each.key.session: each.ending.reason for each in await self.store.sessions.list() if each.ending}

    def _order(self) -> None:
        self.ordered += 1

    async def _write(self, entries: Any) -> None:
        await asyncio.gather(*map(self.store.ledger.write, entries))


@pytest.fixture
async def world(store: Store) -> AsyncIterator[World]:
    """With one node, which covers whatever nodeId begins with an n."""
    async with running() as fake:
        nodes = WcsNodes([WcsOptions("n*", fake.url, end_strangers_of=("ours",), timeout=30.0)])
        yield World(store, fake, nodes)
        await nodes.close()
