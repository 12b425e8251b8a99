"""All webhooks of a configuration."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from authgate.feed.feed import Feed
from authgate.feed.tenure import Duties
from authgate.feed.webhook import WebhookOptions
from authgate.store.webhooks import SqlWebhooks

if TYPE_CHECKING:
    from authgate.feed.delivery import Delivery


class Webhooks:
    """Delivers to each of them, where that is this process's duty."""

    def __init__(self, options: Sequence[WebhookOptions], feed: Feed, shelf: SqlWebhooks, duties: Duties) -> None:
        self._options = tuple(options)
        self._feed = feed
        self._shelf = shelf
        self._duties = duties
        self._running: dict[str, Delivery] = {}
        self._started = False
        self._leaving: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to deliver."""
        self._started = True
        self.adopt(self._options)

    def adopt(self, options: Sequence[WebhookOptions]) -> None:
        """Deliver by other options from now on; what has not changed goes on."""
        self._options = tuple(options)
        if not self._started:
            return
        wanted = {each.name: each for each in options}
        for name, running in [*self._running.items()]:
            if wanted.get(name) != running.options:
                del self._running[name]
                task = asyncio.create_task(running.close())
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)
        for name, each in wanted.items():
            if name not in self._running:
                from authgate.feed import delivery  # here, for many have none, and httpx takes its time to load

                self._running[name] = delivery.Delivery(each, self._feed, self._shelf, self._duties)
                self._running[name].start()

    async def close(self) -> None:
        """Stop."""
        self._started = False
        await asyncio.gather(*(each.close() for each in self._running.values()), *self._leaving)
        self._running.clear()
