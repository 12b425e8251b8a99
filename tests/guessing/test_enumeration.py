"""Nobody learns from the time of an answer why a login failed: 2,000 attempts of each kind cannot be told apart."""

import asyncio
import bisect
import itertools
import math
import random
import selectors
import time
from contextlib import nullcontext

import pytest

from authgate.guessing import Block, MemoryStorage
from authgate.model import Credentials, Reason, Secret, User, Where
from authgate.passwords import Hasher, Hashing
from authgate.passwords.known import KNOWN
from authgate.ports import Means
from authgate.verifiers.password import PasswordVerifier
from tests.fakes import FakeUsers
from tests.guessing.made import HERE, World

pytestmark = pytest.mark.no_cover  # to be watched takes several times what is timed here

EACH = 2_000
TOGETHER = 8  # attempts under way at a time
NO_LIMITS = {
    "per_user_and_address": 100_000,  # none that is reached: what is counted takes its time all the same
    "per_address": 100_000,
    **dict.fromkeys(["per_user", "per_app", "per_user_and_address_a_day", "per_user_a_day", "per_address_a_day"], 0),
}
RIGHT = "password"
ARGON2, BCRYPT = KNOWN["argon2"], KNOWN["bcrypt"]
USERS = [
    User("ann", "Ann", hash=ARGON2),
    User("old", "Old", hash=BCRYPT),
    User("locked", "Locked", hash=BCRYPT),
    User("disabled", "Disabled", enabled=False, hash=ARGON2),
    User("expired", "Expired", expires_at=1, hash=ARGON2),
    User("bare", "Bare"),
]
KINDS = {
    "unknown": ("nobody", "wrong", Reason.USER_UNKNOWN),
    "no possible name": ("no\nbody", "wrong", Reason.USER_UNKNOWN),
    "wrong": ("ann", "wrong", Reason.PASSWORD_WRONG),
    "wrong, with a slower hash": ("old", "wrong", Reason.PASSWORD_WRONG),
    "without a password": ("bare", "wrong", Reason.PASSWORD_WRONG),
    "locked": ("locked", RIGHT, Reason.GUESSING_LOCKED),
    "disabled": ("disabled", RIGHT, Reason.USER_DISABLED),
    "expired": ("expired", RIGHT, Reason.USER_EXPIRED),
}


def told_apart(one, other):
    """By how much two samples differ, in units of what chance alone makes of it (two-sample Kolmogorov-Smirnov)."""
    one, other = sorted(one), sorted(other)
    points = sorted({*one, *other})
    gap = max(
        abs(bisect.bisect_right(one, at) / len(one) - bisect.bisect_right(other, at) / len(other)) for at in points
    )
    return gap * math.sqrt(len(one) * len(other) / (len(one) + len(other)))


CHANCE = 1.95  # beyond this, one pair in a thousand differs though nothing is behind it


async def sample(hasher, world, each, clock, seed=1):
    """Seconds until the answer, for each kind; the attempts come in any order, several at a time."""
    at = int(world.guard._clock() * 1000)
    world.blocks.held.take([Block("lock", "locked", HERE, at, None)], at)
    users = FakeUsers(*USERS)
    means = Means(users, hasher, None, None, None, None, world.guard, now=at / 1000, where=lambda: Where("app", HERE))
    order = [kind for kind in KINDS for _ in range(each)]
    random.Random(seed).shuffle(order)
    numbers, taken = itertools.count(), {kind: [] for kind in KINDS}
    waiting = iter(order)

    async def attempts():
        for kind in waiting:
            login, password, reason = KINDS[kind]
            offered = password if password == RIGHT else f"{password} {next(numbers)}"
            began = clock()
            said = await PasswordVerifier().verify(Credentials(login=login, password=Secret(offered)), means)
            taken[kind].append(clock() - began)
            assert said is reason

    await asyncio.gather(*(attempts() for _ in range(TOGETHER)))
    await world.settle()
    return taken


def differences(taken):
    return {
        (one, other): found
        for one, other in itertools.combinations(taken, 2)
        if (found := told_apart(taken[one], taken[other])) > CHANCE
    }


class _Instant(selectors.DefaultSelector):
    """Waits for nothing: a pause only moves the loop's clock on, and nothing comes from outside."""

    now = 0.0

    def select(self, timeout=None):
        self.now += timeout or 0.0
        return []


class Timeless(asyncio.SelectorEventLoop):
    """A loop in which nothing takes time but what says that it does: no other process has a say in it."""

    def __init__(self):
        self._selector_of_time = _Instant()
        super().__init__(self._selector_of_time)

    def time(self):
        return self._selector_of_time.now


class SlowHasher:
    """What hashes cost, and how much that varies; the pool has two places."""

    def __init__(self, seed):
        self._random, self._pool = random.Random(seed), asyncio.Semaphore(2)

    async def verify(self, password, stored, turn):
        async with self._pool:
            usual = 0.180 if stored == BCRYPT else 0.060
            await asyncio.sleep(usual * self._random.lognormvariate(0, 0.1))
        return password == RIGHT and stored is not None

    def room(self, password, stored, turn):
        return nullcontext()

    def remembers(self, password, stored, turn):
        return False

    async def renewed(self, password, stored):
        return None


class SlowStorage(MemoryStorage):
    """Each question takes a while, as to a database."""

    def __init__(self, seed):
        super().__init__()
        self._random = random.Random(seed)

    async def carry_out(self, keys, change):
        await asyncio.sleep(self._random.expovariate(200))
        return await super().carry_out(keys, change)


def timeless(each=EACH, **options):
    async def run():
        world = World(SlowStorage(2), **NO_LIMITS, **options)
        world.guard._pace.most = 5.0
        return await sample(SlowHasher(3), world, each, asyncio.get_running_loop().time)

    with asyncio.Runner(loop_factory=Timeless) as runner:
        return runner.run(run())


def test_two_thousand_attempts_of_each_kind_cannot_be_told_apart():
    taken = timeless()
    assert {len(each) for each in taken.values()} == {EACH}
    assert differences(taken) == {}


def test_without_an_even_pace_a_few_would_be_enough(monkeypatch):
    """What is found above to be alike differs by itself, and the test finds that."""

    async def at_once(_guard, _began, _stored):
        return None

    monkeypatch.setattr("authgate.guessing.guard.Guard.even", at_once)
    found = differences(timeless(each=200))
    assert ("unknown", "wrong, with a slower hash") in found
    assert ("wrong", "locked") in found or ("wrong, with a slower hash", "locked") in found


async def test_attempts_with_real_hashes_cannot_be_told_apart():
    """The cheapest there are, by a real clock: fewer, for the machine is not ours alone."""
    hasher = Hasher(Hashing(memory=1024, time=1, workers=2, queue=1_000, legacy=("low_cost",)))
    world = World(**NO_LIMITS)
    try:
        taken = await sample(hasher, world, 300, time.perf_counter)
    finally:
        hasher.close()
    # Another process may take the machine at any time, so the bar is that of one pair in a million.
    assert {pair: found for pair, found in differences(taken).items() if found > 2.7} == {}


SAMPLES = {
    "the same": ([1, 2, 3, 4] * 50, [1, 2, 3, 4] * 50, False),
    "one that is later": ([1, 2, 3, 4] * 50, [2, 3, 4, 5] * 50, True),
    "one that varies more": ([10] * 200, [5, 15] * 100, True),
    "one in fifty": ([10] * 1000, [10] * 980 + [11] * 20, False),
}


@pytest.mark.parametrize(("one", "other", "differ"), SAMPLES.values(), ids=SAMPLES)
def test_told_apart(one, other, differ):
    assert (told_apart(one, other) > CHANCE) is differ
