"""Password hashes that let nobody in, or that protect badly: named user by user."""

import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from shlex import quote
from typing import TYPE_CHECKING

from authgate.admin.pages import each_of
from authgate.errors import Overloaded

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.model import User
    from authgate.passwords import Form, Hasher, Hashing
    from authgate.store import Store


class Fault(StrEnum):
    """What can be wrong with a stored hash, the worst first."""

    UNUSABLE = "unusable"  # locked, damaged, or of a form that is not verified
    OVER_COSTLY = "over_costly"  # above a ceiling, or past the deadline on this machine
    NOT_ENABLED = "not_enabled"  # a legacy form that hashing.legacy does not list
    BELOW_FLOOR = "below_floor"  # of a good scheme, at too little cost
    WEAK = "weak"  # of a legacy form


REFUSED = {Fault.UNUSABLE, Fault.OVER_COSTLY, Fault.NOT_ENABLED}  # no password opens it


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one user's hash, and what to do."""

    user: str
    scheme: str  # "" where the form is unknown
    fault: Fault
    why: str
    advice: str


class Lint:
    """Looks at every user's hash, a page at a time, and counts what it sees. Nothing is changed."""

    def __init__(self, store: "Store", hasher: "Hasher", options: "Hashing", deadline: float) -> None:
        """``deadline`` is how many seconds a login may take."""
        self.users = 0
        self.schemes: Counter[str] = Counter()  # of those with a hash
        self.faults: Counter[Fault] = Counter()
        self._store = store
        self._options = options
        self._pace = _Pace(hasher, deadline)

    @property
    def refused(self) -> int:
        """How many users have a hash that no password opens."""
        return sum(self.faults[each] for each in REFUSED)

    async def findings(self) -> AsyncIterator[Finding]:
        """What is wrong, by name of the user. Who has no password has no fault.

        Raises:
            StoreError: the store is away or too slow.
        """
        async for user in each_of(self._store.users.list, lambda user: user.name):
            self.users += 1
            if user.hash is not None:
                found = await self._look(user, user.hash)
                if found:
                    self.faults[found.fault] += 1
                    yield found

    async def _look(self, user: "User", stored: str) -> Finding | None:
        from authgate.passwords import recognise
        from authgate.passwords.schemes import refusal

        form = recognise(stored)
        self.schemes[form.scheme or "unknown"] += 1
        why = refusal(form, self._options)
        if why:
            return _refused(user.name, form, why, self._options)
        slow = await self._pace.told(form, stored)
        if slow:
            return Finding(
                user.name, form.scheme, Fault.OVER_COSTLY, slow, f"raise server.deadline, or {_anew(user.name)}"
            )
        if form.weak:
            fault = Fault.BELOW_FLOOR if form.legacy == "low_cost" else Fault.WEAK
            advice = f"the next good login renews it; or {_anew(user.name)}"
            return Finding(user.name, form.scheme, fault, form.weak, advice)
        return None


def _refused(name: str, form: "Form", why: str, options: "Hashing") -> Finding:
    if not form.usable:
        fault = Fault.OVER_COSTLY if form.costly else Fault.UNUSABLE
        advice = f"{_anew(name)}, or take it away: authgate user set --no-password -- {quote(name)}"
    elif form.costs.get("memory", 0) > options.most_memory:
        fault, advice = Fault.OVER_COSTLY, f"raise hashing.max_memory, or {_anew(name)}"
    else:
        listed = f"list {form.legacy} in hashing.legacy until the user has logged in"
        fault, why, advice = Fault.NOT_ENABLED, form.weak, f"{listed}, or {_anew(name)}"
    return Finding(name, form.scheme, fault, why, advice)


def _anew(name: str) -> str:
    return f"set the password anew: authgate user password -- {quote(name)}"


class _Pace:
    """How long hashes take on this machine: each kind of cost is tried once, the cheaper ones are not tried."""

    def __init__(self, hasher: "Hasher", deadline: float) -> None:
        self._hasher = hasher
        self._deadline = deadline
        self._quick: list[tuple[str, Mapping[str, int]]] = []
        self._slow: dict[tuple[str, frozenset[tuple[str, int]]], str] = {}
        self._left = _TRIES

    async def told(self, form: "Form", stored: str) -> str:
        """Why a hash of this cost is past the deadline, or "" where it is not, or where too many were tried already."""
        cost = (form.scheme, frozenset(form.costs.items()))
        if cost in self._slow:
            return self._slow[cost]
        if any(form.scheme == scheme and _within(form.costs, most) for scheme, most in self._quick):
            return ""
        if not self._left:
            return ""
        self._left -= 1
        seconds = await self._measured(stored)
        if seconds <= self._deadline:
            self._quick.append((form.scheme, form.costs))
            return ""
        why = f"it takes {seconds:.1f} s on this machine, and server.deadline is {self._deadline:g} s"
        return self._slow.setdefault(cost, why)

    async def _measured(self, stored: str) -> float:
        began = time.perf_counter()
        try:
            await self._hasher.verify(os.urandom(8).hex(), stored)
        except Overloaded:  # its process was killed after a time that no deadline reaches
            return max(time.perf_counter() - began, 2 * self._deadline)
        return time.perf_counter() - began


_TRIES = 100  # costs that are measured at most; each takes a few seconds at the very worst


def _within(costs: Mapping[str, int], most: Mapping[str, int]) -> bool:
    return all(costs[name] <= most[name] for name in costs)
