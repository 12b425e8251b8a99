"""Counts of several keys at once, by the moving windows of ``limits``."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.strategies import MovingWindowRateLimiter

from authgate.errors import StoreError
from authgate.guessing.decision import delay_after
from authgate.guessing.keys import Key, Limit
from authgate.guessing.options import GuessingOptions
from authgate.guessing.storage import Counted, Leased, LeasingStorage


class Standing(NamedTuple):
    """What was counted under a key when a place was asked for."""

    key: Key
    failed: tuple[int, ...]  # for each of its limits
    pending: int
    taken: bool


class Counting:
    """Takes places, gives them back and counts what was wrong."""

    def __init__(self, storage: LeasingStorage) -> None:
        self._storage = storage
        self._limiter = MovingWindowRateLimiter(storage)
        self.faults: tuple[type[Exception], ...] = _every(storage)

    async def take(self, keys: Sequence[Key]) -> list[Standing]:
        """A place under each key that has one; what was counted under each."""
        found = await asyncio.gather(*(self._take(key) for key in keys))
        return [Standing(key, *leased) for key, leased in zip(keys, found, strict=True)]

    async def give_back(self, keys: Sequence[Key]) -> None:
        """Give the places under these keys back."""
        await asyncio.gather(*(self._storage.give_back(_pending(key)) for key in keys))

    async def add(self, keys: Sequence[Key], options: GuessingOptions) -> list[tuple[Key, Limit]]:
        """Count a wrong password under each key; each limit that was reached. The first key delays what follows."""
        every = [(key, limit) for key in keys for limit in key.limits]
        failed = await asyncio.gather(*(self._add(key, limit) for key, limit in every))
        if every and (seconds := delay_after(failed[0], options.delay, options.max_lock)):
            await self._limiter.hit(_delay(seconds), keys[0].id)
        return [(key, limit) for (key, limit), count in zip(every, failed, strict=True) if count >= limit.most]

    async def delayed(self, key: Key, failed: int, now: float, options: GuessingOptions) -> float:
        """Seconds that are left of the delay after the last wrong password under a key."""
        seconds = delay_after(failed, options.delay, options.max_lock)
        if not seconds:
            return 0.0
        stats = await self._limiter.get_window_stats(_delay(seconds), key.id)
        return max(0.0, stats.reset_time - now) if not stats.remaining else 0.0

    async def close(self) -> None:
        """Let go of everything."""
        await self._storage.close()

    async def _take(self, key: Key) -> Leased:
        windows = [Counted(_item(limit).key_for(key.id), limit.most, limit.seconds) for limit in key.limits]
        return await self._storage.lease(_pending(key), windows)

    async def _add(self, key: Key, limit: Limit) -> int:
        item = _item(limit)
        await self._limiter.hit(item, key.id)
        return limit.most - (await self._limiter.get_window_stats(item, key.id)).remaining


def _every(storage: LeasingStorage) -> tuple[type[Exception], ...]:
    """What tells that the storage is in trouble."""
    own = storage.base_exceptions
    return (*(own if isinstance(own, tuple) else (own,)), StoreError, OSError, TimeoutError)


def _item(limit: Limit) -> RateLimitItem:
    return RateLimitItemPerSecond(limit.most, limit.seconds, namespace="wrong")


def _pending(key: Key) -> str:
    return f"pending/{key.id}"


def _delay(seconds: int) -> RateLimitItem:
    return RateLimitItemPerSecond(1, seconds, namespace="delay")
