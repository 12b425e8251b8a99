"""The pool: bounded, and what does not fit is refused at once."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from authgate.errors import Overloaded
from authgate.passwords.pool import Pool


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(1, 1)
    yield made
    made.close()


async def _until_waits(jobs: list[asyncio.Task[bool]]) -> None:
    for _ in range(3):
        await asyncio.sleep(0)
    assert not any(job.done() for job in jobs)


async def test_what_does_not_fit_into_the_queue_is_refused_at_once(pool: Pool) -> None:
    gate = threading.Event()
    try:
        jobs = [asyncio.create_task(pool.run(gate.wait)) for _ in range(2)]
        await _until_waits(jobs)
        for _ in range(3):
            with pytest.raises(Overloaded, match="too many"):
                await pool.run(gate.wait)
    finally:
        gate.set()
    assert await asyncio.gather(*jobs) == [True, True]
    assert await pool.run(gate.wait)


async def test_a_caller_that_gives_up_withdraws_its_job(pool: Pool) -> None:
    gate, done = threading.Event(), []
    try:
        busy = asyncio.create_task(pool.run(gate.wait))
        late: asyncio.Task[None] = asyncio.create_task(pool.run(done.append, "late"))
        await _until_waits([busy])
        late.cancel()
        with pytest.raises(asyncio.CancelledError):
            await late
        next_one: asyncio.Task[None] = asyncio.create_task(pool.run(done.append, "next"))
        await _until_waits([busy])
    finally:
        gate.set()
    await asyncio.gather(busy, next_one)
    assert done == ["next"]


async def test_what_a_job_raises_comes_back(pool: Pool) -> None:
    for _ in range(5):  # more than its places: a job that fails keeps none
        with pytest.raises(ZeroDivisionError):
            await pool.run(lambda: 1 / 0)
