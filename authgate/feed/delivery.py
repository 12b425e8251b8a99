"""One webhook: its events one after the other, each until it is taken, by one process at a time."""

import asyncio
import logging
import random
import time
from contextlib import aclosing, suppress

from authgate.errors import StoreError
from authgate.feed import tenure
from authgate.feed.event import Event
from authgate.feed.feed import Feed
from authgate.feed.sender import Sender, SendError
from authgate.feed.tenure import Duties, Tenure
from authgate.feed.webhook import WebhookOptions
from authgate.store.webhooks import SqlWebhooks, WebhookState

log = logging.getLogger(__name__)

NOTED = 1.0  # seconds from one note in the store of how far it has come to the next
FIRST_PAUSE = 1.0  # seconds from the first failure to the next attempt; later ones are twice as long each


class Delivery:
    """Delivers events to one webhook for as long as it is this process's duty."""

    def __init__(self, options: WebhookOptions, feed: Feed, shelf: SqlWebhooks, duties: Duties) -> None:
        self.options = options
        self._feed = feed
        self._shelf = shelf
        self._sender = Sender(options)
        self._tenure = Tenure(f"webhook {options.name}", duties, self._work)
        self._failures = 0

    def start(self) -> None:
        """Begin."""
        self._tenure.start()

    async def close(self) -> None:
        """Stop; what is on its way may arrive, and is sent again by whoever goes on."""
        await self._tenure.close()
        await self._sender.close()

    async def _work(self) -> None:
        """Deliver for as long as there is anything to be delivered."""
        state = await self._shelf.begin(self.options.name, await self._feed.trail.newest_seq())
        if state.disabled_at is None:
            await self._deliver(state)

    async def _deliver(self, state: WebhookState) -> None:
        """Deliver what follows, until somebody sets its place elsewhere or nothing is to be sent there any more."""
        place = _Place(self._shelf, self.options.name, state.at)
        self._failures = state.failures
        reader = self._feed.listen(self.options.only, NOTED)
        await reader.begin(state.at)
        try:
            async with aclosing(reader.batches()) as batches:
                async for batch in batches:
                    for event in batch:
                        if event.kind == "events.end" or not await self._until_taken(event):
                            return
                        if event.id < place.at:  # this store has never come so far
                            await place.set_back(event.id)
                        if not await place.taken(event.id, _now()):
                            return
                    if not await place.taken(reader.at, None, at_once=not batch):
                        return
        finally:
            with suppress(StoreError):  # whoever goes on need not send it all again
                await place.note()

    async def _until_taken(self, event: Event) -> bool:
        """Send an event as often as it takes; False where it is not to be sent any more."""
        name = self.options.name
        while not self._tenure.over:
            asked_for: float | None = None
            try:
                status, asked_for = await self._sender.send(event)
            except SendError as fault:
                error = str(fault)
            else:
                if 200 <= status < 300:
                    if self._failures:
                        log.info("webhook %s takes events again", name)
                    self._failures = 0
                    return True
                error = f"answers with status {status}"
                if status == 410:
                    text = "webhook %s is disabled, for it answers 410 Gone; to go on: authgate webhook enable %s"
                    log.error(text, name, name)
                    await self._shelf.disable(name, _now(), error)
                    return False
            pause = self._pause(asked_for)
            self._failures += 1
            if self._failures == 1:
                log.warning("webhook %s %s; events wait until it takes them", name, error)
            with suppress(StoreError):
                now = _now()
                if not await self._shelf.failed(name, event.id, error, self._failures, now, now + int(pause * 1000)):
                    return False
            await self._wait(pause)
        return False

    async def _wait(self, seconds: float) -> None:
        """Wait for the next attempt, or until somebody says by the command line that it is time for it."""
        until = asyncio.get_running_loop().time() + seconds
        while (left := until - asyncio.get_running_loop().time()) > 0 and not self._tenure.over:
            await self._tenure.rest(min(left, tenure.RENEWED))
            with suppress(StoreError):
                state = await self._shelf.find(self.options.name)
                if state is not None and state.next_at is None:
                    return

    def _pause(self, asked_for: float | None) -> float:
        """Seconds until the next attempt; not the same for all that wait for one server."""
        longest = float(self.options.retry_max)
        pause = min(longest, FIRST_PAUSE * 2.0 ** min(self._failures, 20))
        pause *= random.uniform(0.75, 1)  # noqa: S311 - nothing to be guessed
        return max(pause, min(asked_for or 0.0, longest))


class _Place:
    """How far one has come, noted in the store once in a while."""

    def __init__(self, shelf: SqlWebhooks, name: str, at: int) -> None:
        self._shelf = shelf
        self._name = name
        self.at = self._noted = at
        self._noted_at = 0.0
        self._delivered_at: int | None = None

    async def set_back(self, at: int) -> None:
        """It is not so far after all."""
        await self._shelf.enable(self._name, at)
        self.at = self._noted = at

    async def taken(self, at: int, delivered_at: int | None, *, at_once: bool = False) -> bool:
        """It has come so far; False where somebody has set it further."""
        self.at = max(self.at, at)
        self._delivered_at = delivered_at or self._delivered_at
        if at_once or asyncio.get_running_loop().time() - self._noted_at >= NOTED:
            return await self.note()
        return True

    async def note(self) -> bool:
        """Note it now, if there is anything new to it."""
        if self.at == self._noted:
            return True
        at = self.at
        went = await self._shelf.delivered(self._name, at, self._delivered_at)
        self._noted, self._noted_at = at, asyncio.get_running_loop().time()
        return went


def _now() -> int:
    return time.time_ns() // 1_000_000
