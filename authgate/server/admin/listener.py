"""The admin socket served by uvicorn beside the one of hooks, in the same process and on the same event loop."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from authgate.config import AdminOptions
from authgate.server.admin.protocol import AdminProtocol

log = logging.getLogger(__name__)

KEEP_ALIVE = 30  # seconds that an idle connection stays
GRACE = 1  # seconds for answers on their way when the server stops
MAX_MESSAGE = 64 * 1024  # bytes of a message over a WebSocket


@asynccontextmanager
async def listening(
    app: ASGIApp, options: AdminOptions, sock: socket.socket, ending: asyncio.Event
) -> AsyncIterator[None]:
    """In it, the application answers on this socket; ``ending`` is set before it stops."""
    protocol = type("Bounded", (AdminProtocol,), {"most": options.max_connections})
    server = _Server(
        uvicorn.Config(
            app,
            backlog=128,
            ssl_certfile=options.tls_certificate,
            ssl_keyfile=options.tls_key,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            http=protocol,
            ws="websockets-sansio",
            ws_max_size=MAX_MESSAGE,
            ws_per_message_deflate=False,
            lifespan="off",
        )
    )
    serving = asyncio.create_task(_serve(server, sock))
    try:
        yield
    finally:
        ending.set()
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)


async def _serve(server: uvicorn.Server, sock: socket.socket) -> None:
    try:
        await server.serve([sock])
    except Exception:
        log.exception("authgate cannot be administered over HTTP any more; hooks are answered as before")


class _Server(uvicorn.Server):
    """One that leaves the signals of the process to the server of hooks."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield
