"""The time that histories go by."""

import time
from contextvars import ContextVar


class Clock:
    """Never the same time twice. Each task, which goes through one history, may be ahead of the others."""

    def __init__(self) -> None:
        self._now = int(time.time() * 1000)
        self._furthest = 0  # milliseconds
        self._ahead: ContextVar[int] = ContextVar("ahead", default=0)

    def __call__(self) -> float:
        """Seconds since the epoch."""
        self._now += 1
        return (self._now + self._ahead.get()) / 1000

    def let_pass(self, seconds: float) -> None:
        """Let time pass for the task that says so, and those that it begins."""
        self._ahead.set(self._ahead.get() + int(seconds * 1000))
        self._furthest = max(self._furthest, self._ahead.get())

    def catch_up(self, seconds: float) -> None:
        """Be ahead of every task that there ever was, by so much."""
        self._ahead.set(self._furthest)
        self.let_pass(seconds)
