"""A moving window: what is in it, and what falls out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate.guessing import windows

NOW, EXPIRY = 1_700_000_000_000, 300_000

LIVE = {
    "nothing": ((), ()),
    "all of it": (((NOW - 5, 1), (NOW, 2)), ((NOW - 5, 1), (NOW, 2))),
    "the youngest that is over": (((NOW - EXPIRY, 3), (NOW, 1)), ((NOW, 1),)),
    "the oldest that is not": (((NOW - EXPIRY + 1, 3),), ((NOW - EXPIRY + 1, 3),)),
    "nothing any more": (((NOW - EXPIRY - 9, 1), (NOW - EXPIRY, 3)), ()),
}


@pytest.mark.parametrize(("window", "left"), LIVE.values(), ids=LIVE)
def test_live(window, left):
    assert windows.live(window, NOW, EXPIRY) == left


def test_what_is_close_together_is_one_entry():
    window = ()
    for at in (NOW + 1, NOW + 2, NOW + 1000, NOW + 1001):
        window = windows.added(window, at, EXPIRY)
    assert window == ((NOW + 1000, 3), (NOW + 2000, 1))


def test_a_clock_that_lags_behind_changes_no_order():
    window = windows.added(windows.added((), NOW, EXPIRY), NOW - 60_000, EXPIRY)
    assert window == ((NOW, 2),)


@given(st.lists(st.integers(0, 4 * EXPIRY), max_size=400))
def test_nothing_falls_out_too_early_and_it_stays_small(times):
    window = ()
    for at in sorted(times):
        window = windows.added(windows.live(window, NOW + at, EXPIRY), NOW + at, EXPIRY)
    now = NOW + max(times, default=0)
    exact = sum(now - NOW - at < EXPIRY for at in times)
    late = sum(now - NOW - at < EXPIRY + EXPIRY // windows.STEPS for at in times)
    assert exact <= windows.total(windows.live(window, now, EXPIRY)) <= late
    assert len(window) <= windows.STEPS + 2
    assert windows.load(windows.dump(window)) == window


TAKEN = {
    "of nothing": ((), ()),
    "of one": (((NOW, 1),), ()),
    "of several at a time": (((NOW, 2), (NOW + 9, 1)), ((NOW, 1), (NOW + 9, 1))),
    "the oldest": (((NOW, 1), (NOW + 9, 1)), ((NOW + 9, 1),)),
}


@pytest.mark.parametrize(("window", "left"), TAKEN.values(), ids=TAKEN)
def test_what_is_taken_back_is_the_oldest(window, left):
    assert windows.without_oldest(window) == left


def test_many_of_a_long_window_fit_into_a_column():
    window = ()
    for at in range(0, EXPIRY, 7):
        window = windows.added(window, NOW + at, EXPIRY, 1_000)
    assert len(windows.dump(window)) < 8_000
