"""Starts the server: everything that can be wrong is said before the port opens."""

import asyncio
import logging
import math
import os
import signal
import socket
import ssl
import sys
from pathlib import Path

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

import authgate
from authgate.config import Config, ServerOptions, load
from authgate.errors import ConfigError, Refused, StoreError
from authgate.passwords import Hasher
from authgate.server.logs import set_up
from authgate.store import Store

log = logging.getLogger(__name__)

_BACKLOG = 4096  # connections that wait to be accepted: after a restart of the media server all clients come at once


def serve(path: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Run until told to stop; ``host``, ``port`` and ``workers`` go before what is configured.

    Raises:
        ConfigError: the configuration cannot be used.
        Refused: the address to listen on is taken.
        StoreError: the store is there, and not at the newest revision.
    """
    # Workers are processes of their own: what they are to know stands in the environment.
    if path is not None:
        os.environ["AUTHGATE_CONFIG"] = str(path.resolve())
    for name, value in (("HOST", host), ("PORT", port), ("WORKERS", workers)):
        if value is not None:
            os.environ[f"AUTHGATE_SERVER__{name}"] = str(value)
    config = load(path, os.environ)
    lines, _ = set_up(config.log)
    for warning in config.warnings():
        log.warning("%s", warning)
    _check_here(config)
    away = asyncio.run(_check_store(config))
    if away:
        # A machine that boots may have its database up later; until then nobody is let in.
        log.error("starting all the same, and refusing until it is back: %s", away)
    options = config.server
    with _listener(options) as listener:
        port = listener.getsockname()[1]
        scheme = "https" if options.tls_certificate else "http"
        host = f"[{options.host}]" if ":" in options.host else options.host
        log.info("authgate %s answers hooks at %s://%s:%d%s", authgate.__version__, scheme, host, port, options.base)
        try:
            if not _run(options, listener):
                raise SystemExit(1)  # the log says why
        finally:
            lines.flush()


def _listener(options: ServerOptions) -> socket.socket:
    """The socket on which hooks are received.

    Raises:
        Refused: the address is taken, or is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise Refused(f"cannot listen on {options.host}, port {options.port}: {why}") from None


def _run(options: ServerOptions, listener: socket.socket) -> bool:
    """Serve until told to stop; whether that ever began."""
    # uvicorn raises the signal that stopped it once more when all is done; being told to stop is no failure.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: sys.exit(0))
    server = uvicorn.Config(
        "authgate.asgi:create",
        factory=True,
        workers=options.workers,
        backlog=_BACKLOG,
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
    if options.workers == 1:
        one = uvicorn.Server(server)
        one.run([listener])
        return one.started
    many = Multiprocess(server, sockets=[listener])
    many.run()
    return all(each.exitcode != STARTUP_FAILURE for each in many.processes)


def _check_here(config: Config) -> None:
    """Try what each worker will need of this machine.

    Raises:
        ConfigError: something does not work; it names the option.
    """
    hasher = Hasher(config.hashing)
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
        return ""
    finally:
        await store.close()
