"""What the stand-in remembers: one node, its sessions and their streams."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import websockets

from tests.standin.outside import Outside
from tests.standin.rest import Answer, App, Hooks
from tests.standin.settings import SessionSettings
from tests.standin.wire import Fields, frame

NODE_ID = "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA@192.0.2.10"


def node_id(number: int) -> str:
    """The id of one of several nodes, from 0."""
    return NODE_ID if not number else f"aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY{number:03}@192.0.2.{10 + number}"


class BrokenOff(Exception):
    """The back end has stopped an operation; the message is what the client is told."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as a client was sent it."""

    session_id: str
    text: str


@dataclass(eq=False, slots=True)
class Stream:
    """A stream that is being published or played; ``fields`` is the stream object of the hooks."""

    session: Session
    fields: Fields

    @property
    def id(self) -> str:
        return str(self.fields["mediaSessionId"])

    @property
    def name(self) -> str:
        return str(self.fields["name"])

    @property
    def published(self) -> bool:
        return bool(self.fields.get("published"))


@dataclass(slots=True)
class Node:
    """One media server."""

    rest: Hooks
    apps: dict[str, App]
    node_id: str = NODE_ID
    outside: Outside = field(default_factory=Outside)
    sessions: dict[str, Session] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    log: list[str] = field(default_factory=list)  # interaction errors, as ``method: what``
    faults: list[str] = field(default_factory=list)  # what could not be used of any restClientConfig
    _ports: Iterator[int] = field(default_factory=lambda: itertools.count(50_000))

    @property
    def address(self) -> str:
        return self.node_id.rpartition("@")[2]

    def new_peer(self) -> str:
        """Where the next client comes from."""
        return f"203.0.113.7:{next(self._ports)}"

    def forget(self) -> list[Session]:
        """Start anew: everybody who was on is gone, and no hook tells of it. Comes back with who was."""
        gone = list(self.sessions.values())
        for session in gone:
            session.is_dead = True
        self.sessions.clear()
        return gone

    def streams(self) -> Iterator[Stream]:
        for session in self.sessions.values():
            yield from session.streams.values()

    def publisher(self, name: str) -> Stream | None:
        return next((stream for stream in self.streams() if stream.published and stream.name == name), None)

    def calls(self) -> Iterator[Fields]:
        for session in self.sessions.values():
            for call in session.calls.values():
                yield call | session.common

    def is_live(self, name: str) -> bool:
        """Whether there is something to see under a name: a publisher, or what is being pulled from that address."""
        return self.publisher(name) is not None or ("://" in name and bool(self.players(name)))

    def players(self, name: str) -> list[Stream]:
        return [stream for stream in self.streams() if not stream.published and stream.name == name]


class Session:
    """One client's connection after its WebSocket is open: how its hooks are sent and answers obeyed."""

    def __init__(
        self,
        node: Node,
        send: Callable[[str], Awaitable[None]],
        origin: str | None,
        close: Callable[[], None],
        id: str = "",
    ) -> None:
        self.node = node
        self._send = send
        self._origin = origin
        self._close = close
        self.id = id or f"/{node.new_peer()}/{node.address}:8443-{uuid.uuid4()}"
        self.over = "Client closed"  # why it ends, when it does
        self.is_leaving = False
        self.is_dead = False  # True: its node has been started anew, and nothing comes from it any more
        self.delivering = asyncio.Lock()  # held by what is on its way to the client, so that it comes in order
        self.app_key = ""
        self.fields: Fields = {}  # the connection object
        self.settings = SessionSettings()
        self.streams: dict[str, Stream] = {}
        self.calls: dict[str, Fields] = {}

    @property
    def common(self) -> Fields:
        """What the media server adds to each hook."""
        return {"nodeId": self.node.node_id, "appKey": self.app_key, "sessionId": self.id}

    def hang_up(self, why: str) -> None:
        """Have the connection closed from this side; the back end is told as soon as it is."""
        self.over = why
        self._close()

    def describe(self, offered: Fields) -> Fields:
        """The connection object out of what the client offered and what the media server knows."""
        flags = {"useWsTunnel": False, "useWsTunnelPacketization2": False, "useBase64BinaryEncoding": False}
        origin = {} if self._origin is None else {"origin": self._origin}
        self.fields = flags | {"keepAlive": False} | offered | origin
        return self.fields

    async def invoke(self, method: str, fields: Fields) -> Fields:
        """The fields to go on with, after the back end was asked: a direct invocation or an incoming call.

        Raises:
            BrokenOff: the answer was an interaction error and the method is under FAIL. Under LOG it is
                logged and the operation goes on.
        """
        settings = self.settings.of(method)
        if settings.policy == "DISABLE":
            return fields
        answer = await self._ask(method, settings.to_backend(fields))
        if answer.error is None:
            return settings.merged(fields, answer.fields)
        if settings.fail:
            raise BrokenOff(answer.error)
        return fields

    async def notify(self, method: str, fields: Fields, message: str | None = None) -> None:
        """Tell the back end, then the client, that something has happened. Nothing can stop it any more.

        Under FAIL an interaction error gives the client an error besides.
        """
        settings = self.settings.of(method)
        error = None
        if settings.policy != "DISABLE":
            answer = await self._ask(method, settings.to_backend(fields))
            error = answer.error
            if error is None:
                fields = settings.merged(fields, answer.fields)
        if message is not None:
            await self.tell(message, settings.to_client(self.common | fields))
        if error is not None and settings.fail:
            await self.tell("fail", {"status": "FAILED", "info": error, "apiMethod": "ErrorStatusEvent"})

    async def tell(self, message: str, *data: Any) -> None:
        """Send the client a message; one that has left already misses it."""
        text = frame(message, *data)
        self.node.sent.append(Sent(self.id, text))
        try:
            await self._send(text)
        except websockets.ConnectionClosed:
            return

    async def _ask(self, method: str, fields: Fields) -> Answer:
        if self.is_dead:
            return Answer(fields)
        answer = await self.node.rest.send(self.node.apps[self.app_key], method, self.common | fields)
        if answer.error is not None:
            self.node.log.append(f"{method}: {answer.error}")
        return answer
