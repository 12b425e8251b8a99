"""A hook's body -> HTTP, signed -> what the target answers."""

import asyncio
import base64
import hmac
import ssl
from collections.abc import Mapping
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from typing import NamedTuple
from urllib.parse import quote

import httpx

from authgate.targets.failure import Failure
from authgate.targets.options import TargetOptions
from authgate.targets.wire import TooLong, Wire

_ASIDE = 8  # connections kept beside those that questions use: observed hooks have theirs
_BREATH = 0.05  # seconds until a target that could not be reached is tried again
_LINGER = 0.05  # seconds that are spent on a body that nobody reads, so that its connection can be used again


_NO_COOKIES = DefaultCookiePolicy(allowed_domains=[])


class Answer(NamedTuple):
    """What came back; the body of anything but a 200 is not read."""

    status: int
    body: bytes = b""


class Client:
    """Sends hooks to one target."""

    def __init__(self, options: TargetOptions) -> None:
        self._options = options
        tls = _tls(options) if options.encrypted else None
        self._wire = Wire(tls, options.connections + _ASIDE, options.max_answer)
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "authgate",
        }
        if options.basic is not None:
            pair = f"{options.basic.username}:{options.basic.password.reveal()}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        # No proxy, netrc or certificate that the environment names; no redirect is followed, no cookie kept.
        self._http = httpx.AsyncClient(
            transport=self._wire,
            headers=headers,
            timeout=None,  # noqa: S113 - the caller sets the time
            trust_env=False,
            follow_redirects=False,
        )
        self._http.cookies.jar.set_policy(_NO_COOKIES)

    @property
    def connections(self) -> int:
        """How many are open."""
        return self._wire.connections

    async def post(
        self, method: str, body: bytes, headers: Mapping[str, str] | None = None, *, repeatable: bool = False
    ) -> Answer:
        """The answer to a hook, for which the caller sets the time.

        What never reached the target is sent again, and what is ``repeatable`` also where nothing came back.

        Raises:
            Failure: there is none.
        """
        left = self._options.retries
        while True:
            try:
                return await self._once(method, body, headers or {})
            except Failure as failure:
                if not left or not (failure.unsent or (failure.unheard and repeatable)):
                    raise
                if failure.unsent:
                    await asyncio.sleep(_BREATH)
            left -= 1

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def _once(self, method: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        url = f"{self._options.url}/{quote(method, safe='')}"
        request = self._http.build_request("POST", url, content=body, headers={**headers, **self._signature(body)})
        try:
            response = await self._http.send(request, stream=True)
        except httpx.ConnectError as error:
            raise Failure(f"cannot be reached: {error}", away=True, unsent=True) from None
        except httpx.TransportError as error:
            raise Failure(str(error), away=True, unheard=True) from None
        try:
            if response.status_code != 200:
                with suppress(TimeoutError, httpx.TransportError):
                    async with asyncio.timeout(_LINGER):
                        await _read(response)
                return Answer(response.status_code)
            if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
                raise Failure("gives an answer in an encoding that it was not asked for")
            return Answer(200, await _read(response))
        except TooLong as error:
            raise Failure(str(error)) from None
        except httpx.TransportError as error:
            raise Failure(str(error), away=True) from None
        finally:
            await response.aclose()

    def _signature(self, body: bytes) -> dict[str, str]:
        """``WCS <hex HMAC-MD5 of the raw body>``, as the media server signs; see ``hooks/caller.py``."""
        if self._options.hmac_key is None:
            return {}
        digest = hmac.digest(self._options.hmac_key.reveal().encode(), body, "md5")
        return {"Authorization": f"WCS {digest.hex()}"}


async def _read(response: httpx.Response) -> bytes:
    """The body as it was sent, whatever it is encoded in."""
    return b"".join([part async for part in response.aiter_raw()])


def _tls(options: TargetOptions) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.ca_file)
    if options.insecure_skip_tls_verification:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
