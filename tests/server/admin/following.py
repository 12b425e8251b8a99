"""Those who follow the events of a server, each on a thread of its own."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import websockets.sync.client
from websockets.exceptions import ConnectionClosed

from tests.process import PATIENCE
from tests.trouble import awaited

PATH = "/api/v1/events"


class Following:
    """What one has been told so far."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.open = threading.Event()
        self.ended = threading.Event()
        self.closed_with: int | None = None

    @property
    def ids(self) -> list[int]:
        return [each["id"] for each in self.events]

    def until(self, count: int) -> list[dict[str, Any]]:
        """The events, once there are so many."""
        awaited(lambda: len(self.events) >= count)
        return self.events


@contextmanager
def over_http(url: str, key: str, query: str = "", headers: dict[str, str] | None = None) -> Iterator[Following]:
    """Somebody who follows by Server-Sent Events."""
    found = Following()
    wanted = {"authorization": f"Bearer {key}", **(headers or {})}
    timeout = httpx.Timeout(PATIENCE, read=None)
    http = httpx.Client(trust_env=False, timeout=timeout)
    response = http.send(http.build_request("GET", f"{url}{PATH}{query}", headers=wanted), stream=True)
    try:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.iter_lines()
        assert next(lines).startswith("retry: ")  # so it follows from here on
        thread = threading.Thread(target=_read, args=(found, lines))
        thread.start()
        yield found
    finally:
        with suppress(OSError):  # the other side may have hung up
            response.extensions["network_stream"].get_extra_info("socket").shutdown(2)
        thread.join(PATIENCE)
        response.close()
        http.close()


def _read(found: Following, lines: Iterator[str]) -> None:
    try:
        for line in lines:
            found.lines.append(line)
            if line.startswith("data: "):
                told = json.loads(line.removeprefix("data: "))
                assert found.lines[-2] == f"id: {told['id']}"
                found.events.append(told)
    except httpx.TransportError:
        pass
    found.ended.set()


@contextmanager
def over_websocket(url: str, key: str, query: str = "") -> Iterator[Following]:
    """Somebody who follows over a WebSocket."""
    found = Following()
    line = websockets.sync.client.connect(
        f"{url.replace('http', 'ws', 1)}{PATH}{query}",
        additional_headers={"Authorization": f"Bearer {key}"},
        proxy=None,
    )

    def read() -> None:
        try:
            for text in line:
                found.events.append(json.loads(text))
        except ConnectionClosed:
            pass
        found.closed_with = line.protocol.close_code
        found.ended.set()

    with line:
        thread = threading.Thread(target=read)
        thread.start()
        found.line = line  # type: ignore[attr-defined]  # for what a test sends
        yield found
    thread.join(PATIENCE)
