"""Sends the trail on to a stream: each record, in order and once, by one process at a time."""

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from authgate.errors import StoreError
from authgate.feed.event import Event
from authgate.feed.redis import RedisError, RedisStream, Standing
from authgate.feed.stream import StreamOptions
from authgate.feed.tenure import Duties, Tenure
from authgate.store.record_streams import RecordStreamState, SqlRecordStreams

if TYPE_CHECKING:
    from authgate.feed.record_stream import Numbered

log = logging.getLogger(__name__)

BATCH = 500  # records in one round trip; the place is noted after each, so at most so many are there and not noted
EVERY = 0.25  # seconds between two looks for what is new
LOOKED = 5.0  # seconds without anything new after which it is seen whether the stream still stands where it did
FIRST_PAUSE = 0.5  # seconds from the first failure to the next attempt; later ones are twice as long each
LONGEST_PAUSE = 30.0  # seconds
_REST = 0.1  # seconds at most between two batches of many, and as long as the first took before that
_SLICE = 50  # records that are turned into events before others have their turn


class Strange(Exception):
    """The stream holds what is not of this store. Nothing is sent, for it would be refused or stand among others."""

    def __init__(self, text: str, at: int | None = None) -> None:
        super().__init__(f"{text}; give this store a stream of its own by another records.stream.key")
        self.at = at  # the number where it stands, where it is one


class Streaming:
    """Sends the trail on for as long as it is this process's duty."""

    def __init__(self, options: StreamOptions, trail: "Numbered", shelf: SqlRecordStreams, duties: Duties) -> None:
        self.options = options
        self._trail = trail
        self._shelf = shelf
        self._stream = RedisStream(options)
        self._tenure = Tenure(f"record stream {options.key}", duties, self._work)
        self._at = 0  # the number of the record up to which all was sent
        self._placed = False  # whether the stream is known to stand there
        self._seen_at = float("-inf")  # seconds of the loop's clock: when that was last so
        self._failures = 0  # in a row
        self._failing_at: int | None = None  # milliseconds since the epoch; None: all is well
        self._told: set[str] = set()  # what has been said since it last went on

    def start(self) -> None:
        """Begin."""
        self._tenure.start()

    async def close(self) -> None:
        """Stop; what is on its way may arrive, which whoever goes on will see."""
        await self._tenure.close()
        await self._stream.close()

    async def _work(self) -> None:
        """Send what there is and what comes, until somebody else has gone further."""
        state = await self._shelf.begin(self.options.key)
        self._at, self._placed, self._failing_at = state.at, False, state.failing_at
        while not self._tenure.over:
            try:
                if not await self._step():
                    return
            except (RedisError, Strange) as fault:
                await self._failed(fault)

    async def _step(self) -> bool:
        """Find the place, or send one batch, or wait a little; False where somebody else has gone further.

        Raises:
            RedisError, Strange: it cannot go on.
            StoreError: the store is away or too slow.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        if not self._placed:
            await self._take_place(await self._stream.stands())
            self._placed, self._seen_at = True, loop.time()
            return True
        events = await self._next()
        if not events and loop.time() - self._seen_at < LOOKED:
            await self._went_on()
            await self._tenure.rest(EVERY)
            return True
        if await self._stream.append(self._at, events) is not None:
            self._placed = False
            return True
        self._seen_at = loop.time()
        if not events:
            return True
        self._at = events[-1].id
        if not await self._shelf.sent(self.options.key, self._at, _now()):
            return False
        self._failing_at = None
        await self._went_on()
        # Whoever sends a million leaves the store and the processor to the hooks for half of the time.
        await self._tenure.rest(min(loop.time() - began, _REST) if len(events) == BATCH else EVERY)
        return True

    async def _next(self) -> Sequence[Event]:
        """What follows, written down."""
        events = []
        for seq, record in await self._trail.after(self._at, BATCH):
            event = Event(seq, record)
            event.json  # noqa: B018 - kept there
            events.append(event)
            if len(events) % _SLICE == 0:
                await asyncio.sleep(0)
        return events

    async def _take_place(self, found: Standing) -> None:
        """Go on from where the stream stands, if that is a place of this trail.

        Raises:
            Strange: it is none.
            StoreError: the store is away or too slow.
        """
        key, top = self.options.key, found.seq
        if top is None:
            raise Strange(f"has {found.id} as its newest entry, which authgate does not send: it is somebody else's")
        state = await self._shelf.begin(key)
        if top > state.at:
            await self._demand_ours(state, top, found.record)
        elif found.record is not None:
            there = await self._trail.ids(top - 1, top, 1)
            if found.record == "" or (there and there[0][1] != found.record):
                raise Strange(f"has another record {top} than this store: it is of another one", top)
        if top < state.at:
            await self._set_back(state.at, top)
        elif top > state.at:
            await self._shelf.sent(key, top, _now())
        self._at = top

    async def _demand_ours(self, state: RecordStreamState, top: int, record: str | None) -> None:
        """Come back if what the stream has beyond the place is what was sent last, and not noted any more."""
        behind = await self._trail.ids(state.at, top, BATCH + 1)
        there = behind[0][1] if behind and behind[0][0] == top else None
        if there is not None and there == record:
            return
        if there is not None and record is None and len(behind) <= BATCH and state.strange_at != top:
            return  # whoever read it has removed it
        newest = await self._trail.newest_seq()
        if top > newest:
            why = f"has come to record {top}, and the newest of this store is {newest}"
            raise Strange(f"{why}: the store was set back to a backup, or the stream is of another store", top)
        raise Strange(f"has come to record {top}, and this store has sent {state.at}: it is of another one", top)

    async def _set_back(self, at: int, top: int) -> None:
        """The stream has lost entries: say so, and send them again."""
        oldest = await self._trail.oldest_seq()
        gone = "" if oldest is None or oldest <= top + 1 else f"; those before {oldest} are not in the store any more"
        text = "record stream %s: it has lost what followed record %d, and %d was sent; that is sent again%s"
        log.warning(text, self.options.key, top, at, gone)
        await self._shelf.set_back(self.options.key, top)

    async def _failed(self, fault: RedisError | Strange) -> None:
        """Say what is wrong, once until it goes on, and wait for the next attempt."""
        text = str(fault)
        kind = "strange" if isinstance(fault, Strange) else text.partition(":")[0]
        if kind not in self._told:
            level = logging.ERROR if isinstance(fault, Strange) else logging.WARNING
            told = "record stream %s: %s %s; records wait until it can be sent to"
            log.log(level, told, self.options.key, self.options.shown, text)
            self._told.add(kind)
        self._placed = False
        self._failing_at = self._failing_at or _now()
        with suppress(StoreError):
            strange_at = fault.at if isinstance(fault, Strange) else None
            await self._shelf.failed(self.options.key, text, self._failing_at, strange_at)
        await self._tenure.rest(_pause(self._failures))
        self._failures += 1

    async def _went_on(self) -> None:
        """All is well, and nothing waits that could not be sent."""
        if self._failing_at is not None:
            await self._shelf.sent(self.options.key, self._at, None)
        if self._told:
            log.info("record stream %s: it goes on, behind record %d", self.options.key, self._at)
        self._told.clear()
        self._failures, self._failing_at = 0, None


def _pause(failures: int) -> float:
    """Seconds until the next attempt; not the same for all that wait for one server."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 20))
    return pause * random.uniform(0.75, 1)  # noqa: S311 - nothing to be guessed


def _now() -> int:
    return time.time_ns() // 1_000_000
