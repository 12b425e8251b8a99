"""What goes to one node: in order, in batches that it takes, and without holding up others where it does not answer."""

import asyncio
import logging
import time
from collections import Counter

import pytest

from authgate.delivery.lanes import Lanes, Parcel
from authgate.errors import WcsError
from tests.standin.serving import until


class FakeNode:
    """``takes`` is how many sessions it knows in one request; ``there`` who is; ``trouble`` what it fails by."""

    def __init__(self, takes=1000, there=("a", "b", "c"), trouble=None, old=404):
        self.takes, self.there, self.trouble, self.old = takes, {*there}, trouble, old
        self.asked, self.gate = [], asyncio.Event()
        self.gate.set()

    async def send(self, node, operation, sessions, payload):
        self.asked.append((list(sessions), payload))
        await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        if len(sessions) > self.takes:
            if self.old == 404:
                return False
            raise WcsError("what is this?", status=self.old)
        return not self.there.isdisjoint(sessions)


class Bench:
    def __init__(self, node):
        self.node, self.tally, self.sent = node, Counter(), []
        self.lanes = Lanes("n1", lambda: self.node, lambda: "op", self.tally)

    def add(self, what, sessions="a", app_key="chat", batch=100, ttl=60.0):
        parcel = Parcel("n1", [*sessions], batch, what, app_key, time.time() + ttl, lambda: self.sent.append(what))
        self.lanes.add(parcel)

    async def settled(self, count):
        await until(lambda: len(self.sent) == count)


@pytest.fixture
async def bench():
    bench = Bench(FakeNode())
    yield bench
    await bench.lanes.close()


async def test_several_sessions_get_it_by_one_request(bench):
    bench.add(1, "abc")
    await bench.settled(1)
    assert bench.node.asked == [(["a", "b", "c"], 1)]
    assert bench.tally == {"signals_delivered": 3}


async def test_more_than_a_batch_are_asked_for_one_batch_after_the_other(bench):
    bench.add(1, "abc", batch=2)
    await bench.settled(1)
    assert [sessions for sessions, _ in bench.node.asked] == [["a", "b"], ["c"]]


@pytest.mark.parametrize("old", [404, 400, 500])
async def test_an_older_node_gets_one_session_at_a_time_from_then_on(bench, old, caplog):
    bench.node.takes, bench.node.old = 1, old
    bench.add(1, "abc")
    bench.add(2, "ab")
    await bench.settled(2)
    asked = [sessions for sessions, _ in bench.node.asked]
    assert asked == [["a", "b", "c"], ["a"], ["b"], ["c"], ["a"], ["b"]]
    assert bench.tally["signals_delivered"] == 5
    assert [record.message for record in caplog.records if "batch = 1" in record.message] != []


async def test_a_newer_node_is_not_asked_one_by_one_where_all_have_left(bench):
    bench.add(1, "abc")
    await bench.settled(1)
    bench.add(2, "xyz")
    await bench.settled(2)
    assert [sessions for sessions, _ in bench.node.asked] == [["a", "b", "c"], ["x", "y", "z"]]
    assert bench.tally["signals_gone"] == 3


async def test_what_is_sent_in_one_application_never_overtakes_itself_and_does_not_wait_for_another(bench):
    bench.node.gate.clear()
    for number in range(5):
        bench.add(number)
    bench.add("other", app_key="other")
    await until(lambda: len(bench.node.asked) == 2)
    bench.node.gate.set()
    await bench.settled(6)
    assert [what for what in bench.sent if what != "other"] == [*range(5)]


async def test_a_node_that_is_away_is_told_of_once_and_left_alone_for_a_moment(bench, caplog):
    caplog.set_level(logging.WARNING)
    bench.node.trouble = WcsError("it cannot be reached", away=True)
    for number in range(20):
        bench.add(number, "ab")
    await bench.settled(20)
    assert len(bench.node.asked) == 3
    assert bench.tally["signals_failed"] == 40
    assert len([record for record in caplog.records if "could not be delivered" in record.message]) == 1


async def test_a_wrong_password_of_ours_is_not_tried_one_by_one(bench):
    bench.node.trouble = WcsError("asks for a password", status=401)
    bench.add(1, "abc")
    await bench.settled(1)
    assert len(bench.node.asked) == 1


async def test_what_has_waited_too_long_is_not_sent(bench):
    bench.add(1, ttl=-1.0)
    await bench.settled(1)
    assert bench.node.asked == []
    assert bench.tally == {"signals_expired": 1}


async def test_a_node_that_nobody_knows_how_to_reach_is_counted(bench):
    bench.node = None
    bench.add(1, "ab")
    await bench.settled(1)
    assert bench.tally == {"signals_failed": 2}


async def test_what_breaks_in_one_message_does_not_end_the_lane(bench):
    bench.node.trouble = RuntimeError("a mistake of ours")
    bench.add(1)
    await bench.settled(1)
    bench.node.trouble = None
    bench.add(2)
    await bench.settled(2)
    assert bench.tally == {"signals_failed": 1, "signals_delivered": 1}
