"""What uvicorn runs: ``uvicorn --factory authgate.asgi:create``."""

import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.types import ASGIApp

from authgate.config import load
from authgate.server.app import HookEndpoint, application
from authgate.server.health import health_routes
from authgate.server.logs import set_up
from authgate.wiring import build


def create() -> ASGIApp:
    """The application of one worker; the environment says where its configuration is.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    path = os.environ.get("AUTHGATE_CONFIG")
    config = load(Path(path) if path else None, os.environ)
    lines, verdicts = set_up(config.log)
    service = build(config, verdicts)

    @asynccontextmanager
    async def life() -> AsyncIterator[None]:
        async with service.running():
            _spare_the_collector()
            yield
        lines.flush()

    server = config.server
    endpoint = HookEndpoint(service.gateway, service.caller, server.base.rstrip("/"), server.deadline, server.max_body)
    return application(endpoint, health_routes(service.gateway.tally, service.faults), life)


def _spare_the_collector() -> None:
    """What is loaded by now stays for good and hooks leave no cycles: to look at it all again only makes them wait."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
