"""What wrong passwords are counted under: the user at an address, the user, the address, the application."""

import hashlib
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from authgate.guessing.options import DAY, GuessingOptions
from authgate.model import Secret

_NOBODY = "\n"  # in no user's name is the end of a line
_NETWORK = 64  # bits: what one client of IPv6 usually has to choose its address from


class Scope(StrEnum):
    """What a count is about."""

    PAIR = "pair"
    USER = "user"
    ADDRESS = "address"
    APP = "app"


@dataclass(frozen=True, slots=True)
class Guess:
    """A password that somebody offers for a user. Nobody knows yet whether it is right."""

    user: str  # canonical; "": it can be no user's name
    password: Secret
    exists: bool = False  # whether the store has such a user; else nobody knows what was typed there
    stored: str | None = field(default=None, repr=False)  # the hash that it is going to be compared with
    address: str = ""  # of the client, as it was told; "": nobody knows
    app_key: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many may be wrong within how many seconds."""

    most: int
    seconds: int
    locks: bool = False  # whether reaching it locks, and longer each time; else it is only waited until one falls out


@dataclass(frozen=True, slots=True)
class Key:
    """One count, with how many it may come to."""

    scope: Scope
    user: str  # "": it is about none; what stands for a name that nobody has is no name, see ``of_nobody``
    address: str  # or its network; "": it is about none
    limits: tuple[Limit, ...]
    id: str  # digest, by which it is stored

    @property
    def lockable(self) -> bool:
        """Whether it can be locked: all but an application.

        A name that nobody has too: else whoever guesses on after the window could tell it from a user who still is.
        """
        return self.scope is not Scope.APP

    @property
    def shown(self) -> str:
        """What it is about, for the log."""
        user = "a name that nobody has" if of_nobody(self.user) else self.user and f"user {self.user}"
        return " from ".join(part for part in (user, self.address) if part)


def keys_of(guess: Guess, options: GuessingOptions, epoch: Callable[[str, str], int]) -> tuple[Key, ...]:
    """The counts that a guess belongs to, as far as they have a limit.

    ``epoch`` is a number for a user and an address ("" for none), which changes when somebody clears their counts.
    """
    user = guess.user if guess.exists and guess.user else _bucket(guess.user)
    address = neighbourhood(guess.address)
    wanted = [(Scope.USER, user, "", user), (Scope.APP, "", "", guess.app_key)]
    if address:
        wanted.insert(0, (Scope.PAIR, user, address, user))
    if address and not _is_shared(guess.address, options):
        wanted.append((Scope.ADDRESS, "", address, ""))
    return tuple(
        Key(scope, of, at, limits, _digest(scope, name, at, str(epoch(of, at))))
        for scope, of, at, name in wanted
        if (limits := _limits(scope, options))
    )


def _limits(scope: Scope, options: GuessingOptions) -> tuple[Limit, ...]:
    soon, a_day = {
        Scope.PAIR: (options.per_user_and_address, options.per_user_and_address_a_day),
        Scope.USER: (options.per_user, options.per_user_a_day),
        Scope.ADDRESS: (options.per_address, options.per_address_a_day),
        Scope.APP: (options.per_app, 0),
    }[scope]
    limits = (Limit(soon, options.window, scope is not Scope.APP), Limit(a_day, DAY))
    return tuple(limit for limit in limits if limit.most > 0)


def neighbourhood(address: str) -> str:
    """An address as wrong passwords are counted by: of IPv6, the network of whoever may choose the rest."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address, _NETWORK), strict=False))


def _is_shared(address: str, options: GuessingOptions) -> bool:
    found = ipaddress.ip_address(address)
    return any(found in network for network in options.shared_addresses)


def of_nobody(user: str) -> bool:
    """Whether this is no user's name, but stands for some that nobody has."""
    return user.startswith(_NOBODY)


def _bucket(typed: str) -> str:
    """What stands for a name that nobody has: one of few, for it may be a password that was typed in the wrong field.

    Such a name is counted as any other, so that the time that it takes does not tell it from one that somebody has.
    """
    return f"{_NOBODY}{_digest(typed)[:4]}"


def _digest(*parts: str) -> str:
    """What a count is stored under."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
