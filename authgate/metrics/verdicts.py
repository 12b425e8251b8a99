"""Verdicts, counted on their way to the log."""

from authgate.hooks.methods import METHODS, method
from authgate.metrics.meter import Meter
from authgate.metrics.table import DURATION, HOOKS, OTHER
from authgate.model import Kind, Reason, Record
from authgate.ports import VerdictLog

# The applications that a media server comes with, or that its manual makes; see docs/deploy.md.
APPS = ("defaultApp", "flashStreamingApp", "flashRoomApp", "callApp", "clickToCallApp", "roomApp", "cdnApp")


class MeasuredVerdicts:
    """Counts each verdict and how long it took: obeys ``ports.VerdictLog``.

    Clients choose the names of methods and applications, so only those have a label of their own that are in the table
    of methods and in ``apps``.
    """

    def __init__(self, meter: Meter, told: VerdictLog, apps: frozenset[str] = frozenset()) -> None:
        """``told`` is the log that each verdict goes to."""
        self.apps = apps
        self._meter = meter
        self._told = told
        self._values = meter.values
        self._cells: dict[tuple[str, str, Reason], int] = {}
        self._durations = {kind: meter.histogram(DURATION, (kind.value,)) for kind in Kind}
        self._kinds = {name: self._durations[each.kind] for name, each in METHODS.items()}

    def verdict(self, record: Record, milliseconds: float) -> None:
        """See ``ports.VerdictLog``."""
        durations = self._kinds.get(record.method)
        name = record.method
        if durations is None:
            durations, name = self._durations[method(name).kind], OTHER
        key = (name, record.app_key if record.app_key in self.apps else OTHER, record.reason)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = self._meter.cell(HOOKS, key)
        self._values[cell] += 1
        durations.observe(milliseconds / 1000)
        self._told.verdict(record, milliseconds)
