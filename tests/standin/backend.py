"""A back end whose answers a test decides, down to the status line: the test-bed of the stand-in itself."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Say:
    """One answer. At rest: 200 with the very bytes received."""

    status: int = 200
    phrase: str = "OK"
    body: bytes | None = None  # None: the hook's own body
    content_type: str | None = "application/json"
    after: float = 0  # seconds
    hang_up: bool = False  # close the connection in place of an answer


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in."""

    method: str  # of the hook
    verb: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.body)
        return fields


@dataclass(slots=True)
class Backend:
    """Answers hooks as ``answers`` says; a list is used up one by one, then the last one stays."""

    answers: dict[str, Say | list[Say]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    url: str = ""
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    def of(self, method: str) -> list[Request]:
        return [request for request in self.requests if request.method == method]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        serving = asyncio.ensure_future(self._answer(reader, writer))
        self._open.add(serving)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await serving
        self._open.discard(serving)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def close(self) -> None:
        """Drop every connection, whatever was being answered."""
        for serving in self._open:
            serving.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await asyncio.sleep(0)  # lets the sockets go

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await _read(reader)
            self.requests.append(request)
            say = self._next(request.method)
            await asyncio.sleep(say.after)
            if say.hang_up:
                return
            writer.write(_written(say, request.body))
            await writer.drain()

    def _next(self, method: str) -> Say:
        say = self.answers.get(method, Say())
        if isinstance(say, list):
            return say.pop(0) if len(say) > 1 else say[0]
        return say


def refused(status: int = 403, phrase: str = "Forbidden", **body: Any) -> Say:
    """A refusal; without a body it is an empty page, as plain web servers give."""
    if not body:
        return Say(status, phrase, b"", "text/html")
    return Say(status, phrase, json.dumps(body).encode())


def configured(**methods: dict[str, str]) -> Say:
    """An answer to ``connect`` with nothing in it but settings, each method's given on top of the defaults."""
    rest = {"clientExclude": "", "restExclude": "", "restOnError": "LOG", "restPolicy": "NOTIFY", "restOverwrite": ""}
    config = {name: rest | entry for name, entry in methods.items()}
    return Say(body=json.dumps({"restClientConfig": config}).encode())


@asynccontextmanager
async def backend(**answers: Say | list[Say]) -> AsyncIterator[Backend]:
    """A back end on a free port of the loopback; answers by hook method."""
    one = Backend(dict(answers))
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks"
    async with server:
        yield one
        await one.close()


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
    return head.encode() + b"\r\n" + body
