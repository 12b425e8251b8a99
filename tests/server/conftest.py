import asyncio
import socket
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
import uvicorn

from authgate.hooks.caller import Caller, CallerOptions
from authgate.server.app import HookEndpoint, application
from authgate.server.protocol import HookProtocol
from tests.test_gateway import build


@asynccontextmanager
async def _life():
    yield


class Served:
    """A real uvicorn on a port of its own, in front of a gateway over fakes."""

    def __init__(self, gateway, caller=None, base="/hooks", deadline=5.0, max_body=4096, keep_alive=75, routes=()):
        self.gateway = gateway
        service = SimpleNamespace(gateway=gateway, caller=Caller(caller or CallerOptions()))
        endpoint = HookEndpoint(service, base.rstrip("/"), deadline, max_body)
        app = application(endpoint, list(routes), _life)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=keep_alive,
            http=HookProtocol,
            ws="none",
        )
        self._server = uvicorn.Server(config)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def __aenter__(self):
        self._task = asyncio.create_task(self._server.serve([self._socket]))
        while not self._server.started:  # noqa: ASYNC110 - uvicorn tells by an attribute
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_):
        self._server.should_exit = True
        await self._task

    async def raw(self, *pieces, pause=0.0):
        """Send bytes as they are and read until the other side closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        received = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return received


@pytest.fixture
def serve():
    """Starts servers: ``async with serve(caller=...) as served``."""
    return lambda gateway=None, **options: Served(gateway or build(), **options)
