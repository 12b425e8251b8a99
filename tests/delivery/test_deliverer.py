"""Who takes messages from the store, and when one is done with."""

import asyncio
import time
from collections import Counter

import pytest

from authgate.delivery import Deliverer
from authgate.model import Entry, SessionKey, Signal, SignalLimits
from authgate.signals import SignallingOptions
from authgate.store import Store
from tests.standin.serving import until
from tests.store.samples import a_record, a_session, closing, eventually, opening

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

FREE = SignalLimits(1000.0, 1000, 1000.0, 1000)
ANN, BOB = SessionKey("n1", "ann"), SessionKey("n1", "bob")


class FakeNodes:
    """One node for all; ``got`` are the payloads that it was sent."""

    def __init__(self):
        self.all, self.got, self.gate = [self], [], asyncio.Event()
        self.gate.set()

    def of(self, _node):
        return self

    async def send(self, node, operation, sessions, payload):
        await self.gate.wait()
        self.got += [(session, payload) for session in sessions]
        return True


class Bench:
    def __init__(self, store):
        self.nodes, self.tally, self.options = FakeNodes(), Counter(), SignallingOptions()
        self.deliverer = Deliverer(store, lambda: self.nodes, lambda: self.options, self.tally)


@pytest.fixture
async def bench(store):
    for key in (ANN, BOB):
        await store.ledger.write(opening(a_session(key, user=key.session)))
    bench = Bench(store)
    yield bench
    bench.nodes.gate.set()
    await bench.deliverer.close()


async def write(store, verb="send", sender=ANN, **more):
    given = {
        "user": sender.session,
        "at": int(time.time() * 1000),
        "opened_at": 1000,
        "to": "user",
        "name": "bob",
    } | more
    signal = Signal(verb, "defaultApp", sender, body='"hi"', limits=FREE, **given)
    assert await store.ledger.write(Entry(a_record(key=sender), signal=signal)) is None


async def waiting(store):
    return len(await store.outbox.waiting(0))


async def test_what_waits_is_delivered_once_somebody_starts(bench, store):
    await write(store)
    bench.deliverer.start()
    await until(lambda: len(bench.nodes.got) == 1)
    [(session, payload)] = bench.nodes.got
    assert (session, payload["body"], payload["from"]["user"]) == ("bob", "hi", "ann")
    await eventually(0, waiting, store)


async def test_what_comes_later_is_heard_of_without_being_told(bench, store):
    bench.deliverer.start()
    await write(store)
    await until(lambda: len(bench.nodes.got) == 1)


async def test_what_is_on_its_way_when_it_stops_waits_for_the_next(bench, store):
    await write(store)
    bench.deliverer.start()
    bench.nodes.gate.clear()
    await until(lambda: bench.deliverer.in_flight == 1)
    await bench.deliverer.close()
    assert (await waiting(store), bench.nodes.got) == (1, [])
    another = Bench(store)
    another.deliverer.start()
    await until(lambda: len(another.nodes.got) == 1)
    await another.deliverer.close()
    assert await waiting(store) == 0


async def test_one_of_two_delivers_and_the_other_goes_on_where_it_has_stopped(bench, store, store_options):
    other_store = Store(store_options)
    await other_store.start()
    other = Bench(other_store)
    bench.deliverer.start()
    await write(store)
    await until(lambda: len(bench.nodes.got) == 1)
    other.deliverer.start()
    await write(store)
    await until(lambda: len(bench.nodes.got) == 2)
    assert other.nodes.got == []
    await bench.deliverer.close()
    await store.duties.lay_down()
    await write(store)
    await until(lambda: len(other.nodes.got) == 1)
    await other.deliverer.close()
    await other_store.close()
    assert len(bench.nodes.got) == 2


async def test_what_is_too_old_is_given_up(bench, store):
    await write(store, at=int(time.time() * 1000) - 60_000)
    bench.deliverer.start()
    await eventually(0, waiting, store)
    assert (bench.nodes.got, bench.tally) == ([], {"signals_expired": 1})


async def test_what_is_for_more_than_may_be_by_now_goes_to_nobody(bench, store, caplog):
    bench.options = SignallingOptions(max_addressees=1)
    await write(store, to="app", name="")
    bench.deliverer.start()
    await eventually(0, waiting, store)
    assert (bench.nodes.got, bench.tally) == ([], {"signals_too_many_addressees": 1})
    assert "was not sent" in caplog.text


async def test_a_message_that_cannot_be_read_holds_up_nobody(bench, store):
    await store.outbox.put("", "user", "bob", "{", 10, time.time())
    await write(store)
    bench.deliverer.start()
    await until(lambda: len(bench.nodes.got) == 1)
    await eventually(0, waiting, store)
    assert bench.tally["signals_failed"] == 1


async def test_those_who_are_left_hear_who_has_gone_without_a_word(bench, store):
    for key in (ANN, BOB):
        await write(store, "join", key, to="room", name="lobby")
    await store.ledger.write(closing(ANN, int(time.time() * 1000)))
    bench.deliverer.start()
    await until(lambda: any("left" in payload.get("event", {}) for _, payload in bench.nodes.got))
    left = [(session, each["event"]) for session, each in bench.nodes.got if "left" in each.get("event", {})]
    assert [(session, event["left"]["user"]) for session, event in left] == [("bob", "ann")]


async def test_without_a_node_nobody_takes_the_duty(bench, store, store_options):
    bench.nodes.all = []
    bench.deliverer.start()
    other_store = Store(store_options)
    other = Bench(other_store)
    await write(store)
    other.deliverer.start()
    await until(lambda: len(other.nodes.got) == 1)
    await other.deliverer.close()
    await other_store.close()
