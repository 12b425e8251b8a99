"""``/healthz``: is the process alive? ``/readyz``: would it let anybody in?"""

from collections import Counter
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import authgate


def health_routes(tally: Counter[str], faults: Callable[[], Awaitable[list[str]]]) -> list[Route]:
    """The two routes. ``tally`` is what this worker has counted; ``faults`` says what keeps it from being ready."""

    async def healthz(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "version": authgate.__version__, "counted": dict(sorted(tally.items()))})

    async def readyz(_request: Request) -> JSONResponse:
        found = await faults()
        status = "not ready" if found else "ready"
        return JSONResponse({"status": status, "faults": found}, 503 if found else 200)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
