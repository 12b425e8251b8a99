"""One worker: what a process answers hooks with, and how another configuration gets into it."""

import asyncio
import gc
import logging
import math
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from authgate.config import ServerOptions
from authgate.errors import ConfigError
from authgate.metrics import Memory, Meter
from authgate.ports import VerdictLog
from authgate.server import orders
from authgate.server.app import HookEndpoint, application
from authgate.server.gauges import publish
from authgate.server.health import health_routes
from authgate.server.listeners import BACKLOG, Listeners
from authgate.server.logs import Lines, set_up
from authgate.server.orders import Order, Verb
from authgate.server.reload import PATIENCE, UNEXPECTED, Generation, now_iso
from authgate.server.tokens import token_routes
from authgate.store import Store
from authgate.wiring import Prepared, build

log = logging.getLogger(__name__)

Companion = Callable[[], Coroutine[Any, Any, None]]


class Worker:
    """Answers hooks by the generation in force. It is a ``Workers`` of one."""

    count = 1

    def __init__(self, first: Generation, lines: Lines, verdicts: VerdictLog, meter: Meter | None = None) -> None:
        """Build it; it writes its log to these ``lines``, and others read what it counts from its ``meter``.

        Raises:
            ConfigError: that cannot be done.
        """
        self.in_force = first
        self._lines = lines
        self._service = build(first.config, verdicts, meter)
        self._started_at = now_iso()
        self._ready: tuple[Generation, Prepared] | None = None
        self._ending = asyncio.Event()
        self._retiring: set[asyncio.Task[None]] = set()

    def app(self, companion: Companion | None = None, admin_listener: socket.socket | None = None) -> ASGIApp:
        """The application of hooks, and as long as it runs the one that administers, on a listener of its own.

        ``companion`` runs beside them, from when hooks can be answered until it ends.
        """

        @asynccontextmanager
        async def life() -> AsyncIterator[None]:
            async with self._service.running(), AsyncExitStack() as others:
                if admin_listener is not None:
                    from authgate.server import admin  # here, since many have no such listener

                    options = self.in_force.config.admin
                    await others.enter_async_context(admin.served(self._service, options, admin_listener))
                _spare_the_collector()
                publishing = asyncio.create_task(publish(self._service, lambda: self.in_force))
                beside = asyncio.create_task(companion()) if companion else None
                try:
                    yield
                finally:
                    for task in filter(None, (publishing, beside)):
                        task.cancel()
                        await asyncio.gather(task, return_exceptions=True)
                    await self.end()
            self._lines.flush()

        server = self.in_force.config.server
        endpoint = HookEndpoint(self._service, server.base.rstrip("/"), server.deadline, server.max_body)
        routes = health_routes(self._service.gateway.tally, self._service.faults, self._shown)
        routes += token_routes(self._service, self._service.gateway.tally)
        return application(endpoint, routes, life)

    async def take_over(self, offered: Generation) -> Sequence[str]:
        """Answer by it from the next hook on; or why not."""
        try:
            async with asyncio.timeout(PATIENCE):
                faults = await self.prepare(offered)
        except TimeoutError:
            return [f"it was not ready within {PATIENCE:g} seconds"]
        if not faults:
            self.adopt()
        return faults

    async def prepare(self, offered: Generation) -> Sequence[str]:
        """Build what it comes to, beside what is in force; what is wrong with it."""
        await self.drop()
        try:
            self._ready = offered, await asyncio.to_thread(self._service.prepare, offered.config)
        except ConfigError as error:
            return error.faults
        except Exception:
            log.exception("could not prepare a configuration")
            return [UNEXPECTED]
        return ()

    def adopt(self) -> None:
        """Answer by what was prepared; nothing, where nothing was. One step of the event loop: no hook sees a part."""
        if self._ready is None:
            return
        (self.in_force, prepared), self._ready = self._ready, None
        before = self._service.adopt(prepared)
        prepared.keys.start()
        try:
            prepared.targets.start()
        except ConfigError as error:
            for fault in error.faults:
                log.error("hooks for those who observe wait until the next start: %s", fault)
        task = asyncio.create_task(self._retire(before))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def drop(self) -> None:
        """Forget what was prepared."""
        if self._ready is not None:
            (_, prepared), self._ready = self._ready, None
            await prepared.close()

    async def end(self) -> None:
        """Let go of all that is not in force any more, or not yet."""
        await self.drop()
        self._ending.set()
        await asyncio.gather(*self._retiring)

    async def _retire(self, before: Prepared) -> None:
        """Close what was in force before when no hook can need it any more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.in_force.config.server.deadline):
                await self._ending.wait()
        try:
            await before.close()
        except Exception:
            log.exception("could not close what a configuration of before was answered by")

    def _shown(self) -> Mapping[str, Any]:
        now = self.in_force
        return {
            "configuration": {
                "revision": now.config.revision,
                "generation": now.number,
                "loaded_at": now.loaded_at,
            },
            "worker": {
                "place": self._service.meter.place,
                "of": len(self._service.meter.sheets),
                "process": os.getpid(),
                "started_at": self._started_at,
            },
            "store": _store(self._service.store),
            "hashing": self._service.hasher.state(),
            "targets": self._service.targets.states(),
            "key_sets": self._service.keys.states(),
            "user_sources": self._service.directory.states(),
            "wcs": [{"node": each.node, "state": each.word} for each in self._service.live.states()],
        }


def _store(store: Store) -> Mapping[str, Any]:
    """How it stands with the store, and what waits for it here."""
    told: dict[str, Any] = {name: "answers" if up else "away" for name, (up, _) in store.states().items()}
    return told | {"waiting": store.ledger.waiting, "spool_bytes": store.ledger.deferred}


def serve(app: ASGIApp, options: ServerOptions, listener: socket.socket) -> bool:
    """Answer on this socket until told to stop; whether that ever began."""
    # uvicorn raises the signal that stopped it once more when all is done; being told to stop is no failure.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: sys.exit(0))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            workers=1,
            backlog=BACKLOG,
            ssl_certfile=options.tls_certificate,
            ssl_keyfile=options.tls_key,
            timeout_keep_alive=options.keep_alive,
            timeout_graceful_shutdown=math.ceil(options.deadline) + 1,
            log_config=None,  # ours stands already
            access_log=False,
            proxy_headers=False,  # X-Forwarded-For is believed by [caller] alone
            server_header=False,
            http="authgate.server.protocol:HookProtocol",
            ws="none",
            lifespan="on",
        )
    )
    server.run([listener])
    return server.started


def work(line: socket.socket, listeners: Listeners, memories: Sequence[Memory], place: int) -> None:
    """A process that is one worker of several, as its supervisor orders over this line; it counts at its ``place``."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the supervisor's to obey, though all in its group receive it
    try:
        begin = orders.first(line)
    except EOFError:
        return
    if begin.generation is None:
        raise TypeError("a worker begins with a generation")
    try:
        worker = Worker(begin.generation, *set_up(begin.generation.config.log), Meter(memories, place))
    except ConfigError as error:
        for fault in error.faults:
            log.error("%s", fault)
        sys.exit(STARTUP_FAILURE)

    async def obey() -> None:
        try:
            await _obey(line, worker, begin)
        except (EOFError, ConnectionError):
            log.error("the process that started this worker is gone: it stops")
        except Exception:
            log.exception("this worker cannot do what it is ordered: it stops")
        signal.raise_signal(signal.SIGTERM)

    serve(worker.app(obey, listeners.admin), begin.generation.config.server, listeners.hooks)


async def _obey(line: socket.socket, worker: Worker, begun: Order) -> None:
    """Do what is ordered, one thing after the other."""
    reader, writer = await asyncio.open_unix_connection(sock=line)
    writer.write(orders.answer(begun))
    while True:
        order = await orders.received(reader)
        faults: Sequence[str] = ()
        match order.verb:
            case Verb.PREPARE if order.generation is not None:
                faults = await worker.prepare(order.generation)
            case Verb.ADOPT:
                worker.adopt()
            case Verb.DROP:
                await worker.drop()
        writer.write(orders.answer(order, faults))
        await writer.drain()


def _spare_the_collector() -> None:
    """What is loaded by now stays for good and hooks leave no cycles: to look at it all again only makes them wait."""
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    gc.enable()
