"""What went wrong, or was found -> an answer: JSON in one form, errors as problem details (RFC 9457)."""

import json
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

HEADERS: Mapping[str, str] = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Json(Response):
    """JSON that any reader takes: in ASCII, so that no text can break it."""

    media_type = "application/json"

    def __init__(self, content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(content, status, {**HEADERS, **(headers or {})})

    def render(self, content: Any) -> bytes:
        """The bytes."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


class Problem(Exception):
    """An answer that is an error."""

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None, *, why: str = "", **more: Any
    ) -> None:
        """``detail`` is for the client, ``why`` for the log; ``more`` are further members of the answer."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.why = why or detail
        self._headers = headers or {}
        self._more = more

    def response(self) -> Response:
        """What is sent."""
        title = HTTPStatus(self.status).phrase
        told = {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail, **self._more}
        found = Json(told, self.status, self._headers)
        found.headers["content-type"] = "application/problem+json"
        return found


def unavailable(why: str) -> Problem:
    """For what could not be done now; ``why`` is for the log."""
    return Problem(503, "this cannot be done now; try again in a moment", {"retry-after": "1"}, why=why)


def too_many(seconds: float, why: str) -> Problem:
    """For whoever has to wait; ``why`` is for the log."""
    wait = max(1, math.ceil(seconds))
    return Problem(429, f"too many requests; try again in {wait} seconds", {"retry-after": str(wait)}, why=why)
