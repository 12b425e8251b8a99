"""Clients of several nodes without a socket: everything else is as it is with one, and thousands cost little."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence

from tests.standin import operations
from tests.standin.api import ApiOptions, RestApi
from tests.standin.connection import establish, leave
from tests.standin.rest import App, Hooks
from tests.standin.state import Node, Session, Stream
from tests.standin.wire import HOOKS, Fields

ORIGIN = "https://app.example.com"


class Crowd:
    """Some nodes and whoever is on there, by session ids that are used again as ports are."""

    def __init__(
        self, hooks: Hooks, names: Sequence[str], app_keys: Sequence[str], api: ApiOptions | None = None
    ) -> None:
        apps: Mapping[str, App] = dict.fromkeys(app_keys, App("", HOOKS))
        self.nodes = [
            Node(hooks, dict(apps), f"{name}@192.0.2.{number}") for number, name in enumerate(names, start=10)
        ]
        self.apis = [RestApi(node, api or ApiOptions()) for node in self.nodes]
        self._ids = itertools.count(1)
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def sessions(self) -> list[Session]:
        return [session for node in self.nodes for session in node.sessions.values()]

    @property
    def streams(self) -> list[Stream]:
        return [stream for node in self.nodes for stream in node.streams()]

    async def connect(
        self, node: Node, port: int, app_key: str, fields: Fields, *, at_once: bool = False
    ) -> Session | None:
        """The session of a client that comes from this port; None: it is not let in.

        Whoever was on from there is gone; that is noticed afterwards, or at once with the coming of this one.
        """
        id = session_id(node, port)
        before = node.sessions.pop(id, None)
        session = Session(node, _to_nobody, ORIGIN, lambda: self._hang_up(session), id)
        coming = asyncio.ensure_future(establish(session, {"appKey": app_key, "clientVersion": "2.0"} | fields))
        if before is not None and not at_once:
            await asyncio.wait([coming])
        if before is not None:
            await leave(before)
        return session if await coming else None

    async def leave(self, session: Session) -> None:
        """A client goes."""
        await leave(session)

    async def publish(self, session: Session, name: str) -> None:
        await self._start(session, "publishStream", name)

    async def play(self, session: Session, name: str) -> None:
        await self._start(session, "playStream", name)

    async def stop(self, stream: Stream) -> None:
        message = "unPublishStream" if stream.published else "stopStream"
        await operations.operate(stream.session, message, stream.fields)

    async def keep_alive(self, node: Node) -> None:
        await operations.keep_alive(node)

    def restart(self, node: Node) -> None:
        """All who are on there are gone, and no hook tells of it."""
        node.forget()

    async def settled(self) -> None:
        """Return once whoever was ended has left, and the back end been told."""
        for api in self.apis:
            await api.settled()
        while self._leaving:
            await asyncio.gather(*self._leaving)

    async def _start(self, session: Session, message: str, name: str) -> None:
        offered: Fields = {
            "mediaSessionId": f"m-{next(self._ids)}",
            "name": name,
            "published": message[0:7] == "publish",
        }
        offered |= {"hasVideo": True, "hasAudio": True, "status": "PENDING", "mediaProvider": "WebRTC"}
        await operations.operate(session, message, offered)

    def _hang_up(self, session: Session) -> None:
        task = asyncio.ensure_future(leave(session))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


def session_id(node: Node, port: int) -> str:
    """The id of whoever comes from this port, now and later."""
    return f"/203.0.113.7:{port}/{node.address}:8443"


async def _to_nobody(text: str) -> None:
    pass
