"""Starts the server: everything that can be wrong is said before the port opens."""

import asyncio
import logging
import os
import socket
import ssl
from contextlib import closing
from functools import partial
from pathlib import Path

import authgate
from authgate.admin import key_warnings
from authgate.config import Config, ServerOptions, load
from authgate.errors import ConfigError, Refused, StoreError
from authgate.passwords import Hasher, fitting, this_machine
from authgate.server.hangups import hangups
from authgate.server.logs import set_up
from authgate.server.presence import Presence
from authgate.server.reload import Generation, Reload
from authgate.server.supervisor import Supervisor
from authgate.server.worker import BACKLOG, Worker
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
    config = load(path, os.environ)
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
    with _listener(options) as listener, closing(presence):
        presence.claim()
        port = listener.getsockname()[1]
        scheme = "https" if options.tls_certificate else "http"
        host = f"[{options.host}]" if ":" in options.host else options.host
        log.info("authgate %s answers hooks at %s://%s:%d%s", authgate.__version__, scheme, host, port, options.base)
        log.info("configuration %s is in force", config.revision)
        try:
            first = Generation(config)
            if options.workers == 1:
                began = _alone(Worker(first, lines, verdicts), listener, presence)
            else:
                began = asyncio.run(_together(Supervisor(first, listener), presence))
            if not began:
                raise SystemExit(1)  # the log says why
        finally:
            lines.flush()


def _alone(worker: Worker, listener: socket.socket, presence: Presence) -> bool:
    """Answer hooks in this process; whether that ever began."""
    reload = Reload(worker, presence)
    return answer(worker.app(partial(reload.run, hangups())), worker.in_force.config.server, listener)


async def _together(supervisor: Supervisor, presence: Presence) -> bool:
    """Have several processes answer hooks; whether that could begin."""
    reloading = asyncio.create_task(Reload(supervisor, presence).run(hangups()))
    try:
        return await supervisor.run()
    finally:
        reloading.cancel()
        await asyncio.gather(reloading, return_exceptions=True)


def _listener(options: ServerOptions) -> socket.socket:
    """The socket on which hooks are received.

    Raises:
        Refused: the address is taken, or is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family, backlog=BACKLOG)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise Refused(f"cannot listen on {options.host}, port {options.port}: {why}") from None


def _check_here(config: Config) -> None:
    """Try what each worker will need of this machine.

    Raises:
        ConfigError: something does not work; it names the option.
    """
    hasher = Hasher(config.hashing, fitting(config.hashing, config.server.workers, this_machine()))
    hasher.self_test()
    hasher.close()
    if config.server.tls_certificate is not None:
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(config.server.tls_certificate, config.server.tls_key)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError([f"server.tls_certificate: cannot be used with tls_key: {error.strerror}"]) from None


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
    try:
        for warning in await key_warnings(store, config.verifiers, issuing=config.issuing.issues):
            log.warning("%s", warning)
    except StoreError as error:
        log.warning("it is not known whether our own signing keys can be used: %s", error)
