"""A trail that a test writes, and what somebody hears who listens."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from authgate.errors import StoreError
from authgate.feed import Event, Feed, Filter
from authgate.model import Reason, Record, SessionKey

A_RECORD = Record(
    "0" * 26, 1_700_000_000_000, SessionKey("n1", "s1"), "chat", "publishStream", "ann", True, Reason.OK, "a rule"
)


def a_record(**changes: Any) -> Record:
    return replace(A_RECORD, **changes)


class Trail:
    """Obeys ``feed.Trail``."""

    def __init__(self, count: int = 0) -> None:
        self.rows: list[tuple[int, Record]] = []
        self.away = False
        self.reads = 0
        self.newest = 0
        self.write(count)

    def write(self, count: int = 1, **changes: Any) -> None:
        for _ in range(count):
            self.newest += 1
            self.rows.append((self.newest, a_record(subject=f"stream{self.newest}", **changes)))

    def prune(self, before: int) -> None:
        self.rows = [row for row in self.rows if row[0] >= before]

    async def after(self, seq: int, limit: int) -> Sequence[tuple[int, Record]]:
        await self._asked()
        return [row for row in self.rows if row[0] > seq][:limit]

    async def newest_seq(self) -> int:
        await self._asked()
        return self.newest

    async def oldest_seq(self) -> int | None:
        await self._asked()
        return self.rows[0][0] if self.rows else None

    async def _asked(self) -> None:
        self.reads += 1
        await asyncio.sleep(0)
        if self.away:
            raise StoreError("the store is away")


class Heard:
    """What a reader has been told so far, on a task of its own."""

    def __init__(
        self, feed: Feed, after: int | None = None, wanted: Filter | None = None, heartbeat: float = 30
    ) -> None:
        self.reader = feed.listen(wanted or Filter(), heartbeat)
        self.events: list[Event] = []
        self.heartbeats = 0
        self.begun = asyncio.Event()
        self.slow = asyncio.Event()
        self.slow.set()
        self.task = asyncio.create_task(self._run(after))

    @property
    def ids(self) -> list[int]:
        return [each.id for each in self.events]

    @property
    def kinds(self) -> list[str]:
        return [each.kind for each in self.events]

    async def until(self, count: int) -> None:
        """Come back when so many were told."""
        async with asyncio.timeout(10):
            while len(self.events) < count:  # noqa: ASYNC110 - it is a test's
                await asyncio.sleep(0.005)

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _run(self, after: int | None) -> None:
        while True:
            try:
                await self.reader.begin(after)
                break
            except StoreError:
                await asyncio.sleep(0.01)
        self.begun.set()
        async with aclosing(self.reader.batches()) as batches:
            async for batch in batches:
                self.events += batch
                self.heartbeats += not batch
                await self.slow.wait()
