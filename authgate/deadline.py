"""A time until which something is waited for, as ``asyncio.timeout_at`` has it, where every hook needs one.

Hooks that come within the same few milliseconds share one timer of the loop: that one for each of them costs more than
reading its body.
"""

import asyncio
import math
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary

TICK = 0.02  # seconds by which the end may come late


class Deadline:
    """``with Deadline(until):`` the current task is given up when the loop's time is ``until``, or a tick later.

    Raises:
        TimeoutError: at the end of the block, when that time has come.
    """

    __slots__ = ("_before", "_late", "_task", "_together", "_until")

    def __init__(self, until: float) -> None:
        """``until`` in seconds of the running loop's clock."""
        self._until = until
        self._late = False

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a deadline is for a task")
        self._task, self._before = task, task.cancelling()
        due = _ticks.of(loop)
        tick = math.ceil(self._until / TICK)
        together = due.get(tick)
        if together is None:
            together = due[tick] = set()
            loop.call_at(tick * TICK, _ring, due, tick)
        together.add(self)
        self._together = together
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._together.discard(self)
        if self._late and self._task.uncancel() <= self._before and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error

    def _give_up(self) -> None:
        self._late = True
        self._task.cancel()


_Due = dict[int, set[Deadline]]


class _Ticks:
    """What is due at each tick of a loop. A process has one loop, or few one after the other."""

    def __init__(self) -> None:
        self._every: WeakKeyDictionary[asyncio.AbstractEventLoop, _Due] = WeakKeyDictionary()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due: _Due = {}

    def of(self, loop: asyncio.AbstractEventLoop) -> _Due:
        if loop is not self._loop:
            self._loop, self._due = loop, self._every.setdefault(loop, {})
        return self._due


_ticks = _Ticks()


def _ring(due: _Due, tick: int) -> None:
    for each in list(due.pop(tick)):
        each._give_up()
