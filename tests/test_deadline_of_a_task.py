"""A deadline that many tasks share the timer of, against what ``asyncio.timeout_at`` does."""

import asyncio

import pytest

from authgate.deadline import TICK, Deadline


def now():
    return asyncio.get_running_loop().time()


async def test_what_is_done_in_time_is_not_disturbed():
    with Deadline(now() + 60):
        await asyncio.sleep(0)
    await asyncio.sleep(0)


@pytest.mark.parametrize("seconds", [-5.0, 0.0, 0.01, TICK, 3.5 * TICK])
async def test_what_waits_longer_is_given_up(seconds):
    until = now() + seconds
    with pytest.raises(TimeoutError), Deadline(until):
        await asyncio.sleep(60)
    assert now() >= until - 0.002


async def test_of_many_that_share_a_timer_only_those_are_given_up_that_wait():
    until = now() + 2 * TICK

    async def one(waits):
        with Deadline(until):
            await asyncio.sleep(60 if waits else 0)

    found = await asyncio.gather(*(one(at % 2) for at in range(100)), return_exceptions=True)
    assert [isinstance(each, TimeoutError) for each in found] == [bool(at % 2) for at in range(100)]


async def test_the_nearer_of_two_ends_its_own_block_alone():
    with Deadline(now() + 60):
        with pytest.raises(TimeoutError), Deadline(now() + TICK):
            await asyncio.sleep(60)
        await asyncio.sleep(0)


async def test_the_farther_of_two_ends_both():
    inner = None
    with pytest.raises(TimeoutError), Deadline(now() + TICK):  # noqa: PT012 - what is raised inside is looked at
        try:
            with Deadline(now() + 60):
                await asyncio.sleep(60)
        except BaseException as error:
            inner = error
            raise
    assert isinstance(inner, asyncio.CancelledError)


async def test_who_is_cancelled_by_others_is_cancelled():
    async def wait():
        with Deadline(now() + 60):
            await asyncio.sleep(60)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_late_and_cancelled_by_others_too_is_cancelled():
    async def wait():
        with Deadline(now() - 1):
            asyncio.current_task().cancel()
            await asyncio.sleep(60)

    task = asyncio.create_task(wait())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_block_stays_what_it_is_though_its_time_is_over():
    with pytest.raises(KeyError), Deadline(now() + TICK):  # noqa: PT012 - what is raised inside is looked at
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise KeyError from None
    assert not asyncio.current_task().cancelling()
