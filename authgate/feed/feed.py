"""One reader of the trail in each process, and everybody who listens to it; while nobody does, nothing is read."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from authgate.errors import StoreError
from authgate.feed.event import Event, Note
from authgate.feed.filters import Filter
from authgate.feed.window import Window
from authgate.model import Record

log = logging.getLogger(__name__)

EVERY = 0.25  # seconds between two looks for what other processes have written
PACE = 0.04  # seconds from one read to the next while hooks come without a pause: one read serves all that came
PAUSE = 1.0  # seconds until a store that is away is asked again
PAGE = 200  # records in one read: nothing else is done while they are turned into events
_REST = 0.1  # seconds at most between two reads for those who are behind, and as long as the read took before that


class Trail(Protocol):
    """The records in the order in which they were committed, each with its number."""

    async def after(self, seq: int, limit: int) -> Sequence[tuple[int, Record]]:
        """Those that follow a number, at most so many; it stops where one is missing that may still come.

        Raises:
            StoreError: the store is away or too slow.
        """

    async def newest_seq(self) -> int:
        """The number up to which all are there that will ever be; 0 before the first.

        Raises:
            StoreError: the store is away or too slow.
        """

    async def oldest_seq(self) -> int | None:
        """The number of the oldest that is still kept; None: there is none.

        Raises:
            StoreError: the store is away or too slow.
        """


class Feed:
    """Tells everybody who listens what is written to the trail, by this process and by others."""

    def __init__(self, trail: Trail, window: int) -> None:
        """``window`` is how many of the newest events are kept in memory."""
        self.trail = trail
        self._most = window
        self._window: Window | None = None  # None: nobody listens, or the store has not been asked yet
        self._listening = 0
        self._woken = asyncio.Event()
        self._news = asyncio.Event()  # set and replaced whenever there is something new
        self._task: asyncio.Task[None] | None = None
        self._joining = asyncio.Lock()
        self._newest = 0
        self._newest_at = float("-inf")  # seconds of the loop's clock: when that was read
        self._reads = asyncio.Lock()  # one at a time for all who are behind, however many they are
        self.ending = asyncio.Event()

    @property
    def readers(self) -> int:
        """How many listen now."""
        return self._listening

    def wake(self) -> None:
        """Something was written by this process. It costs nothing while nobody listens."""
        self._woken.set()

    def end(self) -> None:
        """Let everybody who listens finish: the process is about to stop."""
        self.ending.set()
        self._woken.set()
        self._news.set()

    async def close(self) -> None:
        """Read nothing more. A read that is under way is waited for."""
        self.end()
        if self._task is not None:
            await self._task

    def listen(self, wanted: Filter, heartbeat: float) -> "Reader":
        """Somebody who listens, once it is entered; ``heartbeat`` in seconds is how long it waits at most."""
        return Reader(self, wanted, heartbeat)

    async def newest(self) -> int:
        """The id of the newest event now. All who ask at once share one read of the store.

        Raises:
            StoreError: the store is away or too slow.
        """
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        async with self._joining:
            if self._newest_at < asked_at:
                began_at = loop.time()
                self._newest = await self.trail.newest_seq()
                self._newest_at = began_at
            return self._newest

    @contextmanager
    def _listener(self) -> Iterator[None]:
        self._listening += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._listening -= 1
            if not self._listening:
                self._woken.set()

    async def _run(self) -> None:
        """Read what is new for as long as somebody listens."""
        told = False
        loop = asyncio.get_running_loop()
        while self._listening and not self.ending.is_set():
            began = loop.time()
            self._woken.clear()
            try:
                full = await self._read()
                if told:
                    log.info("the events can be read from the store again")
                told = False
            except StoreError as error:
                if not told:
                    log.warning("the events cannot be read from the store, those who follow them wait: %s", error)
                told, full = True, False
                await self._rest(PAUSE)
                continue
            except Exception:
                log.exception("the events could not be read")
                await self._rest(PAUSE)
                continue
            if not full:
                with suppress(TimeoutError):
                    async with asyncio.timeout(EVERY):
                        await self._woken.wait()
            if self._listening:
                await self._rest(PACE - (loop.time() - began))
        self._window = None

    async def _read(self) -> bool:
        """Take in what is new; whether there may be more."""
        if self._window is None:
            self._window = Window(self._most, await self.trail.newest_seq())
            self._tell()
        rows = await self.trail.after(self._window.end, PAGE)
        if rows:
            self._window.add([Event(seq, record) for seq, record in rows])
            self._tell()
        return len(rows) >= PAGE

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _rest(self, seconds: float) -> None:
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.ending.wait()


class Reader:
    """One who listens, from a place of its own on. Live events come from memory, older ones from the store.

    Both are in the order of their ids, and each is read from where the last one ended: so nothing is told twice or
    left out where the one follows the other.
    """

    def __init__(self, feed: Feed, wanted: Filter, heartbeat: float) -> None:
        self._feed = feed
        self._wanted = wanted
        self._heartbeat = heartbeat
        self.at = 0  # the id up to which everything was told
        self._note: Note | None = None
        self._stopped = ""

    async def begin(self, after: int | None) -> None:
        """Take the place behind an id; None: that what comes from now on is told.

        Raises:
            StoreError: the store is away or too slow.
        """
        newest = await self._feed.newest()
        if after is None or after <= newest:
            self.at = newest if after is None else after
            return
        self.at = newest
        why = f"the store has no event {after}, its newest is {newest}: all were pruned, or it is another store"
        self._note = Note(newest, "events.gap", text=why, after=after, before=newest + 1)

    def stop(self, why: str) -> None:
        """Let it come to its end, with a note that says why."""
        self._stopped = why
        self._feed._tell()

    async def batches(self) -> AsyncGenerator[Sequence[Event], None]:
        """What follows the place that was taken, in pieces; an empty one where nothing came for a while.

        It ends with a note when it is stopped, or the process is about to. Other notes tell where events are missing.
        """
        feed, loop = self._feed, asyncio.get_running_loop()
        with feed._listener():
            told_at = loop.time()
            if self._note is not None:
                yield (self._note,)
            while not (feed.ending.is_set() or self._stopped):
                news = feed._news
                found = await self._next(news)
                if found or loop.time() - told_at >= self._heartbeat:
                    yield found
                    told_at = loop.time()
            yield (Note(self.at, "events.end", text=self._stopped or "authgate stops here; come back with this id"),)

    async def _next(self, news: asyncio.Event) -> Sequence[Event]:
        """What is wanted of the events that come next; waits a while where there are none."""
        feed = self._feed
        window = feed._window
        events = () if window is None else window.behind(self.at, PAGE)
        try:
            if events is None and window is not None:
                events = await self._from_the_store(window.start)
        except StoreError:
            await feed._rest(min(PAUSE, self._heartbeat))
            return ()
        if not events:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._heartbeat):
                    await news.wait()
            return ()
        if self._stopped:
            return ()
        self.at = events[-1].id
        found = [each for each in events if isinstance(each, Note) or self._wanted.wants(each)]
        if not found:
            await asyncio.sleep(0)  # whoever skips a million others lets everybody else be served
        return found

    async def _from_the_store(self, start: int) -> Sequence[Event]:
        """The next events for one who is behind the window, with a note where some are not kept any more.

        ``start`` is where the window began.
        """
        feed = self._feed
        async with feed._reads:
            began = asyncio.get_running_loop().time()
            rows = await feed.trail.after(self.at, PAGE)
            first = rows[0][0] if rows else None
            oldest = None if first == self.at + 1 else await feed.trail.oldest_seq()
            # Whoever reads a million old ones leaves the store and the processor to the hooks for half of the time.
            await feed._rest(min(asyncio.get_running_loop().time() - began, _REST))
        if first is not None:
            events = [Event(seq, record) for seq, record in rows]
            # Behind 0 comes all that is kept, whatever there was before.
            return [self._gap(first), *events] if first == oldest and self.at else events
        if self.at < start and (oldest is None or oldest > start):
            return (self._gap(start + 1),)
        return ()

    def _gap(self, before: int) -> Note:
        why = f"the events from {self.at + 1} to {before - 1} are not in the store any more: they were pruned"
        return Note(before - 1, "events.gap", text=why, after=self.at, before=before)
