"""Histories of clients that hypothesis makes up: what authgate says of them must be so, whatever went astray."""

import asyncio
import itertools
from collections import deque
from contextlib import AbstractContextManager
from contextvars import copy_context

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from authgate.model import Over
from tests import process
from tests.histories.authgates import ENDING, SETTINGS, authgates
from tests.histories.walk import walk
from tests.histories.world import World, put_right, users_of
from tests.standin.faults import Fault

SOME = st.integers(0, 11)
AT_ONCE = 25
FAULTS = st.lists(st.sampled_from(list(Fault)), max_size=4)


class Drawn:
    """A plan that is made up with each step: what it says is done first, then nothing goes wrong."""

    def __init__(self):
        self.faults, self.picks = deque(), deque()

    def fault(self, method):
        return self.faults.popleft() if self.faults else Fault.NONE

    def pick(self, count):
        return self.picks.popleft() % count if self.picks else 0


class History(RuleBasedStateMachine):
    """One history; who answers its hooks is there before it, and stays."""

    def __init__(self, runner, authgates, name, *, reuse):
        super().__init__()
        self.context = copy_context()  # in which its time passes
        self.runner, self.authgates, self.plan = runner, authgates, Drawn()
        self.world = World("h", name, authgates, self.plan, reuse=reuse)

    def go(self, doing, faults=(), picks=()):
        self.plan.faults, self.plan.picks = deque(faults), deque(picks)
        self.runner.run(doing, context=self.context)

    @rule(user=SOME, node=SOME, port=SOME, at_once=st.booleans(), faults=FAULTS, app=SOME)
    def connect(self, user, node, port, at_once, faults, app):
        self.go(self.world.connect(user, node, port, at_once=at_once), faults, [app])

    @rule(user=SOME, count=st.integers(2, 6), faults=FAULTS)
    def stampede(self, user, count, faults):
        self.go(self.world.stampede(user, count), faults)

    @rule(which=SOME, faults=FAULTS)
    def leave(self, which, faults):
        self.go(self.world.leave(which), faults)

    @rule(which=SOME, name=SOME, faults=FAULTS)
    def publish(self, which, name, faults):
        self.go(self.world.publish(which, name), faults)

    @rule(which=SOME, name=SOME, faults=FAULTS)
    def play(self, which, name, faults):
        self.go(self.world.play(which, name), faults)

    @rule(which=SOME, faults=FAULTS)
    def stop(self, which, faults):
        self.go(self.world.stop(which), faults)

    @rule(node=SOME, faults=FAULTS)
    def keep_alive(self, node, faults):
        self.go(self.world.keep_alive(node), faults)

    @rule(node=SOME)
    def restart(self, node):
        self.go(self.world.restart(node))

    @rule(count=st.integers(1, 3), picks=st.lists(SOME, max_size=3))
    def arrive(self, count, picks):
        self.go(self.world.arrive(count), picks=picks)

    @rule(step=SOME, arriving=st.integers(0, 1))
    def wait(self, step, arriving):
        self.go(self.world.wait(step), picks=[arriving])

    @rule(which=SOME, away=st.integers(0, 3))
    def compare(self, which, away):
        self.go(self.world.compare(which), picks=[away])

    def teardown(self):
        try:
            self.go(self.last())
        finally:
            self.runner.run(self.authgates.forget())
        assert self.world.wrong == [], "\n".join(self.world.hooks.told)

    async def last(self):
        await self.world.no_more_astray(arriving=True)
        await self.world.check_identities()
        await put_right(self.authgates, [self.world])
        await self.world.check()


class Faultless(History):
    """One in which nothing goes astray: then no session has to be put right either."""

    def go(self, doing, faults=(), picks=()):
        super().go(doing, (), picks)

    @invariant()
    def told_the_truth(self):
        self.go(self.world.check_sessions())
        assert self.world.wrong == [], "\n".join(self.world.hooks.told)

    @rule()
    def restart(self):
        """Nothing tells of it."""

    @rule()
    def compare(self):
        """Nothing is different."""


class Answering(AbstractContextManager):
    """An event loop and two authgates on it, with the users of histories."""

    def __init__(self, folder, settings):
        self.runner = asyncio.Runner()
        self._authgates = authgates(process.prepare(folder, settings))

    def __enter__(self):
        self.found = self.runner.run(self._authgates.__aenter__())
        for name in ("h", *(f"w{slot}" for slot in range(AT_ONCE))):
            self.runner.run(self.found.add_users(users_of(name)))
        return self

    def __exit__(self, *error):
        self.runner.run(self._authgates.__aexit__(None, None, None))
        self.runner.close()


@pytest.fixture(scope="module")
def answering(tmp_path_factory):
    with Answering(tmp_path_factory.mktemp("histories"), SETTINGS) as answering:
        yield answering


MACHINES = {
    "ids of their own": (History, False, 25),
    "ids that are used again": (History, True, 25),
    "nothing goes astray": (Faultless, False, 12),
}


@pytest.mark.parametrize(("machine", "reuse", "examples"), MACHINES.values(), ids=MACHINES)
def test_what_is_said_of_a_history_is_so(answering, machine, reuse, examples):
    numbers = itertools.count()
    # The same ones each time: others are gone through by bench/histories.py, which tells how to see one again.
    run_state_machine_as_test(
        lambda: machine(answering.runner, answering.found, f"{machine.__name__}{reuse:d}-{next(numbers)}", reuse=reuse),
        settings=settings(max_examples=examples, stateful_step_count=10, derandomize=True, database=None),
    )


async def through(found, seeds):
    worlds = await asyncio.gather(*(walk(f"w{slot}", seed, 15, found) for slot, seed in enumerate(seeds)))
    await put_right(found, worlds)
    for world in worlds:
        await world.check()
    await found.forget()
    return {seed: (world.wrong, world.hooks.told) for seed, world in zip(seeds, worlds, strict=True) if world.wrong}


def test_what_is_said_of_many_histories_at_once_is_so(answering):
    """They share a store, as the clients of several media servers do. ``bench/histories.py`` goes through more."""
    for start in range(0, 45, AT_ONCE):
        seeds = [str(start + slot) for slot in range(AT_ONCE)]
        assert answering.runner.run(through(answering.found, seeds)) == {}


def test_nobody_has_too_many_for_long_where_the_oldest_end_for_new_ones(tmp_path):
    with Answering(tmp_path, ENDING) as answering:
        assert answering.runner.run(through(answering.found, [f"ending {slot}" for slot in range(AT_ONCE)])) == {}
        assert answering.found.upkeep.tally["live_sessions_ended"]


def test_a_history_tells_what_is_not_so(answering):
    """The tests above could fail: a session that is opened or closed behind authgate's back is told."""
    found = answering.found
    world = World("h", "told", found, Drawn(), reuse=False)

    async def history():
        await world.connect(0, 0, 0)
        await world.connect(2, 1, 0)
        assert await world.differences() == []
        for gone in list(world.crowd.nodes[0].sessions.values()):  # without a word to anybody
            del world.crowd.nodes[0].sessions[gone.id]
        (kept,) = await found.store.sessions.list(node=world.crowd.nodes[1].node_id)
        await found.store.sessions.over([kept], Over.TOLD, int(found.clock() * 1000))
        await world.check()
        await found.forget()

    answering.runner.run(history())
    assert [each.partition(":")[0] for each in world.wrong] == ["ghost", "missing", "wedged"]
