"""One attempt to deliver one message: what the other side answers, or one sentence that says why it did not."""

import asyncio
import time
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from typing import NamedTuple

import httpx

from authgate.feed.event import Event
from authgate.feed.webhook import WebhookOptions, body_of, headers_of, message_id
from authgate.targets.wire import Wire

_LINGER = 0.05  # seconds that are spent on a body that nobody reads, so that its connection can be used again
_LONGEST = 65_536  # bytes of such a body
_NO_COOKIES = DefaultCookiePolicy(allowed_domains=[])


class SendError(Exception):
    """There was no answer; the message is one sentence, without anything that is secret."""


class Answered(NamedTuple):
    """What came back."""

    status: int
    retry_after: float | None = None  # seconds that the other side asks to be left alone


class Sender:
    """Sends messages to one webhook, over one connection that is kept."""

    def __init__(self, options: WebhookOptions) -> None:
        self._options = options
        self._http: httpx.AsyncClient | None = None

    async def send(self, event: Event) -> Answered:
        """What is answered to an event.

        Raises:
            SendError: nothing was, in time; it may have been understood all the same.
        """
        body = body_of(event)
        headers = headers_of(self._options, message_id(event), body, time.time())
        try:
            async with asyncio.timeout(self._options.timeout):
                return await self._once(body, dict(headers))
        except TimeoutError:
            raise SendError(f"did not answer within {self._options.timeout:g} seconds") from None
        except httpx.ConnectError as error:
            raise SendError(f"cannot be reached: {error or 'no more is known'}") from None
        except httpx.TransportError:
            raise SendError("broke off, or what it answers is not HTTP") from None

    async def close(self) -> None:
        """Hang up."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def _once(self, body: bytes, headers: dict[str, str]) -> Answered:
        http = self._client()
        request = http.build_request("POST", self._options.url.reveal(), content=body, headers=headers)
        response = await http.send(request, stream=True)
        try:
            with suppress(TimeoutError, httpx.TransportError):
                async with asyncio.timeout(_LINGER):
                    async for _ in response.aiter_raw():
                        pass
        finally:
            await response.aclose()
        return Answered(response.status_code, _seconds(response.headers.get("retry-after", "")))

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            # No proxy, netrc or certificate that the environment names; no redirect is followed, no cookie kept.
            self._http = httpx.AsyncClient(
                transport=Wire(self._options.tls(), 1, _LONGEST),
                headers={
                    "Content-Type": "application/json",
                    "Accept": "*/*",
                    "Accept-Encoding": "identity",
                    "User-Agent": "authgate",
                },
                timeout=None,  # noqa: S113 - the caller sets the time
                trust_env=False,
                follow_redirects=False,
            )
            self._http.cookies.jar.set_policy(_NO_COOKIES)
        return self._http


def _seconds(text: str) -> float | None:
    """The seconds of a ``Retry-After``; a date is not looked at."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
