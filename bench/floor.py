"""The floor: what the framework alone can do. JSON in, the same JSON out, nothing else."""

import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def echo(request: Request) -> JSONResponse:
    return JSONResponse(json.loads(await request.body()))


app = Starlette(routes=[Route("/hooks/{method}", echo, methods=["POST"])])
