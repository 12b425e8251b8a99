"""When a failed login is answered: at a time that tells nothing of why it failed.

What a login costs depends on the hash behind it: an old bcrypt hash takes longer than the decoy that stands in for a
user who is not there. So each failed login is answered as late as the slowest kind usually is. Kinds are told by what
logins took lately, for each form of hash by itself, so that a rare slow form is not lost among many quick ones.
"""

import asyncio
import math
import re
from collections import OrderedDict
from dataclasses import dataclass

_MEAN, _DEVIATION = 1 / 8, 1 / 4  # weight of the newest, as of round-trip times in TCP (RFC 6298, section 2)
_MARGIN = 4  # mean deviations beyond the mean, as there
_HALF = 60.0  # seconds without a login of a kind after which half of what it took beyond its least is forgotten
_LEAST = 1.25  # times the least that it took: so much stays
_STEPS = 4  # whoever is later than that is answered at one of so many steps of it
_KINDS = 64  # forms of hashes that are told apart


@dataclass(frozen=True, slots=True)
class _Cost:
    """What logins of one kind took, in seconds."""

    mean: float
    deviation: float
    least: float
    at: float  # when the last one was

    def with_one(self, seconds: float, now: float) -> "_Cost":
        deviation = self.deviation + _DEVIATION * (abs(seconds - self.mean) - self.deviation)
        return _Cost(self.mean + _MEAN * (seconds - self.mean), deviation, min(self.least * 1.01, seconds), now)

    def usual(self, now: float) -> float:
        """What nearly all of them took; of a crowd that came long ago, nothing is left."""
        rest = _LEAST * self.least
        return rest + max(0.0, self.mean + _MARGIN * self.deviation - rest) * math.exp2((self.at - now) / _HALF)


class Pace:
    """What logins cost lately, and when a failed one is answered. Times are seconds of the loop's clock."""

    def __init__(self, least: float, most: float) -> None:
        """No failed login is answered before ``least`` seconds, and none is kept waiting beyond ``most``."""
        self.least = least
        self.most = most
        self._costs: OrderedDict[str, _Cost] = OrderedDict()

    def floor(self, now: float) -> float:
        """Seconds after which a failed login is answered."""
        slowest = max((cost.usual(now) for cost in self._costs.values()), default=0.0)
        return min(max(self.least, slowest), self.most)

    def note_right(self, kind: str, seconds: float, now: float) -> None:
        """Take note of what a good login has cost, where that is more than usual: many are remembered, not hashed."""
        if kind not in self._costs or seconds > self._costs[kind].mean:
            self.note(kind, seconds, now)

    def note(self, kind: str, seconds: float, now: float) -> None:
        """Take note of what a failed login with a hash of this kind has cost."""
        known = self._costs.get(kind)
        self._costs[kind] = known.with_one(seconds, now) if known else _Cost(seconds, seconds / 2, seconds, now)
        self._costs.move_to_end(kind)
        while len(self._costs) > _KINDS:
            self._costs.popitem(last=False)

    def left(self, spent: float, now: float) -> float:
        """Seconds until a failed login is answered that has taken so long."""
        floor = self.floor(now)
        if spent <= floor or floor <= 0:
            return max(0.0, floor - spent)
        step = floor / _STEPS
        return math.ceil((spent - floor) / step) * step - (spent - floor)

    async def even(self, began: float) -> None:
        """Come back when a failed login that began at the loop's time ``began`` may be answered."""
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(self.left(now - began, now))


def kind_of(stored: str | None) -> str:
    """The form of a hash and its costs, without salt and digest; "" of none."""
    found = _KIND.match(stored or "")
    return found[0] if found else "other" if stored else ""


# $argon2id$v=19$m=65536,t=3,p=1$..., $2b$12$..., $pbkdf2-sha256$29000$..., pbkdf2_sha256$600000$...,
# $6$rounds=5000$..., scrypt:32768:8:1$..., {SSHA}..., $P$B..., *2470C0C06DEE42FD1618BBB99005ADCA2EC9D1E19
_KIND = re.compile(
    r"\$?[A-Za-z0-9_:.-]{1,24}\$(?:v=\d{1,4}\$)?(?:[a-z]+=\d{1,9}(?:,[a-z]+=\d{1,9})*\$|\d{1,9}\$)?"
    r"|\{[A-Za-z0-9-]{1,16}\}|\*"
)
