"""The keys of all issuers that are configured, each in memory for itself."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from authgate.errors import KeysError
from authgate.key_sets.held import Held
from authgate.key_sets.state import KeySetState, Shelf
from authgate.ports import KeySource, VerifyingKey
from authgate.verifiers.jwks import JwksOptions, shown

if TYPE_CHECKING:
    from authgate.key_sets.fetch import Fetcher

_TICK = 1.0  # seconds between two looks at what is due


class KeySets:
    """Issuers' keys: obeys what ``ports.Keys`` says of them.

    A key is looked up by its source first and only there by its name, so that the key of one issuer never
    verifies a token of another. It belongs to the event loop it is used on.
    """

    def __init__(
        self,
        sources: Mapping[KeySource, JwksOptions],
        shelf: Shelf,
        clock: Callable[[], float] = time.time,
        tick: float = _TICK,
        tally: Counter[str] | None = None,
    ) -> None:
        """``clock`` gives seconds since the epoch, ``tick`` is seconds between two looks at what is due.

        Fetches are counted in ``tally``.
        """
        tally = Counter() if tally is None else tally
        self._fetcher: Fetcher | None = None
        self._held: dict[KeySource, Held] = {}
        if sources:
            from authgate.key_sets import fetch  # here, for many have none, and httpx takes its time to load

            self._fetcher = fetcher = fetch.Fetcher()
            for source, each in sources.items():
                self._held[source] = Held(source, each, shelf, fetcher.fetch, clock, tally)
        self._tick = tick
        self._task: asyncio.Task[None] | None = None

    async def find(self, source: KeySource, key_id: str | None, algorithm: str) -> Sequence[VerifyingKey]:
        """See ``ports.Keys``."""
        held = self._held.get(source)
        if held is None:
            raise KeysError(f"the keys of {shown(source.issuer)} are not among those that are fetched")
        return await held.find(key_id, algorithm)

    def known(self, source: KeySource, key_id: str | None, algorithm: str) -> Sequence[VerifyingKey]:
        """See ``ports.Keys``."""
        held = self._held.get(source)
        return () if held is None else held.known(key_id, algorithm)

    def start(self) -> None:
        """Fetch from now on what is missing, and what is about to be fresh no longer."""
        if self._task is None and self._held:
            self._task = asyncio.create_task(self._run())

    async def load(self) -> None:
        """Take what is on the shelf, where it was not looked yet; nothing is fetched."""
        await asyncio.gather(*(held.load() for held in self._held.values()))

    async def refresh(self, source: KeySource | None = None) -> None:
        """Fetch the keys of a source, or all, at once, and come back when that is over; ``states`` says how it went."""
        chosen = [self._held[source]] if source is not None else list(self._held.values())
        await asyncio.gather(*(held.refresh() for held in chosen))

    async def reload(self) -> None:
        """Fetch all at once in the background: somebody said that there is something new. It never waits."""
        for held in self._held.values():
            held.begin()

    def states(self) -> list[KeySetState]:
        """What is to be seen of each, in the order of the configuration."""
        return [held.seen() for held in self._held.values()]

    def state(self, source: KeySource) -> KeySetState:
        """What is to be seen of one."""
        return self._held[source].seen()

    async def close(self) -> None:
        """Fetch no more, and finish keeping what came."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        await asyncio.gather(*(held.close() for held in self._held.values()))
        if self._fetcher is not None:
            await self._fetcher.close()

    async def _run(self) -> None:
        await self.load()
        while True:
            for held in self._held.values():
                held.begin_if_due()
            await asyncio.sleep(self._tick)
