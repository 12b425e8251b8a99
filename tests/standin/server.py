"""The stand-in itself: WebSocket ports for clients, hooks to a back end, and the REST API of each node.

    async with stand_in("http://127.0.0.1:8080/hooks", hmac_key="...", nodes=2) as wcs:
        ...                       # clients at wcs.url, or at wcs.nodes[1].url
        wcs.nodes[1].api.url      # its REST API, for a [[wcs]] section whose node is wcs.nodes[1].id
        wcs.hooks("connect")      # what the back end was sent and has answered
        wcs.sent                  # what clients were sent
        wcs.outside               # which cameras it pulled from, whom the exchange was asked for
        wcs.nodes[0].api.says["/connection/find_all"] = Say(503, "Busy")   # or Say(after=5), Say(hang_up=True)
        await wcs.nodes[0].api.http.stop()     # nobody listens there, until start()
        await wcs.nodes[0].restart()           # all of its clients are gone, and no hook tells of it
        assert wcs.wiped == 0                  # nobody had everything ended by an empty filter

It is written after the vendor's manual and Web SDK, knows nothing of authgate, and where the manual is silent it
does what is worse for a back end.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from tests.standin import operations, wire
from tests.standin.api import ApiOptions, RestApi
from tests.standin.outside import Outside
from tests.standin.rest import App, Exchange, Properties, RestClient, rest_client
from tests.standin.serving import Serving
from tests.standin.state import Node, Sent, Session, node_id

ONE_NODE = ApiOptions()


@dataclass(frozen=True, slots=True)
class StandIn:
    """A running stand-in, and what has passed through it."""

    nodes: list[Serving]
    _rest: RestClient

    @property
    def node(self) -> Node:
        """The first node."""
        return self.nodes[0].node

    @property
    def url(self) -> str:
        """Where clients of the first node connect."""
        return self.nodes[0].url

    @property
    def outside(self) -> Outside:
        """What lies beyond the first node."""
        return self.node.outside

    @property
    def sent(self) -> list[Sent]:
        """Every message to any client."""
        return [sent for each in self.nodes for sent in each.node.sent]

    @property
    def sessions(self) -> list[Session]:
        """The sessions that are established."""
        return [session for each in self.nodes for session in each.sessions]

    @property
    def wiped(self) -> int:
        """How often an empty filter has had everything of a node ended."""
        return sum(each.api.wiped for each in self.nodes)

    def hooks(self, method: str | None = None) -> list[Exchange]:
        """Every hook sent, or those of one method."""
        return [e for e in self._rest.exchanges if method is None or e.method == method]

    async def incoming_call(self, session: Session, caller: str, callee: str) -> bool:
        return await operations.incoming_call(session, caller, callee)

    async def keep_alive(self) -> None:
        """One round of keep-alives on every node, whatever its timer says."""
        for each in self.nodes:
            await operations.keep_alive(each.node)

    async def play_hls(self, name: str, parameters: Mapping[str, str], app_key: str = "defaultApp") -> int:
        """See ``Serving.play_hls``: at the first node."""
        return await self.nodes[0].play_hls(name, parameters, app_key)

    async def play_rtsp(self, name: str, parameters: Mapping[str, str], app_key: str = "defaultApp") -> bool:
        """See ``Serving.play_rtsp``: at the first node."""
        return await self.nodes[0].play_rtsp(name, parameters, app_key)

    async def everyone_left(self) -> None:
        """Return once all clients of now have left and the back end has been told."""
        await asyncio.gather(*(each.everyone_left() for each in self.nodes))


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
    nodes: int = 1,
    api: ApiOptions = ONE_NODE,
) -> AsyncIterator[StandIn]:
    """Nodes on free ports of the loopback whose apps send these hook methods to this back end.

    Raises:
        ExceptionGroup: at the end, what broke in it meanwhile.
    """
    properties = properties or Properties(rest_hook_secret_key=hmac_key)
    app = App(backend, methods, basic)
    async with rest_client(properties) as rest, AsyncExitStack() as stack:
        wcs = StandIn([], rest)
        for number in range(nodes):
            node = Node(rest, dict.fromkeys(app_keys, app), node_id(number))
            one = Serving(node, RestApi(node, api), properties, ping_interval)
            await stack.enter_async_context(one.running())
            wcs.nodes.append(one)
        yield wcs
    crashes = [crash for each in wcs.nodes for crash in each.crashes]
    if crashes:
        raise ExceptionGroup("the stand-in broke", crashes)
