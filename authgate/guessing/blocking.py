"""Who is banned and who is locked, as a worker has it in memory: a look-up for each hook, which costs no read."""

import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from authgate.guessing.keys import Guess
from authgate.guessing.options import GuessingOptions

_BITS = {4: 32, 6: 128}


@dataclass(frozen=True, slots=True)
class Block:
    """A ban (``ban``), a lock after wrong passwords (``lock``), or the moment at which counts began anew (``clear``).

    Of a user, of an address or a network, or, a lock, of a user at an address; what it is not about is "".
    """

    kind: str
    user: str
    address: str
    made_at: int  # milliseconds since the epoch
    expires_at: int | None  # milliseconds since the epoch; None: never
    strikes: int = 0  # of a lock: how many there were in a row
    note: str = ""

    def holds(self, now: int) -> bool:
        """Whether it is in force, in milliseconds since the epoch."""
        return self.expires_at is None or now < self.expires_at


class Blocks(Protocol):
    """Bans and locks: in the store, and in the memory of every worker."""

    @property
    def fresh(self) -> bool:
        """Whether what is in memory is what the store has, or had a moment ago: then there is no need to ask."""

    @property
    def any_banned(self) -> bool:
        """Whether anybody is banned at all."""

    async def ready(self) -> None:
        """Come back if what is in memory is what the store has, or had a moment ago.

        Raises:
            StoreError: it is not known what the store has.
        """

    def banned(self, user: str, address: str, now: float) -> bool:
        """Whether somebody has banned this user or this address ("" for none); ``now`` in seconds since the epoch."""

    def locked(self, user: str, address: str, now: float) -> bool:
        """Whether this user at this address is locked; of "" and the other, the other at or for everybody."""

    def epoch(self, user: str, address: str) -> int:
        """A number that changes when the counts of the user or of the address are cleared."""

    async def lock(self, user: str, address: str, options: GuessingOptions, now: float) -> float | None:
        """Lock it, and longer than the last time; the seconds, or None where it is locked already.

        Raises:
            StoreError: the store is away or too slow.
        """


class Known(Protocol):
    """The addresses from which users have logged in."""

    async def knows(self, user: str, address: str, since: float) -> bool:
        """Whether the user has logged in from there since then, in seconds since the epoch.

        Raises:
            StoreError: the store is away or too slow.
        """

    async def note(self, user: str, address: str, now: float) -> None:
        """Take note that the user has logged in from there.

        Raises:
            StoreError: the store is away or too slow.
        """


@dataclass(slots=True)
class Who:
    """Whether the user has logged in from there lately, looked up when it matters, and once."""

    guess: Guess
    look: Callable[[Guess], Awaitable[bool]]
    found: bool | None = None

    async def is_known(self) -> bool:
        """Whether it has.

        Raises:
            StoreError: the store is away or too slow.
        """
        if self.found is None:
            self.found = await self.look(self.guess)
        return self.found


class Held:
    """Blocks, found by whom they are about."""

    def __init__(self) -> None:
        self.bans = 0  # another number with each change of a ban
        self.any_banned = False
        self._blocks: dict[tuple[str, str, str], Block] = {}
        self._networks: dict[tuple[int, int], dict[int, Block]] = {}  # version and bits -> its bans, by their prefix

    def __len__(self) -> int:
        return len(self._blocks)

    def count(self, kind: str, now: int) -> int:
        """How many of this kind are in force."""
        return sum(each.kind == kind and each.holds(now) for each in self._blocks.values())

    def take(self, changed: Sequence[Block], now: int) -> None:
        """Take over what was changed, and forget what is over."""
        self.bans += any(each.kind == "ban" for each in changed)
        fresh = {key: each for key, each in self._blocks.items() if each.holds(now)}
        for each in changed:
            key = (each.kind, each.user, each.address)
            fresh.pop(key, None)
            if each.holds(now):
                fresh[key] = each
        networks: dict[tuple[int, int], dict[int, Block]] = {}
        for each in fresh.values():
            if each.kind == "ban" and each.address:
                network = ipaddress.ip_network(each.address)
                place = networks.setdefault((network.version, network.prefixlen), {})
                place[_prefix(int(network.network_address), network.version, network.prefixlen)] = each
        self._blocks, self._networks = fresh, networks
        self.any_banned = any(each.kind == "ban" for each in fresh.values())

    def banned(self, user: str, address: str, now: int) -> bool:
        """Whether the user or the address is banned; "" is neither."""
        if not self._blocks:
            return False
        mine = self._blocks.get(("ban", user, "")) if user else None
        if mine is not None and mine.holds(now):
            return True
        if not address or not self._networks:
            return False
        found = ipaddress.ip_address(address)
        for (version, bits), bans in self._networks.items():
            ban = bans.get(_prefix(int(found), version, bits)) if version == found.version else None
            if ban is not None and ban.holds(now):
                return True
        return False

    def locked(self, user: str, address: str, now: int) -> bool:
        """Whether there is a lock that is about exactly these two."""
        lock = self._blocks.get(("lock", user, address))
        return lock is not None and lock.holds(now)

    def epoch(self, user: str, address: str) -> int:
        """A number that changes with each clearing of the user's counts or of the address's."""
        cleared = [self._blocks.get(("clear", user, "")) if user else None]
        cleared.append(self._blocks.get(("clear", "", address)) if address else None)
        return max((each.made_at for each in cleared if each is not None), default=0)


def _prefix(number: int, version: int, bits: int) -> int:
    return number >> (_BITS[version] - bits)
