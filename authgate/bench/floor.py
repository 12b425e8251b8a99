"""The floor: what the framework alone can do. JSON in, the same JSON out, nothing else.

uvicorn is set as ``authgate.server.worker.serve`` sets it, but for authgate's own HTTP protocol: that is no part of the
framework, and what it costs is ours.
"""

import json
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from authgate.bench.parent import end_with_parent


async def echo(request: Request) -> JSONResponse:
    """What came, opened and closed again."""
    return JSONResponse(json.loads(await request.body()))


app = Starlette(routes=[Route("/hooks/{method}", echo, methods=["POST"])])


def serve(port: int, workers: int = 1) -> None:
    """Answer on this port of 127.0.0.1 until told to stop."""
    uvicorn.run(
        "authgate.bench.floor:app",
        port=port,
        workers=workers,
        backlog=4096,
        timeout_keep_alive=75,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        http="httptools",
        ws="none",
        lifespan="on",
    )


def main() -> None:
    """Do so as the first line of standard input says, until that ends."""
    asked = json.loads(sys.stdin.readline())
    end_with_parent()
    serve(asked["port"], asked["workers"])


if __name__ == "__main__":
    main()
