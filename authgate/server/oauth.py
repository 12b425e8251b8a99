"""What the endpoints that give out tokens share: bodies, errors in the form of RFC 6749 and 6750, and the deadline."""

import asyncio
import ipaddress
import logging
import math
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from authgate.api_keys import ApiKey
from authgate.config import Config
from authgate.errors import SigningError, Trouble
from authgate.hooks.caller import client_address, within
from authgate.model import Delivery, Where
from authgate.ports import Issuer, Means
from authgate.throttle import Throttle

log = logging.getLogger(__name__)

_NETWORK = 64  # bits: what one client of IPv6 usually has to choose its address from
NO_STORE: Mapping[str, str] = {"cache-control": "no-store", "pragma": "no-cache"}


class ApiKeys(Protocol):
    """The API keys of the store."""

    async def find(self, prefix: str) -> ApiKey | None:
        """The key under this prefix.

        Raises:
            StoreError: the store is away or too slow.
        """

    async def used(self, prefix: str, at: int) -> None:
        """Note that a key was used at a time in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow.
        """


class HoldsKeys(Protocol):
    """A store, as far as it is asked here."""

    @property
    def api_keys(self) -> ApiKeys: ...


class Serves(Protocol):
    """What stands behind the endpoints, as it is now: another configuration may be taken over between two requests."""

    @property
    def config(self) -> Config: ...

    @property
    def store(self) -> HoldsKeys: ...

    @property
    def issuer(self) -> Issuer | None: ...

    def means(self, now: float, until: float, where: Callable[[], Where] | None = None) -> Means:
        """What a verifier may use for credentials from there, at a time in seconds since the epoch.

        ``until`` is the loop's time of a deadline.
        """
        ...


def issuer_of(service: Serves) -> Issuer:
    """Who issues tokens.

    Raises:
        SigningError: nobody does.
    """
    if service.issuer is None:
        raise SigningError('no verifier of the configuration can sign; add [[verifiers]] with type = "issued"')
    return service.issuer


class Refusal(Exception):
    """An answer that gives out nothing."""

    def __init__(
        self, status: int, error: str, text: str, headers: Mapping[str, str] | None = None, *, why: str = ""
    ) -> None:
        super().__init__(text)
        self.status = status
        self.error = error
        self.text = text  # for the client
        self.why = why or text  # for the log
        self.headers = headers or {}

    def response(self) -> Response:
        """What is sent."""
        described = {"error": self.error, "error_description": _plain(self.text)}
        return JSONResponse(described, self.status, {**NO_STORE, **self.headers})


def bad_request(text: str) -> Refusal:
    """For a request that cannot be understood; the words name what of it."""
    return Refusal(400, "invalid_request", text)


def too_many(seconds: float, why: str) -> Refusal:
    """For whoever has to wait; ``why`` is for the log."""
    wait = max(1, math.ceil(seconds))
    text = f"too many requests; try again in {wait} seconds"
    return Refusal(429, "slow_down", text, {"retry-after": str(wait)}, why=why)


def unavailable(why: str) -> Refusal:
    """For what nobody could decide now; ``why`` is for the log."""
    text = "this cannot be done now; try again in a moment"
    return Refusal(503, "temporarily_unavailable", text, {"retry-after": "1"}, why=why)


@dataclass(slots=True)
class Asked:
    """One request that was read to its end."""

    request: HTTPConnection
    config: Config  # that was in force when it came
    body: bytes = field(default=b"", repr=False)
    now: float = field(default_factory=time.time)  # seconds since the epoch
    until: float = math.inf  # seconds of the loop's clock: the deadline of the answer
    who: str = "somebody"  # for the log; the handler says it as soon as it knows

    @property
    def clock(self) -> float:
        """Seconds of a clock that does not jump."""
        return asyncio.get_running_loop().time()

    @property
    def address(self) -> str:
        """Where it came from, as the callers of hooks are told; "" where the connection has no address."""
        found = client_address(self._delivery, self.config.caller.trusted_proxies)
        return "" if found is None else str(found)

    @property
    def neighbourhood(self) -> str:
        """The same as it is counted by: of IPv6, the network of whoever may choose the rest."""
        address = self.address
        return str(ipaddress.ip_network((address, _NETWORK), strict=False)) if ":" in address else address

    @property
    def unheard(self) -> str:
        """The address of whoever passed it on for others, if it is not trusted to say for whom; "" else."""
        delivery = self._delivery
        peer = client_address(delivery, ())
        known = peer is None or within(peer, self.config.caller.trusted_proxies)
        return "" if known or not delivery.forwarded else str(peer)

    @property
    def _delivery(self) -> Delivery:
        forwarded = tuple(self.request.headers.getlist("x-forwarded-for"))
        return Delivery("", b"", (), forwarded, self.request.client.host if self.request.client else None)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path and one verb; an ASGI application that always answers within the deadline."""

    service: Serves
    tally: Counter[str]
    name: str  # in counters
    verb: str  # GET or POST
    is_on: Callable[[Config], bool]
    handler: Callable[[Asked], Awaitable[Response]]
    media_type: str = ""  # that a body must have
    max_body: int = 0  # bytes
    cors: Callable[[Request, Config], Mapping[str, str]] = lambda _request, _config: {}
    told: Throttle = field(default_factory=lambda: Throttle(1, 1))  # what to do is told once a minute

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, config = Request(scope, receive), self.service.config
        if not self.is_on(config):
            response: Response = JSONResponse({"status": 404, "reason": "No such path"}, 404, dict(NO_STORE))
        elif request.method not in self._verbs:
            response = self._other_verb(request)
        else:
            response = await self._answer(request, Asked(request, config))
        if self.is_on(config):
            response.headers.update(self.cors(request, config))
        response.headers["x-content-type-options"] = "nosniff"  # an answer may repeat a part of what was asked
        await response(scope, receive, send)

    @property
    def _verbs(self) -> tuple[str, ...]:
        return ("GET", "HEAD") if self.verb == "GET" else (self.verb,)

    def _other_verb(self, request: Request) -> Response:
        allow = {"allow": ", ".join((*self._verbs, "OPTIONS"))}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allow)
        return Refusal(405, "invalid_request", f"{self.verb} this", allow).response()

    async def _answer(self, request: Request, asked: Asked) -> Response:
        seconds = asked.config.server.deadline
        until = asked.clock + seconds
        try:
            if self.verb == "POST":
                self._look_at_the_way(asked)
                asked.body = await self._body(request, until, seconds)
            asked.until = until
            async with asyncio.timeout_at(until):
                return await self.handler(asked)
        except Refusal as found:
            refusal = found
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except TimeoutError:
            refusal = unavailable("the deadline is over")
        except SigningError as trouble:
            refusal = unavailable("there is no key to sign with")
            if not self.told.wait("", asked.clock):
                log.error("%s %s issues no token: %s", self.verb, asked.request.url.path, trouble)
        except Trouble as trouble:
            refusal = unavailable(str(trouble))
        except Exception as mistake:  # its words, or those of what it came from, could hold a secret
            place = traceback.extract_tb(mistake.__traceback__)[-1]
            refusal = unavailable(f"{type(mistake).__name__} in {place.name}, {place.filename}:{place.lineno}")
            log.error("could not answer %s: %s", asked.request.url.path, refusal.why)
        outcome = {429: "throttled", 503: "unavailable"}.get(refusal.status, "refused")
        self.tally[f"{self.name}_{outcome}"] += 1
        log.info("refused %s to %s from %s: %s", self.name, asked.who, asked.address or "here", refusal.why)
        return refusal.response()

    def _look_at_the_way(self, asked: Asked) -> None:
        """Say so where a proxy is not trusted: then all of its clients count as one, and wait for each other."""
        if not (proxy := asked.unheard):
            return
        self.tally["forwarded_not_trusted"] += 1
        if not self.told.wait("proxy", asked.clock):
            text = "%s was passed on by %s, which is not in caller.trusted_proxies: all of it counts as its own"
            log.warning(text, asked.request.url.path, proxy)

    async def _body(self, request: Request, until: float, seconds: float) -> bytes:
        """The whole body. One over the limit is read to its end and thrown away, so that its sender reads the answer.

        Raises:
            Refusal: it is too large, of another type, or not there in time, which is ``seconds`` in all.
            ClientDisconnect: the other side is gone.
        """
        parts, size, over = [], 0, False
        try:
            async with asyncio.timeout_at(until):
                async for part in request.stream():
                    size += len(part)
                    if size <= self.max_body:
                        parts.append(part)
        except TimeoutError:
            over = True
        # What of it is still to come would be taken for the next request, so there is none.
        headers = {"connection": "close"} if over else {}
        if size > self.max_body:
            raise Refusal(413, "invalid_request", f"the body has more than {self.max_body} bytes", headers)
        if over:
            raise Refusal(408, "invalid_request", f"the body was not there within {seconds:g} seconds", headers)
        if why := _unreadable(request, self.media_type):
            raise Refusal(415, "invalid_request", f"the body must {why}")
        return b"".join(parts)


def _unreadable(request: Request, wanted: str) -> str:
    """What a body would have to be to be read, "" where it is (RFC 9110, 8.3 and 8.4)."""
    found = request.headers.getlist("content-type")
    kind, *parameters = [each.strip(" \t") for each in (found[0] if len(found) == 1 else "").lower().split(";")]
    charsets = {each.partition("=")[2].strip('"') for each in parameters if each.startswith("charset=")}
    if kind != wanted or not charsets <= _UTF_8:
        return f"be {wanted}, in UTF-8"
    codings = [each.strip(" \t").lower() for each in request.headers.getlist("content-encoding")]
    return "not be compressed" if {*codings} - {"", "identity"} else ""


_UTF_8 = {"utf-8", "utf8"}


def _plain(text: str) -> str:
    """Text as an ``error_description`` may hold it (RFC 6749, 5.2)."""
    shown = "".join(c if c.isascii() and c.isprintable() else "?" for c in text)
    return shown.replace('"', "'").replace("\\", "/")
