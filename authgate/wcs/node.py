"""One node of the media server: asked what there is, and told to end it."""

import asyncio
import base64
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NamedTuple, TypeVar

import httpx

from authgate.errors import WcsError
from authgate.targets.wire import TooLong, Wire
from authgate.wcs.options import WcsOptions
from authgate.wcs.reading import (
    Unreadable,
    WcsCall,
    WcsConnection,
    WcsStream,
    call_of,
    connection_of,
    read_list,
    stream_of,
)

Value = TypeVar("Value")

_NO_COOKIES = DefaultCookiePolicy(allowed_domains=[])
_SMALL = 65_536  # bytes of an answer that nobody needs
_THERE = (200, 400, 405, 415, 501)  # what is answered to GET where something can only be posted to


@dataclass(frozen=True, slots=True)
class _One:
    """What is to end: one thing, by its id. Nothing else can be sent to where things are ended.

    ``/stream/terminate`` with an empty filter may end every stream that there is (reference, 6.9).
    """

    field: str  # sessionId or mediaSessionId
    id: str

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not self.id.strip():
            raise WcsError(f"nothing is ended without its {self.field}")

    @property
    def body(self) -> bytes:
        return json.dumps({self.field: self.id}).encode()


class _Found(NamedTuple):
    status: int
    body: bytes


class WcsNode:
    """What one section ``[[wcs]]`` leads to."""

    def __init__(self, options: WcsOptions) -> None:
        self.options = options
        self.proven = False  # whether its REST API is at this address, so that a 404 means that nothing is there
        self._free = asyncio.Semaphore(options.connections)
        self._wire = Wire(_tls(options), options.connections, options.max_answer)
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "authgate",
        }
        if options.username is not None and options.password is not None:
            pair = f"{options.username}:{options.password.reveal()}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        # No proxy, netrc or certificate that the environment names; no redirect is followed, no cookie kept.
        self._http = httpx.AsyncClient(
            transport=self._wire,
            headers=headers,
            timeout=None,  # noqa: S113 - one limit for all of it is set where it is asked
            trust_env=False,
            follow_redirects=False,
        )
        self._http.cookies.jar.set_policy(_NO_COOKIES)

    async def connections(self) -> list[WcsConnection]:
        """Every connection that it has, as far as it can be read.

        Raises:
            WcsError: it cannot be reached, refuses, or answers what cannot be read.
        """
        return await self._list("/connection/find_all", connection_of)

    async def streams(self) -> list[WcsStream]:
        """Every stream that it has, as far as it can be read.

        Raises:
            WcsError: it cannot be reached, refuses, or answers what cannot be read.
        """
        return await self._list("/stream/find_all", stream_of)

    async def calls(self) -> list[WcsCall] | None:
        """Every call that it has, as far as it can be read; None: this build knows nothing of calls.

        Raises:
            WcsError: it cannot be reached, refuses, or answers what cannot be read.
        """
        path = "/call/find_all"
        body = await self._post(path, b"", self.options.max_answer, again=True)
        if body is None:
            return [] if await self._is_there(path) else None
        return await self._read(path, body, call_of)

    async def terminate_session(self, session: str) -> bool:
        """End the connection of this sessionId; False: there is none.

        Raises:
            WcsError: there is no id, or it is not known whether it was ended.
        """
        return await self._end("/connection/terminate", _One("sessionId", session))

    async def terminate_stream(self, media: str) -> bool:
        """End the stream of this mediaSessionId; False: there is none.

        Raises:
            WcsError: there is no id, or it is not known whether it was ended.
        """
        return await self._end("/stream/terminate", _One("mediaSessionId", media))

    async def send(self, node: str, operation: str, sessions: Sequence[str], payload: Mapping[str, Any]) -> bool:
        """Pass a payload on to the clients of these sessionIds; False: none of them is there.

        ``node`` is the nodeId that is named, ``operation`` the id by which hooks about it are known again. It is sent
        once: whoever sends it again after an error may have it arrive twice.

        Raises:
            WcsError: there is no sessionId, or it is not known whether it was passed on.
        """
        ids = [sessions] if isinstance(sessions, str) else list(sessions)
        if not ids or not all(isinstance(each, str) and each.strip() for each in ids):
            raise WcsError("nothing is sent without a sessionId for each that is to get it")
        to: dict[str, Any] = {"sessionId": ids[0]} if len(ids) == 1 else {"sessionIds": ids}
        try:
            body = json.dumps({"nodeId": node, "operationId": operation, **to, "payload": dict(payload)}).encode()
        except (TypeError, ValueError, RecursionError):
            raise WcsError("a payload must be an object that JSON can hold") from None
        return await self._post("/data/send", body, _SMALL, again=False) is not None

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def _list(self, path: str, read: Callable[[dict[str, Any]], Value | None]) -> list[Value]:
        body = await self._post(path, b"", self.options.max_answer, again=True)
        if body is None:
            await self._prove(path)
            return []
        found = await self._read(path, body, read)
        self.proven = True
        return found

    async def _read(self, path: str, body: bytes, read: Callable[[dict[str, Any]], Value | None]) -> list[Value]:
        try:
            return await read_list(body, read)
        except Unreadable as fault:
            raise WcsError(f"{self._name(path)} gives an answer that {fault}") from None

    async def _end(self, path: str, one: _One) -> bool:
        if await self._post(path, one.body, _SMALL, again=True) is not None:
            return True
        await self._prove(path)
        if not self.proven and not await self.connections() and not self.proven:
            text = f"{self._name(path)} answers 404 to everything; is url right? It ends in /rest-api as a rule"
            raise WcsError(text, status=404)
        return False

    async def _prove(self, path: str) -> None:
        """Find out whether a 404 is about what was asked for, or about the address.

        What is only ever posted to is there, and may not be got (405).
        """
        if not self.proven:
            self.proven = await self._is_there(path)

    async def _is_there(self, path: str) -> bool:
        return (await self._ask("GET", path, b"", _SMALL, again=True)).status in _THERE

    async def _post(self, path: str, body: bytes, most: int, *, again: bool) -> bytes | None:
        """The body of a 200, or None of a 404; ``again``: it may be sent twice, where nothing came back at first."""
        found = await self._ask("POST", path, body, most, again=again)
        if found.status not in (200, 404):
            raise WcsError(f"{self._name(path)} {_refused(found.status, self.options)}", status=found.status)
        return found.body if found.status == 200 else None

    async def _ask(self, verb: str, path: str, body: bytes, most: int, *, again: bool) -> "_Found":
        try:
            async with self._free, asyncio.timeout(self.options.timeout):
                try:
                    return await self._once(verb, path, body, most)
                except httpx.RemoteProtocolError:
                    if not again:
                        raise
                    return await self._once(verb, path, body, most)
        except TimeoutError:
            text = f"{self._name(path)} does not answer within {self.options.timeout:g} seconds"
            raise WcsError(text, away=True) from None
        except httpx.ConnectError as error:
            raise WcsError(f"{self._name()} cannot be reached: {error}", away=True) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:  # the wire's own words hold nothing of the answer
            raise WcsError(f"{self._name(path)} {error}") from None

    async def _once(self, verb: str, path: str, body: bytes, most: int) -> "_Found":
        request = self._http.build_request(verb, f"{self.options.url}{path}", content=body)
        response = await self._http.send(request, stream=True)
        try:
            if response.status_code == 200 and response.headers.get("content-encoding", "identity") != "identity":
                raise WcsError(f"{self._name(path)} gives an answer in an encoding that it was not asked for")
            parts, size = [], 0
            async for part in response.aiter_raw():
                size += len(part)
                if size > most:
                    raise TooLong("gives an answer of too many bytes")
                parts.append(part)
            return _Found(response.status_code, b"".join(parts))
        finally:
            await response.aclose()

    def _name(self, path: str = "") -> str:
        return f"wcs {self.options.node!r} ({self.options.url}{path})"


def _refused(status: int, options: WcsOptions) -> str:
    if status in (401, 403):
        what = "asks for a" if options.username is None else "does not take this"
        return f"{what} username and password (status {status}); see [[wcs]]"
    if 300 <= status < 400:
        return f"leads elsewhere (status {status}); put the address that is meant into url of [[wcs]]"
    return f"answers with status {status}"


def _tls(options: WcsOptions) -> ssl.SSLContext | None:
    if not options.encrypted:
        return None
    context = ssl.create_default_context(cafile=options.ca_file)
    if options.insecure_skip_tls_verification:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
