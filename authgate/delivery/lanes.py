"""One message after the other to a node: what is sent in one application never overtakes itself."""

import asyncio
import logging
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from authgate.errors import WcsError

log = logging.getLogger(__name__)

_LANES = 4  # requests to one node at once
_PAUSE = 60.0  # seconds between two lines that say that a node takes nothing
_TRIES = 3  # in a row that fail, after which a node is left alone for a moment
_REST = 2.0  # seconds for which it is


class Node(Protocol):
    """A node of the media server, as far as it is sent something."""

    async def send(self, node: str, operation: str, sessions: Sequence[str], payload: Mapping[str, Any]) -> bool:
        """Send an object to these sessions of the node; False: none of them is there.

        Raises:
            WcsError: it did not take it.
        """


@dataclass(slots=True)
class Parcel:
    """A message as it goes to one node."""

    node: str
    sessions: list[str]
    batch: int  # of them in one request
    payload: dict[str, Any] = field(repr=False)
    app_key: str  # "": it is for several
    until: float  # seconds since the epoch
    sent: Callable[[], None]  # called when all is done, whatever came of it


class Lanes:
    """What is on its way to one node."""

    def __init__(
        self,
        name: str,
        node: Callable[[], Node | None],
        operation: Callable[[], str],
        tally: Counter[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._node = node
        self._operation = operation
        self._tally = tally
        self._clock = clock
        self._queues: list[asyncio.Queue[Parcel]] = [asyncio.Queue() for _ in range(_LANES)]
        self._tasks = [asyncio.create_task(self._run(queue)) for queue in self._queues]
        self._takes_several = self._takes_one = False  # whether that is proven
        self._failed = 0  # in a row
        self._rests_until = 0.0
        self._said_at = float("-inf")

    def add(self, parcel: Parcel) -> None:
        """Send it when those of the same application are sent that came before.

        Rooms need that: who hears that somebody came, and then who had been there before, would take it the wrong way.
        """
        lane = zlib.crc32(parcel.app_key.encode()) % _LANES
        self._queues[lane].put_nowait(parcel)

    async def settled(self) -> None:
        """Come back when nothing is on its way."""
        await asyncio.gather(*(queue.join() for queue in self._queues))

    async def close(self) -> None:
        """Send nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, queue: asyncio.Queue[Parcel]) -> None:
        while True:
            parcel = await queue.get()
            try:
                await self._send(parcel)
            except Exception:
                log.exception("could not deliver a message")
                self._tally["signals_failed"] += len(parcel.sessions)
            # Not where this is cancelled: then it waits in the store for whoever delivers next.
            parcel.sent()
            queue.task_done()

    async def _send(self, parcel: Parcel) -> None:
        if self._clock() > parcel.until:
            self._tally["signals_expired"] += 1
            return
        node = self._node()
        if node is None:
            self._fail(len(parcel.sessions), "no [[wcs]] section is for it")
            return
        if time.monotonic() < self._rests_until:
            self._tally["signals_failed"] += len(parcel.sessions)
            return
        batch = 1 if self._takes_one else parcel.batch
        for at in range(0, len(parcel.sessions), batch):
            await self._request(node, parcel, parcel.sessions[at : at + batch])

    async def _request(self, node: Node, parcel: Parcel, sessions: list[str]) -> bool:
        """Send it to some; whether it arrived."""
        several = len(sessions) > 1 and not self._takes_several
        try:
            there = await node.send(parcel.node, self._operation(), sessions, parcel.payload)
        except WcsError as error:
            if several and not error.away and error.status not in (None, 401, 403):
                return await self._one_by_one(node, parcel, sessions)
            self._failed += 1
            if self._failed >= _TRIES:
                self._rests_until = time.monotonic() + _REST
            self._fail(len(sessions), str(error))
            return False
        if several and not there:
            return await self._one_by_one(node, parcel, sessions)
        self._tally["signals_delivered" if there else "signals_gone"] += len(sessions)
        self._takes_several = self._takes_several or (there and len(sessions) > 1)
        if self._failed >= _TRIES:
            log.warning("messages to node %s are delivered again", self._name)
        self._failed, self._rests_until, self._said_at = 0, 0.0, float("-inf")
        return there

    async def _one_by_one(self, node: Node, parcel: Parcel, sessions: list[str]) -> bool:
        """Older media servers know no ``sessionIds``: where one takes each by itself, it is asked so from now on."""
        arrived = [await self._request(node, parcel, [session]) for session in sessions]
        if any(arrived) and not self._takes_one:
            self._takes_one = True
            log.warning("node %s takes one session at a time; set signalling.batch = 1 to begin so", self._name)
        return any(arrived)

    def _fail(self, count: int, why: str) -> None:
        self._tally["signals_failed"] += count
        if time.monotonic() - self._said_at >= _PAUSE:
            self._said_at = time.monotonic()
            log.warning("a message to node %s could not be delivered: %s", self._name or "''", why)
