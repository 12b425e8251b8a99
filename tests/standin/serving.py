"""One node as it is reached: a WebSocket port for clients, a port for its REST API, and its timers."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import websockets
from websockets.asyncio.server import ServerConnection, serve

from tests.standin import operations, wire
from tests.standin.api import RestApi
from tests.standin.connection import establish, leave
from tests.standin.rest import Properties
from tests.standin.state import Node, Session

PATIENCE = 10  # seconds until what does not happen is given up


async def until(what: Callable[[], bool]) -> None:
    """Come back as soon as this is so.

    Raises:
        TimeoutError: it takes too long.
    """
    async with asyncio.timeout(PATIENCE):
        while not what():  # noqa: ASYNC110 (nothing tells of whatever it is)
            await asyncio.sleep(0.01)


@dataclass(slots=True)
class Serving:
    """A running node: clients at ``url``, the REST API at ``api.url``."""

    node: Node
    api: RestApi
    properties: Properties
    ping_interval: float  # seconds
    port: int = 0
    crashes: list[Exception] = field(default_factory=list)
    _open: set[asyncio.Task[None]] = field(default_factory=set)
    _closing: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def id(self) -> str:
        """Its ``nodeId``."""
        return self.node.node_id

    @property
    def url(self) -> str:
        """Where the Web SDK connects."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def sessions(self) -> list[Session]:
        """The sessions that are established."""
        return list(self.node.sessions.values())

    async def restart(self) -> None:
        """End as a process does that is killed, and begin again: whoever was on is cut off, and no hook tells of it."""
        for session in self.node.forget():
            session.hang_up("")
        await self.everyone_left()

    async def everyone_left(self) -> None:
        """Return once all clients of now have left and the back end has been told."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self._open)

    async def play_hls(self, name: str, parameters: Mapping[str, str], app_key: str = "defaultApp") -> int:
        """The HTTP status of a playlist: 401 where the back end answers 403, 404 where no such stream is live.

        No session comes before it, so no setting either: no answer can change the name, and any other trouble
        lets the viewer in.
        """
        refused = await self._sessionless(
            "playHLS", 8445, app_key, {"name": name, "mediaProvider": "HLS", "custom": dict(parameters)}
        )
        if refused:
            return 401
        return 200 if self.node.is_live(name) else 404

    async def play_rtsp(self, name: str, parameters: Mapping[str, str], app_key: str = "defaultApp") -> bool:
        """Whether an RTSP player is served; its connection is dropped where ``play_hls`` is not 200."""
        query = "&".join(f"{key}={value}" for key, value in parameters.items())
        fields = {"name": f"rtsp://wcs.example.com:5554/{name}?{query}", "mediaProvider": "RTSP"}
        fields |= {"userAgent": "LibVLC/3.0.8 (LIVE555 Streaming Media v2016.11.28)"}
        refused = await self._sessionless("playRTSP", 5554, app_key, fields | {"custom": dict(parameters)})
        return not refused and self.node.is_live(name)

    async def _sessionless(self, method: str, port: int, app_key: str, fields: wire.Fields) -> bool:
        common = {"nodeId": self.node.node_id, "appKey": app_key}
        common |= {"sessionId": f"/{self.node.new_peer()}/{self.node.address}:{port}"}
        common |= {"mediaSessionId": f"{uuid.uuid4()}-{method.removeprefix('play')}"}
        answer = await self.node.rest.send(self.node.apps[app_key], method, common | fields)
        return answer.status == 403

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """In it, it can be reached."""
        await self.api.http.start()
        async with serve(self._serve_client, "127.0.0.1", 0, ping_interval=None) as server:
            self.port = server.sockets[0].getsockname()[1]
            timer = asyncio.create_task(self._keep_alive())
            try:
                yield
                await self.api.settled()
            finally:
                timer.cancel()
                await asyncio.gather(timer, return_exceptions=True)
                await self.api.http.stop()

    async def _keep_alive(self) -> None:
        if not self.properties.keep_alive_streaming_sessions_enabled:
            return
        while True:
            await asyncio.sleep(self.properties.streaming_sessions_keep_alive_interval / 1000)
            try:
                await operations.keep_alive(self.node, self.properties.streaming_sessions_keep_alive_app_keys)
            except Exception as crash:
                self.crashes.append(crash)

    async def _serve_client(self, client: ServerConnection) -> None:
        """One client's WebSocket, from its first message to its end."""
        serving = asyncio.create_task(self._serve(client))
        self._open.add(serving)
        await serving
        self._open.discard(serving)

    async def _serve(self, client: ServerConnection) -> None:
        def close() -> None:
            closing = asyncio.ensure_future(client.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

        origin = client.request.headers.get("Origin") if client.request else None
        session = Session(self.node, client.send, origin, close)
        try:
            await self._converse(client, session)
        except websockets.ConnectionClosed:
            pass  # it left before it had said anything
        except Exception as crash:  # raised again when the stand-in ends
            self.crashes.append(crash)

    async def _converse(self, client: ServerConnection, session: Session) -> None:
        message, offered = wire.read(await client.recv())
        if message != "connection" or not await establish(session, offered):
            return
        pinger = asyncio.create_task(self._ping(client, session))
        running: set[asyncio.Task[None]] = set()
        try:
            with contextlib.suppress(websockets.ConnectionClosed):
                async for text in client:
                    # Each in a task of its own: a slow hook holds up what it was asked about, nothing else.
                    running.add(asyncio.create_task(operations.operate(session, *wire.read(text))))
        finally:
            pinger.cancel()
            await asyncio.gather(pinger, return_exceptions=True)
            await asyncio.gather(*running)
            await leave(session)

    async def _ping(self, client: ServerConnection, session: Session) -> None:
        while True:
            await asyncio.sleep(self.ping_interval)
            await session.tell("ping")
