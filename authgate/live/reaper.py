"""Clears up: what nobody keeps alive any more is over, and what has been over for a while is forgotten."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection

from authgate.live.means import Means
from authgate.store import Store

log = logging.getLogger(__name__)

EVERY = 10.0  # seconds
KEPT = 600.0  # seconds for which what is over is remembered: something about it may still be told
_PAUSE = 0.05  # seconds between two steps of forgetting
_STEP = 200


class Reaper:
    """Nothing is over because authgate itself did not hear: it waits until it has listened for long enough."""

    def __init__(
        self,
        store: Store,
        means: Callable[[], Means],
        compared: Callable[[], Collection[str]],
        tally: Counter[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``compared`` says which nodes are compared with the media server, which knows better."""
        self._store = store
        self._means = means
        self._compared = compared
        self._tally = tally
        self._clock = clock
        self._listens_since: float | None = None  # seconds since the epoch

    async def round(self) -> float:
        """Clear up; the seconds until it is time again.

        Raises:
            StoreError: the store is away or too slow.
        """
        since, self._listens_since = self._listens_since, None  # and so it stays where this fails
        now = self._clock()
        since = now if since is None else since
        options, but = self._means().options, [*self._compared()]
        if options.stream_lease and now - since >= options.stream_lease:
            before = int((now - options.stream_lease) * 1000)
            self._count("streams_lapsed", await self._store.upkeep.lapse_streams(before, int(now * 1000), but))
        if options.max_idle:
            before = int((now - options.max_idle) * 1000)
            self._count("sessions_lapsed", await self._store.upkeep.lapse_idle(before, int(now * 1000), but))
        forgotten = await self._store.upkeep.purge(int((now - KEPT) * 1000), _STEP)
        self._listens_since = since
        return EVERY if forgotten < _STEP else _PAUSE

    def _count(self, what: str, count: int) -> None:
        if count:
            self._tally[f"live_{what}"] += count
            log.info("%s: %d", what.replace("_", " "), count)
