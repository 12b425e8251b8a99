"""A client of the media server without a browser, in the messages of the Web SDK."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection, connect

from tests.standin import wire
from tests.standin.wire import Fields

PATIENCE = 10  # seconds until a message that does not come is given up
_SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


class Client:
    """One WebSocket to the media server. Each question comes back with the answer to it, as its object."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._news = asyncio.Condition()
        self.frames: list[tuple[str, Fields]] = []  # everything received: message, first object
        self.closed = False

    async def listen(self) -> None:
        """Receive until the server hangs up."""
        with suppress(websockets.ConnectionClosed):
            async for text in self._socket:
                message, fields = wire.read(text)
                if message == "ping":
                    await self._socket.send(wire.frame("pong"))
                async with self._news:
                    self.frames.append((message, fields))
                    self._news.notify_all()
        async with self._news:
            self.closed = True
            self._news.notify_all()

    async def establish(self, app_key: str = "defaultApp", **fields: Any) -> Fields:
        """The connection object, or the failure: ``{"status": "FAILED", "info": ...}``."""
        offered: Fields = {"appKey": app_key, "mediaProviders": ["WebRTC"], "clientVersion": "2.0"}
        offered |= {"clientOSVersion": "5.0 (X11)", "clientBrowserVersion": "Mozilla/5.0"} | fields
        return await self.ask("connection", offered, {"getUserData": {}, "fail": {}})

    async def publish(self, name: str, **fields: Any) -> Fields:
        """The stream object with its new status; FAILED and ``info`` where it was refused."""
        return await self._start("publishStream", name, published=True, **fields)

    async def play(self, name: str, **fields: Any) -> Fields:
        """As ``publish``."""
        return await self._start("playStream", name, published=False, **fields)

    async def stop(self, stream: Fields) -> Fields:
        """The stream object, UNPUBLISHED or STOPPED, or FAILED where that was refused."""
        message = "unPublishStream" if stream["published"] else "stopStream"
        return await self.ask(message, stream, _of_stream(stream["mediaSessionId"]))

    async def snapshot(self, name: str) -> Fields:
        """The stream event, or the failure."""
        id = str(uuid.uuid4())
        ways = {"notifyStreamEvent": {"mediaSessionId": id}, "fail": {"id": id}}
        return await self.ask("snapshot", {"name": name, "mediaSessionId": id}, ways)

    async def available(self, name: str) -> Fields:
        """``status`` says "true" or "false"."""
        id = str(uuid.uuid4())
        return await self.ask("availableStream", {"name": name, "mediaSessionId": id}, {"availableStream": {"id": id}})

    async def send_data(self, payload: Any) -> Fields:
        """``status`` says ACCEPTED or FAILED."""
        id = str(uuid.uuid4())
        return await self.ask(
            "sendData", {"operationId": id, "payload": payload}, {"DataStatusEvent": {"operationId": id}}
        )

    async def call(self, callee: str, **fields: Any) -> Fields:
        """The call object once somebody talks or it is over, or the failure."""
        id = str(uuid.uuid4())
        offered: Fields = {"callId": id, "incoming": False, "status": "PENDING", "callee": callee, "sdp": _SDP}
        return await self.ask(
            "call", offered | fields, {"talk": {"callId": id}, "finish": {"callId": id}, "fail": {"id": id}}
        )

    async def ask(self, message: str, fields: Fields, ways: dict[str, Fields]) -> Fields:
        """Send a message; the first object after it that comes in one of these ways: message and fields that match."""
        start = len(self.frames)
        await self._socket.send(wire.frame(message, fields))
        return await self.hear(ways, start)

    async def hear(self, ways: dict[str, Fields], start: int = 0) -> Fields:
        """The first object received, from this frame on, in one of these ways.

        Raises:
            ConnectionError: the server hung up without one.
            TimeoutError: it did not come.
        """
        async with asyncio.timeout(PATIENCE), self._news:
            while True:
                for message, fields in self.frames[start:]:
                    if message in ways and ways[message].items() <= fields.items():
                        return fields
                if self.closed:
                    raise ConnectionError("the media server has closed the session")
                await self._news.wait()

    async def hung_up(self) -> None:
        """Return once the server has closed the socket."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: self.closed)

    async def _start(self, message: str, name: str, **fields: Any) -> Fields:
        id = str(uuid.uuid4())
        offered: Fields = {"mediaSessionId": id, "name": name, "hasVideo": True, "hasAudio": True, "status": "PENDING"}
        offered |= {"record": False, "mediaProvider": "WebRTC", "sdp": _SDP} | fields
        return await self.ask(message, offered, _of_stream(id))


def _of_stream(id: str) -> dict[str, Fields]:
    return {"notifyStreamStatusEvent": {"mediaSessionId": id}, "fail": {"id": id}}


@asynccontextmanager
async def client(url: str, origin: str = "https://app.example.com") -> AsyncIterator[Client]:
    """A client whose WebSocket is open; nothing has been said yet."""
    async with connect(url, origin=origin, ping_interval=None) as socket:  # type: ignore[arg-type]
        one = Client(socket)
        listening = asyncio.create_task(one.listen())
        try:
            yield one
        finally:
            await socket.close()
            await listening
