"""One scrape: what all workers have counted, and what the store says is going on."""

import asyncio
import logging
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import authgate
from authgate.errors import StoreError
from authgate.metrics import table
from authgate.metrics.exposition import Labels, Numbers, merged, text
from authgate.metrics.table import OTHER, Metric
from authgate.store.live import Live
from authgate.store.record_streams import RecordStreamState
from authgate.store.webhooks import WebhookState
from authgate.wiring import Service

log = logging.getLogger(__name__)

_FRESH = 5.0  # seconds that one count of what is live serves everybody who scrapes
_SHARE = 20  # times as long as it took it serves at least, however much there is to be counted
_MOST_NODES = 100  # that have labels of their own


class Scrapes:
    """Answers scrapes, whoever of the workers is asked."""

    def __init__(self, service: Service, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._clock = clock
        self._kept: _Kept | None = None
        self._due_at = float("-inf")  # by the clock: when the store is asked again
        self._counting = asyncio.Lock()

    async def text(self) -> bytes:
        """What Prometheus reads now."""
        kept = await self._asked()
        every = merged(self._service.meter.read())
        every |= {metric.name: numbers for metric, numbers in self._here(kept)}
        return await asyncio.to_thread(text, every)  # hooks are answered meanwhile

    async def _asked(self) -> "_Kept | None":
        """What the store says, or lately said; None while it does not."""
        async with self._counting:
            began = self._clock()
            if began >= self._due_at:
                store, self._kept = self._service.store, None
                try:
                    live = await store.live.count()
                    hooks = {each.name for each in self._service.config.webhooks}
                    states = [each for each in await store.webhooks.list() if each.name in hooks] if hooks else []
                    stream = await self._stream()
                    newest = await store.records.newest_seq() if states or stream else 0
                    oldest = await store.records.oldest_seq() if stream else None
                    self._kept = _Kept(live, states, stream, oldest, newest)
                except StoreError as error:
                    log.debug("could not count what is live: %s", error)
                self._due_at = began + max(_FRESH, (self._clock() - began) * _SHARE)
            return self._kept

    async def _stream(self) -> RecordStreamState | None:
        options = self._service.config.records.stream
        if options.url is None:
            return None
        return await self._service.store.record_streams.find(options.key) or RecordStreamState(options.key, 0)

    def _here(self, kept: "_Kept | None") -> Iterable[tuple[Metric, Numbers]]:
        yield table.BUILD, {(authgate.__version__, platform.python_version()): 1.0}
        blocks, now = self._service.store.blocks, time.time()
        yield table.BLOCKS, {(kind,): blocks.count(kind, now) for kind in ("ban", "lock")}
        yield table.LIVE_UP, {(): kept is not None}
        if kept is not None:
            yield from going_on(kept.live, self._service.verdicts.apps)
            yield from delivered(kept.webhooks, kept.newest)
            if kept.stream is not None:
                yield from sent(kept.stream, kept.oldest, kept.newest)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What only the store knows."""

    live: Live
    webhooks: Sequence[WebhookState]
    stream: RecordStreamState | None  # None: there is none
    oldest: int | None  # number of the oldest record, where there is a stream; None: there are no records
    newest: int  # number of the newest record, where there is a webhook or a stream


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


def delivered(webhooks: Iterable[WebhookState], newest: int) -> Iterable[tuple[Metric, Numbers]]:
    """The gauges of webhooks, where the newest record has this number."""
    found = [*webhooks]
    yield table.WEBHOOK_BEHIND, {(each.name,): max(0, newest - each.at) for each in found}
    yield table.WEBHOOK_FAILURES, {(each.name,): each.failures for each in found}
    yield table.WEBHOOK_ON, {(each.name,): each.disabled_at is None for each in found}


def sent(stream: RecordStreamState, oldest: int | None, newest: int) -> Iterable[tuple[Metric, Numbers]]:
    """The gauges of the stream of records, where these are the numbers of the oldest and of the newest record."""
    yield table.STREAM_BEHIND, {(): stream.waiting(oldest, newest)}
    yield table.STREAM_UP, {(): stream.failing_at is None}


_ROLES = {True: "published", False: "played", None: "unknown"}


def _bounded(counts: Iterable[tuple[Labels, int]], apps: frozenset[str], nodes: frozenset[str]) -> Numbers:
    found = Counter[Labels]()
    for (app, node, *more), count in counts:
        found[app if app in apps else OTHER, node if node in nodes else OTHER, *more] += count
    return dict(found)
