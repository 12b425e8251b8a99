"""The hooks' HTTP side: one POST per hook, and what its answer is taken for."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

_SENDING_BROKE = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


@dataclass(frozen=True, slots=True)
class App:
    """An application of the media server: whom its hooks go to. No method is sent that is not listed."""

    url: str
    methods: frozenset[str]
    basic: tuple[str, str] | None = None  # restUsername, restPassword


@dataclass(frozen=True, slots=True)
class Properties:
    """The hook settings of ``flashphoner.properties``, named as they are there."""

    rest_request_timeout: float = 15  # seconds; 0 waits for ever
    rest_client_request_retry_count: int = 3
    rest_client_request_sent_retry_enabled: bool = True
    rest_hook_secret_key: str | None = None  # None: hooks are not signed
    disable_rest_requests: bool = False
    keep_alive_streaming_sessions_enabled: bool = False
    streaming_sessions_keep_alive_interval: float = 10_000  # milliseconds
    streaming_sessions_keep_alive_app_keys: frozenset[str] = frozenset({"defaultApp"})


@dataclass(frozen=True, slots=True)
class Answer:
    """A back end's answer: the object of a 200, or why it is an interaction error."""

    fields: dict[str, Any] = field(default_factory=dict)
    error: str | None = None  # what a client is told as ``info``
    status: int | None = None  # None: nobody has answered


@dataclass(frozen=True, slots=True)
class Exchange:
    """One hook as it was sent, with its answer."""

    method: str
    sent: dict[str, Any]
    body: bytes  # as sent
    answer: Answer
    received: bytes  # the body of the answer

    @property
    def status(self) -> int | None:
        return self.answer.status


class Hooks(Protocol):
    """How hooks reach the back end."""

    async def send(self, app: App, method: str, fields: dict[str, Any]) -> Answer:
        """The back end's answer, or what is taken for one."""


class RestClient:
    """Sends hooks over connections that stay open, as the media server does, and keeps what was said."""

    def __init__(self, properties: Properties, http: httpx.AsyncClient) -> None:
        self._properties = properties
        self._http = http
        self.exchanges: list[Exchange] = []

    async def send(self, app: App, method: str, fields: dict[str, Any]) -> Answer:
        """The back end's answer; a hook that this app does not send counts as allowed and unchanged."""
        if self._properties.disable_rest_requests or method not in app.methods:
            return Answer(fields)
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        body = text.encode("utf-8", "replace")  # half a surrogate pair becomes "?", as in Java
        received = b""
        try:
            async with asyncio.timeout(self._properties.rest_request_timeout or None):
                response = await self._post(f"{app.url}/{method}", body, self._headers(app, body))
            received = response.content
            content_type = response.headers.get("Content-Type", "")
            answer = read_answer(response.status_code, response.reason_phrase, content_type, response.content)
        except TimeoutError:
            answer = Answer(error="Read timed out")
        except httpx.TransportError as error:
            answer = Answer(error=type(error).__name__)
        self.exchanges.append(Exchange(method, fields, body, answer, received))
        return answer

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Broken connections are tried again; refused ones, unknown hosts and late answers are not."""
        retries = self._properties.rest_client_request_retry_count
        if not self._properties.rest_client_request_sent_retry_enabled:
            retries = 0
        while True:
            try:
                return await self._http.post(url, content=body, headers=headers)
            except _SENDING_BROKE:
                if not retries:
                    raise
                retries -= 1

    def _headers(self, app: App, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json;charset=UTF-8"}
        key = self._properties.rest_hook_secret_key
        if key is not None:
            headers["Authorization"] = "WCS " + hmac.new(key.encode(), body, hashlib.md5).hexdigest()
        elif app.basic is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(app.basic).encode()).decode()
        return headers


@asynccontextmanager
async def rest_client(properties: Properties) -> AsyncIterator[RestClient]:
    headers = {"Accept": "application/json, application/*+json", "User-Agent": "Java/1.8.0_111"}
    limits = httpx.Limits(keepalive_expiry=60)  # seconds; idle connections are kept for a while
    async with httpx.AsyncClient(headers=headers, timeout=None, trust_env=False, verify=False, limits=limits) as http:
        del http.headers["Accept-Encoding"]  # the media server asks for none
        yield RestClient(properties, http)


def read_answer(status: int, phrase: str, content_type: str, body: bytes) -> Answer:
    """What the media server makes of an answer."""
    is_json = content_type.split(";")[0].strip() == "application/json"
    try:
        parsed = json.loads(body) if is_json else None
    except ValueError:
        parsed = None
    if status != 200:
        return Answer(error=_reason(status, phrase, parsed), status=status)
    if not isinstance(parsed, dict):
        return Answer(error="The answer is not a JSON object", status=200)
    return Answer(parsed, status=200)


def _reason(status: int, phrase: str, parsed: object) -> str:
    """The body's own reason where it has exactly the two keys, else the phrase of the status line."""
    if isinstance(parsed, dict) and set(parsed) == {"status", "reason"} and parsed["status"] == status:
        return str(parsed["reason"])
    return phrase
