"""Rows that are locked are locked in one order, whoever has made them."""

import asyncio
from dataclasses import replace

import pytest

from authgate.store import Store
from authgate.store.database import Database
from authgate.store.limit_slots import SLOTS, Slots

PATIENCE = 60.0  # seconds: how busy the machine is that a test runs on is no fault of the code


class Found:
    def __init__(self, numbers):
        self.numbers = numbers

    def fetchall(self):
        return [(number,) for number in self.numbers]


class Recording:
    """A connection to a table in which everything is found that was put there."""

    def __init__(self, *there: int) -> None:
        self.there = set(there)
        self.told: list[tuple[str, list[int]]] = []

    def exec_driver_sql(self, text, values, /):
        making = isinstance(values, list)
        numbers = [number for (number,) in values] if making else list(dict.fromkeys(values))
        self.told.append(("make" if making else "lock", numbers))
        if making:
            self.there.update(numbers)
        return Found(sorted(self.there & set(numbers)))


@pytest.mark.parametrize("backend", ["mariadb", "postgresql"], indirect=True)
async def test_all_are_made_in_their_order_wherever_one_is_not_known(store_options):
    """MariaDB locks what is there as it is put there: what came first would be locked after what is new."""
    database = Database(store_options)
    slots = Slots(database)
    try:
        first = Recording()
        slots.take(first, ["a", "b", "c"])
        numbers = first.told[0][1]
        assert numbers == sorted(numbers)
        assert first.told == [("make", numbers), ("lock", numbers)]
        known = Recording(*numbers)
        slots.take(known, ["c", "a"])
        assert [what for what, _ in known.told] == ["lock"]
        more = Recording(*numbers)
        slots.take(more, ["a", "b", "c", "d"])
        (made, of_all), (locked, again) = more.told
        assert (made, locked) == ("make", "lock")
        assert of_all == again == sorted(of_all)
        assert set(numbers) < set(of_all)
        lost = Recording()
        slots.take(lost, ["a", "b", "c"])
        assert lost.told == [("lock", numbers), ("make", numbers), ("lock", numbers)]
        assert max(of_all) < SLOTS
    finally:
        await database.close()


async def test_many_who_make_and_lock_the_same_do_not_lock_each_other_out(store: Store, store_options):
    stores = [Store(replace(store_options, timeout=PATIENCE)) for _ in range(3)]
    slots = [Slots(each._database) for each in stores]

    async def take(at: int) -> None:
        names = [f"{(at * 7 + n * 13) % 40}" for n in range(12)]
        await stores[at % 3]._database.write(lambda connection: slots[at % 3].take(connection, names))

    try:
        for _ in range(3):
            await asyncio.gather(*map(take, range(30)))
    finally:
        for each in stores:
            await each.close()
