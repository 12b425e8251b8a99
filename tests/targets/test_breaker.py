"""A target that does not answer is left alone, and found again."""

import asyncio
from contextlib import suppress

import pytest

from authgate.errors import TargetError
from authgate.ports import Answered
from authgate.targets.breaker import Breaker, State
from authgate.targets.failure import Failure, Seldom

from .backend import CLOSE, HANG, NO, OK, reply, running
from .conftest import Making, Named, a_hook, until

AWAY = Failure("does not answer", away=True)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("target legacy", 3, 10.0, clock)


def ask(breaker: Breaker, error: BaseException | None = None) -> str:
    """What comes of a question that ends so: its own error, or that of the breaker."""
    try:
        with breaker.asking():
            if error:
                raise error
    except (Failure, asyncio.CancelledError) as caught:
        return str(caught)
    return "answered"


def test_closed_until_enough_go_without_an_answer(breaker: Breaker):
    for _ in range(5):
        assert [ask(breaker, AWAY), ask(breaker, AWAY), ask(breaker)] == ["does not answer"] * 2 + ["answered"]
    assert breaker.state is State.CLOSED
    assert [ask(breaker, AWAY) for _ in range(3)] == ["does not answer"] * 3
    assert breaker.state is State.OPEN
    assert ask(breaker) == "is not asked for a while, since it did not answer"


def test_half_open_lets_one_in_at_a_time(breaker: Breaker, clock: Clock):
    for _ in range(3):
        ask(breaker, AWAY)
    clock.now += 9.9
    assert (breaker.state, ask(breaker)) == (State.OPEN, "is not asked for a while, since it did not answer")
    clock.now += 0.1
    assert breaker.state is State.HALF_OPEN
    with breaker.asking():
        assert ask(breaker) == "is not asked for a while, since it did not answer"
    assert (breaker.state, ask(breaker)) == (State.CLOSED, "answered")


def test_a_try_that_fails_opens_it_again(breaker: Breaker, clock: Clock):
    for _ in range(3):
        ask(breaker, AWAY)
    for _ in range(3):
        clock.now += 10
        assert ask(breaker, AWAY) == "does not answer"
        assert breaker.state is State.OPEN
    clock.now += 10
    assert (ask(breaker), breaker.state) == ("answered", State.CLOSED)
    assert [ask(breaker, AWAY) for _ in range(2)] == ["does not answer"] * 2
    assert breaker.state is State.CLOSED


def test_a_try_that_is_cancelled_decides_nothing(breaker: Breaker, clock: Clock):
    for _ in range(3):
        ask(breaker, AWAY)
    clock.now += 10
    assert ask(breaker, asyncio.CancelledError("gone")) == "gone"
    assert (breaker.state, ask(breaker)) == (State.HALF_OPEN, "answered")


def test_a_bad_answer_is_one(breaker: Breaker):
    for _ in range(10):
        assert ask(breaker, Failure("gives an answer that is not JSON")) == "gives an answer that is not JSON"
    assert breaker.state is State.CLOSED


def test_those_that_were_on_their_way_change_nothing(breaker: Breaker, clock: Clock):
    with suppress(Failure), breaker.asking():
        for _ in range(3):
            ask(breaker, AWAY)
        clock.now += 10
        assert breaker.state is State.HALF_OPEN
        raise AWAY
    assert breaker.state is State.HALF_OPEN


def test_told_when_it_opens_and_when_it_closes(breaker: Breaker, clock: Clock, caplog):
    for _ in range(9):
        ask(breaker, AWAY)
    clock.now += 10
    ask(breaker, AWAY)
    clock.now += 10
    ask(breaker)
    ask(breaker)
    assert [record.getMessage() for record in caplog.records] == [
        "target legacy does not answer; it is asked again in 10 seconds",
        "target legacy answers again",
    ]


def test_said_seldom(clock: Clock, caplog):
    seldom = Seldom(clock)
    for second in range(0, 121, 30):
        clock.now = second
        for _ in range(10):
            seldom.warn("a", "one")
        seldom.warn("b", "two")
    more = " (and {} times more since it was last said)"
    assert [record.getMessage() for record in caplog.records] == [
        "one",
        "two",
        f"one{more.format(19)}",
        f"two{more.format(1)}",
        f"one{more.format(19)}",
        f"two{more.format(1)}",
    ]


AWAY_ANSWERS = {
    "hangs up": [CLOSE],
    "hangs up in its answer": [reply("", length=2), CLOSE],
    "says nothing": [HANG],
    "502": [reply("", "502 Bad Gateway")],
    "503": [reply("", "503 Service Unavailable")],
    "504": [reply("", "504 Gateway Timeout")],
    "429": [reply("", "429 Too Many Requests")],
}
BAD_ANSWERS = {
    "500": [reply("", "500 Internal Server Error")],
    "not JSON": [reply("no")],
    "a redirect": [reply("", "302 Found", "Location: /")],
    "204": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "403": NO,
    "404": [reply("", "404 Not Found")],
}


@pytest.mark.parametrize("answer", AWAY_ANSWERS.values(), ids=AWAY_ANSWERS)
async def test_it_opens(make: Making, other: Named, answer):
    other.say(answer)
    timeout = 0.5 if HANG in answer else 5.0
    targets = make(other.url, timeout=timeout, trip_after=3, retry_after=1.0, retries=0)
    for _ in range(3):
        assert targets.states()["legacy"]["breaker"] == "closed"
        with pytest.raises(TargetError):
            await targets.ask("legacy", a_hook("call"))
    other.say(OK)
    for _ in range(5):
        assert targets.states()["legacy"]["breaker"] == "open"
        with pytest.raises(TargetError, match="is not asked for a while"):
            await targets.ask("legacy", a_hook("call"))
    assert len(other.heard()) == 3
    await asyncio.sleep(1)
    assert targets.states()["legacy"]["breaker"] == "half-open"
    assert (await targets.ask("legacy", a_hook("call"))).allowed
    assert targets.states()["legacy"]["breaker"] == "closed"


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
async def test_a_hook_that_is_answered_badly_locks_nobody_out(make: Making, other: Named, answer):
    """Else a client could have its next hooks passed over unasked, or everybody refused."""
    other.say(answer)
    targets = make(other.url, trip_after=2, insecure_fail_open=True)
    for _ in range(5):
        await targets.ask("legacy", a_hook("call"))
    assert targets.states()["legacy"]["breaker"] == "closed"
    assert len(other.heard()) == 5


async def test_one_tries_while_the_others_are_passed_over(make: Making, other: Named):
    other.say([CLOSE], [CLOSE], [0.1, *NO])
    targets = make(other.url, trip_after=2, retry_after=0.05, retries=0, insecure_fail_open=True)
    for _ in range(2):
        await targets.ask("legacy", a_hook())
    await asyncio.sleep(0.06)
    outcomes = await asyncio.gather(*(targets.ask("legacy", a_hook()) for _ in range(10)))
    assert outcomes.count(Answered(False)) == 1
    passed = Answered(True, {}, "target legacy is not asked for a while, since it did not answer")
    assert outcomes.count(passed) == 9
    assert len(other.heard()) == 3
    assert targets.states()["legacy"]["passed_over"] == 2 + 9


async def test_a_dead_back_end_is_found_again(make: Making):
    with running() as first:
        pass
    targets = make(first.url("x"), trip_after=2, retry_after=1.0, retries=0)
    for why in ("Connection refused", "Connection refused", "is not asked"):
        with pytest.raises(TargetError, match=why):
            await targets.ask("legacy", a_hook())
    with running(first.port) as second:
        second.say("x", OK)
        await until(lambda: targets.states()["legacy"]["breaker"] == "half-open")
        assert (await targets.ask("legacy", a_hook())).allowed
