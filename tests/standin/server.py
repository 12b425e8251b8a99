"""The stand-in itself: a WebSocket port for clients, hooks to a back end.

    async with stand_in("http://127.0.0.1:8080/hooks", hmac_key="...") as wcs:
        ...                       # clients at wcs.url
        wcs.hooks("connect")      # what the back end was sent and has answered
        wcs.sent                  # what clients were sent
        wcs.outside               # which cameras it pulled from, whom the exchange was asked for

It is written after the vendor's manual and Web SDK, knows nothing of authgate, and where the manual is silent it
does what is worse for a back end.
"""

import asyncio
import contextlib
import itertools
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import websockets
from websockets.asyncio.server import ServerConnection, serve

from tests.standin import operations, wire
from tests.standin.connection import establish, leave
from tests.standin.outside import Outside
from tests.standin.rest import App, Exchange, Properties, rest_client
from tests.standin.state import ADDRESS, Node, Sent, Session

PATIENCE = 10  # seconds until what does not happen is given up


@dataclass(slots=True)
class StandIn:
    """A running stand-in, and what has passed through it."""

    node: Node
    ping_interval: float = 5  # seconds
    port: int = 0
    crashes: list[Exception] = field(default_factory=list)
    _open: set[asyncio.Task[None]] = field(default_factory=set)
    _ports: Iterator[int] = field(default_factory=lambda: itertools.count(50_000))

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def outside(self) -> Outside:
        """What lies beyond the media server."""
        return self.node.outside

    @property
    def sent(self) -> list[Sent]:
        """Every message to any client."""
        return self.node.sent

    @property
    def sessions(self) -> list[Session]:
        """The sessions that are established."""
        return list(self.node.sessions.values())

    def hooks(self, method: str | None = None) -> list[Exchange]:
        """Every hook sent, or those of one method."""
        return [e for e in self.node.rest.exchanges if method is None or e.method == method]

    async def incoming_call(self, session: Session, caller: str, callee: str) -> bool:
        return await operations.incoming_call(session, caller, callee)

    async def keep_alive(self) -> None:
        await operations.keep_alive(self.node)

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
        common |= {"sessionId": f"/203.0.113.9:{next(self._ports)}/{ADDRESS}:{port}"}
        common |= {"mediaSessionId": f"{uuid.uuid4()}-{method.removeprefix('play')}"}
        answer = await self.node.rest.send(self.node.apps[app_key], method, common | fields)
        return answer.status == 403

    async def everyone_left(self) -> None:
        """Return once all clients of now have left and the back end has been told."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self._open)

    async def serve_client(self, client: ServerConnection) -> None:
        """One client's WebSocket, from its first message to its end."""
        serving = asyncio.create_task(self._serve(client))
        self._open.add(serving)
        await serving
        self._open.discard(serving)

    async def _serve(self, client: ServerConnection) -> None:
        origin = client.request.headers.get("Origin") if client.request else None
        session = Session(self.node, client.send, f"203.0.113.7:{next(self._ports)}", origin)
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


@asynccontextmanager
async def stand_in(
    backend: str,
    *,
    app_keys: tuple[str, ...] = ("defaultApp",),
    methods: frozenset[str] = wire.HOOKS,
    properties: Properties | None = None,
    hmac_key: str | None = None,
    basic: tuple[str, str] | None = None,
    ping_interval: float = 5,
) -> AsyncIterator[StandIn]:
    """A stand-in on a free port of the loopback whose apps send these hook methods to this back end.

    Raises:
        ExceptionGroup: at the end, what broke in it meanwhile.
    """
    properties = properties or Properties(rest_hook_secret_key=hmac_key)
    app = App(backend, methods, basic)
    async with rest_client(properties) as rest:
        wcs = StandIn(Node(rest, dict.fromkeys(app_keys, app)), ping_interval)
        async with serve(wcs.serve_client, "127.0.0.1", 0, ping_interval=None) as server:
            wcs.port = server.sockets[0].getsockname()[1]
            yield wcs
    if wcs.crashes:
        raise ExceptionGroup("the stand-in broke", wcs.crashes)
