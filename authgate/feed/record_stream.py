"""The stream of a configuration that the trail is sent on to, if there is one."""

import asyncio
from typing import TYPE_CHECKING, Protocol

from authgate.feed.feed import Trail
from authgate.feed.stream import StreamOptions
from authgate.feed.tenure import Duties
from authgate.store.record_streams import SqlRecordStreams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authgate.feed.streaming import Streaming


class Numbered(Trail, Protocol):
    """A trail that tells what its records are known by."""

    async def ids(self, after: int, until: int, limit: int) -> "Sequence[tuple[int, str]]":
        """The numbers and ids of those after one number up to another, the newest first, at most so many.

        Raises:
            StoreError: the store is away or too slow.
        """


class RecordStream:
    """Sends the trail on to it, where that is this process's duty."""

    def __init__(self, options: StreamOptions, trail: Numbered, shelf: SqlRecordStreams, duties: Duties) -> None:
        self._options = options
        self._trail = trail
        self._shelf = shelf
        self._duties = duties
        self._running: Streaming | None = None
        self._started = False
        self._leaving: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to send."""
        self._started = True
        self.adopt(self._options)

    def adopt(self, options: StreamOptions) -> None:
        """Send by other options from now on; where they have not changed it goes on."""
        self._options = options
        if not self._started or (self._running is not None and self._running.options == options):
            return
        if self._running is not None:
            task = asyncio.create_task(self._running.close())
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
            self._running = None
        if options.url is not None:
            from authgate.feed import streaming  # here, for most have none, and the client takes its time to load

            self._running = streaming.Streaming(options, self._trail, self._shelf, self._duties)
            self._running.start()

    async def sent(self) -> int | None:
        """The number of the record up to which all was sent; None: nothing need be.

        Raises:
            StoreError: the store is away or too slow.
        """
        if self._options.url is None:
            return None
        state = await self._shelf.find(self._options.key)
        return 0 if state is None else state.at

    async def close(self) -> None:
        """Stop."""
        self._started = False
        if self._running is not None:
            await self._running.close()
            self._running = None
        await asyncio.gather(*self._leaving)
