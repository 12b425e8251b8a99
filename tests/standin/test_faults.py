"""Hooks that go astray, and clients without a socket: what reaches which back end, and what is made of it."""

import json
from collections import Counter

import pytest

from tests.standin.crowd import Crowd
from tests.standin.faults import Fault, FaultyHooks, Seeded
from tests.standin.rest import Answer, App

APP = App("", frozenset({"connect", "ConnectionStatusEvent"}))


class Told:
    """A plan: these faults in turn, then none; of several, the first."""

    def __init__(self, *faults):
        self.faults = list(faults)

    def fault(self, method):
        return self.faults.pop(0) if self.faults else Fault.NONE

    def pick(self, count):
        return 0


def backends(count=2, answer=None):
    """So many, and what each was sent."""
    heard = [[] for _ in range(count)]

    def one(number):
        async def hear(method, body):
            heard[number].append((method, json.loads(body).get("n")))
            return answer or Answer(json.loads(body), status=200)

        return hear

    return [one(number) for number in range(count)], heard


# What befalls a hook: whether its answer is heard, and how often it has arrived at once and in the end.
FAULTS = {
    Fault.NONE: (True, 1, 1),
    Fault.LOST: (False, 0, 0),
    Fault.UNHEARD: (False, 1, 1),
    Fault.TWICE: (True, 2, 2),
    Fault.LATE: (False, 0, 1),
    Fault.AGAIN: (True, 1, 2),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_fault(fault):
    is_heard, at_once, later = FAULTS[fault]
    some, heard = backends()
    hooks = FaultyHooks(some, Told(fault))
    answer = await hooks.send(APP, "connect", {"sessionId": "s", "n": 1})
    assert (answer.error is None) is is_heard
    assert sum(map(len, heard)) == at_once
    await hooks.arrive()
    await hooks.arrive()
    assert sum(map(len, heard)) == later
    assert hooks.sent == [fault]


async def test_hooks_go_to_one_back_end_after_the_other():
    some, heard = backends(3)
    hooks = FaultyHooks(some, Told(Fault.NONE, Fault.TWICE))
    for n in range(4):
        await hooks.send(APP, "connect", {"sessionId": "s", "n": n})
    assert [len(each) for each in heard] == [1, 2, 2]
    assert {number for number, each in enumerate(heard) if ("connect", 1) in each} == {0, 2}, "at once"


async def test_what_is_astray_comes_in_any_order_or_is_lost():
    some, heard = backends(1)
    hooks = FaultyHooks(some, Told(*[Fault.LATE] * 3))
    for n, session in enumerate("abc"):
        await hooks.send(APP, "connect", {"sessionId": session, "n": n})
    hooks.lose("b", "connect")
    hooks.lose("c", "ConnectionStatusEvent")
    hooks._plan.pick = lambda count: count - 1
    for _ in range(3):
        await hooks.arrive()
    assert heard == [[("connect", 2), ("connect", 0)]]


async def test_a_method_that_the_app_lacks_goes_nowhere():
    some, heard = backends()
    assert (await FaultyHooks(some, Told(Fault.LOST)).send(APP, "publishStream", {"n": 1})).fields == {"n": 1}
    assert heard == [[], []]


def test_a_plan_by_chance_is_the_same_for_the_same_seed():
    shares = {Fault.LOST: 0.2, Fault.LATE: 0.1}
    plans = [Seeded(seed, shares) for seed in ("one", "one", "two")]
    drawn = [[plan.fault("connect") for _ in range(1000)] for plan in plans]
    assert drawn[0] == drawn[1] != drawn[2]
    counts = Counter(drawn[0])
    assert set(counts) == {Fault.NONE, Fault.LOST, Fault.LATE}
    assert 600 < counts[Fault.NONE] < 800


async def test_clients_without_a_socket_are_as_others():
    some, heard = backends()
    crowd = Crowd(FaultyHooks(some, Told()), ["a", "b"], ["defaultApp"])
    one, two = crowd.nodes
    ann = await crowd.connect(one, 50_000, "defaultApp", {})
    bob = await crowd.connect(two, 50_000, "defaultApp", {})
    await crowd.publish(ann, "cam")
    await crowd.play(ann, "cam")
    await crowd.play(bob, "cam")  # it is on the other node
    assert [(stream.name, stream.published) for stream in crowd.streams] == [("cam", True), ("cam", False)]
    await crowd.stop(crowd.streams[0])
    await crowd.leave(bob)
    assert (crowd.sessions, crowd.streams) == ([ann], [])
    crowd.restart(one)
    before = sum(map(len, heard))
    await crowd.leave(ann)
    assert (crowd.sessions, sum(map(len, heard))) == ([], before), "nothing comes from before it was started anew"


@pytest.mark.parametrize("at_once", [False, True], ids=["noticed afterwards", "noticed with the coming"])
async def test_who_comes_from_the_port_of_another_takes_its_place(at_once):
    some, heard = backends(1)
    crowd = Crowd(FaultyHooks(some, Told()), ["a"], ["defaultApp"])
    (node,) = crowd.nodes
    await crowd.publish(await crowd.connect(node, 50_000, "defaultApp", {}), "cam")
    newer = await crowd.connect(node, 50_000, "defaultApp", {}, at_once=at_once)
    assert (crowd.sessions, crowd.streams) == ([newer], [])
    assert Counter(method for method, _ in heard[0])["ConnectionStatusEvent"] == 3


async def test_whoever_is_refused_is_not_on():
    some, heard = backends(1, Answer(error="Access denied", status=403))
    crowd = Crowd(FaultyHooks(some, Told()), ["a"], ["defaultApp"])
    assert await crowd.connect(crowd.nodes[0], 50_000, "defaultApp", {}) is None
    assert crowd.sessions == []
    assert [method for method, _ in heard[0]] == ["connect", "ConnectionStatusEvent", "ConnectionStatusEvent"]


async def test_who_is_ended_over_the_api_leaves():
    some, _ = backends()
    crowd = Crowd(FaultyHooks(some, Told()), ["a"], ["defaultApp"])
    session = await crowd.connect(crowd.nodes[0], 50_000, "defaultApp", {})
    session.hang_up("Terminated by rest /terminate")
    session.hang_up("and once more")
    await crowd.settled()
    assert crowd.sessions == []
