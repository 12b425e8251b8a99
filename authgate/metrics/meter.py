"""What one worker counts, where the others can read it."""

import math
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from authgate.metrics.sheet import Memory, Name, Sheet
from authgate.metrics.table import METRICS, Form, Metric

TALLY = "tally"  # the first part of the names of what is counted in the tally
SUM = "sum"  # the last part of the names of what all that a histogram took into account comes to
_SEEN = "seen"  # when the worker last showed its gauges, by the clock
_GONE = 5.0  # seconds after which they count for nothing

Labels = tuple[str, ...]


class Tally(Counter[str]):
    """A counter like any other, whose counts lie in a sheet: those of the worker that was here before go on."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self._sheet = sheet
        self._cells: dict[str, int] = {}
        for (first, *rest), value in sheet.read():
            if first == TALLY:
                super().__setitem__(rest[0], int(value))

    def __setitem__(self, key: str, value: int) -> None:
        dict.__setitem__(self, key, value)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = self._sheet.cell((TALLY, key))
        self._sheet.values[cell] = value


class Histogram:
    """How many fell into which bucket, and what they come to together."""

    def __init__(self, sheet: Sheet, metric: Metric, labels: Labels) -> None:
        self._values = sheet.values
        self._bounds = metric.buckets
        names = [*map(str, metric.buckets), "+Inf", SUM]
        self._cells = [sheet.cell((metric.name, *labels, name)) for name in names]

    def observe(self, value: float) -> None:
        """Take another one into account."""
        self._values[self._cells[bisect_left(self._bounds, value)]] += 1
        self._values[self._cells[-1]] += value


class Meter:
    """The sheet of this worker, and those of all.

    Workers that follow each other in one place have one sheet, so what is counted never goes back. Histograms and the
    tally are for one thread each, or for several that take turns.
    """

    def __init__(
        self, memories: Sequence[Memory] = (), place: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``memories`` are those of all workers in the order of their places; none: this is the only one."""
        memories = memories or [Memory()]
        self.sheets = [Sheet(memory) for memory in memories]
        self.place = place
        self._clock = clock  # the same for all workers
        self._own = self.sheets[place]
        self.tally = Tally(self._own)
        self._histograms: dict[tuple[str, Labels], Histogram] = {}
        self._risen: dict[int, float] = {}  # by cell
        self._shown: set[int] = set()  # cells of gauges that hold a number
        for name, _ in list(self._own.read()):
            if _is_gauge(name):
                self._own.values[self._own.cell(name)] = math.nan

    @property
    def values(self) -> "memoryview[float]":
        """The numbers of this worker."""
        return self._own.values

    def cell(self, metric: Metric, labels: Labels = ()) -> int:
        """Where a number of this worker lies."""
        return self._own.cell((metric.name, *labels))

    def histogram(self, metric: Metric, labels: Labels = ()) -> Histogram:
        """One histogram of this worker."""
        found = self._histograms.get((metric.name, labels))
        if found is None:
            found = self._histograms[metric.name, labels] = Histogram(self._own, metric, labels)
        return found

    def rise(self, metric: Metric, labels: Labels, number: float) -> None:
        """Count by how much a number has risen that somebody else in this process counts, from 0 on."""
        cell = self.cell(metric, labels)
        self._own.values[cell] += max(0.0, number - self._risen.get(cell, 0.0))
        self._risen[cell] = number

    def show(self, gauges: Mapping[tuple[Metric, Labels], float]) -> None:
        """Have these gauges read so for the next seconds, and no others."""
        self._own.values[self._own.cell((_SEEN,))] = self._clock()
        shown = set()
        for (metric, labels), value in gauges.items():
            cell = self.cell(metric, labels)
            self._own.values[cell] = value
            shown.add(cell)
        for cell in self._shown - shown:
            self._own.values[cell] = math.nan
        self._shown = shown

    def read(self) -> Iterator[tuple[int, Name, float]]:
        """What every worker has counted, and shows now: the place of the worker, the name and the number."""
        for place, sheet in enumerate(self.sheets):
            numbers = dict(sheet.read())
            gone = numbers.pop((_SEEN,), 0.0) < self._clock() - _GONE
            for name, value in numbers.items():
                if not (_is_gauge(name) and (gone or math.isnan(value))):
                    yield place, name, value


def _is_gauge(name: Name) -> bool:
    return name[0] in METRICS and METRICS[name[0]].form is Form.GAUGE
