"""What new hashes may cost on this machine: the deadline, the pool and its memory -> memory and passes."""

import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from authgate.passwords.hashing import Hashing
from authgate.passwords.machine import Machine, at_once, budget_of

# From the least that OWASP's Password Storage Cheat Sheet names, over the 64 MiB and 3 passes of RFC 9106, section 4.
STEPS = ((19456, 2), (32768, 2), (65536, 2), (65536, 3), (131072, 3), (262144, 3))
_SHARE = 0.9  # of the deadline for hashing; the rest is for the store
_WAITING = 8  # for each worker there is time for so many who wait, where hashing.queue does not say how many
_ROUNDS = 4  # hashes of each thread that is measured


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a hash may cost, and how many are made at once."""

    at_once: int  # in all processes together
    seconds: float  # that one may take while as many are made at once, and the last that waits is in time
    memory: int  # KiB for one, so that all of them leave room for the rest


@dataclass(frozen=True, slots=True)
class Step:
    """What hashes of this cost took."""

    memory: int  # KiB
    time: int  # passes
    seconds: float  # for one, while others were made
    per_second: float  # of all together
    fits: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What was measured, and the strongest cost that fits; None where not even the least does."""

    bounds: Bounds
    steps: list[Step] = field(default_factory=list)
    chosen: Step | None = None


def bounds(options: Hashing, deadline: float, processes: int, machine: Machine) -> Bounds:
    """What a hash may cost on this machine: ``deadline`` in seconds, ``processes`` of the server."""
    own = at_once(options, processes, machine)
    turns = 1 + -(-(options.queue or _WAITING * own) // own)  # until the last that waits is done
    every = own * processes
    return Bounds(every, _SHARE * deadline / turns, budget_of(options, machine) // every)


def calibrate(limits: Bounds, logins: float, measure: Callable[[int, int, int], tuple[float, float]]) -> Plan:
    """The plan: from the cheapest up, until one does not fit.

    ``logins`` is how many a second there must be room for. ``measure(memory, passes, at_once)`` gives the seconds of
    one hash, and how many were made in a second.
    """
    plan = Plan(limits)
    chosen = None
    for memory, passes in STEPS:
        if memory > limits.memory and plan.steps:
            break
        seconds, per_second = measure(memory, passes, limits.at_once)
        fits = seconds <= limits.seconds and per_second >= logins and memory <= limits.memory
        plan.steps.append(Step(memory, passes, seconds, per_second, fits))
        if not fits:
            break
        chosen = plan.steps[-1]
    return Plan(limits, plan.steps, chosen)


def measured(memory: int, passes: int, at_once: int) -> tuple[float, float]:
    """Seconds of one hash while ``at_once`` are made, and how many all of them make in a second."""
    from argon2 import low_level

    def one(_: int) -> float:
        began = time.perf_counter()
        low_level.hash_secret_raw(b"x" * 16, os.urandom(16), passes, memory, 1, 32, low_level.Type.ID)
        return time.perf_counter() - began

    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(one, range(at_once)))  # the first of a thread has to get its memory
        began = time.perf_counter()
        each = list(threads.map(one, range(at_once * _ROUNDS)))
        return statistics.median(each), len(each) / (time.perf_counter() - began)
