"""HTTP down to the status line: what a server of tests was asked, and what it says."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Say:
    """One answer. At rest: 200 with the very bytes received."""

    status: int = 200
    phrase: str = "OK"
    body: bytes | None = None  # None: the body of the request
    content_type: str | None = "application/json"
    after: float = 0  # seconds
    hang_up: bool = False  # close the connection in place of an answer
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in."""

    method: str  # the last part of its path: of a hook, its method
    verb: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.body)
        return fields


class HttpServer:
    """Answers on a port of the loopback, connections kept open, until it is stopped; it may be started again there."""

    def __init__(self, answer: Callable[[Request], Awaitable[Say]]) -> None:
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self.port = 0
        self.connections = 0  # how many there have been

    @property
    def address(self) -> str:
        """Its URL, without a path."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen: at first on a free port, later on the same one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more, and drop every connection, whatever was being answered."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for serving in self._open:
            serving.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await asyncio.sleep(0)  # lets the sockets go

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        serving = asyncio.ensure_future(self._converse(reader, writer))
        self._open.add(serving)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await serving
        self._open.discard(serving)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await _read(reader)
            say = await self._answer(request)
            await asyncio.sleep(say.after)
            if say.hang_up:
                return
            writer.write(_written(say, request.body))
            await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    verb, path, _ = line.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (text.partition(":") for text in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(path.rpartition("/")[2], verb, path, headers, body)


def _written(say: Say, received: bytes) -> bytes:
    body = received if say.body is None else say.body
    head = f"HTTP/1.1 {say.status} {say.phrase}\r\nContent-Length: {len(body)}\r\n"
    if say.content_type is not None:
        head += f"Content-Type: {say.content_type}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in say.headers)
    return head.encode() + b"\r\n" + body
