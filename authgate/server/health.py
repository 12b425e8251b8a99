"""``/healthz``: is the process alive? ``/readyz``: would it let anybody in?"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import authgate

_FRESH = 0.1  # seconds that an answer of /readyz serves everybody who asks: strangers must not keep the store busy


def health_routes(
    tally: Counter[str], faults: Callable[[], Awaitable[list[str]]], more: Callable[[], Mapping[str, Any]] = dict
) -> list[Route]:
    """The two routes. ``tally`` is what this worker has counted; ``faults`` says what keeps it from being ready;
    ``more`` is shown by ``/healthz``, to strangers too."""
    shared = _Shared(faults)

    async def healthz(_request: Request) -> JSONResponse:
        counted = dict(sorted(tally.items()))
        return JSONResponse({"status": "ok", "version": authgate.__version__, "counted": counted, **more()})

    async def readyz(_request: Request) -> JSONResponse:
        found = await shared.answer()
        status = "not ready" if found else "ready"
        return JSONResponse({"status": status, "faults": found}, 503 if found else 200)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


class _Shared:
    """One question at a time, and one answer for all who ask meanwhile and shortly after."""

    def __init__(self, ask: Callable[[], Awaitable[list[str]]]) -> None:
        self._ask = ask
        self._asked: asyncio.Task[list[str]] | None = None
        self._asked_at = 0.0

    async def answer(self) -> list[str]:
        now = asyncio.get_running_loop().time()
        if self._asked is None or (self._asked.done() and now >= self._asked_at + _FRESH):
            self._asked = asyncio.ensure_future(self._ask())
            self._asked_at = now
        return await asyncio.shield(self._asked)
