"""One operation of the admin interface: what it takes, what it answers, and who may; declared once for all three.

The router, the check of requests and the OpenAPI document are made of the same declaration.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from authgate.api_keys import ApiKey
from authgate.errors import BadName, ConfigError, NotThere, Refused, Taken, Trouble
from authgate.server.admin.access import allowed
from authgate.server.admin.problems import HEADERS, Json, Problem, unavailable
from authgate.server.admin.schema import Schema, checked, from_query, text
from authgate.strictjson import read_object
from authgate.wiring import Service

log = logging.getLogger(__name__)

DEADLINE = 10.0  # seconds from the end of the headers to the answer
MAX_BODY = 64 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was read, checked and let in."""

    service: Service
    request: Request
    key: ApiKey
    path: Mapping[str, str]  # parameters of the path, as text
    query: Mapping[str, Any]  # parameters of the query that were given, of their types
    body: Mapping[str, Any] = field(repr=False)  # members of the body
    now: float = field(default_factory=time.time)  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back: JSON, or nothing where ``content`` is None."""

    content: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    note: str = ""  # what the log says besides, where something was changed


@dataclass(frozen=True, slots=True)
class Operation:
    """One verb on one path."""

    id: str  # operationId
    verb: str  # GET, POST, PUT, PATCH or DELETE
    path: str  # with {parameters}, each of one segment; percent-encoded, a segment may hold a slash too
    scope: str | None  # of a key that may; None: any key
    summary: str
    handler: Callable[[Call], Awaitable[Answer | Response]]
    answers: Mapping[int, tuple[str, Schema | None]]  # each good status: what it means, and its body
    query: Mapping[str, Schema] = field(default_factory=dict)
    body: Schema | None = None
    refusals: Sequence[int] = ()  # statuses of problems, beside those that every operation may have
    media_type: str = "application/json"  # of good answers
    told: Sequence[str] = ()  # members of body and query that the log names, none of them secret
    at_path: Mapping[str, Schema] = field(default_factory=dict)  # what is said of parameters of the path

    @property
    def changes(self) -> bool:
        """Whether it changes anything, so that it is recorded."""
        return self.verb != "GET"

    def parameter(self, name: str) -> Schema:
        """What is said of a parameter of the path."""
        return self.at_path.get(name) or text(most=1000)

    async def __call__(self, service: Service, turns: asyncio.Semaphore, request: Request) -> Response:
        """The answer, whatever happens."""
        by: ApiKey | None = None
        call: Call | None = None
        problem: Problem | None = None
        found: Answer | Response = Answer()
        try:
            async with asyncio.timeout(DEADLINE):
                if self.scope is None:
                    by = await request.app.state.access.key(request)
                else:
                    by = await allowed(request, self.scope)
                call = await self._call(service, by, request)
                async with turns:  # hooks want the store and the processor too
                    found = await self.handler(call)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except Exception as fault:
            problem = problem_of(fault)
        if by is not None:  # where it is None, access has told why
            self._tell(by, call, found.note if isinstance(found, Answer) else "", problem)
        if problem is not None:
            return problem.response()
        if isinstance(found, Response):
            found.headers.update(HEADERS)
            return found
        if found.content is None:
            return Response(status_code=found.status, headers={**HEADERS, **found.headers})
        return Json(found.content, found.status, found.headers)

    async def _call(self, service: Service, key: ApiKey, request: Request) -> Call:
        """Raises Problem where the request cannot be understood."""
        path = {name: _unquoted(name, value) for name, value in request.path_params.items()}
        body: Mapping[str, Any] = {}
        try:
            for name, value in path.items():
                checked(self.parameter(name), value, name)
            query = _query(self.query, request)
            raw = await _body(request)
            if self.body is not None:
                _demand_json(request)
                body = checked(self.body, _object(raw), "")
            elif raw:
                raise ValueError("the body must be empty")
        except ValueError as fault:
            raise Problem(400, str(fault)) from None
        return Call(service, request, key, path, query, body)

    def _tell(self, by: ApiKey, call: Call | None, note: str, problem: Problem | None) -> None:
        """Record what was changed, and by whom, or why not; of what was only looked at, that it was refused."""
        if problem is None and not self.changes:
            return
        said: dict[str, Any] = {}
        if call is not None:
            given = {**call.query, **call.body}
            said = {**call.path, **{name: given[name] for name in self.told if name in given}}
        what = " ".join([self.id, *(f"{name}={value!r}"[:300] for name, value in said.items()), note]).rstrip()
        if problem is None:
            log.info("API key %s (%s) did %s", by.prefix, by.name, what)
        else:
            log.info("API key %s (%s) was refused %s: %d, %s", by.prefix, by.name, what, problem.status, problem.why)


def problem_of(fault: Exception) -> Problem:
    """The answer to what went wrong; never one that tells of our insides."""
    match fault:
        case Problem():
            return fault
        case NotThere():
            return Problem(404, fault.text)
        case Taken():
            return Problem(409, fault.text)
        case Refused():
            return Problem(400, fault.text)
        case BadName():
            return Problem(400, str(fault))
        case TimeoutError():
            return unavailable("the deadline is over")
        case Trouble():
            return unavailable(str(fault))
        case ConfigError():
            return unavailable("; ".join(fault.faults))
    place = traceback.extract_tb(fault.__traceback__)[-1]  # its words could hold a secret
    log.error("could not answer: %s in %s, %s:%s", type(fault).__name__, place.name, place.filename, place.lineno)
    return unavailable(type(fault).__name__)


def _unquoted(name: str, value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise Problem(400, f"{name}: is not UTF-8") from None


def _query(known: Mapping[str, Schema], request: Request) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            there = ", ".join(known) or "none"
            raise ValueError(f"{name[:40]!a}: there is no such parameter; there are: {there}")
        if "\ufffd" in value:
            raise ValueError(f"{name}: is not UTF-8")
        if known[name]["type"] == "array":
            found.setdefault(name, []).append(value)
        elif name in found:
            raise ValueError(f"{name}: is there more than once")
        else:
            found[name] = from_query(known[name], value, name)
    for name, value in found.items():
        if known[name]["type"] == "array":
            checked(known[name], value, name)
    for name, schema in known.items():
        if name not in found and "default" in schema:
            found[name] = schema["default"]
    return found


async def _body(request: Request) -> bytes:
    """The whole body; one over the limit is read to its end and thrown away, so that its sender reads the answer."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= MAX_BODY:
            parts.append(part)
    if size > MAX_BODY:
        raise Problem(413, f"the body has more than {MAX_BODY:,} bytes")
    return b"".join(parts)


def _demand_json(request: Request) -> None:
    kinds = request.headers.getlist("content-type")
    kind = kinds[0].partition(";")[0].strip().lower() if len(kinds) == 1 else ""
    if kind != "application/json" or request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "the body must be application/json, in UTF-8, and not compressed")


def _object(raw: bytes) -> dict[str, Any]:
    try:
        return read_object(raw)
    except ValueError as fault:
        raise ValueError(f"the body {fault}") from None
