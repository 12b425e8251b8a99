"""``/metrics``: what Prometheus scrapes."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from authgate.metrics.exposition import CONTENT_TYPE
from authgate.networks import is_loopback
from authgate.server.admin.access import allowed
from authgate.server.admin.openapi import problems
from authgate.server.admin.operation import Operation
from authgate.server.admin.problems import HEADERS
from authgate.server.scrape import Scrapes
from authgate.wiring import Service


def routes(service: Service) -> list[Operation | BaseRoute]:
    """What there is to scrape."""
    scrapes = Scrapes(service)

    async def metrics(request: Request) -> Response:
        if not (service.config.admin.insecure_metrics_without_key and _comes_from_here(request)):
            await allowed(request, "metrics:read")
        return Response(await scrapes.text(), 200, {**HEADERS, "content-type": CONTENT_TYPE})

    return [Route("/metrics", metrics, methods=["GET"])]


def _comes_from_here(request: Request) -> bool:
    """Whether somebody on this machine asks for itself: no proxy for others, and no page for its own server."""
    headers = request.headers
    if any(name in headers for name in ("x-forwarded-for", "forwarded", "via", "origin", "x-real-ip")):
        return False
    name = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
    named = name == "localhost" or is_loopback(name.strip("[]"))
    return named and request.client is not None and is_loopback(request.client.host)


DOCUMENTED: Mapping[str, Any] = {
    "/metrics": {
        "get": {
            "operationId": "scrape",
            "summary": "What Prometheus scrapes.",
            "description": "Needs the scope `metrics:read`.",
            "responses": {
                "200": {
                    "description": "Prometheus's text format; the metrics are in docs/metrics.md.",
                    "content": {"text/plain": {"schema": {"type": "string"}}},
                },
                **problems(),
            },
        }
    }
}
