"""HTTP: a request in, a delivery to the gateway, its reply out."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authgate.deadline import Deadline
from authgate.gateway import Gateway
from authgate.hooks import reply
from authgate.hooks.caller import Caller
from authgate.hooks.methods import method
from authgate.model import Delivery, Reply
from authgate.server.protocol import WHOLE, Whole

log = logging.getLogger(__name__)


class Answers(Protocol):
    """Who answers, as it stands now: another configuration may be taken over between two hooks."""

    gateway: Gateway
    caller: Caller


@dataclass(frozen=True, slots=True)
class HookEndpoint:
    """``POST {base}/{method}``; an ASGI application that always answers with a verdict."""

    service: Answers
    base: str  # without a slash at its end
    deadline: float  # seconds from the end of the headers to the answer
    max_body: int  # bytes

    def serves(self, path: str) -> bool:
        """Whether a path lies at or below the base.

        None with dots in it does: a proxy that lets everybody ask for ``/login`` may take ``/hooks/../login`` for that.
        """
        below = path[len(self.base) :]
        return path.startswith(self.base) and below[:1] in ("", "/") and "/." not in below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"][len(self.base) :].rstrip("/").rpartition("/")[2]
        if scope["method"] in ("GET", "HEAD"):
            return await _send(send, _HELLO, head=scope["method"] == "HEAD")
        if scope["method"] != "POST":
            return await _send(send, _NOT_POST, ((b"allow", b"GET, HEAD, POST"),))
        if not _METHOD.fullmatch(name):
            return await _send(send, NOT_FOUND)
        until = asyncio.get_running_loop().time() + self.deadline
        whole: Whole | None = scope.get("extensions", {}).get(WHOLE)
        body = whole.body() if whole is not None else None
        if body is None:
            try:
                with Deadline(until):
                    body = await self._body(receive)
            except TimeoutError:
                # The rest of the body would be taken for the next request, so there is none.
                return await _send(send, self._unread(name, "slow", reply.TOO_SLOW), ((b"connection", b"close"),))
            except _HungUpError:
                return None
        if body is None or len(body) > self.max_body:
            return await _send(send, self._unread(name, "large", reply.TOO_LARGE))
        answer = await self._answer(_delivery(name, body, scope), until)
        if whole is None or not whole.send(answer.status, _JSON[1], answer.body):
            await _send(send, answer)
        return None

    async def _answer(self, delivery: Delivery, until: float) -> Reply:
        gateway = self.service.gateway
        if not self.service.caller.trusts(delivery):
            gateway.tally["callers_not_trusted"] += 1
            log.warning("a caller that is not trusted sent %s from %s", delivery.method, delivery.peer)
            return reply.REFUSED
        try:
            return await gateway.answer(delivery, until)
        except Exception:
            log.exception("could not answer a hook %s", delivery.method)
            return gateway.in_force.unjudged(method(delivery.method), reply.REFUSED)

    async def _body(self, receive: Receive) -> bytes | None:
        """The whole body, or None where it is over the limit; then it is read to its end and thrown away."""
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            body: bytes = message.get("body", b"")  # the usual case: it came in one piece
            return body if len(body) <= self.max_body else None
        parts, size = [], 0
        while True:
            if message["type"] == "http.disconnect":
                raise _HungUpError
            size += len(message.get("body", b""))
            if size <= self.max_body:
                parts.append(message.get("body", b""))
            if not message.get("more_body"):
                return b"".join(parts) if size <= self.max_body else None
            message = await receive()

    def _unread(self, name: str, fault: str, refusal: Reply) -> Reply:
        self.service.gateway.tally[f"hooks_too_{fault}"] += 1
        log.warning("hook %s is too %s", name, fault)
        return self.service.gateway.in_force.unjudged(method(name), refusal)


class _HungUpError(Exception):
    """The other side closed the connection in the middle of its request."""


def _delivery(name: str, body: bytes, scope: Scope) -> Delivery:
    authorizations: list[str] = []
    forwarded: list[str] = []
    for header, value in scope["headers"]:
        if header == b"authorization":
            authorizations.append(value.decode("latin-1"))
        elif header == b"x-forwarded-for":
            forwarded.append(value.decode("latin-1"))
    client = scope.get("client")
    return Delivery(name, body, tuple(authorizations), tuple(forwarded), client[0] if client else None)


async def _send(
    send: Send, answer: Reply, headers: tuple[tuple[bytes, bytes], ...] = (), *, head: bool = False
) -> None:
    start: Message = {
        "type": "http.response.start",
        "status": answer.status,
        "headers": [_JSON, (b"content-length", b"%d" % len(answer.body)), *headers],
    }
    await send(start)
    await send({"type": "http.response.body", "body": b"" if head else answer.body})


_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_JSON = (b"content-type", b"application/json")
_HELLO = Reply(200, b'{"service":"authgate","hooks":"POST {method} here"}')
_NOT_POST = Reply(405, b'{"status":405,"reason":"POST a hook here"}')
NOT_FOUND = Reply(404, b'{"status":404,"reason":"No such path"}')


async def _not_found(_request: Request, _error: Exception) -> Response:
    return Response(NOT_FOUND.body, NOT_FOUND.status, media_type="application/json")


async def _not_this_verb(_request: Request, error: Exception) -> Response:
    headers = error.headers if isinstance(error, HTTPException) else None
    return Response(b'{"status":405,"reason":"GET this"}', 405, headers, media_type="application/json")


def application(
    endpoint: HookEndpoint, routes: Sequence[Route], life: Callable[[], AbstractAsyncContextManager[None]]
) -> ASGIApp:
    """The ASGI application: hooks below their base, the other routes beside them, alive as long as ``life``."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with life():
            yield

    others = Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_this_verb}, lifespan=lifespan)
    others.router.redirect_slashes = False
    taken = {route.path for route in routes}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Hooks go straight to their endpoint: they need nothing of what the framework does on the way.
        if scope["type"] == "http" and endpoint.serves(scope["path"]) and scope["path"] not in taken:
            await endpoint(scope, receive, send)
        else:
            await others(scope, receive, send)

    return app
