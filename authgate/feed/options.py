"""How the feed of events is served."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """Section ``[feed]``: the events that readers follow over HTTP, in each process."""

    max_readers: Annotated[int, Ge(0), Le(100_000)] = 200  # at once; one more is turned away
    heartbeat: Annotated[float, Gt(0), Le(300)] = 15.0  # seconds without an event after which a sign of life is sent
    window: Annotated[int, Ge(16), Le(1_000_000)] = 4096  # newest events in memory; whoever is behind reads the store
