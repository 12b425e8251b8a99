"""Where counts are kept: storages of the ``limits`` library that also lend places while a password is being tried.

A place is taken before the password is looked at, and given back when that is over; whoever vanishes with one loses it
after a while. So what is under way counts as if it were wrong, and no two guesses slip past a limit together.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from limits.aio.storage import MovingWindowSupport, Storage

from authgate.guessing import windows
from authgate.guessing.windows import Window

LEASE = 30  # seconds after which a place is free again by itself; no hook is answered later than after 15


class Counted(NamedTuple):
    """A moving window, and how much may be in it."""

    key: str
    limit: int
    expiry: int  # seconds


class Leased(NamedTuple):
    """What the counts were when a place was asked for."""

    failed: tuple[int, ...]  # within each window
    pending: int  # places that others hold
    taken: bool  # whether there was a place


class LeasingStorage(Storage, MovingWindowSupport, ABC):
    """A storage of ``limits`` for moving windows, with places."""

    @abstractmethod
    async def lease(self, pending: str, failed: Sequence[Counted]) -> Leased:
        """Take a place in ``pending`` where those in there and what is in each window come to less than its limit.

        One step: nobody comes in between.
        """

    @abstractmethod
    async def give_back(self, pending: str) -> None:
        """Give a place back."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is kept under one key."""

    window: Window
    expires_at: int  # milliseconds since the epoch: from then on it means nothing


Rows = MutableMapping[str, Row]
Change = Callable[[Rows, int], Any]  # rows and the time in milliseconds -> what comes of it


class WindowStorage(LeasingStorage):
    """A storage that carries out changes of rows, each as one step."""

    @abstractmethod
    async def carry_out(self, keys: tuple[str, ...], change: Change) -> Any:
        """What a change of the rows under these keys gives back."""

    async def lease(self, pending: str, failed: Sequence[Counted]) -> Leased:
        """See ``LeasingStorage``."""

        def change(rows: Rows, now: int) -> Leased:
            wrong = tuple(windows.total(_window(rows, each.key, now, each.expiry)) for each in failed)
            held = _window(rows, pending, now, LEASE)
            others = windows.total(held)
            taken = all(count + others < each.limit for count, each in zip(wrong, failed, strict=True))
            if taken:
                _put(rows, pending, windows.added(held, now, LEASE * 1000), now, LEASE)
            return Leased(wrong, others, taken)

        found: Leased = await self.carry_out((pending, *(each.key for each in failed)), change)
        return found

    async def give_back(self, pending: str) -> None:
        """See ``LeasingStorage``."""

        def change(rows: Rows, now: int) -> None:
            _put(rows, pending, windows.without_oldest(_window(rows, pending, now, LEASE)), now, LEASE)

        await self.carry_out((pending,), change)

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """See ``limits``."""

        def change(rows: Rows, now: int) -> bool:
            window = _window(rows, key, now, expiry)
            if windows.total(window) + amount > limit:
                return False
            _put(rows, key, windows.added(window, now, expiry * 1000, amount), now, expiry)
            return True

        return bool(await self.carry_out((key,), change))

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """See ``limits``: the start of the window in seconds since the epoch, and how often it happened in it."""

        def change(rows: Rows, now: int) -> tuple[float, int]:
            window = _window(rows, key, now, expiry)
            return (window[0][0] if window else now) / 1000, min(windows.total(window), limit)

        found: tuple[float, int] = await self.carry_out((key,), change)
        return found

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """See ``limits``: a window that begins with the first."""

        def change(rows: Rows, now: int) -> int:
            row = rows.get(key)
            if row is None or row.expires_at <= now:
                row = Row((), now + expiry * 1000)
            rows[key] = Row(windows.added(row.window, now, expiry * 1000, amount), row.expires_at)
            return windows.total(rows[key].window)

        return int(await self.carry_out((key,), change))

    async def get(self, key: str) -> int:
        """See ``limits``."""
        row = await self._row(key)
        return 0 if row is None else windows.total(row.window)

    async def get_expiry(self, key: str) -> float:
        """See ``limits``: seconds since the epoch."""
        row = await self._row(key)
        return time.time() if row is None else row.expires_at / 1000

    async def clear(self, key: str) -> None:
        """See ``limits``."""

        def change(rows: Rows, _now: int) -> None:
            rows.pop(key, None)

        await self.carry_out((key,), change)

    async def _row(self, key: str) -> Row | None:
        def change(rows: Rows, now: int) -> Row | None:
            row = rows.get(key)
            return row if row is not None and row.expires_at > now else None

        found: Row | None = await self.carry_out((key,), change)
        return found


def _window(rows: Rows, key: str, now: int, expiry: int) -> Window:
    row = rows.get(key)
    return () if row is None else windows.live(row.window, now, expiry * 1000)


def _put(rows: Rows, key: str, window: Window, now: int, expiry: int) -> None:
    if window:
        rows[key] = Row(window, max(window[-1][0], now) + expiry * 1000)
    else:
        rows.pop(key, None)


class MemoryStorage(WindowStorage):
    """Counts of this process alone. Its memory is bounded: beyond, what was counted first is forgotten."""

    MAX_KEYS = 200_000

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._clock = clock
        self._rows: dict[str, Row] = {}
        self._swept_at = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """See ``limits``: nothing can fail."""
        return ()

    async def carry_out(self, _keys: tuple[str, ...], change: Change) -> Any:
        """See ``WindowStorage``. Nothing is awaited, so it is one step."""
        now = int(self._clock() * 1000)
        if now - self._swept_at > _SWEEP:
            self._swept_at = now
            self._rows = {key: row for key, row in self._rows.items() if row.expires_at > now}
        result = change(self._rows, now)
        for key in self._surplus():
            del self._rows[key]
        return result

    async def check(self) -> bool:
        """See ``limits``."""
        return True

    async def reset(self) -> int:
        """See ``limits``."""
        count = len(self._rows)
        self._rows.clear()
        return count

    async def close(self) -> None:
        """See ``LeasingStorage``."""

    def _surplus(self) -> list[str]:
        def oldest() -> Iterator[str]:
            for _, key in zip(range(len(self._rows) - self.MAX_KEYS), self._rows, strict=False):
                yield key

        return list(oldest()) if len(self._rows) > self.MAX_KEYS else []


_SWEEP = 60_000  # milliseconds between two times that what is over is forgotten
