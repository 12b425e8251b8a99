"""What authgate does in the background to put right what hooks left wrong, carried out when a history says so."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from authgate.live.ender import Ender
from authgate.live.reconciler import Reconciler
from authgate.live.watcher import Watcher
from authgate.wiring import Service
from tests.histories.clock import Clock
from tests.histories.nodes import LocalNode, LocalNodes


class Upkeep:
    """The upkeep of one authgate, without its timers."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self.nodes = LocalNodes()
        self.tally: Counter[str] = Counter()  # what was put right
        self._service = service
        self._clock = clock
        service.wcs = self.nodes  # type: ignore[assignment]  # it has what the real ones have
        self._means = service._for_live  # what the service gives its own
        self._watcher = Watcher(service.store, self._means, self.tally, _nothing, clock)
        self._ender = Ender(service.store, self._means, self.tally, clock)
        self._reconcilers: dict[LocalNode, Reconciler] = {}
        self._one_at_a_time = asyncio.Lock()  # as the duty has it

    async def compare(self, nodes: Sequence[LocalNode]) -> None:
        """Compare with these nodes, once."""
        async with self._one_at_a_time:
            for node in nodes:
                await self._reconciler(node).round()

    async def end(self) -> None:
        """Order the end of what may not go on, and end what is to be ended, of whatever history."""
        async with self._one_at_a_time:
            await self._watcher.look()
            await self._ender.round()

    def forget(self) -> None:
        """Know no node any more."""
        self.nodes.clear()
        self._reconcilers.clear()

    def _reconciler(self, node: LocalNode) -> Reconciler:
        if node not in self._reconcilers:
            made = Reconciler(node, self._service.store, self._means, self.tally, _nothing, self._clock)  # type: ignore[arg-type]
            self._reconcilers[node] = made
        return self._reconcilers[node]


def _nothing() -> None:
    pass
