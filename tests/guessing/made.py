"""A guard over whatever counts, and somebody who tries passwords."""

import asyncio
from collections import Counter
from dataclasses import replace

from authgate.errors import StoreError
from authgate.guessing import Block, Counting, Guard, Guess, GuessingOptions, MemoryStorage
from authgate.guessing.blocking import Held
from authgate.guessing.decision import lock_after
from authgate.model import Secret

HERE, THERE = "203.0.113.7", "198.51.100.9"
OPTIONS = GuessingOptions(delay=0, answer_after=0.0)


class FakeBlocks:
    """Bans and locks; ``away`` is a store that cannot be written to, ``blind`` one that cannot be read."""

    def __init__(self):
        self.held, self.strikes, self.made = Held(), Counter(), []
        self.away = self.blind = False

    @property
    def fresh(self):
        return not self.blind

    @property
    def any_banned(self):
        return self.held.any_banned

    async def ready(self):
        if self.blind:
            raise StoreError("the store is away")

    def banned(self, user, address, now):
        return self.held.banned(user, address, int(now * 1000))

    def locked(self, user, address, now):
        return self.held.locked(user, address, int(now * 1000))

    def epoch(self, user, address):
        return self.held.epoch(user, address)

    async def lock(self, user, address, options, now):
        if self.away:
            raise StoreError("the store is away")
        if self.locked(user, address, now):
            return None
        self.strikes[user, address] += 1
        seconds = lock_after(self.strikes[user, address], options.lock, options.max_lock)
        at = int(now * 1000)
        self.held.take([Block("lock", user, address, at, at + seconds * 1000)], at)
        self.made.append((user, address, seconds))
        return seconds


class FakeKnown:
    def __init__(self, *known):
        self.known = set(known)
        self.asked = 0

    async def knows(self, user, address, since):
        self.asked += 1
        return (user, address) in self.known

    async def note(self, user, address, now):
        self.known.add((user, address))


class World:
    """One worker's guard, and whoever tries passwords there; the right one is ``right``."""

    def __init__(self, storage=None, blocks=None, known=None, clock=None, **options):
        self.blocks, self.known = blocks or FakeBlocks(), known or FakeKnown()
        self.tally = Counter()
        self.options = replace(OPTIONS, **options)
        given = (clock,) if clock else ()
        counting = Counting(storage or MemoryStorage(*given))
        self.guard = Guard(self.options, counting, self.blocks, self.known, self.tally, 4.0, *given)
        self.tried = []

    async def begin(self, password="wrong", user="ann", address=HERE, app="app", exists=True, **more):
        return await self.guard.begin(Guess(user, Secret(password), exists, f"hash of {user}", address, app), **more)

    async def guess(self, password="wrong", user="ann", address=HERE, app="app", exists=True, work=0.0):
        """What comes of it, as a verifier goes about it: it is tried, and that takes a while."""
        attempt = await self.begin(password, user, address, app, exists)
        try:
            if attempt.refused:
                return "refused"
            self.tried.append(password)
            await asyncio.sleep(work)
            if password == "right":
                attempt.right()
                return "right"
            await attempt.wrong()
            return "wrong"
        finally:
            attempt.over()

    async def guesses(self, *passwords, **more):
        """What comes of one after the other."""
        return [await self.guess(each, **more) for each in passwords]

    async def settle(self):
        """Come back when nothing goes on any more."""
        while self.guard._tasks:
            await asyncio.gather(*self.guard._tasks, return_exceptions=True)


def passwords(count, first=0):
    """So many different wrong ones."""
    return [f"wrong {n}" for n in range(first, first + count)]
