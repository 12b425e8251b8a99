"""How long a look serves others, and that many who ask for the same make one look."""

import asyncio

import pytest

from authgate.errors import SourceError
from authgate.sources.memory import Memory


class Looks:
    """A clock, and what is there to be found; ``held``: looks wait."""

    def __init__(self, lasts=60.0):
        self.now, self.found, self.count, self.fault = 1000.0, "ann", 0, None
        self.held = asyncio.Event()
        self.held.set()
        self.memory = Memory(self.look, lasts, lambda: self.now)

    async def look(self, _key):
        self.count += 1
        found, fault = self.found, self.fault
        await self.held.wait()
        if fault is not None:
            raise fault
        return found

    async def settled(self):
        await asyncio.gather(*self.memory._looking.values(), return_exceptions=True)
        await asyncio.sleep(0)  # until they are taken note of


async def test_a_look_serves_for_its_time():
    looks = Looks()
    assert await looks.memory.known("k") == "ann"
    looks.found = None
    looks.now += 20
    assert await looks.memory.known("k") == "ann"
    assert looks.count == 1
    looks.now += 40
    assert await looks.memory.known("k") is None
    assert looks.count == 2


async def test_each_look_that_is_saved_is_told():
    looks, saved = Looks(), []
    looks.memory = Memory(looks.look, 60.0, lambda: looks.now, served=lambda: saved.append(looks.now))
    await looks.memory.known("k")
    await looks.memory.fresh("k")
    assert saved == []
    await looks.memory.known("k")
    looks.now += 100
    await looks.memory.known("k")
    assert saved == [1000.0]


async def test_a_new_look_is_there_before_the_old_one_is_over():
    looks = Looks()
    await looks.memory.known("k")
    looks.now += 50  # later than it is due, sooner than it is over
    looks.found = "other"
    assert await looks.memory.known("k") == "ann"
    await looks.settled()
    assert await looks.memory.known("k") == "other"
    assert looks.count == 2


async def test_nothing_found_is_not_believed_for_long():
    looks = Looks()
    looks.found = None
    assert await looks.memory.known("k") is None
    looks.found = "ann"
    looks.now += 4
    assert await looks.memory.known("k") is None
    looks.now += 1
    assert await looks.memory.known("k") == "ann"


async def test_a_fresh_look_does_not_wait_for_what_is_known_and_serves_others():
    looks = Looks()
    await looks.memory.known("k")
    looks.found = "other"
    assert await looks.memory.fresh("k") == "other"
    assert await looks.memory.known("k") == "other"
    assert looks.count == 2


async def test_who_asks_for_the_same_waits_for_the_same_look():
    looks = Looks()
    looks.held.clear()
    asked = [asyncio.create_task(looks.memory.known("k")) for _ in range(50)]
    await asyncio.sleep(0)
    asked[0].cancel()  # who gives up does not take it from the others
    await asyncio.sleep(0)
    looks.held.set()
    assert await asyncio.gather(*asked[1:]) == ["ann"] * 49
    assert looks.count == 1


async def test_a_look_that_ends_late_does_not_hide_a_later_one():
    looks = Looks()
    looks.held.clear()
    early = asyncio.create_task(looks.memory.fresh("k"))
    await asyncio.sleep(0)
    looks.now += 1
    looks.found = "other"
    late = asyncio.create_task(looks.memory.fresh("k"))
    await asyncio.sleep(0)
    looks.held.set()
    assert await asyncio.gather(late, early) == ["other", "ann"]
    assert await looks.memory.known("k") == "other"


async def test_trouble_is_told_to_all_and_not_remembered():
    looks = Looks()
    looks.fault = SourceError("away")
    told = await asyncio.gather(*(looks.memory.known("k") for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in told] == [SourceError] * 3
    looks.fault = None
    assert await looks.memory.known("k") == "ann"


async def test_what_is_known_serves_on_while_looking_again_fails():
    looks = Looks()
    await looks.memory.known("k")
    looks.fault = SourceError("away")
    looks.now += 50
    assert await looks.memory.known("k") == "ann"
    await looks.settled()
    assert await looks.memory.known("k") == "ann"
    await looks.settled()
    looks.now += 10
    with pytest.raises(SourceError):
        await looks.memory.known("k")


async def test_without_a_time_everybody_looks():
    looks = Looks(lasts=0)
    for count in range(1, 4):
        assert await looks.memory.known("k") == "ann"
        assert looks.count == count


async def test_it_holds_so_many_and_lets_the_oldest_go(monkeypatch):
    monkeypatch.setattr("authgate.sources.memory._MOST", 3)
    looks = Looks()
    for key in "abcd":
        await looks.memory.known(key)
    assert looks.count == 4
    await looks.memory.known("d")
    assert looks.count == 4
    await looks.memory.known("a")
    assert looks.count == 5


async def test_to_close_it_is_to_wait_for_looks_that_are_under_way_and_to_begin_none():
    looks = Looks()
    await looks.memory.known("other")
    looks.held.clear()
    asked = asyncio.create_task(looks.memory.known("k"))
    await asyncio.sleep(0)
    closing = asyncio.create_task(looks.memory.close())
    await asyncio.sleep(0)
    assert not closing.done()
    looks.held.set()
    await closing
    assert await asked == "ann"
    looks.now += 50  # when it would look again in the background
    assert await looks.memory.known("other") == "ann"
    assert looks.count == 2
