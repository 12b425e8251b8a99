"""Starts the server: everything that can be wrong is said before the port opens."""

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import authgate
from authgate.config import Config, load
from authgate.errors import StoreError
from authgate.passwords import Hasher, fitting, this_machine
from authgate.server.hangups import hangups
from authgate.server.listeners import Listeners, check_tls, listen, url
from authgate.server.logs import set_up
from authgate.server.presence import Presence
from authgate.server.reload import Generation, Reload
from authgate.server.supervisor import Supervisor
from authgate.server.worker import Worker
from authgate.server.worker import serve as answer
from authgate.store import Store

log = logging.getLogger(__name__)


def serve(path: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Run until told to stop; ``host``, ``port`` and ``workers`` go before what is configured.

    Raises:
        ConfigError: the configuration cannot be used.
        Refused: the address to listen on is taken.
        StoreError: the store is there, and not at the newest revision.
    """
    # They count again whenever the configuration is taken over.
    for name, value in (("HOST", host), ("PORT", port), ("WORKERS", workers)):
        if value is not None:
            os.environ[f"AUTHGATE_SERVER__{name}"] = str(value)
    serve_by(load(path, os.environ))


def serve_by(config: Config, opened: Callable[[Listeners], object] = lambda _: None) -> None:
    """Run by these settings until told to stop; ``opened`` is told of the sockets before hooks are answered.

    Raises:
        ConfigError: they cannot be used.
        Refused: the address to listen on is taken.
        StoreError: the store is there, and not at the newest revision.
    """
    lines, verdicts = set_up(config.log)
    for warning in config.warnings():
        log.warning("%s", warning)
    _check_here(config)
    away = asyncio.run(_check_store(config))
    if away:
        # A machine that boots may have its database up later; until then nobody is let in.
        log.error("starting all the same, and refusing until it is back: %s", away)
    options = config.server
    presence = Presence(config.store.spool, config.source)
    with closing(listen(config)) as listeners, closing(presence):
        presence.claim()
        opened(listeners)
        where = url(listeners.hooks, options.host, options.tls_certificate)
        log.info("authgate %s answers hooks at %s%s", authgate.__version__, where, options.base)
        if listeners.admin is not None:
            log.info("administered at %s", url(listeners.admin, config.admin.host, config.admin.tls_certificate))
        log.info("configuration %s is in force", config.revision)
        try:
            first = Generation(config)
            if options.workers == 1:
                began = _alone(Worker(first, lines, verdicts), listeners, presence)
            else:
                began = asyncio.run(_together(Supervisor(first, listeners), presence))
            if not began:
                raise SystemExit(1)  # the log says why
        finally:
            lines.flush()


def _alone(worker: Worker, listeners: Listeners, presence: Presence) -> bool:
    """Answer hooks in this process; whether that ever began."""
    reload = Reload(worker, presence)
    app = worker.app(partial(reload.run, hangups()), listeners.admin)
    return answer(app, worker.in_force.config.server, listeners.hooks)


async def _together(supervisor: Supervisor, presence: Presence) -> bool:
    """Have several processes answer hooks; whether that could begin."""
    reloading = asyncio.create_task(Reload(supervisor, presence).run(hangups()))
    try:
        return await supervisor.run()
    finally:
        reloading.cancel()
        await asyncio.gather(reloading, return_exceptions=True)


def _check_here(config: Config) -> None:
    """Try what each worker will need of this machine.

    Raises:
        ConfigError: something does not work; it names the option.
    """
    hasher = Hasher(config.hashing, fitting(config.hashing, config.server.workers, this_machine()))
    hasher.self_test()
    hasher.close()
    check_tls("server", config.server.tls_certificate, config.server.tls_key)
    check_tls("admin", config.admin.tls_certificate, config.admin.tls_key)


async def _check_store(config: Config) -> str:
    """Why the store cannot be reached, "" where it can.

    Raises:
        ConfigError: the spool's folder cannot be used.
        StoreError: the store can be reached, and is not at the newest revision.
    """
    store = Store(config.store)
    try:
        await store.start()
        revision = await store.revision()
    except StoreError as error:
        return str(error)
    else:
        revision.demand_newest()
        await _check_keys(config, store)
        return ""
    finally:
        await store.close()


async def _check_keys(config: Config, store: Store) -> None:
    """Warn of signing keys that are of no use; clients come in by other means too, so it is no reason not to start."""
    if all(each.type != "issued" for each in config.verifiers):
        return
    from authgate.admin import key_warnings  # here, since a server that issues nothing needs nothing of it

    try:
        for warning in await key_warnings(store, config.verifiers, issuing=config.issuing.issues):
            log.warning("%s", warning)
    except StoreError as error:
        log.warning("it is not known whether our own signing keys can be used: %s", error)
