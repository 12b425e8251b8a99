"""What a key may do here, and the document of the interface itself."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from authgate.admin.shown import iso
from authgate.api_keys import ADMIN_SCOPES
from authgate.server.admin import schema
from authgate.server.admin.operation import Answer, Call, Operation
from authgate.server.admin.problems import Json
from authgate.wiring import Service


def routes(_service: Service) -> list[Operation | BaseRoute]:
    """Who am I, and what is there?"""
    return [WHO, Route("/api/openapi.json", _document, methods=["GET"])]


async def _who(call: Call) -> Answer:
    key = call.key
    expires = None if key.expires_at is None else iso(key.expires_at * 1000)
    return Answer({"prefix": key.prefix, "name": key.name, "scopes": list(key.scope.admin), "expires_at": expires})


async def _document(_request: Request) -> Response:
    from authgate.server.admin.openapi import document  # which asks all features

    return Json(document())


WHO = Operation(
    id="showKey",
    verb="GET",
    path="/api/v1/key",
    scope=None,
    summary="The API key that the request came with, and what it may do.",
    handler=_who,
    answers={
        200: (
            "The key.",
            schema.shown(
                {
                    "prefix": schema.text("By which `authgate apikey list` shows it."),
                    "name": schema.text(),
                    "scopes": {"type": "array", "items": schema.one_of(ADMIN_SCOPES)},
                    "expires_at": schema.or_null(schema.moment()),
                }
            ),
        )
    },
)
