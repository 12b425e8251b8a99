"""The admin listener: its application, made of what each feature contributes.

A feature is a module here with ``routes(service) -> list``: of ``Operation``, which is the usual way (its scope, its
parameters, its body and its answers are declared, checked and documented by that), or of Starlette's ``Route`` and
``WebSocketRoute`` for what is no JSON. Those say who may by ``await allowed(request, "events:read")``: what that
raises becomes an answer, of a WebSocket too, as long as it is not accepted. They tell what they are to the OpenAPI
document by ``DOCUMENTED``, its paths. What goes on for long ends when ``request.app.state.ending`` is set, and when
``request.app.state.access.ended(key)`` comes back. The module's entry stands in ``FEATURES``.

A path reaches the routes as it was sent, percent-encoded; of an ``Operation`` its parameters are decoded.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from authgate.config import AdminOptions
from authgate.server.admin import (
    bans,
    events,
    groups,
    itself,
    listener,
    live,
    messages,
    metrics,
    records,
    stream_keys,
    tokens,
    users,
)
from authgate.server.admin.access import Access, allowed
from authgate.server.admin.operation import Answer, Call, Operation, problem_of
from authgate.server.admin.problems import Json, Problem
from authgate.wiring import Service

__all__ = ["FEATURES", "Answer", "Call", "Json", "Operation", "Problem", "allowed", "application", "served"]

log = logging.getLogger(__name__)

FEATURES: tuple[ModuleType, ...] = (
    itself,
    users,
    groups,
    tokens,
    stream_keys,
    bans,
    live,
    records,
    messages,
    metrics,
    events,
)

_AT_ONCE = 3  # operations that are carried out at once, in each worker


def application(service: Service, ending: asyncio.Event | None = None) -> ASGIApp:
    """The application of all features; ``ending`` is set when it is to come to its end."""
    turns = asyncio.Semaphore(_AT_ONCE)
    paths: dict[str, dict[str, Operation]] = {}
    others: list[BaseRoute] = []
    for feature in FEATURES:
        for each in feature.routes(service):
            if isinstance(each, Operation):
                paths.setdefault(each.path, {})[each.verb] = each
            else:
                others.append(each)
    routes = [_Path(path, paths[path], service, turns).route for path in sorted(paths, key=_literal_first)]
    handlers: dict[Any, Any] = {HTTPException: _refused, Problem: _refused, Exception: _failed}
    app = Starlette(routes=[*others, *routes], exception_handlers=handlers)
    app.router.redirect_slashes = False
    app.state.access = Access(service)
    app.state.service = service
    app.state.ending = ending or asyncio.Event()

    async def with_raw_path(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope.get("raw_path"):
            scope = {**scope, "path": scope["raw_path"].decode("ascii", "replace")}
        try:
            await app(scope, receive, send)
        except Exception as fault:  # it has been answered, as far as that was possible; its words could hold a secret
            log.debug("an answer came to an end by %s", type(fault).__name__)

    return with_raw_path


@asynccontextmanager
async def served(service: Service, options: AdminOptions, sock: socket.socket) -> AsyncIterator[None]:
    """In it, the application is served on this socket; its trouble is not that of hooks."""
    ending = asyncio.Event()
    async with listener.listening(application(service, ending), options, sock, ending):
        yield


class _Path:
    """One path, and the operations on it by their verbs."""

    def __init__(self, path: str, by_verb: Mapping[str, Operation], service: Service, turns: asyncio.Semaphore) -> None:
        self._by_verb = {**by_verb, **({"HEAD": by_verb["GET"]} if "GET" in by_verb else {})}
        self._service = service
        self._turns = turns
        self.route = Route(path, self, methods=None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        operation = self._by_verb.get(request.method)
        if operation is None:
            allow = {"allow": ", ".join(sorted(self._by_verb))}
            response: Response = Problem(405, f"this path takes {allow['allow']}", allow).response()
        else:
            response = await operation(self._service, self._turns, request)
        await response(scope, receive, send)


def _literal_first(path: str) -> list[tuple[bool, str]]:
    """A path with a parameter comes behind those that say what they are there."""
    return [(part.startswith("{"), part) for part in path.split("/")]


async def _refused(connection: HTTPConnection, fault: Exception) -> Response | None:
    if isinstance(fault, HTTPException):
        detail = "there is no such path" if fault.status_code == 404 else str(fault.detail)
        found = Problem(fault.status_code, detail, fault.headers).response()
    else:
        found = problem_of(fault).response()
    if isinstance(connection, WebSocket):
        await connection.send_denial_response(found)
        return None
    return found


async def _failed(_request: Request, fault: Exception) -> Response:
    return problem_of(fault).response()


def documented() -> Mapping[str, Any]:
    """The paths that features document by themselves."""
    found: dict[str, Any] = {}
    for feature in FEATURES:
        for path, verbs in getattr(feature, "DOCUMENTED", {}).items():
            found.setdefault(path, {}).update(verbs)
    return found
