"""Starts the server: everything that can be wrong is said before the port opens."""

import asyncio
import logging
import math
import os
import signal
import sys
from pathlib import Path

import uvicorn

import authgate
from authgate.config import Config, load
from authgate.errors import StoreError
from authgate.passwords import Hasher
from authgate.server.logs import set_up
from authgate.store import Store

log = logging.getLogger(__name__)


def serve(path: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Run until told to stop; ``host``, ``port`` and ``workers`` go before what is configured.

    Raises:
        ConfigError: the configuration cannot be used.
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
    hasher = Hasher(config.hashing)
    hasher.self_test()
    hasher.close()
    away = asyncio.run(_check(config))
    if away:
        # A machine that boots may have its database up later; until then nobody is let in.
        log.error("starting all the same, and refusing until it is back: %s", away)
    options = config.server
    scheme = "https" if options.tls_certificate else "http"
    listening = f"{scheme}://{options.host}:{options.port}{options.base}"
    log.info("authgate %s answers hooks at %s", authgate.__version__, listening)
    # uvicorn raises the signal that stopped it once more when all is done; being told to stop is no failure.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: sys.exit(0))
    try:
        uvicorn.run(
            "authgate.asgi:create",
            factory=True,
            host=options.host,
            port=options.port,
            workers=options.workers,
            ssl_certfile=options.tls_certificate,
            ssl_keyfile=options.tls_key,
            timeout_keep_alive=options.keep_alive,
            timeout_graceful_shutdown=math.ceil(options.deadline) + 1,
            backlog=4096,
            log_config=None,  # ours stands already
            access_log=False,
            proxy_headers=False,  # X-Forwarded-For is believed by [caller] alone
            server_header=False,
            ws="none",
            lifespan="on",
        )
    finally:
        lines.flush()


async def _check(config: Config) -> str:
    """Why the store cannot be reached, "" where it can.

    Raises:
        StoreError: it can be reached, and is not at the newest revision.
    """
    store = Store(config.store)
    try:
        await store.ping()
    except StoreError as error:
        return str(error)
    else:
        await store.check()
        return ""
    finally:
        await store.close()
