"""What the workers of a server have counted, as one: numbers in shared memory, and Prometheus's text of them."""

from authgate.metrics.meter import Meter
from authgate.metrics.sheet import Memory
from authgate.metrics.verdicts import APPS, MeasuredVerdicts

__all__ = ["APPS", "MeasuredVerdicts", "Memory", "Meter"]
