"""What one process alone does at a time: it begins where the duty is its own, and ends where it is another's."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from authgate.errors import StoreError

log = logging.getLogger(__name__)

TENURE = 12.0  # seconds for which a process has a duty; one that is gone is replaced after as long
RENEWED = 3.0  # seconds after which it asks to have it longer, and in which others ask whether it is gone


class Duties(Protocol):
    """Who does what there is to do once."""

    async def hold(self, name: str, seconds: float) -> bool:
        """Whether this process has a duty from now on for so long; exactly one of all has it.

        Raises:
            StoreError: the store is away or too slow.
        """


class Tenure:
    """Does some work whenever that is this process's duty."""

    def __init__(self, name: str, duties: Duties, work: Callable[[], Awaitable[None]]) -> None:
        """``work`` comes back where there is nothing to be done for a moment; it is cancelled when the duty is lost."""
        self.name = name
        self._duties = duties
        self._work = work
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        """Whether it is to stop."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop, wherever the work is."""
        self._stopping.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def rest(self, seconds: float) -> None:
        """Wait so long, or until it is to stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _run(self) -> None:
        told = False
        while not self.over:
            try:
                if await self._hold():
                    await self._while_held()
                told = False
            except StoreError as error:
                if not told:
                    log.warning("%s waits for the store: %s", self.name, error)
                told = True
            except Exception:
                log.exception("%s: could not deliver", self.name)
            await self.rest(RENEWED)

    async def _hold(self) -> bool:
        return await self._duties.hold(self.name, TENURE)

    async def _while_held(self) -> None:
        """Work until it is somebody else's duty, or there is nothing to be done any more."""
        working = asyncio.ensure_future(self._work())
        holding = asyncio.create_task(self._hold_on())
        try:
            await asyncio.wait({working, holding}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (working, holding):
                task.cancel()
            ended = await asyncio.gather(working, holding, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _hold_on(self) -> None:
        """Come back when it is somebody else's duty, or may be: a duty lasts for half of its time at least."""
        loop = asyncio.get_running_loop()
        held_at = loop.time()
        while loop.time() - held_at < TENURE / 2:
            await asyncio.sleep(RENEWED)
            asked_at = loop.time()
            with suppress(StoreError):
                if not await self._hold():
                    return
                held_at = asked_at
