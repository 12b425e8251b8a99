"""What was measured, and what it comes to: medians over rounds, their spread, and ratios of what is side by side."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Round:
    """One round of one server."""

    rate: float  # hooks answered in a second
    p50: float  # milliseconds
    p99: float
    p999: float
    cpu: float  # seconds of all processes of the server for 1,000 hooks


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of several measurements, and the least and the most of them."""

    middle: float
    least: float
    most: float

    @property
    def spread(self) -> float:
        """How far apart they are, as a part of the median."""
        return (self.most - self.least) / self.middle if self.middle else 0.0


def figure(values: Sequence[float]) -> Figure:
    """What several measurements of one thing come to."""
    return Figure(statistics.median(values), min(values), max(values))


def quantile(values: Sequence[float], part: float) -> float:
    """The value that so great a part of the values does not exceed; ``part`` is above 0, and at most 1."""
    ordered = sorted(values)
    return ordered[max(0, -int(-part * len(ordered) // 1) - 1)]


@dataclass(slots=True)
class Case:
    """Rounds of a server, each beside one of that which it is compared with."""

    name: str
    server: str
    connections: int
    against: str  # the other server
    ours: list[Round] = field(default_factory=list)
    others: list[Round] = field(default_factory=list)

    def of(self, what: str) -> Figure:
        """A field of the server's rounds."""
        return figure([getattr(each, what) for each in self.ours])

    def other(self, what: str) -> Figure:
        """The same of the other server."""
        return figure([getattr(each, what) for each in self.others])

    def ratio(self, what: str) -> Figure:
        """How many times the other's it is, in each pair of rounds."""
        pairs = zip(self.ours, self.others, strict=True)
        return figure([getattr(ours, what) / getattr(other, what) for ours, other in pairs])


@dataclass(frozen=True, slots=True)
class Target:
    """What should be, and what is."""

    what: str
    bound: Literal["at least", "at most"]
    wanted: float
    found: Figure
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the median is on the right side."""
        if self.bound == "at least":
            return self.found.middle >= self.wanted
        return self.found.middle <= self.wanted

    @property
    def short(self) -> float:
        """By what part of what is wanted it is missed; 0 where it is met, or none at all is wanted."""
        return 0.0 if self.met or not self.wanted else abs(self.found.middle - self.wanted) / self.wanted
