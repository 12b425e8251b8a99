"""An issuer's address -> the document there, within bounds of time and size, or one sentence that says why not."""

import asyncio
import os
import ssl
import stat
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from authgate.key_sets.place import FetchError, address
from authgate.ports import KeySource
from authgate.strictjson import read_object
from authgate.verifiers.jwks import JwksOptions, fault_of_url, is_loopback, shown

_MOST_REDIRECTS = 3
_CONNECTING = 0.45  # of the time that is left: what TCP may take of it, and TLS
_REDIRECTS = (301, 302, 303, 307, 308)
_NO_COOKIES = DefaultCookiePolicy(allowed_domains=[])


class Fetcher:
    """Fetches key sets, each time over a new connection."""

    def __init__(self) -> None:
        self._http: httpx.AsyncClient | None = None

    async def fetch(self, source: KeySource, options: JwksOptions) -> bytes:
        """The document that should be the key set of a source.

        Raises:
            FetchError: there is none.
        """
        where = address(source)
        try:
            # One limit for all of it: whoever sends a byte a second holds nobody longer than whoever sends none.
            async with asyncio.timeout(options.timeout) as limit:
                if source.url.startswith("file:"):
                    return await asyncio.to_thread(_read, source.url, options.max_bytes)
                get = partial(self._get, most=options.max_bytes, deadline=limit.when() or 0)
                if source.url:
                    return await get(source.url)
                if fault := options.fault_of_issuer(source.issuer):
                    raise FetchError(f"the issuer {fault}")
                where = keys_url(source.issuer, await get(where))
                return await get(where)
        except TimeoutError:
            raise FetchError(f"{shown(where)} did not answer within {options.timeout:g} seconds") from None

    async def close(self) -> None:
        """Hang up."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def _get(self, url: str, most: int, deadline: float) -> bytes:
        first = url
        for _ in range(_MOST_REDIRECTS + 1):
            try:
                found = await self._once(url, most, deadline - asyncio.get_running_loop().time())
            except httpx.ConnectTimeout:
                raise FetchError(f"{shown(url)} cannot be reached in time") from None
            except httpx.ConnectError as error:
                raise FetchError(f"{shown(url)} cannot be reached: {error or 'no more is known'}") from None
            except (httpx.HTTPError, httpx.InvalidURL):
                # What the library says may quote the answer.
                raise FetchError(f"{shown(url)} broke off, or what it answers is not HTTP") from None
            if isinstance(found, bytes):
                return found
            if _origin(found) != _origin(first):
                raise FetchError(f"{shown(url)} redirects to another server, {shown(found)}")
            url = found
        raise FetchError(f"{shown(first)} redirects more than {_MOST_REDIRECTS} times")

    async def _once(self, url: str, most: int, left: float) -> bytes | str:
        """The document under an address, or the other address that it leads to."""
        # A connection that is given up from outside while it is made would be left open; so it gives up by itself.
        # Twice, for TCP and for TLS.
        timeout = httpx.Timeout(None, connect=max(left * _CONNECTING, 0.001))
        async with self._client().stream("GET", url, timeout=timeout) as response:
            if response.status_code in _REDIRECTS and "location" in response.headers:
                return _joined(url, response.headers["location"])
            if response.status_code != 200:
                raise FetchError(f"{shown(url)} answers with status {response.status_code}")
            # Nobody asked for an encoding, and a small body could become a huge one.
            if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
                raise FetchError(f"{shown(url)} answers in an encoding that it was not asked for")
            body = bytearray()
            async for part in response.aiter_raw():
                body += part
                if len(body) > most:
                    raise FetchError(f"{shown(url)} answers with more than {most:,} bytes")
            return bytes(body)

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            # No proxy, netrc or certificate that the environment names; no cookie kept, no connection either.
            self._http = httpx.AsyncClient(
                verify=ssl.create_default_context(),
                headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "authgate"},
                limits=httpx.Limits(max_keepalive_connections=0),
                timeout=None,  # noqa: S113 - the caller sets the time
                trust_env=False,
                follow_redirects=False,
            )
            self._http.cookies.jar.set_policy(_NO_COOKIES)
        return self._http


def keys_url(issuer: str, document: bytes) -> str:
    """Where the discovery document of an issuer says that its keys are.

    It must name the very issuer, or one could speak for another (OpenID Connect Discovery 1.0, 4.3).

    Raises:
        FetchError: it says nothing that can be used.
    """
    what = f"the discovery document of {shown(issuer)}"
    try:
        found = read_object(document)
    except ValueError as fault:
        raise FetchError(f"{what} {fault}") from None
    if found.get("issuer") != issuer:
        raise FetchError(f"{what} names another issuer")
    url = found.get("jwks_uri")
    if not isinstance(url, str) or fault_of_url(url, files=False):
        raise FetchError(f"{what} has no jwks_uri that can be used")
    if is_loopback(url) and not is_loopback(issuer):
        raise FetchError(f"{what} has a jwks_uri on this machine")
    return url


def _joined(url: str, location: str) -> str:
    try:
        found = urljoin(url, location)
    except ValueError:
        found = ""
    if fault_of_url(found, files=False):
        raise FetchError(f"{shown(url)} redirects to what is no address that can be used")
    return found


def _origin(url: str) -> tuple[str, str | None, int | None]:
    found = urlsplit(url)
    return found.scheme, found.hostname, found.port or {"https": 443, "http": 80}.get(found.scheme)


def _read(url: str, most: int) -> bytes:
    path = Path(unquote(urlsplit(url).path))
    try:
        # Without waiting, or a pipe that nobody writes to would hold the thread for good.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FetchError(f"{shown(url)} is no regular file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                document = file.read(most + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise FetchError(f"{shown(url)} cannot be read: {error.strerror}") from None
    if len(document) > most:
        raise FetchError(f"{shown(url)} has more than {most:,} bytes")
    return document
