"""A node of the media server by hand: its REST API as the reference has it, and whatever else a test has it answer."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

REST = "/rest-api"


def reply(body: bytes | str = b"", status: int = 200, *lines: str) -> bytes:
    """The bytes of a whole answer."""
    data = body.encode() if isinstance(body, str) else body
    return "\r\n".join([f"HTTP/1.1 {status} x", f"Content-Length: {len(data)}", *lines, "", ""]).encode() + data


def connection(session: str, app: str = "app", **more: Any) -> dict[str, Any]:
    """A Connection object, null where the media server has it null."""
    return {"custom": None, "nodeId": None, "appKey": app, "sessionId": session, "sipPort": "5060", **more}


def stream(media: str, session: str = "s", name: str = "cam", **more: Any) -> dict[str, Any]:
    """A Stream object, which somebody publishes."""
    fields = {"nodeId": None, "appKey": "app", "sessionId": session, "mediaSessionId": media, "name": name}
    return {**fields, "published": True, "status": "PUBLISHING", "createDate": 1_700_000_000_000, **more}


@dataclass
class FakeWcs:
    """What it has, what it was asked, and what it answers in place of that."""

    connections: dict[str, dict[str, Any]] = field(default_factory=dict)  # by sessionId
    streams: dict[str, dict[str, Any]] = field(default_factory=dict)  # by mediaSessionId
    calls: dict[str, dict[str, Any]] | None = None  # by callId; None: this build knows nothing of calls
    login: tuple[str, str] | None = None
    answers: dict[str, bytes] = field(default_factory=dict)  # by path; b"": it hangs up
    proves: bool = True  # whether it says that what is there cannot be got
    pause: float = 0.0  # seconds before each answer
    heard: list[tuple[str, Any]] = field(default_factory=list)  # path and body
    most: int = 0  # questions at once, so far
    url: str = ""
    _asking: int = 0
    _serving: set["asyncio.Task[None] | None"] = field(default_factory=set)

    def add(self, *sessions: str) -> None:
        self.connections |= {each: connection(each) for each in sessions}

    def paths(self) -> list[str]:
        return [path for path, _ in self.heard]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self._asking += 1
                self.most = max(self.most, self._asking)
                await asyncio.sleep(self.pause)
                self._asking -= 1
                verb, target, _ = head[0].split(" ")
                if verb == "POST":
                    answer = self._answer(target, headers.get("authorization"), body)
                else:
                    there = target.startswith(REST) and (self.calls is not None or "/call/" not in target)
                    answer = reply("", 405 if self.proves and there else 404)
                if not answer:
                    break
                writer.write(answer)
                await writer.drain()
        self._serving.discard(asyncio.current_task())
        writer.close()

    async def _hang_up(self) -> None:
        tasks = [each for each in self._serving if each is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)

    def _answer(self, target: str, authorization: str | None, body: bytes) -> bytes:
        path = target.removeprefix(REST)
        fields = json.loads(body) if body else None
        self.heard.append((path, fields))
        if path in self.answers:
            return self.answers[path]
        if self.login is not None:
            pair = base64.b64encode(":".join(self.login).encode()).decode()
            if authorization != f"Basic {pair}":
                return reply("", 401, 'WWW-Authenticate: Basic realm="wcs"')
        match path:
            case "/connection/find_all":
                return reply(json.dumps([*self.connections.values()]))
            case "/stream/find_all":
                return reply(json.dumps([*self.streams.values()])) if self.streams else reply("", 404)
            case "/call/find_all":
                return reply(json.dumps([*self.calls.values()])) if self.calls else reply("", 404)
            case "/connection/terminate":
                return self._end(self.connections, fields, "sessionId")
            case "/stream/terminate":
                return self._end(self.streams, fields, "mediaSessionId")
            case "/data/send":
                ids = fields.get("sessionIds") or [fields["sessionId"]]
                return reply() if any(each in self.connections for each in ids) else reply("", 404)
        return reply('{"status":404,"error":"Not Found"}', 404)

    def _end(self, there: dict[str, Any], fields: Any, name: str) -> bytes:
        assert isinstance(fields, dict), "the filter is empty: everything would end"
        assert fields.keys() == {name}
        assert fields[name], "the filter is empty: everything would end"
        gone = there.pop(fields[name], None)
        if name == "sessionId":  # its streams end with it
            for media in [each for each, it in self.streams.items() if it["sessionId"] == fields[name]]:
                del self.streams[media]
        return reply("", 200 if gone else 404)


@asynccontextmanager
async def running(port: int = 0, fake: FakeWcs | None = None) -> AsyncIterator[FakeWcs]:
    """It answers, while in here."""
    fake = fake or FakeWcs()
    server = await asyncio.start_server(fake._serve, "127.0.0.1", port)
    fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{REST}"
    try:
        yield fake
    finally:
        server.close()
        await fake._hang_up()
        await server.wait_closed()
