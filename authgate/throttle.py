"""How often is often enough? -> go on, or wait so many seconds."""

from collections import OrderedDict


class Throttle:
    """A bucket of tokens for each key: one is taken each time, and they come back at a steady rate.

    Its memory is bounded: beyond ``max_keys`` the keys that were not asked about for longest are forgotten, and
    begin anew with a full bucket. What is refused takes nothing, so whoever goes on asking waits no longer for it.
    """

    def __init__(self, rate: float, burst: float, max_keys: int = 10_000) -> None:
        """``rate`` is a minute's; ``burst`` is what a full bucket holds."""
        self._rate = rate
        self._burst = burst
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what was left, and when

    def __len__(self) -> int:
        return len(self._buckets)

    def wait(self, key: str, now: float, rate: float | None = None) -> float:
        """Seconds until this key may go on; 0: it may now, and that was counted.

        ``now`` is of a clock that does not jump. ``rate`` is the key's own, also its burst, where it differs from
        that of the others.
        """
        a_minute, most = (self._rate, self._burst) if rate is None else (rate, rate)
        most = max(1.0, most)  # less would never be enough for one
        per_second = a_minute / 60
        left, at = self._buckets.get(key, (most, now))
        left = min(most, left + max(0.0, now - at) * per_second)
        allowed = left >= 1 - _ROUNDING
        self._buckets[key] = (max(0.0, left - 1) if allowed else left, max(at, now))
        self._buckets.move_to_end(key)
        while len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        if allowed:
            return 0.0
        return (1 - left) / per_second if per_second > 0 else _NEVER


_ROUNDING = 1e-5  # whoever comes back after exactly the seconds that were named is not sent away again
_NEVER = 86_400.0  # seconds
