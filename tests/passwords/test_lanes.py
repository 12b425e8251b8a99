"""Who is hashed next, who is refused, and when: the times are told, nothing waits and nothing is hashed."""

from collections.abc import Sequence

import pytest

from authgate.passwords.lanes import Costs, Effort, Job, Lanes
from authgate.turn import Turn

HASH = 0.1  # seconds
DEADLINE = 2.0  # seconds that a hook has
EFFORT = Effort("argon2", 1)


def lanes(workers: int = 1, most: int = 0, cost: float = HASH) -> Lanes:
    costs = Costs()
    for _ in range(40 if cost else 0):  # until it is sure that one is like the other
        costs.note("argon2", cost)
    return Lanes(workers, costs, most)


def job(app: str = "app", until: float = DEADLINE, effort: Effort = EFFORT, *, spare: bool = False) -> Job:
    return Job(lambda: None, effort, Turn(app, until), spare)


def busy(workers: int, now: float = 0.0) -> Sequence[tuple[str, float]]:
    """As many jobs that have just begun."""
    return [("argon2", now)] * workers


def served(waiting: Lanes, now: float = 0.0) -> list[str]:
    """The applications in the order in which their jobs are done, all at this time."""
    order = []
    while (found := waiting.take(now, None)[0]) is not None:
        order.append(found.turn.app_key)
    return order


def taken(waiting: Lanes, jobs: Sequence[Job], workers: int = 1, now: float = 0.0) -> int:
    return sum(waiting.offer(each, busy(workers, now), now)[0] for each in jobs)


def test_the_first_of_an_application_to_come_is_the_first_to_be_hashed() -> None:
    waiting, jobs = lanes(), [job() for _ in range(3)]
    assert taken(waiting, jobs) == 3
    assert [waiting.take(0, None)[0] for _ in range(4)] == [*jobs, None]


def test_a_storm_on_one_application_keeps_another_waiting_for_one_hash() -> None:
    waiting = lanes()
    taken(waiting, [*[job("storm") for _ in range(10)], job("calm"), job("calm"), job("other")])
    assert served(waiting)[:6] == ["storm", "calm", "other", "storm", "calm", "storm"]


def test_whoever_comes_back_to_an_empty_lane_waits_for_a_turn_of_all_others() -> None:
    waiting = lanes()
    taken(waiting, [job("storm") for _ in range(5)] + [job("calm")])
    assert [waiting.take(0, None)[0].turn.app_key for _ in range(2)] == ["storm", "calm"]  # type: ignore[union-attr]
    taken(waiting, [job("calm")])
    assert served(waiting)[:3] == ["storm", "calm", "storm"]


PLACES = {  # workers, seconds that one takes -> how many can be promised to be ready within two seconds
    "one worker": (1, 0.1, 17),
    "two workers": (2, 0.1, 33),
    "four workers": (4, 0.1, 65),
    "cheap hashes": (1, 0.01, 180),
    "as long as the deadline": (1, 2.0, 0),
    "half of it": (1, 1.0, 0),
    "a third of it": (1, 0.6, 2),
}


@pytest.mark.parametrize(("workers", "cost", "places"), PLACES.values(), ids=PLACES)
def test_as_many_are_taken_as_will_be_ready_in_time(workers: int, cost: float, places: int) -> None:
    waiting = lanes(workers, cost=cost)
    assert taken(waiting, [job() for _ in range(500)], workers) == places


def test_all_who_are_taken_are_ready_in_time() -> None:
    waiting, now, done = lanes(), 0.0, 0
    count = taken(waiting, [job(f"app-{n % 3}") for n in range(100)])
    now = HASH  # of the one that was being hashed when they came
    while len(waiting):
        found, late = waiting.take(now, None)
        assert found is not None
        assert not late
        now += HASH
        assert now < found.turn.until
        done += 1
    assert done == count > 10


def test_what_can_begin_at_once_begins_whatever_it_costs() -> None:
    waiting = lanes(workers=2, cost=60)
    assert waiting.offer(job(), busy(1), 0) == (True, [])
    assert waiting.offer(job(), busy(1), 0) == (False, [])


def test_whether_there_is_room_can_be_asked_before() -> None:
    waiting = lanes(workers=2)
    for _ in range(60):
        hopeless = waiting.hopeless(Turn("app", DEADLINE), busy(2), 0)
        assert waiting.offer(job(), busy(2), 0)[0] is not hopeless
    assert hopeless
    assert not waiting.hopeless(Turn("other", DEADLINE), busy(2), 0)
    assert not waiting.hopeless(Turn("app"), busy(2), 0)


def test_a_place_that_is_kept_is_not_given_to_another() -> None:
    waiting, turn = lanes(), Turn("app", DEADLINE)
    kept = 0
    while not waiting.hopeless(turn, busy(1), 0):
        waiting.keep(turn)
        kept += 1
    assert taken(waiting, [job()]) == 0
    for _ in range(kept):
        waiting.let_go(turn)
        assert taken(waiting, [job(), job()]) == 1
    assert waiting.hopeless(turn, busy(1), 0)


def test_of_a_crowd_that_comes_while_nothing_is_done_no_more_are_promised_a_place_than_can_be_served() -> None:
    waiting, turn = lanes(workers=2), Turn("app", DEADLINE)
    kept = 0
    while kept < 1000 and not waiting.hopeless(turn, (), 0):
        waiting.keep(turn)
        kept += 1
    beside = lanes(workers=2)
    assert 0 <= kept - taken(beside, [job() for _ in range(1000)], workers=0) <= 2
    for _ in range(kept):  # and all of them find it
        waiting.let_go(turn)
        assert waiting.offer(job(), (), 0)[0]


@pytest.mark.parametrize("first", [True, False], ids=["beside one who waits", "in an empty lane"])
def test_places_that_are_kept_for_one_application_keep_another_waiting_in_turn(first: bool) -> None:
    waiting, storm = lanes(), Turn("storm", DEADLINE)
    if first:
        taken(waiting, [job("storm")])
    for _ in range(1000):
        waiting.keep(storm)
    calm = 0
    while taken(waiting, [job("calm")]):
        calm += 1
    alone = lanes()
    assert abs(calm - taken(alone, [job("calm") for _ in range(100)]) / 2) < 1
    for _ in range(1000):
        waiting.let_go(storm)
    assert waiting._kept == {}


def test_places_that_are_kept_count_among_those_who_may_wait() -> None:
    waiting = lanes(most=2)
    waiting.keep(Turn("other", DEADLINE))
    assert taken(waiting, [job(), job()]) == 1
    waiting.let_go(Turn("other", DEADLINE))
    assert taken(waiting, [job()]) == 1


def test_before_anything_was_measured_nobody_is_refused() -> None:
    assert taken(lanes(cost=0), [job() for _ in range(50)]) == 50


def test_no_deadline_is_never_missed() -> None:
    assert taken(lanes(cost=60), [job(until=float("inf")) for _ in range(50)]) == 50


def test_no_more_wait_than_are_allowed_to() -> None:
    assert taken(lanes(most=3), [job(f"app-{n}") for n in range(9)]) == 3


def test_what_is_nearly_done_keeps_nobody_waiting_for_long() -> None:
    """So long as is left of it, and not so long as one takes altogether."""
    for since, fits in ((0.0, False), (0.9, True)):
        assert lanes(cost=1.0).offer(job(until=since + 1.5), busy(1), since) == (fits, [])


def test_clients_of_another_application_push_out_the_last_of_a_storm() -> None:
    waiting, storm = lanes(), [job("storm") for _ in range(17)]
    assert taken(waiting, storm) == 17
    accepted, late = waiting.offer(job("calm"), busy(1), 0)
    assert (accepted, late) == (True, storm[-1:])
    assert served(waiting)[:3] == ["storm", "calm", "storm"]


def test_a_storm_pushes_out_nobody_of_another_application() -> None:
    waiting, calm = lanes(), [job("calm") for _ in range(7)]
    taken(waiting, calm)
    made_late = [waiting.offer(job("storm"), busy(1), 0)[1] for _ in range(100)]
    assert not any(made_late)
    assert served(waiting).count("calm") == 7


def test_one_that_is_late_in_the_end_is_given_up_before_it_is_hashed() -> None:
    waiting, jobs = lanes(), [job(until=1.0), job(until=1.5), job(until=2.0)]
    taken(waiting, jobs)
    assert waiting.take(1.45, None) == (jobs[2], jobs[:2])


def test_of_several_that_are_late_the_last_is_done_all_the_same() -> None:
    """Or what a single slow hash seemed to cost would never be measured again, and nobody would be let in."""
    costs = Costs()
    costs.note("argon2", HASH)
    waiting, jobs = Lanes(1, costs), [job() for _ in range(3)]
    taken(waiting, jobs)
    costs.note("argon2", 600)
    assert waiting.take(0.5, None) == (jobs[2], jobs[:2])


def test_one_whose_deadline_is_over_is_never_hashed() -> None:
    waiting, only = lanes(), job(until=1.0)
    taken(waiting, [only])
    assert waiting.take(1.0, None) == (None, [only])
    assert not len(waiting)


def test_one_slow_hash_is_forgotten_by_and_by() -> None:
    costs = Costs()
    for seconds in [0.1] * 20 + [10] + [0.1] * 40:
        costs.note("argon2", seconds)
    assert 0.1 <= costs.of("argon2") < 0.12


def test_hashes_that_vary_are_promised_to_fewer() -> None:
    """One that is taken and late in the end was hashed in vain."""
    counted = []
    for varied in ((0.1, 0.1), (0.05, 0.15)):
        costs = Costs()
        for seconds in varied * 50:
            costs.note("argon2", seconds)
        assert costs.of("argon2") == pytest.approx(0.1, abs=0.01)
        counted.append(taken(Lanes(1, costs), [job(until=0.45) for _ in range(9)]))
    assert counted == [3, 1]


def test_each_kind_has_a_cost_of_its_own() -> None:
    costs = Costs()
    costs.note("bcrypt", 0.3)
    assert costs.of("argon2") == 0.3  # nothing better is known
    costs.note("argon2", 0.1)
    assert (costs.of("bcrypt"), costs.of("argon2")) == (0.3, 0.1)
    assert 0.1 < costs.mean < 0.3


def test_there_is_no_overtaking_where_memory_is_short() -> None:
    waiting, large, small = lanes(), job("a", effort=Effort("argon2", 100)), job("b", effort=Effort("bcrypt"))
    taken(waiting, [large, small])
    assert waiting.take(0, 50) == (None, [])
    assert waiting.take(0, 100) == (large, [])
    assert waiting.take(0, 0) == (small, [])


def test_those_who_give_up_make_room() -> None:
    waiting, jobs = lanes(most=2), [job("a"), job("b")]
    taken(waiting, jobs)
    waiting.withdraw(jobs[0])
    waiting.withdraw(jobs[0])
    assert taken(waiting, [job("c")]) == 1
    assert served(waiting) == ["b", "c"]


def test_a_job_that_was_taken_is_withdrawn_without_harm() -> None:
    waiting, first = lanes(), job()
    taken(waiting, [first, job()])
    assert waiting.take(0, None)[0] is first
    waiting.withdraw(first)
    assert len(waiting) == 1


# --- what nobody waits for


def test_spare_work_waits_for_everybody_else() -> None:
    waiting, spare = lanes(), job(spare=True)
    taken(waiting, [spare, job("a"), job("b")])
    assert waiting.take(0, None)[0] is not spare
    assert waiting.take(0, None)[0] is not spare
    assert waiting.take(0, None)[0] is spare


def test_spare_work_is_refused_while_others_wait() -> None:
    waiting = lanes()
    taken(waiting, [job()])
    assert waiting.offer(job(spare=True), busy(1), 0) == (False, [])


def test_no_more_spare_work_waits_than_there_are_workers() -> None:
    assert taken(lanes(workers=2), [job(spare=True) for _ in range(9)], workers=2) == 2


def test_spare_work_that_has_waited_too_long_is_given_up() -> None:
    waiting, spare = lanes(), job(until=10.0, spare=True)
    taken(waiting, [spare])
    assert waiting.take(10.0, None) == (None, [spare])


def test_spare_work_needs_its_memory_too() -> None:
    waiting, spare = lanes(), job(effort=Effort("argon2", 100), spare=True)
    taken(waiting, [spare])
    assert waiting.take(0, 50) == (None, [])
    waiting.withdraw(spare)
    assert not len(waiting)
