"""Counts -> go on, wait or locked; and how long."""

import pytest

from authgate.guessing.decision import POLL, Verdict, decide, delay_after, lock_after

GO, WAIT, LOCKED = Verdict.GO, Verdict.WAIT, Verdict.LOCKED

# Wrong within the window, being tried, limit, seconds left of the delay -> what is said.
CASES = {
    "nobody has tried": (0, 0, 5, 0.0, (GO, 0.0)),
    "the last that may be wrong": (4, 0, 5, 0.0, (GO, 0.0)),
    "one too many": (5, 0, 5, 0.0, (LOCKED, 0.0)),
    "far too many": (50, 0, 5, 0.0, (LOCKED, 0.0)),
    "a limit that was lowered": (5, 0, 2, 0.0, (LOCKED, 0.0)),
    "all that may be wrong are being tried": (0, 5, 5, 0.0, (WAIT, POLL)),
    "some were wrong, the rest is being tried": (3, 2, 5, 0.0, (WAIT, POLL)),
    "too many were wrong, others are being tried": (5, 3, 5, 0.0, (LOCKED, 0.0)),
    "soon after the last": (3, 0, 5, 0.7, (WAIT, 0.7)),
    "soon after the last, others are being tried": (3, 2, 5, 0.7, (WAIT, 0.7)),
    "others are being tried, and the delay is nearly over": (3, 2, 5, 0.01, (WAIT, POLL)),
    "too soon after the last": (4, 0, 5, 1.5, (LOCKED, 0.0)),
    "a limit of one": (0, 0, 1, 0.0, (GO, 0.0)),
    "a limit of one, one wrong": (1, 0, 1, 0.0, (LOCKED, 0.0)),
}


@pytest.mark.parametrize(("failed", "pending", "limit", "delayed", "said"), CASES.values(), ids=CASES)
def test_decide(failed, pending, limit, delayed, said):
    assert decide(failed, pending, limit, delayed, 1.0) == said


DELAYS = {
    "none before any": (0, 1, 3600, 0),
    "none after the first": (1, 1, 3600, 0),
    "none after the second": (2, 1, 3600, 0),
    "after the third": (3, 1, 3600, 1),
    "twice as long": (4, 1, 3600, 2),
    "and again": (5, 1, 3600, 4),
    "longer to begin with": (4, 3, 3600, 6),
    "never longer than a lock": (30, 1, 3600, 3600),
    "however many": (10**9, 1, 3600, 3600),
    "switched off": (10, 0, 3600, 0),
}


@pytest.mark.parametrize(("failed", "first", "most", "seconds"), DELAYS.values(), ids=DELAYS)
def test_delay_after(failed, first, most, seconds):
    assert delay_after(failed, first, most) == seconds


LOCKS = {
    "the first": (1, 300),
    "the second": (2, 600),
    "the fourth": (4, 2400),
    "no longer than it can be": (5, 3600),
    "however many": (10**9, 3600),
    "none yet": (0, 300),
}


@pytest.mark.parametrize(("strikes", "seconds"), LOCKS.values(), ids=LOCKS)
def test_lock_after(strikes, seconds):
    assert lock_after(strikes, 300, 3600) == seconds
