"""Histories of clients that hypothesis makes up: what authgate says of them must be so, whatever went astray."""

import asyncio
import itertools
from collections import deque
from contextvars import copy_context

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from authgate.model import Over
from tests import process
from tests.histories.authgates import SETTINGS, authgates
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


@pytest.fixture(scope="module")
def answering(tmp_path_factory):
    """An event loop, and two authgates with the users of a history on it."""
    config = process.prepare(tmp_path_factory.mktemp("histories"), SETTINGS)
    with asyncio.Runner() as runner:
        entered = authgates(config)
        found = runner.run(entered.__aenter__())
        runner.run(found.add_users(users_of("h")))
        for slot in range(AT_ONCE):
            runner.run(found.add_users(users_of(f"w{slot}")))
        yield runner, found
        runner.run(entered.__aexit__(None, None, None))


MACHINES = {
    "ids of their own": (History, False, 50),
    "ids that are used again": (History, True, 50),
    "nothing goes astray": (Faultless, False, 25),
}


@pytest.mark.parametrize(("machine", "reuse", "examples"), MACHINES.values(), ids=MACHINES)
def test_what_is_said_of_a_history_is_so(answering, machine, reuse, examples):
    numbers = itertools.count()
    run_state_machine_as_test(
        lambda: machine(*answering, f"{machine.__name__}{reuse:d}-{next(numbers)}", reuse=reuse),
        settings=settings(max_examples=examples, stateful_step_count=10, deadline=None, database=None),
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
    runner, found = answering
    for start in range(0, 100, AT_ONCE):
        assert runner.run(through(found, [str(start + slot) for slot in range(AT_ONCE)])) == {}


def test_a_history_tells_what_is_not_so(answering):
    """The tests above could fail: a session that is opened or closed behind authgate's back is told."""
    runner, found = answering
    plan = Drawn()
    world = World("h", "told", found, plan, reuse=False)

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

    runner.run(history())
    assert [each.partition(":")[0] for each in world.wrong] == ["ghost", "missing"]
