"""What is done over and over is done by one process, goes on after trouble, and says so once."""

import asyncio
import logging

import pytest

from authgate.errors import StoreError
from authgate.live import rounds
from authgate.live.rounds import Rounds


class Duty:
    """Whose the duty is."""

    def __init__(self, answer=True):
        self.answer = answer

    async def hold(self, _name, _seconds):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Work:
    """Counts its rounds, fails where it is told to, and says when to go on."""

    def __init__(self, pause=3600.0, fails=()):
        self.count = 0
        self.pause = pause
        self.fails = list(fails)

    async def round(self):
        self.count += 1
        if self.fails:
            raise self.fails.pop(0)
        return self.pause


@pytest.fixture
async def begin():
    made = []

    def make(duty, work):
        one = Rounds(duty.hold, "duty")
        one.start()
        one.add("work", work.round)
        made.append(one)
        return one

    yield make
    for each in made:
        await each.close()


async def until(condition):
    async with asyncio.timeout(10):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


async def test_work_is_done_again_and_again(begin):
    work = Work(pause=0.01)
    begin(Duty(), work)
    await until(lambda: work.count > 3)


async def test_whoever_has_not_the_duty_does_nothing_until_it_has(begin, monkeypatch):
    monkeypatch.setattr(rounds, "ASK", 0.01)
    duty, work = Duty(answer=False), Work(pause=0.01)
    one = begin(duty, work)
    await asyncio.sleep(0.05)
    assert not one.ours
    assert work.count == 0
    duty.answer = True
    await until(lambda: work.count)
    duty.answer = StoreError("away")
    await until(lambda: not one.ours)
    duty.answer = RuntimeError("odd")
    await asyncio.sleep(0.03)
    duty.answer = True
    await until(lambda: one.ours)


async def test_a_wake_begins_the_next_round(begin):
    work = Work()
    one = begin(Duty(), work)
    await until(lambda: work.count == 1)
    one.wake("work")
    one.wake("nothing of that name")
    await until(lambda: work.count == 2)


async def test_work_that_is_dropped_is_done_no_more(begin):
    work = Work(pause=0.01)
    one = begin(Duty(), work)
    await until(lambda: work.count)
    await one.drop("work")
    await one.drop("work")
    before = work.count
    await asyncio.sleep(0.05)
    assert work.count == before


async def test_trouble_is_told_once_and_tried_again(begin, monkeypatch, caplog):
    monkeypatch.setattr(rounds, "FAILED", 0.01)
    caplog.set_level(logging.INFO)
    work = Work(pause=0.01, fails=[StoreError("the store is away"), StoreError("the store is away"), ValueError("odd")])
    begin(Duty(), work)
    await until(lambda: work.count > 5)
    told = [each.getMessage() for each in caplog.records]
    assert told == ["work: the store is away; tries again", "work: goes on"]


async def test_a_mistake_of_ours_is_told_with_its_place(begin, monkeypatch, caplog):
    monkeypatch.setattr(rounds, "FAILED", 0.01)
    work = Work(pause=0.01, fails=[ValueError("odd")] * 3)
    begin(Duty(), work)
    await until(lambda: work.count > 4)
    assert [each.exc_info is not None for each in caplog.records] == [True]
