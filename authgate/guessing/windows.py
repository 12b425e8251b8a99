"""A moving window: when something happened, and how often; bounded, however often it was.

Times are milliseconds since the epoch. They are kept in steps of a part of the window, rounded up, so that nothing
falls out of the window too early.
"""

from collections.abc import Sequence

Window = tuple[tuple[int, int], ...]  # (time, how often), the oldest first

STEPS = 300  # into which a window is divided


def live(window: Window, now: int, expiry: int) -> Window:
    """What is in a window of ``expiry`` milliseconds that ends now."""
    since = now - expiry
    if not window or window[0][0] > since:
        return window
    return tuple(entry for entry in window if entry[0] > since)


def total(window: Window) -> int:
    """How often it happened."""
    return sum(count for _, count in window)


def added(window: Window, now: int, expiry: int, amount: int = 1) -> Window:
    """The window after it happened now, so many times."""
    step = max(1, expiry // STEPS)
    at = -(-now // step) * step
    if window and window[-1][0] >= at:  # also where this machine's clock lags behind another's
        last, count = window[-1]
        return (*window[:-1], (last, count + amount))
    return (*window, (at, amount))


def without_oldest(window: Window) -> Window:
    """The window after the oldest of what is in it was taken back.

    Whatever is taken back, it is the oldest that goes: so what is left never falls out of the window too early.
    """
    if not window:
        return window
    (at, count), rest = window[0], window[1:]
    return ((at, count - 1), *rest) if count > 1 else rest


def dump(window: Window) -> str:
    """The window as text."""
    return ",".join(f"{at}:{count}" for at, count in window)


def load(text: str) -> Window:
    """The window of a text that ``dump`` made."""
    return tuple(_pair(entry.split(":")) for entry in text.split(",")) if text else ()


def _pair(parts: Sequence[str]) -> tuple[int, int]:
    return int(parts[0]), int(parts[1])
