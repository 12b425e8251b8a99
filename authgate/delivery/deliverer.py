"""Takes messages from the store, one process at a time, and hands them to the nodes of those they are for."""

import asyncio
import json
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from authgate.delivery.lanes import Lanes, Node, Parcel
from authgate.errors import StoreError
from authgate.model import Hook
from authgate.signals import OwnOperations, SignallingOptions, Stamp, stamped
from authgate.store import Store
from authgate.store.outbox import Message

log = logging.getLogger(__name__)

DUTY = "signals"
_HELD = 5.0  # seconds for which a process is the one that delivers, unless it goes on
_RENEWED = 1.5  # seconds between two times that it says so
_LOOK = 1.0  # seconds between two looks at what nobody has told of
_BUSY = 0.05  # the same while messages come
_BUSY_FOR = 10.0  # seconds after one for which others are expected
_IN_FLIGHT = 500  # messages that are on their way at once
_SHOWN = 100  # members of a room that are named
_PRUNED = 30.0  # seconds between two times that what is over is forgotten
_PARTING = 2.0  # seconds for what is on its way when we are told to stop
_METHODS = ("OnDataEvent", "DataStatusEvent")


class Nodes(Protocol):
    """The media server's nodes."""

    @property
    def all(self) -> Sequence[Node]:
        """Those that somebody knows how to reach."""

    def of(self, node_id: str) -> Node | None:
        """The node of this id, None where nobody knows how to reach it."""


class Deliverer:
    """Delivers what waits. Obeys ``ports.Post``."""

    def __init__(
        self,
        store: Store,
        nodes: Callable[[], Nodes],
        options: Callable[[], SignallingOptions],
        tally: Counter[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``nodes`` and ``options`` are asked each time: another configuration may be taken over."""
        self._store = store
        self._nodes = nodes
        self._options = options
        self._tally = tally
        self._clock = clock
        self._wanted = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._lanes: dict[str, Lanes] = {}
        self._last = 0  # the number of the last message that was taken
        self._in_flight: dict[str, int] = {}  # how many nodes a message is still on its way to
        self._done: list[str] = []
        self._holding = False  # whether this process is the one that delivers
        self._asked_at = self._look_at = self._pruned_at = float("-inf")
        self._busy_until = 0.0
        self._own: OwnOperations | None = None
        store.outbox.when_changed(self.wake)

    def own(self, hook: Hook) -> bool:
        """See ``ports.Post``."""
        operations = self._operations if hook.method.name in _METHODS else None
        return operations is not None and operations.own(hook.text("operationId"))

    def wake(self, *, left: bool = False) -> None:
        """See ``ports.Post``."""
        if left:
            self._look_at = 0.0
        self._wanted.set()

    @property
    def in_flight(self) -> int:
        """How many messages are on their way."""
        return len(self._in_flight)

    def start(self) -> None:
        """Deliver from now on, whenever this process is the one that does."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Let what is on its way arrive, for a moment; what waits in the store waits for another process."""
        self._closing = True
        self._wanted.set()
        if self._task is not None:
            await self._task
        with suppress(TimeoutError):
            async with asyncio.timeout(_PARTING):
                await asyncio.gather(*(each.settled() for each in self._lanes.values()))
        for each in self._lanes.values():
            await each.close()
        self._lanes.clear()
        with suppress(StoreError):
            await self._flush()

    @property
    def _operations(self) -> OwnOperations | None:
        secret = self._store.outbox.secret
        if self._own is None and secret is not None:
            self._own = OwnOperations(secret, self._clock)
        return self._own

    async def _run(self) -> None:
        told = False
        while not self._closing:
            pause = _LOOK
            try:
                self._wanted.clear()
                pause = await self._round()
                if told:
                    log.warning("messages are taken from the store again")
                told = False
            except StoreError as error:
                if not told:
                    log.warning("messages wait, since they cannot be taken from the store: %s", error)
                told = True
            except Exception:
                log.exception("could not deliver messages")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), pause)

    async def _round(self) -> float:
        """Do what there is to do; how many seconds until it is looked again."""
        now = time.monotonic()
        if not self._nodes().all:
            self._holding = False
            return _LOOK
        if now >= self._asked_at + _RENEWED:
            self._asked_at = now
            before, self._holding = self._holding, False
            self._holding = await self._store.duties.hold(DUTY, _HELD)
            if self._holding and not before:
                await self._flush()
                self._last = 0
                await self._store.outbox.share()
        if not self._holding:
            return _LOOK
        if now >= self._look_at:
            self._look_at = now + _LOOK
            if await self._store.outbox.leave(self._clock()):
                self._busy_until = now + _BUSY_FOR
        if now >= self._pruned_at + _PRUNED:
            self._pruned_at = now
            await self._store.outbox.prune(self._clock())
        taken = await self._take()
        await self._flush()
        if taken:
            self._busy_until = now + _BUSY_FOR
            return 0.0
        return _BUSY if now < self._busy_until or self._in_flight else _LOOK

    async def _take(self) -> int:
        room = _IN_FLIGHT - len(self._in_flight)
        if room <= 0 or self._operations is None:
            return 0
        found = await self._store.outbox.waiting(self._last, min(room, 200))
        for message in found:
            if message.id not in self._in_flight:
                try:
                    await self._hand_over(message)
                except StoreError:
                    raise
                except Exception:  # one message must not hold up all others for ever
                    log.exception("could not deliver message %s", message.id)
                    self._tally["signals_failed"] += 1
                    self._done.append(message.id)
            self._last = message.seq
        return len(found)

    async def _hand_over(self, message: Message) -> None:
        options, now = self._options(), self._clock()
        until = message.at / 1000 + options.ttl
        if now > until:
            self._tally["signals_expired"] += 1
            self._done.append(message.id)
            return
        keys = await self._store.outbox.addressees(message, options.max_addressees + 1)
        if len(keys) > options.max_addressees:
            self._tally["signals_too_many_addressees"] += 1
            log.warning("message %s is for more than %d sessions, and was not sent", message.id, options.max_addressees)
            self._done.append(message.id)
            return
        if message.kind == "joined":  # whoever joins is told who is there, itself included
            keys = [key for key in keys if key != message.sender]
        payload = await self._payload(message) if keys else {}
        by_node: dict[str, list[str]] = defaultdict(list)
        for key in keys:
            by_node[key.node].append(key.session)
        if not by_node:
            self._done.append(message.id)
            return
        self._in_flight[message.id] = len(by_node)
        for node, sessions in by_node.items():
            sent = partial(self._sent, message.id)
            parcel = Parcel(node, sessions, options.batch, payload, message.app_key, until, sent)
            self._lane(node).add(parcel)

    async def _payload(self, message: Message) -> dict[str, Any]:
        who = {"user": message.user, "id": message.sender_id}
        stamp = Stamp(message.id, message.at, message.to, message.name)
        match message.kind:
            case "joined" | "left":
                return stamped(stamp, event={message.kind: who})
            case "members":
                stamp = Stamp(message.id, message.at, "room", message.body)
                found = await self._store.outbox.members(message.app_key, message.body, _SHOWN + 1)
                members = [{"user": user, "id": sender} for sender, user in found[:_SHOWN]]
                return stamped(stamp, event={"members": members, "more": len(found) > _SHOWN, "you": who})
        stamp = Stamp(message.id, message.at, message.to, message.name, message.sender_id, message.user)
        return stamped(stamp, body=json.loads(message.body))

    def _lane(self, node: str) -> Lanes:
        if node not in self._lanes:
            self._lanes[node] = Lanes(node, lambda: self._nodes().of(node), self._operation, self._tally, self._clock)
        return self._lanes[node]

    def _operation(self) -> str:
        if self._operations is None:
            raise StoreError("the secret that all processes share is not known")
        return self._operations.new()

    def _sent(self, id: str) -> None:
        left = self._in_flight.get(id, 0) - 1
        if left > 0:
            self._in_flight[id] = left
            return
        self._in_flight.pop(id, None)
        self._done.append(id)
        self._wanted.set()

    async def _flush(self) -> None:
        done, self._done = self._done, []
        try:
            await self._store.outbox.done(done, self._clock())
        except StoreError:
            self._done = done + self._done
            raise
