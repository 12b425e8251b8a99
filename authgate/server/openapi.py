"""What is switched on of the endpoints for web applications -> a document of OpenAPI 3.1."""

from collections.abc import Iterable
from typing import Any

import authgate
from authgate import bindings
from authgate.config import IssuingOptions

MAX_GRANTS = 100  # entries of one request
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_NUMBER: dict[str, Any] = {"type": "integer"}

_STATUSES = {
    400: "It cannot be understood, or cannot be had: `error` tells which, `error_description` names the part.",
    401: "The API key is missing, unknown, revoked or expired; of a login: it came with credentials of a client.",
    403: "The API key has no leave for this; `error_description` names the part.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    415: "The body has another media type or encoding.",
    429: "Too many requests; Retry-After says how many seconds to wait.",
    503: "It cannot be decided now; try again.",
}


def document(options: IssuingOptions) -> dict[str, Any]:
    """The document, as JSON holds it, with the paths that are on."""
    paths: dict[str, Any] = {}
    if options.tokens:
        paths["/tokens"] = {"post": _tokens(options)}
    if options.login:
        paths["/login"] = {"post": _login()}
    if options.publish_keys:
        paths["/.well-known/jwks.json"] = {"get": _KEYS}
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "authgate", "version": authgate.__version__, "description": "Tokens for media clients."},
        "paths": paths,
        "components": {"schemas": {"Error": _ERROR}},
    }
    if options.tokens:
        key = {"type": "http", "scheme": "bearer", "description": "An API key, made by `authgate apikey add`."}
        found["components"]["securitySchemes"] = {"apiKey": key}
    return found


def _tokens(options: IssuingOptions) -> dict[str, Any]:
    wanted = {
        "user": {**_TEXT, "description": "The user whom the token is for."},
        "ttl": {
            **_NUMBER,
            "minimum": 1,
            "maximum": options.max_ttl,
            "description": "Seconds that it lives; without it, as long as the API key allows.",
        },
        "grants": _list(
            "What it allows, as ACTION:PATTERN, or forbids, as !ACTION:PATTERN. It only narrows.", 0, MAX_GRANTS
        ),
        "app": {"oneOf": [_TEXT, _list("appKeys of applications.")], "description": "Without it, any the key allows."},
        "ip": _list("Addresses or networks of the client."),
        "origin": _list("Origins of the client's page."),
        "stream": _list("Patterns of names of the streams that it may publish and play."),
        "once": {"type": "boolean", "description": "Whether it is good for one session or one stream only."},
    }
    issued = {
        "token": _TEXT,
        "token_type": {"const": "Bearer"},
        "expires_in": {**_NUMBER, "description": "Seconds."},
        "expires_at": {**_NUMBER, "description": "Seconds since the epoch."},
        "jti": _TEXT,
    }
    return {
        "operationId": "issueToken",
        "summary": "A token for a user, for an application that holds an API key.",
        "security": [{"apiKey": []}],
        "requestBody": _body("application/json", _object(wanted, ["user"], closed=True)),
        "responses": _responses(201, "The token.", _object(issued, issued), (400, 401, 403, 408, 413, 415, 429, 503)),
    }


def _login() -> dict[str, Any]:
    form = {
        "grant_type": {"const": "password"},
        "username": _TEXT,
        "password": {**_TEXT, "format": "password"},
        "scope": {"type": "string", "description": "Grants, ACTION:PATTERN, between spaces. They only narrow."},
    }
    issued = {
        "access_token": _TEXT,
        "token_type": {"const": "Bearer"},
        "expires_in": {**_NUMBER, "description": "Seconds."},
        "scope": {"type": "string"},
    }
    needed = ["access_token", "token_type", "expires_in"]
    return {
        "operationId": "logIn",
        "summary": "A token for a user name and a password (RFC 6749, section 4.3).",
        "security": [],
        "requestBody": _body(
            "application/x-www-form-urlencoded", _object(form, ["grant_type", "username", "password"])
        ),
        "responses": _responses(200, "The token.", _object(issued, needed), (400, 401, 408, 413, 415, 503)),
    }


def _list(description: str, least: int = 1, most: int = bindings.MOST) -> dict[str, Any]:
    return {"type": "array", "items": _TEXT, "minItems": least, "maxItems": most, "description": description}


def _object(properties: dict[str, Any], required: Iterable[str], *, closed: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties, "required": list(required)}
    return found | {"additionalProperties": False} if closed else found


def _body(media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {media_type: {"schema": schema}}}


def _responses(status: int, text: str, schema: dict[str, Any], others: Iterable[int]) -> dict[str, Any]:
    found: dict[str, Any] = {str(status): {"description": text, "content": {"application/json": {"schema": schema}}}}
    for other in others:
        found[str(other)] = {
            "description": _STATUSES[other],
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
        if other in (429, 503):
            found[str(other)]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
        if other in (401, 403):
            found[str(other)]["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return found


_ERROR = _object({"error": _TEXT, "error_description": _TEXT}, ["error", "error_description"])
_KEYS = {
    "operationId": "publicKeys",
    "summary": "The public keys that tokens are verified with, as a JSON Web Key Set (RFC 7517).",
    "security": [],
    "responses": _responses(
        200, "The keys.", _object({"keys": {"type": "array", "items": {"type": "object"}}}, ["keys"]), (503,)
    ),
}
