"""The floor: what the framework alone can do. JSON in, the same JSON out, nothing else: ``floor.py PORT``.

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


async def echo(request: Request) -> JSONResponse:
    """What came, opened and closed again."""
    return JSONResponse(json.loads(await request.body()))


app = Starlette(routes=[Route("/hooks/{method}", echo, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        workers=1,
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
