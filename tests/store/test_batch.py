"""Shared work: what is done together, and who gets which answer when something goes wrong."""

import asyncio
import sqlite3
import time

import pytest
from sqlalchemy.exc import DBAPIError

from authgate.errors import StoreError
from authgate.store.batch import Batch
from authgate.store.breaker import Breaker
from authgate.store.trouble import Unstorable


class Bench:
    """A batch over work that notes what it was given, doubles numbers, and does as it is told with others."""

    def __init__(self, timeout: float = 5) -> None:
        self.done: list[list[object]] = []
        self.faults: list[BaseException] = []  # raised in turn
        self.probes: list[StoreError | None] = []  # what each probe meets; afterwards the store is there
        self.go = asyncio.Event()
        self.go.set()
        self.breaker = Breaker("test", self._probe, retry_after=0.01)
        self.batch: Batch[object, object] = Batch(self._work, self.breaker, timeout)

    async def _work(self, items):
        self.done.append(list(items))
        await self.go.wait()
        if self.faults:
            raise self.faults.pop(0)
        return [item * 2 for item in items]  # None cannot be doubled: TypeError

    async def _probe(self):
        if self.probes and (error := self.probes.pop(0)):
            raise error

    async def ask(self, *items):
        return await asyncio.gather(*map(self.batch.ask, items), return_exceptions=True)


@pytest.fixture
async def bench():
    bench = Bench()
    yield bench
    await bench.batch.close()
    await bench.breaker.close()


def broken(kind: type[sqlite3.Error], invalidated: bool = False) -> DBAPIError:
    return DBAPIError.instance(
        "", None, kind("no"), sqlite3.Error, hide_parameters=True, connection_invalidated=invalidated
    )


async def test_what_waits_together_is_done_together(bench):
    assert await bench.ask(1, 2, 3) == [2, 4, 6]
    assert bench.done == [[1, 2, 3]]


async def test_the_next_gather_while_one_is_done(bench):
    bench.go.clear()
    first = asyncio.create_task(bench.batch.ask(1))
    await asyncio.sleep(0)
    rest = asyncio.gather(*map(bench.batch.ask, (2, 3)))
    await asyncio.sleep(0)
    bench.go.set()
    assert await first == 2
    assert await rest == [4, 6]
    assert bench.done == [[1], [2, 3]]


async def test_no_more_than_fit(bench):
    assert await bench.ask(*range(1200)) == [2 * n for n in range(1200)]
    assert [len(done) for done in bench.done] == [500, 500, 200]


async def test_nothing_runs_when_nothing_waits(bench):
    tasks = len(asyncio.all_tasks())
    await bench.ask(1)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == tasks


async def test_a_cancelled_caller_withdraws_its_item(bench):
    bench.go.clear()
    first = asyncio.create_task(bench.batch.ask(1))
    await asyncio.sleep(0)
    gone, stays = asyncio.create_task(bench.batch.ask(2)), asyncio.create_task(bench.batch.ask(3))
    await asyncio.sleep(0)
    gone.cancel()
    bench.go.set()
    assert await asyncio.gather(first, stays) == [2, 6]
    assert bench.done == [[1], [3]]


async def test_a_cancelled_caller_whose_item_is_taken_disturbs_nobody(bench):
    bench.go.clear()
    gone, stays = asyncio.create_task(bench.batch.ask(1)), asyncio.create_task(bench.batch.ask(2))
    await asyncio.sleep(0.01)
    gone.cancel()
    bench.go.set()
    assert await stays == 4
    assert bench.done == [[1, 2]]


async def test_one_poisonous_item_fails_alone(bench):
    answers = await bench.ask(1, 2, None, 4, 5)
    assert isinstance(answers.pop(2), Unstorable)
    assert answers == [2, 4, 8, 10]
    bench.breaker.check()


PASSING = {
    "stale connection": broken(sqlite3.OperationalError, invalidated=True),
    "deadlock": DBAPIError.instance("", None, type("E", (sqlite3.Error,), {"sqlstate": "40P01"})("no"), sqlite3.Error),
    "deadlock in MariaDB": DBAPIError.instance("", None, sqlite3.OperationalError(1213, "deadlock"), sqlite3.Error),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
async def test_done_again_once(bench, fault):
    bench.faults = [fault]
    assert await bench.ask(1, 2) == [2, 4]
    assert bench.done == [[1, 2], [1, 2]]


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
async def test_not_done_a_third_time(bench, fault):
    bench.faults = [fault, fault]
    assert [type(answer) for answer in await bench.ask(1, 2)] == [StoreError, StoreError]
    assert len(bench.done) == 2
    bench.breaker.check()  # the store is there


AWAY = {
    "locked": broken(sqlite3.OperationalError),
    "refused": ConnectionRefusedError(111, "Connection refused"),
    "no answer": TimeoutError(),
}


@pytest.mark.parametrize("fault", AWAY.values(), ids=AWAY)
async def test_away(bench, fault):
    bench.probes = [StoreError("still away"), StoreError("still away")]
    bench.faults = [fault]
    assert {type(answer) for answer in await bench.ask(1, 2, 3)} == {StoreError}
    with pytest.raises(StoreError):  # at once: the work is not even tried
        await bench.batch.ask(4)
    assert bench.done == [[1, 2, 3]]
    back = asyncio.Event()
    bench.breaker.when_back(back.set)
    await back.wait()
    assert bench.probes == []
    assert await bench.batch.ask(5) == 10


async def test_those_who_wait_behind_a_failure_are_told_too(bench):
    bench.go.clear()
    first = asyncio.create_task(bench.batch.ask(1))
    await asyncio.sleep(0)
    second = asyncio.create_task(bench.batch.ask(2))
    await asyncio.sleep(0)
    bench.faults = [OSError("gone")]
    bench.go.set()
    answers = await asyncio.gather(first, second, return_exceptions=True)
    assert {type(answer) for answer in answers} == {StoreError}
    assert bench.done == [[1]]


async def test_work_that_hangs_is_given_up():
    bench = Bench(timeout=0.01)
    bench.go.clear()
    answers = await bench.ask(1, 2)
    assert {str(answer) for answer in answers} == {"the store does not answer within 0.01 seconds"}
    await bench.breaker.close()


async def test_work_that_the_driver_breaks_off_hangs_nobody(bench):
    bench.faults = [asyncio.CancelledError()]
    async with asyncio.timeout(2):
        answers = await bench.ask(1, 2)
    assert {str(answer) for answer in answers} == {"the store broke off what it was asked for"}
    back = asyncio.Event()
    bench.breaker.when_back(back.set)
    await back.wait()
    assert await bench.batch.ask(3) == 6


async def test_half_an_answer_is_trouble_for_everybody(bench):
    batch = Batch(lambda items: asyncio.sleep(0, [1]), bench.breaker, 5)
    answers = await asyncio.gather(batch.ask(1), batch.ask(2), return_exceptions=True)
    assert all(isinstance(answer, StoreError) for answer in answers[1:])


async def test_closing_finishes_what_waits(bench):
    asked = asyncio.gather(*map(bench.batch.ask, (1, 2)))
    await asyncio.sleep(0)
    await bench.batch.close()
    assert await asked == [2, 4]
    with pytest.raises(StoreError):
        await bench.batch.ask(3)


async def test_what_is_held_is_away_for_a_while_whatever_a_probe_finds():
    looked: list[float] = []

    async def probe() -> None:
        looked.append(time.monotonic())

    breaker, back = Breaker("test", probe, retry_after=0.1), asyncio.Event()
    breaker.when_back(back.set)
    breaker.trip(StoreError("gone"))
    await asyncio.sleep(0.05)
    breaker.trip(StoreError("moved"), hold=True)
    held = time.monotonic()
    await back.wait()
    assert time.monotonic() - held >= 0.1
    assert looked[-1] - held >= 0.1
    await breaker.close()
