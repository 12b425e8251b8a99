"""What was found when somebody last looked, for as long as it may serve those who need not look again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from authgate.errors import Trouble

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_MOST = 100_000  # entries; the oldest go first
_ABSENT = 5.0  # seconds for which nothing found is nothing there: whoever is added somewhere does not wait long


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Value]):
    value: Value
    looked_at: float  # by the clock
    due_at: float  # when somebody should look again, though it may still serve


class Memory(Generic[Key, Value]):
    """Remembers for ``lasts`` seconds, and looks again in the background before those are over."""

    def __init__(
        self,
        look: Callable[[Key], Awaitable[Value]],
        lasts: float,
        clock: Callable[[], float] = time.monotonic,
        kept: Callable[[Value], Value] = lambda value: value,
        served: Callable[[], None] = lambda: None,
    ) -> None:
        """``kept`` is what of a value is remembered; ``served`` is told of each look that was saved."""
        self._served = served
        self._look = look
        self._kept = kept
        self._lasts = lasts
        self._clock = clock
        self._entries: dict[Key, _Entry[Value]] = {}
        self._looking: dict[Key, asyncio.Task[Value]] = {}
        self._closed = False

    async def fresh(self, key: Key) -> Value:
        """What is found now.

        Raises:
            Trouble: as ``look`` does.
        """
        began_at = self._clock()
        value = await self._look(key)
        self._keep(key, value, began_at)
        return value

    async def known(self, key: Key) -> Value:
        """What was found not longer ago than may be, or is found now; who asks for the same waits for the same.

        Raises:
            Trouble: as ``look`` does, where nothing is known.
        """
        entry, now = self._entries.get(key), self._clock()
        lasts = self._lasts if entry is None or entry.value is not None else min(self._lasts, _ABSENT)
        if entry is not None and now - entry.looked_at < lasts:
            if now >= entry.due_at and not self._closed:
                self._shared(key)
            self._served()
            return entry.value
        return await asyncio.shield(self._shared(key))

    async def close(self) -> None:
        """Look no more. Looks that are under way are waited for: one that is broken off may leave a thread behind."""
        self._closed = True
        await asyncio.gather(*self._looking.values(), return_exceptions=True)

    def _shared(self, key: Key) -> asyncio.Task[Value]:
        task = self._looking.get(key)
        if task is None:
            task = self._looking[key] = asyncio.create_task(self.fresh(key))
            task.add_done_callback(lambda done: self._looked(key, done))
        return task

    def _looked(self, key: Key, task: asyncio.Task[Value]) -> None:
        del self._looking[key]
        if not task.cancelled():
            fault = task.exception()  # looked at, so that it is not reported as forgotten
            if fault is not None and not isinstance(fault, Trouble):
                asyncio.get_running_loop().call_exception_handler({"message": "a look failed", "exception": fault})

    def _keep(self, key: Key, value: Value, looked_at: float) -> None:
        before = self._entries.get(key)
        if before is not None and before.looked_at > looked_at:
            return  # another look began later, and ended earlier
        self._entries.pop(key, None)
        if self._lasts <= 0:
            return
        while len(self._entries) >= _MOST:
            del self._entries[next(iter(self._entries))]
        # Not all at the same time: those who came together would be looked for again together.
        due_at = looked_at + self._lasts * random.uniform(0.5, 0.8)  # noqa: S311 - nothing is secret about it
        self._entries[key] = _Entry(self._kept(value), looked_at, due_at)
