"""What the features declare -> a document of OpenAPI 3.1."""

import re
from typing import Any, cast

import authgate
from authgate.api_keys import ADMIN_SCOPES
from authgate.server import admin
from authgate.server.admin.operation import MAX_BODY, Operation
from authgate.wiring import Service

STATUSES = {
    400: "It cannot be understood, or cannot be so: `detail` names the part.",
    401: "The API key is missing, unknown, revoked or expired.",
    403: "The API key lacks the scope that this needs.",
    404: "There is no such thing.",
    409: "There is such a thing already.",
    413: f"The body has more than {MAX_BODY} bytes.",
    415: "The body has another media type or encoding.",
    429: "Too many keys that are none came from there; Retry-After says how many seconds to wait.",
    503: "It cannot be done now; try again.",
}
_EVERY = (400, 401, 403, 429, 503)  # statuses that every operation may have


def document() -> dict[str, Any]:
    """The document, as JSON holds it."""
    paths: dict[str, Any] = {}
    for feature in admin.FEATURES:
        # What is declared is the same for any service, so none is needed to tell it.
        for each in feature.routes(cast("Service", None)):
            if isinstance(each, Operation):
                paths.setdefault(each.path, {})[each.verb.lower()] = _operation(each)
    for path, verbs in admin.documented().items():
        paths.setdefault(path, {}).update(verbs)
    told = f"An API key, made by `authgate apikey add NAME --admin SCOPE`. Scopes: {', '.join(ADMIN_SCOPES)}."
    key = {"type": "http", "scheme": "bearer", "description": told}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "authgate admin",
            "version": authgate.__version__,
            "description": "What `authgate` does on the command line, over HTTP, for keys with the scopes for it.",
        },
        "security": [{"apiKey": []}],
        "paths": {path: paths[path] for path in sorted(paths)},
        "components": {"schemas": {"Problem": PROBLEM}, "securitySchemes": {"apiKey": key}},
    }


def problems(*statuses: int) -> dict[str, Any]:
    """The answers of these statuses, and of those that everything here may have."""
    found: dict[str, Any] = {}
    for status in sorted({*_EVERY, *statuses}):
        schema = {"$ref": "#/components/schemas/Problem"}
        found[str(status)] = {
            "description": STATUSES[status],
            "content": {"application/problem+json": {"schema": schema}},
        }
        if status in (429, 503):
            found[str(status)]["headers"] = {
                "Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}, "description": "Seconds."}
            }
        if status in (401, 403):
            found[str(status)]["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return found


def _operation(each: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": each.id, "summary": each.summary}
    if each.scope is not None:
        found["description"] = f"Needs the scope `{each.scope}`."
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": each.parameter(name)}
        for name in re.findall(r"\{(\w+)\}", each.path)
    ]
    parameters += [{"name": name, "in": "query", "schema": schema} for name, schema in each.query.items()]
    if parameters:
        found["parameters"] = parameters
    refusals = {413, *each.refusals}
    if each.body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": each.body}}}
        refusals |= {415}
    responses: dict[str, Any] = {}
    for status, (description, schema) in each.answers.items():
        responses[str(status)] = {"description": description}
        if schema is not None:
            responses[str(status)]["content"] = {each.media_type: {"schema": schema}}
    found["responses"] = {**responses, **problems(*refusals)}
    return found


PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}
