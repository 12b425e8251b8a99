"""Data that clients send: what they ask for by it, whether they may, and what arrives of it at others."""

from authgate.signals.allow import NO_SIGNALS, Signals
from authgate.signals.options import Addressees, SignallingOptions, SignalOptions, applications
from authgate.signals.own import OwnOperations
from authgate.signals.read import SESSION_ID, Asked, address, read
from authgate.signals.stamp import Stamp, stamped

__all__ = [
    "NO_SIGNALS",
    "SESSION_ID",
    "Addressees",
    "Asked",
    "OwnOperations",
    "SignalOptions",
    "SignallingOptions",
    "Signals",
    "Stamp",
    "address",
    "applications",
    "read",
    "stamped",
]
