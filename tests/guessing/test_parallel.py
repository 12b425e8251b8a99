"""Guessing in parallel from 200 connections gets no more tries than the limit says, wherever it is counted."""

import asyncio

import pytest

from tests.guessing.made import HERE, FakeBlocks, FakeKnown, World, passwords

CONNECTIONS = 200


@pytest.fixture
def clock():
    """The real one: what waits is woken by it."""


@pytest.fixture
async def workers(places):
    """Two workers. Of the memory there is but one."""

    made = []

    async def start(**options):
        kind, blocks, known = places.kind, FakeBlocks(), FakeKnown()
        for _ in range(1 if kind == "memory" else 2):
            storage = await places.worker()
            mine = (places.stores[-1].blocks, places.stores[-1].known) if places.stores else (blocks, known)
            made.append(World(storage, *mine, **options))
            made[-1].guard._patience = 30.0  # however busy this machine is, whoever waits for a place gets one
        return made

    yield start
    for each in made:
        await each.settle()


async def storm(workers, guesses):
    """What comes of guesses that are all made at once, here and there."""

    async def one(n, options):
        return await workers[n % len(workers)].guess(work=0.01, **options)

    return await asyncio.gather(*(one(n, options) for n, options in enumerate(guesses)))


def tries(workers):
    return sum(len(each.tried) for each in workers)


async def test_on_one_user_from_one_address(workers):
    made = await workers()
    said = await storm(made, [{"password": each} for each in passwords(CONNECTIONS)])
    assert said.count("wrong") == tries(made) == 5
    assert set(said) == {"wrong", "refused"}
    assert await made[0].guess("right") == "refused"


async def test_on_one_user_from_many_addresses(workers):
    made = await workers()
    addressed = [{"password": each, "address": f"192.0.2.{n}"} for n, each in enumerate(passwords(CONNECTIONS))]
    said = await storm(made, addressed)
    assert said.count("wrong") == tries(made) == 20


async def test_on_many_users_from_one_address(workers):
    made = await workers(per_address=30)
    said = await storm(made, [{"password": "summer2026", "user": f"user {n}"} for n in range(CONNECTIONS)])
    assert said.count("wrong") == tries(made) == 30


async def test_the_right_password_among_many_is_none_more(workers):
    """With the right one among them, so many tries at most come before it."""
    made = await workers()
    said = await storm(made, [{"password": each} for each in [*passwords(CONNECTIONS), "right"]])
    assert said.count("wrong") <= 5
    assert tries(made) <= 6


async def test_good_logins_of_one_user_at_once_are_all_let_in(workers):
    made = await workers()
    said = await storm(made, [{"password": "right"} for _ in range(CONNECTIONS)])
    assert said == ["right"] * CONNECTIONS
    assert await made[0].guess("right") == "right"


@pytest.mark.no_cover  # it runs what the others run, for longer
async def test_a_crowd_behind_one_address_is_let_in(workers):
    """After a restart of the media server, with one in a hundred who has a wrong password."""
    made = await workers(per_address=50)
    crowd = [{"password": "wrong" if n % 100 == 7 else "right", "user": f"user {n}"} for n in range(300)]
    said = await storm(made, crowd)
    assert [said.count(each) for each in ("right", "wrong")] == [297, 3]


async def test_who_guesses_among_a_crowd_is_locked_and_the_crowd_is_not(workers):
    made = await workers()
    guesses = []
    for n, wrong in enumerate(passwords(100)):
        guesses += [{"password": wrong, "user": "victim"}, {"password": "right", "user": f"user {n}"}]
    said = await storm(made, guesses)
    assert said[1::2] == ["right"] * 100
    assert said.count("wrong") == 5
    assert await made[-1].guess("right", user="victim", address=HERE) == "refused"
