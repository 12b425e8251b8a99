"""Wrong passwords are counted before they are tried, and right ones count for nothing."""

import asyncio
import logging
from dataclasses import replace

import pytest

from authgate.errors import Overloaded, StoreError
from authgate.guessing import Block, Guess
from authgate.model import Secret
from tests.guessing.made import HERE, THERE, FakeKnown, World, passwords

REFUSED, RIGHT, WRONG = "refused", "right", "wrong"


@pytest.fixture
def world(clock):
    return World(clock=clock)


async def test_the_right_password_is_refused_after_too_many_wrong_ones(world):
    assert await world.guesses(*passwords(5)) == [WRONG] * 5
    assert await world.guesses("right", "wrong again") == [REFUSED] * 2
    assert world.tally == {"guesses_wrong": 5, "guesses_refused": 2, "guessing_locks_pair": 1}
    assert world.blocks.made == [("ann", HERE, 300)]


async def test_other_users_other_addresses_and_the_user_elsewhere_go_on(world):
    await world.guesses(*passwords(5))
    assert await world.guess("right", user="bob") == RIGHT
    assert await world.guess("right", address=THERE) == RIGHT
    assert await world.guess("right") == REFUSED


async def test_it_ends_with_the_lock_and_the_next_lock_is_longer(world, clock):
    world.guard.adopt(World(per_user_and_address_a_day=100).options)
    for n, seconds in enumerate((300, 600, 1200, 2400, 3600, 3600)):
        assert await world.guesses(*passwords(5, first=5 * n)) == [WRONG] * 5
        clock.now += seconds - 1
        assert await world.guess("right") == REFUSED
        assert world.blocks.made[-1] == ("ann", HERE, seconds)
        clock.now += 3
        assert await world.guess("right") == RIGHT


async def test_a_wrong_password_counts_for_the_window_and_no_longer(world, clock):
    await world.guesses(*passwords(4))
    clock.now += 302
    assert await world.guesses(*passwords(4, first=4)) == [WRONG] * 4
    assert await world.guess("right") == RIGHT


PATIENT = {
    "from one address": ({"address": HERE}, 30),
    "from many addresses": ({}, 100),
}


@pytest.mark.parametrize(("where", "tries"), PATIENT.values(), ids=PATIENT)
async def test_whoever_stays_just_below_the_limit_gets_no_further_than_that_of_a_day(world, clock, where, tries):
    said = []
    for n in range(150):
        said.append(await world.guess(f"wrong {n}", **({"address": f"192.0.2.{n}"} | where)))
        clock.now += 101
    assert said == [WRONG] * tries + [REFUSED] * (150 - tries)
    assert world.blocks.made == []
    clock.now += 86_400
    assert await world.guess("right") == RIGHT


async def test_a_good_login_takes_nothing_back_of_what_was_wrong(world):
    """An attacker with an account of his own must not begin anew with each login to it."""
    for n in range(20):
        assert await world.guess("right", user="mallory") == RIGHT
        await world.guess(f"wrong {n}", user=f"victim {n}")
    assert await world.guesses(*passwords(4)) == [WRONG] * 4
    assert await world.guesses("right", "wrong 9") == [RIGHT, WRONG]
    assert await world.guess("right") == REFUSED


async def test_one_address_cannot_try_one_password_on_every_user(clock):
    world = World(clock=clock, per_address=10)
    said = [await world.guess("summer2026", user=f"user {n}") for n in range(15)]
    assert said == [WRONG] * 10 + [REFUSED] * 5
    assert await world.guess("right", address=THERE) == RIGHT
    assert world.blocks.made == [("", HERE, 300)]


async def test_names_that_nobody_has_count_for_the_address_and_for_the_application(clock):
    world = World(clock=clock, per_address=10)
    said = [await world.guess("summer2026", user=f"nobody {n}", exists=False) for n in range(12)]
    assert said == [WRONG] * 10 + [REFUSED] * 2


@pytest.mark.parametrize("exists", [True, False], ids=["a user", "a name that nobody has"])
async def test_whoever_is_locked_beyond_the_window_is_locked_whether_there_is_such_a_user_or_not(world, clock, exists):
    """Else a guess after the window, which has to wait for its turn or not, would tell who there is."""
    for n, seconds in enumerate((302, 310)):
        assert await world.guesses(*passwords(5, first=5 * n), exists=exists) == [WRONG] * 5
        clock.now += seconds
    assert await world.guesses(*passwords(2, first=10), exists=exists) == [REFUSED] * 2
    assert [seconds for *_, seconds in world.blocks.made] == [300, 600]


async def test_many_addresses_cannot_try_many_passwords_on_one_user(clock):
    world = World(clock=clock, per_user=8)
    said = [await world.guess(f"wrong {n}", address=f"192.0.2.{n}") for n in range(12)]
    assert said == [WRONG] * 8 + [REFUSED] * 4
    assert world.blocks.made == [("ann", "", 300)]
    assert await world.guess("right", user="bob") == RIGHT


async def test_the_user_gets_in_from_where_it_has_logged_in_while_others_guess(clock):
    world = World(clock=clock, known=FakeKnown(("ann", THERE)), per_user=8, per_address=6, per_app=9)
    for n in range(12):
        await world.guess(f"wrong {n}", address=f"192.0.2.{n}")
    assert await world.guess("right") == REFUSED
    assert await world.guess("right", address=THERE) == RIGHT
    for n in range(6):
        await world.guess("wrong", user=f"user {n}", address=THERE)
    assert await world.guess("right", user="bob", address=THERE) == REFUSED
    assert await world.guess("right", address=THERE) == RIGHT


async def test_whoever_guesses_from_where_the_user_logs_in_is_bound_by_the_first_limit(clock):
    world = World(clock=clock, known=FakeKnown(("ann", HERE)), per_user=2, per_address=2)
    assert await world.guesses(*passwords(7)) == [WRONG] * 5 + [REFUSED] * 2


async def test_an_address_is_known_after_a_good_login_and_nothing_else(world):
    await world.guesses("wrong", "right")
    await world.guess("right", user="nobody", exists=False)
    await world.guess("right", user="bob", address="")
    attempt = await world.begin("right", user="carol", dry=True)
    attempt.right()
    attempt.over()
    await world.settle()
    assert world.known.known == {("ann", HERE)}


async def test_no_address_is_remembered_where_that_is_switched_off(clock):
    world = World(clock=clock, known=FakeKnown(("ann", HERE)), remember=0, per_user=2)
    await world.guesses(*passwords(2), address=THERE)
    assert await world.guess("right") == REFUSED
    assert world.known.asked == 0


async def test_an_application_has_a_window_and_no_lock(clock):
    world = World(clock=clock, per_app=10)
    said = [await world.guess("wrong", user=f"user {n}", address=f"192.0.2.{n}") for n in range(12)]
    assert said == [WRONG] * 10 + [REFUSED] * 2
    assert world.blocks.made == []
    assert await world.guess("right", app="another") == RIGHT
    clock.now += 302
    assert await world.guess("right") == RIGHT


async def test_without_an_address_the_user_alone_counts(clock):
    world = World(clock=clock, per_user=4)
    assert await world.guesses(*passwords(5), address="") == [WRONG] * 4 + [REFUSED]
    assert world.blocks.made == [("ann", "", 300)]


async def test_the_same_wrong_password_again_counts_once(world):
    """A client that comes back all day with a password of yesterday must not lock its owner out."""
    assert await world.guesses(*["yesterday's"] * 50) == [WRONG] * 50
    assert world.tally["guesses_wrong"] == 1
    assert await world.guess("right") == RIGHT
    assert await world.guesses(*passwords(4), "right") == [WRONG] * 4 + [REFUSED]


async def test_what_goes_on_at_a_time_is_one_guess_where_it_is_the_same(world):
    """A hundred clients of one account, behind one address."""
    said = await asyncio.gather(*(world.guess("right", work=0.05) for _ in range(100)))
    assert said == [RIGHT] * 100
    said = await asyncio.gather(*(world.guess("wrong", work=0.05) for _ in range(100)))
    assert said == [WRONG] * 100
    assert world.tally["guesses_wrong"] == 1


async def test_no_limits_refuse_nobody(clock):
    a_day = {"per_user_and_address_a_day": 0, "per_user_a_day": 0, "per_address_a_day": 0}
    world = World(clock=clock, per_user_and_address=0, per_user=0, per_address=0, per_app=0, **a_day)
    assert await world.guesses(*passwords(200)) == [WRONG] * 200


async def test_trying_a_hook_out_counts_nothing(world):
    for n in range(20):
        attempt = await world.begin(f"wrong {n}", dry=True)
        await attempt.wrong()
        attempt.over()
    assert await world.guess("right") == RIGHT
    await world.guesses(*passwords(5))
    assert (await world.begin("right", dry=True)).refused


async def test_who_gives_up_gives_the_place_back(world):
    for _ in range(20):
        task = asyncio.create_task(world.guess("wrong", work=60))
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await world.settle()
    assert world.tally["guesses_wrong"] == 0
    assert await world.guesses(*passwords(4), "right") == [WRONG] * 4 + [RIGHT]


async def test_who_gives_up_while_it_is_counted_has_been_counted(world):
    attempts = [await world.begin(f"wrong {n}") for n in range(5)]
    tasks = [asyncio.create_task(each.wrong()) for each in attempts]
    await asyncio.sleep(0)
    for task, attempt in zip(tasks, attempts, strict=True):
        task.cancel()
        attempt.over()
    await asyncio.gather(*tasks, return_exceptions=True)
    await world.settle()
    assert world.tally["guesses_wrong"] == 5
    assert await world.guess("right") == REFUSED


async def test_who_waits_for_others_without_end_is_told_that_it_is_too_much(world):
    held = [await world.begin(f"wrong {n}") for n in range(5)]
    with pytest.raises(Overloaded):
        await world.guess("right")
    for each in held:
        each.over()
    assert await world.guess("right") == RIGHT


async def test_the_third_wrong_password_delays_the_next(clock):
    world = World(clock=clock, delay=3)
    assert await world.guesses(*passwords(3)) == [WRONG] * 3
    assert await world.guess("right") == REFUSED
    clock.now += 2
    waiting = asyncio.create_task(world.guess("right"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    clock.now += 2
    assert await waiting == RIGHT
    assert await world.guess("wrong 3") == WRONG
    clock.now += 4
    assert await world.guess("right") == REFUSED
    clock.now += 3
    assert await world.guess("right") == RIGHT
    assert world.blocks.made == []


async def test_a_ban_is_of_a_user_or_of_an_address(world):
    at = int(world.guard._clock() * 1000)
    world.blocks.held.take([Block("ban", "bob", "", at, None), Block("ban", "", "203.0.113.0/24", at, None)], at)
    banned = [await world.guard.banned(*of) for of in (("bob", ""), ("", HERE), ("ann", HERE), ("ann", THERE))]
    assert banned == [True, True, True, False]


async def test_while_it_is_not_known_who_is_locked_nobody_guesses(world):
    world.blocks.blind = True
    with pytest.raises(StoreError):
        await world.guess("right")
    with pytest.raises(StoreError):
        await world.guard.banned("ann", HERE)


def breaks(world):
    """The storage fails from now on; what it was asked, and in between it can be mended."""
    asked = []

    async def fails(*arguments):
        asked.append(arguments)
        raise StoreError("redis://:c4nary@host is away")

    storage = world.guard._counting._storage
    storage.carry_out = fails
    return asked


async def test_while_the_storage_is_away_each_worker_counts_by_itself(world, caplog):
    caplog.set_level(logging.WARNING)
    asked = breaks(world)
    assert await world.guesses(*passwords(5), "right") == [WRONG] * 5 + [REFUSED]
    assert await world.guess("right", user="bob") == RIGHT
    assert world.tally["guesses_counted_here"] >= 6
    assert len(asked) <= 8  # and is not asked each time
    assert sum("are counted in this process alone" in line for line in caplog.messages) == 1


async def test_what_was_wrong_before_the_storage_went_away_counts_on(world):
    await world.guesses(*passwords(4))
    breaks(world)
    assert await world.guesses("right", "wrong 4", "right") == [RIGHT, WRONG, REFUSED]


async def test_a_storage_that_is_back_is_used_again(world):
    breaks(world)
    await world.guess("wrong")
    del world.guard._counting._storage.carry_out
    world.guard._away_until = 0.0
    here = world.tally["guesses_counted_here"]
    assert await world.guesses(*passwords(5), "right") == [WRONG] * 5 + [REFUSED]
    assert world.tally["guesses_counted_here"] == here


async def test_where_no_lock_can_be_written_the_window_holds(world, clock):
    world.blocks.away = True
    assert await world.guesses(*passwords(5), "right") == [WRONG] * 5 + [REFUSED]
    clock.now += 302
    assert await world.guess("right") == RIGHT


async def test_counts_begin_anew_once_they_are_cleared(world):
    await world.guesses(*passwords(4))
    at = int(world.guard._clock() * 1000)
    world.blocks.held.take([Block("clear", "ann", "", at, None)], at)
    assert await world.guesses(*passwords(4, first=4), "right") == [WRONG] * 4 + [RIGHT]


async def test_other_limits_are_taken_over_while_it_runs(world):
    await world.guesses(*passwords(2))
    world.guard.adopt(World(per_user_and_address=2).options)
    assert await world.guesses("wrong a", "wrong b", "right") == [WRONG, WRONG, REFUSED]


async def test_the_log_says_who_is_locked_and_no_name_that_nobody_has(world, caplog):
    caplog.set_level(logging.INFO)
    await world.guesses(*passwords(5))
    await world.guesses(*passwords(5), user="c4nary", exists=False)
    assert caplog.messages == [
        f"locked {who} from 203.0.113.7 for 300 seconds: 5 wrong passwords within 300 seconds"
        for who in ("user ann", "a name that nobody has")
    ]
    anns, nobodys = world.blocks.made
    assert (anns, nobodys[1:]) == (("ann", HERE, 300), (HERE, 300))
    assert "c4nary" not in nobodys[0]


async def is_settled(world, address=HERE):
    return await world.guard.settled(Guess("ann", Secret("x"), True, "hash of ann", address, "app"))


async def test_whoever_has_just_logged_in_there_is_settled_until_something_wrong_is_tried(world, clock):
    assert not await is_settled(world)
    await world.guess("right")
    assert await is_settled(world)
    assert not await is_settled(world, THERE)
    await world.guess("wrong")
    assert not await is_settled(world)
    await world.guess("right")
    assert not await is_settled(world)


async def test_trying_a_hook_out_unsettles_nobody(world):
    await world.guess("right")
    attempt = await world.begin("wrong", dry=True)
    await attempt.wrong()
    attempt.over()
    assert await is_settled(world)


async def test_whoever_was_locked_by_another_worker_is_not_settled(world, clock):
    await world.guess("right")
    await world.blocks.lock("ann", HERE, world.options, clock())
    assert not await is_settled(world)


async def test_where_no_address_is_remembered_nobody_is_settled(clock):
    world = World(clock=clock)
    await world.guess("right")
    world.guard.adopt(replace(world.options, remember=0))
    assert not await is_settled(world)


async def test_while_it_is_not_known_who_is_locked_nobody_is_settled(world):
    await world.guess("right")
    world.blocks.blind = True
    with pytest.raises(StoreError):
        await is_settled(world)


async def test_guesses_at_once_at_whoever_is_settled_get_no_more_tries_than_the_limit_says(world):
    await world.guess("right")

    async def one(password):
        if await is_settled(world) and password == "right":  # as it is remembered
            return "not counted"
        return await world.guess(password, work=0.01)

    outcomes = await asyncio.gather(*(one(each) for each in [*passwords(199), "right"]))
    assert outcomes[-1] == REFUSED
    assert outcomes.count(WRONG) <= world.options.per_user_and_address
    assert await one("right") == REFUSED


async def test_whoever_gives_up_before_it_is_counted_leaves_nothing_under_way(world):
    world.blocks.blind = True
    with pytest.raises(StoreError):
        await world.begin("right")
    world.blocks.blind = False
    await world.guess("right")
    assert await is_settled(world)
