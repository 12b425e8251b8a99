"""A back end whose answers a test decides, down to the status line: the test-bed of the stand-in itself."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.standin.http import HttpServer, Request, Say

__all__ = ["Backend", "Request", "Say", "backend", "configured", "refused"]


class Backend:
    """Answers hooks as ``answers`` says; a list is used up one by one, then the last one stays."""

    def __init__(self, answers: dict[str, Say | list[Say]]) -> None:
        self.answers = answers
        self.requests: list[Request] = []
        self.http = HttpServer(self._next)

    @property
    def connections(self) -> int:
        return self.http.connections

    @property
    def url(self) -> str:
        return f"{self.http.address}/hooks"

    def of(self, method: str) -> list[Request]:
        return [request for request in self.requests if request.method == method]

    async def _next(self, request: Request) -> Say:
        self.requests.append(request)
        say = self.answers.get(request.method, Say())
        if isinstance(say, list):
            return say.pop(0) if len(say) > 1 else say[0]
        return say


def refused(status: int = 403, phrase: str = "Forbidden", **body: Any) -> Say:
    """A refusal; without a body it is an empty page, as plain web servers give."""
    if not body:
        return Say(status, phrase, b"", "text/html")
    return Say(status, phrase, json.dumps(body).encode())


def configured(**methods: dict[str, str]) -> Say:
    """An answer to ``connect`` with nothing in it but settings, each method's given on top of the defaults."""
    rest = {"clientExclude": "", "restExclude": "", "restOnError": "LOG", "restPolicy": "NOTIFY", "restOverwrite": ""}
    config = {name: rest | entry for name, entry in methods.items()}
    return Say(body=json.dumps({"restClientConfig": config}).encode())


@asynccontextmanager
async def backend(**answers: Say | list[Say]) -> AsyncIterator[Backend]:
    """A back end on a free port of the loopback; answers by hook method."""
    one = Backend(dict(answers))
    await one.http.start()
    try:
        yield one
    finally:
        await one.http.stop()
