"""While a database is away, callers are told so at once, and one task looks whether it is back."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from authgate.errors import StoreError

log = logging.getLogger(__name__)


class Breaker:
    """Knows whether the store answers; costs nothing as long as it does."""

    def __init__(
        self, what: str, probe: Callable[[], Awaitable[None]], retry_after: float, of: str = "the store"
    ) -> None:
        """``probe`` raises StoreError while the database ``of`` is away; ``retry_after`` in seconds."""
        self._what = what
        self._of = of
        self._probe = probe
        self._retry_after = retry_after
        self._trouble: StoreError | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._callbacks: list[Callable[[], None]] = []
        self._closed = asyncio.Event()
        self._held_until = 0.0
        self.failed = 0  # pieces of work that were not done

    def check(self) -> None:
        """Go on, if the store answers.

        Raises:
            StoreError: it was away when it was last looked for.
        """
        if self._trouble is not None:
            raise type(self._trouble)(str(self._trouble))  # one each: a traceback belongs to one caller

    def trip(self, error: StoreError, *, hold: bool = False) -> None:
        """Take note that the store is away, and look for it from now on.

        ``hold``: it is away for ``retry_after`` at least, even if a probe finds it there before.
        """
        self.failed += 1
        if hold:
            self._held_until = time.monotonic() + self._retry_after
        if self._trouble is None:
            log.error("%s: %s", self._what, error)
            self._watcher = asyncio.create_task(self._watch())
        self._trouble = error

    @property
    def away(self) -> bool:
        """Whether it was away when it was last looked for."""
        return self._trouble is not None

    def when_back(self, callback: Callable[[], None]) -> None:
        """Call this each time the store has come back."""
        self._callbacks.append(callback)

    async def close(self) -> None:
        """Look no more. A probe that is under way is waited for: one that is broken off leaves a thread behind."""
        self._closed.set()
        if self._watcher is not None:
            await self._watcher

    async def _watch(self) -> None:
        while self._trouble is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), self._retry_after)
            if self._closed.is_set():
                return
            try:
                await self._probe()
            except StoreError as error:
                self._trouble = error
            else:
                if time.monotonic() >= self._held_until:
                    self._trouble = None
        log.warning("%s: %s is back", self._what, self._of)
        for callback in self._callbacks:
            callback()
