"""The feed of events, as Server-Sent Events (WHATWG HTML, 9.2) and over a WebSocket, at one path."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from authgate.api_keys import ApiKey
from authgate.errors import StoreError
from authgate.feed import KINDS, Event, Note, Reader
from authgate.feed.filters import KNOWN, SINGULAR, asked
from authgate.server.admin.access import allowed
from authgate.server.admin.openapi import problems
from authgate.server.admin.problems import HEADERS, Problem, unavailable
from authgate.wiring import Service

PATH = "/api/v1/events"
SCOPE = "events:read"
SEND_SECONDS = 30.0  # for which nothing of what is sent is taken, until the connection is given up
_AT_ONCE = 2  # who are let in at once: when all come back together, hooks want the store too
_JOIN_SECONDS = 10.0  # for which somebody waits for that
_RETRY = b"retry: 2000\n\n"  # milliseconds until a browser comes back
_LARGEST = 2**53 - 1  # the largest number that every reader of JSON keeps exact
_NUMBER = re.compile(r"[0-9]{1,16}")
_GOING_AWAY, _POLICY, _DONE = 1001, 1008, 1000  # RFC 6455, 7.4.1


def routes(service: Service) -> list[BaseRoute]:
    """The path, for either way."""
    lines = _Lines(service)
    return [Route(PATH, lines.over_http, methods=["GET"]), WebSocketRoute(PATH, lines.over_websocket)]


class _Lines:
    """Those who listen over HTTP, in one process."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._open = 0
        self._joining = asyncio.Semaphore(_AT_ONCE)
        self._keys: dict[str, _Watched] = {}

    async def over_http(self, request: Request) -> Response:
        """Server-Sent Events."""
        key, reader = await self._asked(request)
        headers = {**HEADERS, "x-accel-buffering": "no"}
        if request.method == "HEAD":
            return Response(headers=headers, media_type="text/event-stream")
        return StreamingResponse(self._messages(request, key, reader), headers=headers, media_type="text/event-stream")

    async def over_websocket(self, websocket: WebSocket) -> None:
        """A message of text for each event; what the other side sends is not looked at."""
        key, reader = await self._asked(websocket)
        with self._place():
            await websocket.accept()
            async with self._ends(websocket, key, reader), _hears(websocket, reader):
                code = _DONE
                with suppress(WebSocketDisconnect, TimeoutError, RuntimeError):
                    async with aclosing(reader.batches()) as batches:
                        async for batch in batches:
                            for event in batch or (Note(reader.at, "events.alive"),):
                                async with asyncio.timeout(SEND_SECONDS):
                                    await websocket.send_text(event.json.decode())
                                if event.kind == "events.end":
                                    code = _GOING_AWAY if websocket.app.state.ending.is_set() else _POLICY
                    await websocket.close(code)

    async def _messages(self, request: Request, key: ApiKey, reader: Reader) -> AsyncGenerator[bytes, None]:
        with self._place():
            yield _RETRY
            async with self._ends(request, key, reader), aclosing(reader.batches()) as batches:
                async for batch in batches:
                    yield _messages(batch, reader.at)

    async def _asked(self, connection: HTTPConnection) -> tuple[ApiKey, Reader]:
        """Who listens, and how; it has its place from now on.

        Raises:
            Problem: it may not, it cannot be understood, too many do already, or the store is away.
        """
        try:
            async with asyncio.timeout(_JOIN_SECONDS), self._joining:
                return await self._joined(connection)
        except (StoreError, TimeoutError) as trouble:
            raise unavailable(str(trouble) or "too many want to follow the events at once") from None

    async def _joined(self, connection: HTTPConnection) -> tuple[ApiKey, Reader]:
        key = await allowed(connection, SCOPE)
        pairs = [(name, value) for name, value in connection.query_params.multi_items() if name != "after"]
        try:
            wanted = asked(pairs)
            after = _after(connection)
        except ValueError as fault:
            raise Problem(400, str(fault).replace("\n", "; ")) from None
        options = self._service.config.feed
        if self._open >= options.max_readers:
            raise Problem(503, "too many follow the events already; try again later", {"retry-after": "5"})
        reader = self._service.feed.listen(wanted, options.heartbeat)
        await reader.begin(after)
        return key, reader

    @contextmanager
    def _place(self) -> Iterator[None]:
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    @asynccontextmanager
    async def _ends(self, connection: HTTPConnection, key: ApiKey, reader: Reader) -> AsyncIterator[None]:
        """In it, a reader is stopped when its key is good no longer, or nobody can be administered any more."""
        watched = self._keys.get(key.prefix)
        if watched is None or replace(watched.key, last_used_at=key.last_used_at) != key:
            watched = self._keys[key.prefix] = _Watched(connection, key)
        watched.readers.add(reader)
        try:
            if watched.task.done():
                reader.stop(watched.why)
            yield
        finally:
            watched.readers.discard(reader)
            if not watched.readers:
                watched.task.cancel()
                if self._keys.get(key.prefix) is watched:
                    del self._keys[key.prefix]


class _Watched:
    """A key by which some listen: it is looked at once for all of them."""

    def __init__(self, connection: HTTPConnection, key: ApiKey) -> None:
        self.key = key
        self.readers: set[Reader] = set()
        self.why = "this key cannot be looked at any more"
        self.task = asyncio.create_task(self._watch(connection))
        self.task.add_done_callback(self._stop)

    async def _watch(self, connection: HTTPConnection) -> None:
        ending = asyncio.ensure_future(connection.app.state.ending.wait())
        ended = asyncio.ensure_future(connection.app.state.access.ended(self.key))
        try:
            await asyncio.wait({ending, ended}, return_when=asyncio.FIRST_COMPLETED)
            self.why = (
                f"the API key {ended.result()}" if ended.done() else "authgate stops here; come back with this id"
            )
        finally:
            ending.cancel()
            ended.cancel()

    def _stop(self, _task: "asyncio.Task[None]") -> None:
        for reader in self.readers:
            reader.stop(self.why)


@asynccontextmanager
async def _hears(websocket: WebSocket, reader: Reader) -> AsyncIterator[None]:
    """In it, what the other side sends is thrown away, and a reader is stopped when it hangs up."""

    async def hear() -> None:
        message: Message = {"type": ""}
        while message["type"] != "websocket.disconnect":
            message = await websocket.receive()
        reader.stop("the other side has hung up")

    hearing = asyncio.create_task(hear())
    try:
        yield
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)


def _messages(batch: Sequence[Event], at: int) -> bytes:
    """Events as they are sent; where there are none, a sign of life by which the other side knows where it is."""
    return b"".join([event.sse for event in batch]) or b": alive\nid: %d\n\n" % at


def _after(connection: HTTPConnection) -> int | None:
    """The id to go on behind: what a browser has seen last counts for more than what its page began with.

    Raises:
        ValueError: it is none; says what.
    """
    values = connection.query_params.getlist("after")
    if len(values) > 1:
        raise ValueError("after: is given twice")
    seen = connection.headers.get("last-event-id", "")
    named = [("after", value) for value in values] + ([("Last-Event-ID", seen)] if seen else [])
    ids = []
    for name, text in named:
        if not _NUMBER.fullmatch(text) or int(text) > _LARGEST:
            raise ValueError(f"{name}: must be the id of an event, or 0 for all that are kept")
        ids.append(int(text))
    return ids[-1] if ids else None


def _parameters() -> list[dict[str, Any]]:
    told = {
        "kind": f"A kind of event, or the part before its dot. Kinds: {', '.join(KINDS)}.",
        "method": "Method of a hook, such as publishStream.",
        "app": "An application (appKey).",
        "user": "A user.",
        "node": "A node (nodeId).",
        "session": "A session (sessionId).",
        "stream": "Name of a stream.",
        "verdict": "allowed or rejected.",
        "reason": "Reason of a verdict.",
    }
    known = {name: {"type": "string", "enum": [*KNOWN[option]]} for name, option in SINGULAR.items() if option in KNOWN}
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "query",
            "description": f"{told[name]} May come again: one of the values must hold.",
            "schema": {
                "type": "array",
                "items": known.get(name, {"type": "string", "maxLength": 512}),
                "maxItems": 100,
            },
        }
        for name in SINGULAR
    ]
    number = {"type": "integer", "minimum": 0, "maximum": _LARGEST}
    after = "The id that is known already: what follows it is told. Without it, what comes from now on."
    seen = "The same, as browsers send it when they come back; it counts for more."
    found.append({"name": "after", "in": "query", "description": after, "schema": number})
    found.append({"name": "Last-Event-ID", "in": "header", "description": seen, "schema": number})
    return found


_TOLD = (
    "Server-Sent Events, or with an upgrade to WebSocket a message for each. It does not end by itself; docs/events.md "
    f"explains it. Needs the scope `{SCOPE}`."
)
DOCUMENTED: dict[str, Any] = {
    PATH: {
        "get": {
            "operationId": "followEvents",
            "summary": "Follow what happens.",
            "description": _TOLD,
            "parameters": _parameters(),
            "responses": {
                "200": {
                    "description": "Events as they happen: `id`, and `data` with one JSON object.",
                    "content": {"text/event-stream": {"schema": {"type": "string"}}},
                },
                **problems(),
            },
        }
    }
}
