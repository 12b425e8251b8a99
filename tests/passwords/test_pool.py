"""The pool: how much is done at once, in which order, for whom, and at which priority."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest

from authgate.errors import Overloaded
from authgate.passwords import Hasher, Hashing
from authgate.passwords.lanes import Effort
from authgate.passwords.machine import Size
from authgate.passwords.pool import Pool
from authgate.turn import Turn

EFFORT = Effort("argon2", 1)


class Busy:
    """A pool all of whose workers are busy until they are let go."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.gate = threading.Event()
        self.jobs: list[asyncio.Task[object]] = []

    def ask(
        self, work: Callable[[], object], turn: Turn | None = None, effort: Effort = EFFORT
    ) -> asyncio.Task[object]:
        self.jobs.append(asyncio.create_task(self.pool.run(work, effort, turn or Turn())))
        return self.jobs[-1]

    async def until(self, running: int, waiting: int) -> None:
        async with asyncio.timeout(30):
            while (self.pool.state()["running"], self.pool.state()["waiting"]) != (running, waiting):  # noqa: ASYNC110
                await asyncio.sleep(0.001)


@asynccontextmanager
async def busy(
    workers: int = 1, queue: int = 0, memory: int = 100, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[Busy]:
    found = Busy(Pool(Size(workers, memory), queue, clock))
    try:
        for _ in range(workers):
            found.ask(found.gate.wait)
        await found.until(workers, 0)
        yield found
    finally:
        found.gate.set()
        await asyncio.gather(*found.jobs, return_exceptions=True)
        found.pool.close()


async def test_work_is_done_on_other_threads() -> None:
    pool = Pool(Size(1, 1))
    assert await pool.run(threading.get_ident, EFFORT) != threading.get_ident()
    pool.close()


async def test_what_each_took_is_told_also_of_what_goes_wrong() -> None:
    took: list[tuple[str, float]] = []
    pool = Pool(Size(1, 1), took=lambda kind, seconds: took.append((kind, seconds)))
    await pool.run(lambda: time.sleep(0.01), Effort("slow"))
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 // 0, Effort("wrong"))
    assert [kind for kind, _ in took] == ["slow", "wrong"]
    assert took[0][1] >= 0.01
    pool.close()


async def test_what_goes_wrong_is_told_and_keeps_no_worker() -> None:
    pool = Pool(Size(1, 1))
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await pool.run(lambda: 1 // 0, EFFORT)
    assert await pool.run(lambda: 1, EFFORT) == 1
    assert pool.state()["running"] == 0
    pool.close()


async def test_no_more_is_done_at_once_than_there_are_workers() -> None:
    async with busy(workers=2) as found:
        found.ask(int)
        await found.until(2, 1)


async def test_applications_take_turns() -> None:
    order: list[str] = []
    async with busy() as found:
        for n, app in enumerate(["storm", "storm", "storm", "calm"]):
            found.ask(partial(order.append, app), Turn(app))
            await found.until(1, n + 1)
    assert order == ["storm", "calm", "storm", "storm"]


async def test_whoever_would_be_late_is_refused_at_once() -> None:
    async with busy() as found:
        with pytest.raises(Overloaded, match="before their deadlines"):
            await found.pool.run(int, EFFORT, Turn(until=time.monotonic()))
        assert found.pool.state()["waiting"] == 0


async def test_room_can_be_demanded_before() -> None:
    async with busy() as found:
        found.pool.demand_room(Turn())
        with pytest.raises(Overloaded, match="before their deadlines"):
            found.pool.demand_room(Turn(until=time.monotonic()))


async def test_room_is_kept_for_whoever_is_not_ready_yet() -> None:
    async with busy() as found:
        with pytest.raises(Overloaded, match="before their deadlines"), found.pool.room(Turn(until=time.monotonic())):
            pass
        with found.pool.room(Turn()):
            assert found.pool._lanes._kept == {"": 1}
        with pytest.raises(ValueError, match="not ready"), found.pool.room(Turn()):
            raise ValueError("not ready")
        assert found.pool._lanes._kept == {}


async def test_what_no_hash_is_made_of_needs_no_room() -> None:
    hasher, late = Hasher(Hashing(memory=1024, time=1)), Turn(until=time.monotonic())
    with hasher._pool._changed:
        for _ in range(100):
            hasher._pool._lanes.keep(late)
    for password in ("", "x" * 129, "nul\0", "\ud800"):
        with hasher.room(password, None, late):
            assert not await hasher.verify(password, None, late)
    with pytest.raises(Overloaded), hasher.room("a password", None, late):
        pass
    hasher.close()


async def test_whoever_is_late_in_the_end_is_told_so_without_being_hashed() -> None:
    done: list[str] = []
    now = 0.0
    async with busy(clock=lambda: now) as found:
        late = found.ask(partial(done.append, "late"), Turn(until=1))
        await found.until(1, 1)
        now = 1.0
        found.gate.set()
        with pytest.raises(Overloaded):
            await late
    assert done == []


async def test_a_caller_that_gives_up_withdraws_its_job() -> None:
    done: list[str] = []
    async with busy(queue=1) as found:
        gone = found.ask(partial(done.append, "gone"))
        await found.until(1, 1)
        gone.cancel()
        await found.until(1, 0)
        found.ask(partial(done.append, "next"))
        await found.until(1, 1)
    assert done == ["next"]


async def test_what_needs_more_memory_than_there_is_together_is_done_one_after_the_other() -> None:
    async with busy(workers=2, memory=100) as found:
        found.gate.set()
        await asyncio.gather(*found.jobs)
        gate = threading.Event()
        for _ in range(2):
            found.ask(gate.wait, effort=Effort("argon2", 60))
        await found.until(1, 1)
        gate.set()


async def test_what_needs_more_memory_than_all_together_is_done_alone() -> None:
    pool = Pool(Size(2, 100))
    assert await pool.run(lambda: 1, Effort("argon2", 1000)) == 1
    pool.close()


async def test_what_waits_when_the_pool_is_closed_is_still_done() -> None:
    async with busy() as found:
        job = found.ask(lambda: 1)
        await found.until(1, 1)
        found.pool.close()
        with pytest.raises(Overloaded, match="has ended"):
            await found.pool.run(int, EFFORT)
        found.gate.set()
        assert await job == 1


async def test_workers_end_with_the_pool() -> None:
    pool = Pool(Size(1, 1))
    thread = await pool.run(threading.current_thread, EFFORT)
    pool.close()
    await asyncio.to_thread(thread.join, 10)
    assert not thread.is_alive()


async def test_a_machine_that_starts_no_thread_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pool = Pool(Size(1, 1))
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", cannot)
        for _ in range(3):
            with pytest.raises(Overloaded, match="no thread"):
                await pool.run(int, EFFORT)
    assert pool.state()["waiting"] == 0
    assert await pool.run(lambda: 1, EFFORT) == 1
    pool.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only there do threads have a priority of their own")
async def test_hashing_gives_way_to_what_answers_hooks() -> None:
    pool = Pool(Size(1, 1))
    ours, theirs = os.getpriority(os.PRIO_PROCESS, 0), partial(os.getpriority, os.PRIO_PROCESS, 0)
    assert await pool.run(theirs, EFFORT) == min(19, ours + 5)
    assert os.getpriority(os.PRIO_PROCESS, 0) == ours
    pool.close()
    pool = Pool(Size(1, 1, gives_way=False))
    assert await pool.run(theirs, EFFORT) == ours
    pool.close()


async def test_how_it_stands_is_told() -> None:
    async with busy(workers=2) as found:
        found.ask(int)
        await found.until(2, 1)
        assert found.pool.state() == {"workers": 2, "running": 2, "waiting": 1, "done": 0, "seconds": 0}
    assert found.pool.state()["done"] == 3
    assert found.pool.state()["seconds"] > 0
