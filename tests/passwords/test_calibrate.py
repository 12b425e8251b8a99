"""What new hashes may cost on a machine: by its deadline, its pool and its memory."""

import pytest

from authgate.passwords import Hashing
from authgate.passwords.calibrate import STEPS, Bounds, bounds, calibrate, measured
from authgate.passwords.machine import Machine

GIB = 1 << 20  # KiB

BOUNDS = {
    # options, deadline, processes, memory -> at once, seconds for one, KiB for one
    "eight wait for each": (Hashing(workers=2), 2.0, 1, 8 * GIB, Bounds(2, 0.2, GIB)),
    "more cores, the same time": (Hashing(workers=16), 2.0, 1, 64 * GIB, Bounds(16, 0.2, GIB)),
    "several processes share the memory": (Hashing(workers=2), 2.0, 4, 8 * GIB, Bounds(8, 0.2, GIB // 4)),
    "a short queue": (Hashing(workers=2, queue=2), 2.0, 1, 8 * GIB, Bounds(2, 0.9, GIB)),
    "a queue that is no multiple": (Hashing(workers=4, queue=5), 2.0, 1, 16 * GIB, Bounds(4, 0.6, GIB)),
    "workers by cores": (Hashing(), 2.0, 4, 8 * GIB, Bounds(32, 0.2, GIB // 16)),
    "a memory budget": (Hashing(workers=2, memory_budget=1024), 2.0, 1, 8 * GIB, Bounds(2, 0.2, GIB // 2)),
    "a long deadline": (Hashing(workers=1), 10.0, 1, 4 * GIB, Bounds(1, 1.0, GIB)),
}


@pytest.mark.parametrize(("options", "deadline", "processes", "memory", "expected"), BOUNDS.values(), ids=BOUNDS)
def test_bounds(options: Hashing, deadline: float, processes: int, memory: int, expected: Bounds) -> None:
    found = bounds(options, deadline, processes, Machine(32, memory))
    assert (found.at_once, found.memory) == (expected.at_once, expected.memory)
    assert found.seconds == pytest.approx(expected.seconds)


class Measured:
    """A machine on which a MiB and a pass take so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.asked: list[tuple[int, int]] = []

    def measure(self, memory: int, passes: int, at_once: int) -> tuple[float, float]:
        self.asked.append((memory, passes))
        took = self._seconds * memory / 1024 * passes
        return took, at_once / took


PLANS = {
    # seconds of a MiB and a pass, KiB for one, logins wanted -> what is chosen
    "a slow machine": (0.005, GIB, 0, (19456, 2)),
    "a machine of today": (0.001, GIB, 0, (65536, 3)),
    "a fast machine": (0.0001, GIB, 0, (262144, 3)),
    "not even the least": (0.01, GIB, 0, None),
    "little memory": (0.0001, 70_000, 0, (65536, 3)),
    "next to no memory": (0.0001, 10_000, 0, None),
    "many logins": (0.0001, GIB, 300, (32768, 2)),
    "more logins than it can": (0.0001, GIB, 10_000, None),
}


@pytest.mark.parametrize(("seconds", "memory", "logins", "chosen"), PLANS.values(), ids=PLANS)
def test_the_strongest_that_fits_is_chosen(
    seconds: float, memory: int, logins: float, chosen: tuple[int, int] | None
) -> None:
    machine = Measured(seconds)
    plan = calibrate(Bounds(2, 0.2, memory), logins, machine.measure)
    assert (plan.chosen and (plan.chosen.memory, plan.chosen.time)) == chosen
    assert machine.asked == list(STEPS[: len(machine.asked)])
    assert [each.fits for each in plan.steps[:-1]] == [True] * (len(plan.steps) - 1)
    if plan.chosen:
        assert plan.chosen.per_second == pytest.approx(2 / plan.chosen.seconds)


def test_what_is_chosen_can_be_configured_and_is_not_weak() -> None:
    for memory, passes in STEPS:
        Hashing(memory=memory, time=passes)
        assert memory >= 19456
        assert passes >= 2
    assert sorted(STEPS) == list(STEPS)


def test_measuring_really_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import low_level

    made = []
    monkeypatch.setattr(low_level, "hash_secret_raw", lambda *arguments: made.append(arguments[2:5]))
    seconds, per_second = measured(1024, 2, 3)
    assert set(made) == {(2, 1024, 1)}
    assert len(made) == 3 + 12  # the first ones warm up
    assert seconds > 0
    assert per_second > 0
