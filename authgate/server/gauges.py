"""What a worker shows of itself, each second, where the metrics of all workers are read."""

import asyncio
import logging
import os
import resource
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from authgate.metrics import table
from authgate.metrics.table import Metric
from authgate.server.reload import Generation
from authgate.wiring import Service

log = logging.getLogger(__name__)

_EVERY = 1.0  # seconds
_LATE = 10  # looks of which the latest counts

Gauge = tuple[tuple[Metric, tuple[str, ...]], float]


async def publish(service: Service, in_force: Callable[[], Generation]) -> None:
    """Do so until cancelled."""
    loop, late = asyncio.get_running_loop(), deque([0.0], _LATE)
    while True:
        due = loop.time() + _EVERY
        try:
            _rise(service)
            service.meter.show(dict((*_service(service), *_process(), *_generation(in_force()), _lag(max(late)))))
        except Exception:
            log.exception("could not show how this worker stands")
        await asyncio.sleep(max(0.0, due - loop.time()))
        late.append(max(0.0, loop.time() - due))


def _service(service: Service) -> Iterator[Gauge]:
    for operation, (up, _) in service.store.states().items():
        yield (table.STORE_UP, (operation,)), up
    taken, most = service.store.connections
    yield (table.CONNECTIONS, ("taken",)), taken
    yield (table.CONNECTIONS, ("most",)), most
    yield (table.LEDGER, ()), service.store.ledger.waiting
    yield (table.SPOOL, ()), service.store.ledger.deferred
    hashing = service.hasher.state()
    yield (table.HASH_THREADS, ()), hashing["workers"]
    yield (table.HASHES_RUNNING, ()), hashing["running"]
    yield (table.HASHES_WAITING, ()), hashing["waiting"]
    yield (table.MEMORY, ()), hashing["remembered"]
    for name, target in service.targets.states().items():
        yield (table.TARGET_UP, (name,)), target["breaker"] == "closed"
        if "queue_bytes" in target:
            yield (table.OBSERVERS, (name,)), float(target["queue_bytes"])
    for each in service.directory.states():
        yield (table.SOURCE_UP, (each["name"],)), each["state"] != "away"
    yield from _key_sets(service)
    yield (table.READERS, ()), service.feed.readers
    for state in service.live.states():
        yield (table.WCS_UP, (state.node,)), not state.fault
        yield (table.WCS_UNKNOWN, (state.node,)), state.unknown_connections


def _key_sets(service: Service) -> Iterator[Gauge]:
    now = time.time()
    for each in service.keys.key_sets.states():
        yield (table.KEYS, (each.issuer,)), len(each.keys) if each.state.usable else 0
        if each.fetched_at is not None:
            yield (table.KEY_AGE, (each.issuer,)), max(0.0, now - each.fetched_at / 1000)


def _generation(now: Generation) -> Iterator[Gauge]:
    yield (table.WORKERS, ()), 1
    yield (table.GENERATION, ()), now.number
    yield (table.LOADED, ()), datetime.fromisoformat(now.loaded_at).timestamp()


def _lag(seconds: float) -> Gauge:
    return (table.LAG, ()), seconds


def _rise(service: Service) -> None:
    for operation, (_, failed) in service.store.states().items():
        service.meter.rise(table.STORE_ERRORS, (operation,), failed)
    service.meter.rise(table.REMOVED, (), service.store.record_upkeep.retention.removed)
    spent = resource.getrusage(resource.RUSAGE_SELF)
    service.meter.rise(table.CPU, (), spent.ru_utime + spent.ru_stime)


def _process() -> Iterator[Gauge]:
    yield (table.STARTED, ()), _STARTED
    yield (table.MOST_FILES, ()), resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
        yield (table.RESIDENT, ()), pages * resource.getpagesize()
        yield (table.OPEN_FILES, ()), len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names alone, each second
    except OSError:
        return  # not Linux


_STARTED = time.time()
