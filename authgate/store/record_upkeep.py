"""What is done to the trail behind the hooks: its index is written, and what is not kept any longer is removed.

One process does it for all who share the store, a few milliseconds at a time.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from authgate.errors import StoreError
from authgate.store.database import Database
from authgate.store.duties import SqlDuties
from authgate.store.record_index import RecordIndex
from authgate.store.retention import RecordOptions, Retention

log = logging.getLogger(__name__)

_DUTY = "records"
_HELD = 30.0  # seconds for which the duty is taken
_EVERY = 5.0  # seconds between two looks whether there is anything to do
_REST = 3  # times as long as a step takes it is waited for the next: a quarter of the time at most goes into it
_LEAST = 0.005  # seconds that are waited in any case
_LONG = 600.0  # seconds for which records may be kept only since they were not sent on before that is told

Options = Callable[[], RecordOptions]
Sent = Callable[[], Awaitable[int | None]]


async def _nowhere() -> int | None:
    return None


class RecordUpkeep:
    """Looks after the trail while it is this process's duty."""

    def __init__(self, database: Database, settled: Callable[[], Awaitable[int]], duties: SqlDuties) -> None:
        """``settled`` tells a number up to which nothing more will come."""
        self.index = RecordIndex(database)
        self.retention = Retention(database)
        self._settled = settled
        self._duties = duties
        self._closed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._held_at: float | None = None  # seconds of the monotonic clock; None: nothing is kept for too long
        self._told_held = False

    def start(self, options: Options, sent: Sent = _nowhere) -> None:
        """Look after it from now on; both are asked for anew each time.

        ``sent`` tells the number behind which nothing is removed, for it has not been sent on; None: it need not be.
        """
        if self._task is None:
            self._task = asyncio.create_task(self._run(options, sent))

    async def close(self) -> None:
        """Do no more; the step that is under way is waited for."""
        self._closed.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def once(self, options: RecordOptions, sent: Sent = _nowhere) -> None:
        """All that there is to do now, with ``sent`` as above.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not await self._mine():
            return
        await self._prune(options, sent)
        missing = await self.index.missing(await self._settled())
        for segment in reversed(missing):  # what is newest is asked for most
            while await self._mine():
                began = time.monotonic()
                if await self.index.step(segment):
                    break
                await self._rest(began)
            await self._prune(options, sent)

    async def _prune(self, options: RecordOptions, sent: Sent) -> None:
        removed, began_at = self.retention.removed, time.monotonic()
        while await self._mine():
            began = time.monotonic()
            if not await self.retention.step(options, time.time_ns() // 1_000_000, await sent()):
                self._tell_held()
                break
            await self._rest(began)
        if count := self.retention.removed - removed:
            log.info("removed %d records that are not kept any longer, in %.1f s", count, time.monotonic() - began_at)

    def _tell_held(self) -> None:
        """Say it once where records are kept for long that would be removed, had they been sent on."""
        if not self.retention.held:
            if self._told_held:
                log.info("records are removed again, for they are sent on")
            self._held_at, self._told_held = None, False
            return
        now = time.monotonic()
        self._held_at = now if self._held_at is None else self._held_at
        if now - self._held_at >= _LONG and not self._told_held:
            log.warning(
                "for %d minutes records are kept beyond [records], for they wait to be sent to the stream of "
                "[records.stream]; authgate record stream says how many, and why",
                (now - self._held_at) // 60,
            )
            self._told_held = True

    async def _mine(self) -> bool:
        return not self._closed.is_set() and await self._duties.hold(_DUTY, _HELD)

    async def _rest(self, began: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), max(_LEAST, _REST * (time.monotonic() - began)))

    async def _run(self, options: Options, sent: Sent) -> None:
        told = False
        while not self._closed.is_set():
            try:
                await self.once(options(), sent)
                told = False
            except StoreError as error:
                if not told:
                    log.warning("could not look after the records: %s", error)
                told = True
            except Exception:
                log.exception("could not look after the records")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), _EVERY)
