"""While the store is away, callers are told so at once, and one task looks whether it is back."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from authgate.errors import StoreError

log = logging.getLogger(__name__)


class Breaker:
    """Knows whether the store answers; costs nothing as long as it does."""

    def __init__(self, what: str, probe: Callable[[], Awaitable[None]], retry_after: float) -> None:
        """``probe`` raises StoreError while the store is away; ``retry_after`` in seconds."""
        self._what = what
        self._probe = probe
        self._retry_after = retry_after
        self._trouble: str | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._callbacks: list[Callable[[], None]] = []

    def check(self) -> None:
        """Go on, if the store answers.

        Raises:
            StoreError: it was away when it was last looked for.
        """
        if self._trouble is not None:
            raise StoreError(self._trouble)

    def trip(self, error: StoreError) -> None:
        """Take note that the store is away, and look for it from now on."""
        if self._trouble is None:
            log.error("%s: %s", self._what, error)
            self._watcher = asyncio.create_task(self._watch())
        self._trouble = str(error)

    def when_back(self, callback: Callable[[], None]) -> None:
        """Call this each time the store has come back."""
        self._callbacks.append(callback)

    async def close(self) -> None:
        """Stop looking."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)

    async def _watch(self) -> None:
        while self._trouble is not None:
            await asyncio.sleep(self._retry_after)
            try:
                await self._probe()
            except StoreError as error:
                self._trouble = str(error)
            else:
                self._trouble = None
        log.warning("%s: the store is back", self._what)
        for callback in self._callbacks:
            callback()
