"""All of the background work on what goes on, in one process of all that share the store."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from authgate.live.ender import Ender
from authgate.live.means import Means
from authgate.live.reaper import Reaper
from authgate.live.reconciler import Reconciler, State
from authgate.live.rounds import Rounds
from authgate.live.watcher import Watcher
from authgate.store import Store

if TYPE_CHECKING:
    from authgate.wcs.node import WcsNode

_ENDING = "ending sessions"
_NODES = 0.5  # seconds between two looks at which nodes there are
_FRESH = 3  # comparisons that may fail until one counts for nothing any more


class Live:
    """Compares, ends and clears up, from ``start`` to ``close``. Never inside a hook."""

    def __init__(
        self, store: Store, means: Callable[[], Means], tally: Counter[str], clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._means = means
        self._tally = tally
        self._clock = clock
        self._rounds = Rounds(store.duties.hold, "live")
        self._nodes: dict[WcsNode, Reconciler] = {}

    def start(self) -> None:
        """Begin."""
        rounds, ordered = self._rounds, self._ordered
        watcher = Watcher(self._store, self._means, self._tally, ordered, self._clock)
        rounds.start()
        rounds.add("comparing with the media server", self._meet)
        rounds.add(_ENDING, Ender(self._store, self._means, self._tally, self._clock).round)
        rounds.add("finding sessions that may not go on", watcher.look)
        rounds.add("judging live sessions", watcher.walk)
        reaper = Reaper(self._store, self._means, self._compared, self._tally, self._clock)
        rounds.add("clearing up", reaper.round)

    async def close(self) -> None:
        """Do nothing more; what is to be ended stays in the store."""
        await self._rounds.close()

    def states(self) -> Sequence[State]:
        """How it stands with each node; nothing, where another process does this."""
        return [each.state for each in self._nodes.values()] if self._rounds.ours else []

    def _ordered(self) -> None:
        self._rounds.wake(_ENDING)

    def _compared(self) -> list[str]:
        """The nodes that were compared with the media server lately."""
        since = self._clock() - max(_FRESH * self._means().options.reconcile, 30.0)
        return [
            node
            for each in self._nodes.values()
            if each.state.compared_at is not None and each.state.compared_at > since
            for node in each.speaks_for
        ]

    async def _meet(self) -> float:
        """Compare with each node that there is, and with none that there is not any more."""
        wanted = self._means().nodes.all
        for gone in [each for each in self._nodes if each not in wanted]:
            del self._nodes[gone]
            await self._rounds.drop(_name(gone))
        for node in wanted:
            if node not in self._nodes:
                made = Reconciler(node, self._store, self._means, self._tally, self._ordered, self._clock)
                self._nodes[node] = made
                self._rounds.add(_name(node), made.round)
        return _NODES


def _name(node: "WcsNode") -> str:
    return f"comparing with wcs {node.options.node!r} ({id(node)})"
