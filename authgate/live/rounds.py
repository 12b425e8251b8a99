"""What is done over and over, in one process of all that share the store."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from authgate.errors import AuthgateError, StoreError

log = logging.getLogger(__name__)

HELD = 8.0  # seconds for which the duty is taken: if its process dies, another one has it after that
ASK = 2.0  # seconds between two times that it is asked for
FAILED = 2.0  # seconds after a round that failed

Work = Callable[[], Awaitable[float]]  # one round; the seconds until the next one


class Rounds:
    """Several kinds of work, none of which waits for another."""

    def __init__(self, hold: Callable[[str, float], Awaitable[bool]], name: str) -> None:
        """``hold`` says whether the duty of this name is ours, see ``store.duties``."""
        self._hold = hold
        self._name = name
        self._ours = asyncio.Event()
        self._woken: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failing: set[str] = set()

    @property
    def ours(self) -> bool:
        """Whether this is the process that does it."""
        return self._ours.is_set()

    def start(self) -> None:
        """Ask for the duty from now on."""
        self._tasks[""] = asyncio.create_task(self._ask())

    def add(self, what: str, work: Work) -> None:
        """Do this too, whenever the duty is ours; ``what`` is what the log calls it."""
        self._woken[what] = asyncio.Event()
        self._tasks[what] = asyncio.create_task(self._repeat(what, work, self._woken[what]))

    def wake(self, what: str) -> None:
        """Have the next round of this begin as soon as the one is over that is under way, if one is."""
        if what in self._woken:
            self._woken[what].set()

    async def drop(self, what: str) -> None:
        """Do this no more."""
        self._woken.pop(what, None)
        self._failing.discard(what)
        if (task := self._tasks.pop(what, None)) is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        """Do nothing more."""
        tasks = [*self._tasks.values()]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self) -> None:
        while True:
            try:
                ours = await self._hold(self._name, HELD)
            except StoreError:  # others tell of it
                ours = False
            except Exception:
                log.exception("could not ask whose duty it is: %s", self._name)
                ours = False
            if ours:
                self._ours.set()
            else:
                self._ours.clear()
            await asyncio.sleep(ASK)

    async def _repeat(self, what: str, work: Work, woken: asyncio.Event) -> None:
        while True:
            await self._ours.wait()
            woken.clear()
            pause = FAILED
            try:
                pause = await work()
                if what in self._failing:
                    log.info("%s: goes on", what)
                self._failing.discard(what)
            except AuthgateError as error:
                if what not in self._failing:
                    log.warning("%s: %s; tries again", what, error)
                self._failing.add(what)
            except Exception:
                if what not in self._failing:
                    log.exception("%s: failed; tries again", what)
                self._failing.add(what)
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), max(pause, 0.01))
