"""Credentials that are remembered: what is, what never is, for how long, and who waits for whom."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from authgate.errors import Overloaded
from authgate.passwords import Hasher, Hashing
from authgate.passwords.verified import Remembering
from authgate.turn import ANY_TIME, Turn
from tests.passwords.vectors import ASCII, VECTORS

ANN = Turn("app", user="ann", lets_in=True)


class CountingHasher(Hasher):
    """A hash is ``hash:`` and the password. It waits while it is held, and raises what it is told to."""

    def __init__(self) -> None:
        super().__init__(Hashing(memory=1024, time=1, workers=1))
        self.hashed: list[tuple[str, str | None]] = []
        self.faults: list[Exception] = []
        self.free = asyncio.Event()
        self.free.set()
        self.ended = 0
        self.full = False
        self.kept = 0

    @contextmanager
    def room(self, _password: str, _stored: str | None, _turn: Turn = ANY_TIME) -> Iterator[None]:
        if self.full:
            raise Overloaded("full")
        self.kept += 1
        yield
        self.kept -= 1

    def begin(self, password: str, stored: str | None, _turn: Turn = ANY_TIME) -> "asyncio.Future[bool]":
        if self.full:
            raise Overloaded("full")
        return asyncio.ensure_future(self._verify(password, stored))

    async def _verify(self, password: str, stored: str | None) -> bool:
        self.hashed.append((password, stored))
        try:
            await self.free.wait()
        finally:
            self.ended += 1
        if self.faults:
            raise self.faults.pop(0)
        return stored == f"hash:{password}"


class World:
    def __init__(self, seconds: float = 300, most: int = 1000) -> None:
        self.now = 0.0
        self.hasher = CountingHasher()
        self.tally: Counter[str] = Counter()
        self.tried = Remembering(self.hasher, seconds, self.tally, most=most, clock=lambda: self.now)

    async def verify(self, password: str = "right", stored: str | None = "hash:right", turn: Turn = ANN) -> bool:
        return await self.tried.verify(password, stored, turn)

    async def costs(self, password: str = "right", stored: str | None = "hash:right", turn: Turn = ANN) -> int:
        """How many hashes this costs now."""
        before = len(self.hasher.hashed)
        await self.verify(password, stored, turn)
        return len(self.hasher.hashed) - before


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    made.tried.close()


async def test_a_client_that_comes_back_costs_no_hash(world: World) -> None:
    assert [await world.verify() for _ in range(3)] == [True] * 3
    assert world.hasher.hashed == [("right", "hash:right")]
    assert world.tally == {"passwords_remembered": 2}


NOT_REMEMBERED = {
    "wrong": ("wrong", "hash:right", ANN),
    "of nobody": ("right", None, ANN),
    "without a hash": ("", "", ANN),
    "of a user who is not let in": ("right", "hash:right", Turn(user="ann", lets_in=False)),
    "too long": ("x" * 1025, "hash:" + "x" * 1025, ANN),
}


@pytest.mark.parametrize(("password", "stored", "turn"), NOT_REMEMBERED.values(), ids=NOT_REMEMBERED)
async def test_what_is_never_remembered(world: World, password: str, stored: str | None, turn: Turn) -> None:
    assert [await world.costs(password, stored, turn) for _ in range(3)] == [1, 1, 1]
    assert world.tried.state()["remembered"] == 0


OTHERS = {
    "another password": ("Right", "hash:right", ANN),
    "a longer password": ("right ", "hash:right", ANN),
    "a password that was changed": ("right", "hash:other", ANN),
    "a hash that was renewed": ("right", "hash2:right", ANN),
    "a hash that was taken away": ("right", None, ANN),
    "another user with the same hash": ("right", "hash:right", Turn(user="bob", lets_in=True)),
    "a user who was disabled": ("right", "hash:right", Turn(user="ann", lets_in=False)),
    "the same text in other parts": ("nright", "hash:right", Turn(user="an", lets_in=True)),
    "the same text in other parts again": ("righthash", ":right", ANN),
}


@pytest.mark.parametrize(("password", "stored", "turn"), OTHERS.values(), ids=OTHERS)
async def test_what_was_remembered_counts_for_nothing_else(
    world: World, password: str, stored: str | None, turn: Turn
) -> None:
    assert await world.verify()
    assert await world.costs(password, stored, turn) == 1


async def test_trouble_is_not_remembered(world: World) -> None:
    world.hasher.faults = [Overloaded("full"), RuntimeError("ours")]
    with pytest.raises(Overloaded):
        await world.verify()
    with pytest.raises(RuntimeError):
        await world.verify()
    assert world.tally == {"passwords_shed": 1}
    assert await world.costs() == 1


async def test_a_renewed_hash_is_not_remembered_before_it_is_stored(world: World) -> None:
    new = await world.tried.renewed(ASCII, VECTORS["bcrypt 2b"].ascii)
    assert new is not None
    assert world.tried.state()["remembered"] == 0


async def test_it_is_forgotten_so_long_after_the_client_was_last_here(world: World) -> None:
    for now, hashes in ((0, 1), (299, 0), (598, 0), (898, 1), (1197, 0)):
        world.now = now
        assert await world.costs() == hashes


async def test_what_nobody_comes_back_for_does_not_stay_in_memory() -> None:
    world = World(seconds=0.01, most=5000)
    for n in range(2500):
        await world.verify(turn=Turn(user=f"user{n}", lets_in=True))
    assert world.tried.state()["remembered"] == 2500
    world.now = 0.02
    async with asyncio.timeout(30):
        while world.tried.state()["remembered"]:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)
    world.tried.close()


async def test_only_so_many_are_remembered() -> None:
    world = World(most=2)
    ann, bob, eve = (Turn(user=name, lets_in=True) for name in ("ann", "bob", "eve"))
    for turn in (ann, bob, ann, eve):
        await world.verify(turn=turn)
    assert [await world.costs(turn=turn) for turn in (ann, eve, bob)] == [0, 0, 1]
    world.tried.close()


async def test_it_can_be_switched_off() -> None:
    world = World(seconds=0)
    assert [await world.costs() for _ in range(3)] == [1, 1, 1]
    assert world.tried.state()["remembered"] == 0
    world.tried.close()


async def test_each_process_has_a_key_of_its_own(world: World) -> None:
    await world.verify()
    other = World()
    await other.verify()
    assert world.tried._until.keys().isdisjoint(other.tried._until.keys())
    other.tried.close()


async def test_neither_password_nor_hash_is_kept(world: World) -> None:
    await world.verify("correct-horse", "hash:correct-horse")
    kept = world.tried.__dict__ | {"hasher": None, "_hasher": None}
    assert "horse" not in repr(kept)
    assert not any(b"horse" in digest for digest in world.tried._until)
    assert {len(digest) for digest in world.tried._until} == {32}


async def test_a_closed_one_remembers_nothing(world: World) -> None:
    await world.verify()
    world.tried.close()
    assert world.tried.state()["remembered"] == 0
    assert world.tried._sweeping is None or world.tried._sweeping.cancelled()


# --- the same credentials at the same time


async def _waiting(
    world: World, count: int, password: str = "right", stored: str | None = "hash:right"
) -> list[asyncio.Task[bool]]:
    world.hasher.free.clear()
    made = [asyncio.create_task(world.verify(password, stored)) for _ in range(count)]
    for _ in range(5):
        await asyncio.sleep(0)
    return made


SAME = {"right": ("right", "hash:right"), "wrong": ("wrong", "hash:right"), "of nobody": ("right", None)}


@pytest.mark.parametrize(("password", "stored"), SAME.values(), ids=SAME)
async def test_ten_of_the_same_wait_for_one_hash(world: World, password: str, stored: str | None) -> None:
    """Whether there is such a user or not: or the time of ten at once would tell who exists."""
    ten = await _waiting(world, 10, password, stored)
    world.hasher.free.set()
    assert await asyncio.gather(*ten) == [(password, stored) == SAME["right"]] * 10
    assert world.hasher.hashed == [(password, stored)]
    assert world.tally == {"passwords_shared": 9}


async def test_whoever_gives_up_leaves_the_others_their_hash(world: World) -> None:
    first, second, third = await _waiting(world, 3)
    first.cancel()
    third.cancel()
    await asyncio.gather(first, third, return_exceptions=True)
    world.hasher.free.set()
    assert await second
    assert len(world.hasher.hashed) == 1


async def test_where_there_is_no_room_nothing_is_begun(world: World) -> None:
    world.hasher.full = True
    with pytest.raises(Overloaded):
        await world.verify()
    assert world.hasher.hashed == []
    assert world.tally == {"passwords_shed": 1}


async def test_whoever_is_remembered_needs_no_room(world: World) -> None:
    await world.verify()
    world.hasher.full = True
    with world.tried.room("right", "hash:right", ANN):
        assert await world.verify()


async def test_whoever_brings_what_is_being_verified_needs_no_room(world: World) -> None:
    world.hasher.free.clear()
    first = asyncio.ensure_future(world.verify("wrong"))
    await asyncio.sleep(0)
    world.hasher.full = True
    with world.tried.room("wrong", "hash:right", ANN):
        assert world.hasher.kept == 0
    world.hasher.free.set()
    assert not await first


NO_ROOM = {
    "another password": ("wrong", "hash:right", ANN),
    "another hash": ("right", "hash:other", ANN),
    "another user": ("right", "hash:right", Turn("app", user="bob", lets_in=True)),
    "a user who may not come in": ("right", "hash:right", Turn("app", user="ann")),
    "nobody": ("right", None, ANN),
    "longer than any password": ("x" * 1025, "hash:right", ANN),
}


@pytest.mark.parametrize(("password", "stored", "turn"), NO_ROOM.values(), ids=NO_ROOM)
async def test_whoever_would_have_to_be_hashed_is_told_that_there_is_no_room(
    world: World, password: str, stored: str | None, turn: Turn
) -> None:
    await world.verify()
    with world.tried.room(password, stored, turn):
        assert world.hasher.kept == 1
    assert world.hasher.kept == 0
    world.hasher.full = True
    with pytest.raises(Overloaded), world.tried.room(password, stored, turn):
        pass
    assert world.tally["passwords_shed"] == 1


async def test_what_was_remembered_for_long_enough_needs_room_again(world: World) -> None:
    await world.verify()
    world.hasher.full, world.now = True, 301.0
    with pytest.raises(Overloaded), world.tried.room("right", "hash:right", ANN):
        pass


async def test_whoever_waits_for_the_same_needs_no_room(world: World) -> None:
    (first,) = await _waiting(world, 1)
    world.hasher.full = True
    (second,) = await _waiting(world, 1)
    world.hasher.free.set()
    assert await asyncio.gather(first, second) == [True, True]


async def test_when_all_give_up_nothing_is_hashed_for_them(world: World) -> None:
    both = await _waiting(world, 2)
    for each in both:
        each.cancel()
    await asyncio.gather(*both, return_exceptions=True)
    world.hasher.free.set()
    assert await world.costs() == 1  # it does not wait for what was given up
    assert world.hasher.ended == 2


async def test_one_deadline_is_not_another_s(world: World) -> None:
    """The first is refused, since it has no time left; the next has it hashed in its own."""
    three = await _waiting(world, 3)
    world.hasher.faults = [Overloaded("no time left")]
    world.hasher.free.set()
    outcomes = await asyncio.gather(*three, return_exceptions=True)
    assert isinstance(outcomes[0], Overloaded)
    assert outcomes[1:] == [True, True]
    assert len(world.hasher.hashed) == 2


async def test_where_there_is_time_for_none_each_is_refused(world: World) -> None:
    three = await _waiting(world, 3)
    world.hasher.faults = [Overloaded("full") for _ in three]
    world.hasher.free.set()
    outcomes = await asyncio.gather(*three, return_exceptions=True)
    assert [type(each) for each in outcomes] == [Overloaded] * 3
    assert world.tally["passwords_shed"] == 3


async def test_a_mistake_of_ours_is_told_to_all(world: World) -> None:
    three = await _waiting(world, 3)
    world.hasher.faults = [RuntimeError("ours")]
    world.hasher.free.set()
    outcomes = await asyncio.gather(*three, return_exceptions=True)
    assert [type(each) for each in outcomes] == [RuntimeError] * 3


async def test_the_real_thing() -> None:
    hasher = Hasher(Hashing(memory=1024, time=1, workers=1))
    tried = Remembering(hasher, 300)
    stored = await hasher.hash("password")
    before = tried.state()["done"]
    assert [await tried.verify("password", stored, ANN) for _ in range(3)] == [True] * 3
    assert tried.state()["done"] == before + 1
    assert not await tried.verify("Password", stored, ANN)
    tried.close()
