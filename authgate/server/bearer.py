"""``Authorization`` -> the API key that a request came with; whoever guesses waits, and nobody else does."""

import asyncio
import logging
import re
from collections import OrderedDict

from starlette.requests import HTTPConnection

from authgate.api_keys import ApiKey, digest, matches, prefix_of
from authgate.errors import Trouble
from authgate.server.oauth import Asked, Refusal, Serves, bad_request, too_many
from authgate.throttle import Throttle

log = logging.getLogger(__name__)

GUESSES = 30  # keys a minute from one address that are none, until whoever sends another has to wait
_AT_ONCE = 2  # keys that were never good here are looked up at once: hooks want the store too
_MAX_PROVEN = 1_000
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)
_NO_KEY = digest("")  # compared with where there is no key, so that it takes as long
_BAD_KEY = "the API key is not valid"


class Bearers:
    """Tells the API keys that are good from guesses.

    Each key is looked up before anybody is told to wait, so that a good one is never kept waiting by the guesses of
    others behind the same proxy. What that costs is bounded: keys that were not good before in this process stand in
    a short queue for the store, and those that were pass it by.
    """

    def __init__(self, service: Serves) -> None:
        self._service = service
        self._guesses = Throttle(GUESSES, GUESSES)
        self._queue = asyncio.Semaphore(_AT_ONCE)
        self._proven: OrderedDict[str, None] = OrderedDict()  # digests, the one that was used last at the end

    async def key(self, asked: Asked) -> ApiKey:
        """The API key that the request came with.

        Raises:
            Refusal: there is none that is good; in the same words, whatever is wrong with it.
            StoreError: it cannot be looked up.
        """
        offered = _offered(asked.request)
        mark = digest(offered)
        found = await self._find(offered, mark)
        right = matches(offered, found.digest if found else _NO_KEY)
        why = ""
        if found is None or not right:
            why = "there is no such API key"
        elif found.expires_at is not None and found.expires_at <= asked.now:
            why = f"API key {found.prefix} ({found.name}) has expired"
        if found is None or why:
            self._proven.pop(mark, None)
            if wait := self._guesses.wait(asked.neighbourhood, asked.clock):
                raise too_many(wait, f"{why}, and too many came from this address that are none")
            text = f'Bearer realm="authgate", error="invalid_token", error_description="{_BAD_KEY}"'
            raise _unauthorized(text, why)
        self._remember(mark)
        return found

    async def note(self, key: ApiKey, now: float) -> None:
        """Note that a key was used, in seconds since the epoch; once a minute, and only where that is easy."""
        at = int(now * 1000)
        if key.last_used_at is not None and key.last_used_at // 60_000 >= at // 60_000:
            return
        try:
            await self._service.store.api_keys.used(key.prefix, at)
        except Trouble as fault:
            log.warning("could not note that API key %s (%s) was used: %s", key.prefix, key.name, fault)

    async def _find(self, offered: str, mark: str) -> ApiKey | None:
        prefix = prefix_of(offered)
        if prefix is None:
            return None
        if mark in self._proven:
            return await self._service.store.api_keys.find(prefix)
        async with self._queue:
            return await self._service.store.api_keys.find(prefix)

    def _remember(self, mark: str) -> None:
        self._proven[mark] = None
        self._proven.move_to_end(mark)
        if len(self._proven) > _MAX_PROVEN:
            self._proven.popitem(last=False)


def _offered(request: HTTPConnection) -> str:
    """What the request brings as a key.

    Raises:
        Refusal: nothing, or more than one.
    """
    lines = request.headers.getlist("authorization")
    if len(lines) > 1:
        raise bad_request("Authorization: is there more than once")
    found = _BEARER.fullmatch(lines[0]) if lines else None
    if found is None:
        # Without any, no error is named (RFC 6750, 3.1).
        raise _unauthorized('Bearer realm="authgate"', "no API key was sent")
    return found[1]


def _unauthorized(challenge: str, why: str) -> Refusal:
    return Refusal(401, "invalid_token", _BAD_KEY, {"www-authenticate": challenge}, why=why)
