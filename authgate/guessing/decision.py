"""Counts -> go on, wait, or locked: plain functions, which know of no storage and no clock."""

from enum import Enum

POLL = 0.1  # seconds until it is looked again whether what is under way has come to an end
FREE = 2  # wrong passwords that delay nothing


class Verdict(Enum):
    """Whether a password may be tried."""

    GO = "go"
    WAIT = "wait"  # soon: others are being tried, or the last wrong one is too fresh
    LOCKED = "locked"


def decide(failed: int, pending: int, limit: int, delayed: float, patience: float) -> tuple[Verdict, float]:
    """Whether one more password may be tried, and the seconds to wait for it.

    ``failed`` were wrong within the window, ``pending`` are being tried now and may turn out to be right, ``limit`` is
    how many may be wrong; ``delayed`` is how many seconds are left of the delay after the last wrong one, and
    ``patience`` for how many anybody is kept waiting.
    """
    if failed >= limit or delayed > patience:
        return Verdict.LOCKED, 0.0
    if failed + pending >= limit:
        return Verdict.WAIT, max(POLL, delayed)
    return (Verdict.WAIT, delayed) if delayed > 0 else (Verdict.GO, 0.0)


def delay_after(failed: int, first: int, most: int) -> int:
    """Seconds after this many wrong passwords until the next is tried: none after the first two, then ever more."""
    if failed <= FREE or first <= 0:
        return 0
    return min(first << min(failed - FREE - 1, _DOUBLINGS), most)


def lock_after(strikes: int, first: int, most: int) -> int:
    """Seconds for which it is locked the first time (1 strike), the second time, and so on."""
    return min(first << min(max(strikes, 1) - 1, _DOUBLINGS), most)


_DOUBLINGS = 30  # beyond those every delay and every lock is as long as it can be
