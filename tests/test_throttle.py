"""Whoever asks too often waits, and nobody else does."""

import pytest

from authgate.throttle import Throttle

NOW = 1_000.0

# Rate a minute, burst, the seconds at which it is asked, and what is said each time.
CASES = {
    "one is never too many": (60, 1, [0], [0]),
    "a burst": (60, 3, [0, 0, 0], [0, 0, 0]),
    "one more than a burst": (60, 3, [0, 0, 0, 0], [0, 0, 0, 1]),
    "a slow rate": (6, 1, [0, 0], [0, 10]),
    "time that is already spent counts": (6, 1, [0, 4], [0, 6]),
    "back too early": (60, 1, [0, 0.5], [0, 0.5]),
    "back in time": (60, 1, [0, 1], [0, 0]),
    "asking in vain does not make it longer": (60, 1, [0, 0.2, 0.4, 0.6, 1], [0, 0.8, 0.6, 0.4, 0]),
    "a long silence is no more than a burst": (60, 2, [0, 900, 900, 900], [0, 0, 0, 1]),
    "a clock that went back": (60, 1, [100, 0], [0, 1]),
    "less than one a minute": (0.5, 1, [0, 0], [0, 120]),
    "a burst that is less than one": (60, 0.2, [0, 0], [0, 1]),
    "nothing ever": (0, 1, [0, 0], [0, 86_400]),
}


@pytest.mark.parametrize(("rate", "burst", "times", "waits"), CASES.values(), ids=CASES)
def test_wait(rate, burst, times, waits):
    throttle = Throttle(rate, burst)
    assert [throttle.wait("ann", NOW + at) for at in times] == pytest.approx(waits)


def test_whoever_waits_as_long_as_was_said_may_go_on():
    for rate in (7, 13, 60, 90, 601):
        throttle, now = Throttle(rate, 1), 1e9 + 0.1
        throttle.wait("ann", now)
        for _ in range(100):
            now += throttle.wait("ann", now) or 60 / rate
            assert throttle.wait("ann", now) == 0


def test_keys_do_not_wait_for_each_other():
    throttle = Throttle(1, 1)
    assert [throttle.wait(key, NOW) for key in ("ann", "bob", "Ann", "", "ann")] == [0, 0, 0, 0, 60]


def test_a_key_may_have_a_rate_of_its_own():
    throttle = Throttle(1, 1)
    assert [throttle.wait("ann", NOW, rate=2) for _ in range(3)] == [0, 0, 30]
    assert throttle.wait("ann", NOW + 30, rate=2) == 0


def test_a_lower_rate_takes_effect_at_once():
    throttle = Throttle(60, 60)
    throttle.wait("ann", NOW)
    assert [throttle.wait("ann", NOW, rate=1) for _ in range(2)] == [0, 60]


def test_memory_is_bounded_and_the_oldest_go_first():
    throttle = Throttle(1, 1, max_keys=3)
    for key in ("a", "b", "c"):
        throttle.wait(key, NOW)
    assert throttle.wait("a", NOW) == 60  # asked about again: now b is the oldest
    throttle.wait("d", NOW)
    assert len(throttle) == 3
    assert throttle.wait("a", NOW) == 60
    assert throttle.wait("b", NOW) == 0


def test_it_never_owes():
    throttle = Throttle(60, 2)
    for _ in range(1_000):
        throttle.wait("ann", NOW)
    assert throttle.wait("ann", NOW + 1) == 0
