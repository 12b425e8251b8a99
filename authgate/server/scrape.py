"""One scrape: what all workers have counted, and what the store says is going on."""

import asyncio
import logging
import platform
import time
from collections import Counter
from collections.abc import Iterable

import authgate
from authgate.errors import StoreError
from authgate.metrics import table
from authgate.metrics.exposition import Labels, Numbers, merged, text
from authgate.metrics.table import OTHER, Metric
from authgate.store.live import Live
from authgate.wiring import Service

log = logging.getLogger(__name__)

_FRESH = 5.0  # seconds that one count of what is live serves everybody who scrapes
_MOST_NODES = 100  # that have labels of their own


class Scrapes:
    """Answers scrapes, whoever of the workers is asked."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._live: Live | None = None
        self._counted_at = float("-inf")
        self._counting = asyncio.Lock()

    async def text(self) -> bytes:
        """What Prometheus reads now."""
        live = await self._counted()
        every = merged(self._service.meter.read())
        every |= {metric.name: numbers for metric, numbers in self._here(live)}
        return await asyncio.to_thread(text, every)  # hooks are answered meanwhile

    async def _counted(self) -> Live | None:
        """What is live, or lately was; None while the store does not say."""
        async with self._counting:
            now = time.monotonic()
            if now - self._counted_at >= _FRESH:
                self._counted_at = now
                try:
                    self._live = await self._service.store.live.count()
                except StoreError as error:
                    log.debug("could not count what is live: %s", error)
                    self._live = None
            return self._live

    def _here(self, live: Live | None) -> Iterable[tuple[Metric, Numbers]]:
        yield table.BUILD, {(authgate.__version__, platform.python_version()): 1.0}
        blocks, now = self._service.store.blocks, time.time()
        yield table.BLOCKS, {(kind,): blocks.count(kind, now) for kind in ("ban", "lock")}
        yield table.LIVE_UP, {(): live is not None}
        if live is not None:
            yield from going_on(live, self._service.verdicts.apps)


def going_on(live: Live, apps: frozenset[str]) -> Iterable[tuple[Metric, Numbers]]:
    """The gauges of what is live, with the labels of ``apps`` and of the nodes that have the most sessions."""
    nodes = Counter[str]()
    for (_, node), count in live.sessions.items():
        nodes[node] += count
    named = frozenset(node for node, _ in nodes.most_common(_MOST_NODES))
    yield table.SESSIONS, _bounded(live.sessions.items(), apps, named)
    streams = Counter[Labels]()
    for (app, node, published), count in live.streams.items():
        streams[app, node, _ROLES[published]] += count
    yield table.STREAMS, _bounded(streams.items(), apps, named)
    yield table.CALLS, _bounded(live.calls.items(), apps, named)
    yield table.MESSAGES_WAITING, {(): live.messages}
    yield table.TO_END, {("session",): live.sessions_to_end, ("stream",): live.streams_to_end}


_ROLES = {True: "published", False: "played", None: "unknown"}


def _bounded(counts: Iterable[tuple[Labels, int]], apps: frozenset[str], nodes: frozenset[str]) -> Numbers:
    found = Counter[Labels]()
    for (app, node, *more), count in counts:
        found[app if app in apps else OTHER, node if node in nodes else OTHER, *more] += count
    return dict(found)
