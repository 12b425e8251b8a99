"""Hook -> Judged: who sent it, which rule speaks for it, and what that rule's policy and rewrites come to."""

from authgate.judge.judge import Judge, Judged, Setup
from authgate.judge.sender import Given, Outside, Unknowable
from authgate.judge.trace import Step, Trace

__all__ = ["Given", "Judge", "Judged", "Outside", "Setup", "Step", "Trace", "Unknowable"]
