"""The same guess again is no other guess: it tells whoever makes it nothing new, so it is counted once.

So a client that comes back all day with a password of yesterday locks nobody out, and whoever logs in with one account
from a hundred places at once takes one place, not a hundred. Kept in each process, as digests under a key of its own.
"""

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from authgate.guessing.keys import Guess
from authgate.guessing.storage import LEASE

Place = TypeVar("Place")

MAX_KEPT = 20_000
_JOINED = LEASE / 2  # seconds for which others join a guess that is under way: its place is not its own for ever


@dataclass(slots=True)
class Shared(Generic[Place]):
    """One guess that is being tried, once or several times."""

    digest: bytes = field(repr=False)
    since: float  # of the loop
    place: Place
    tries: int = 0
    counted: asyncio.Task[None] | None = None  # None: it was not wrong yet


class Tried(Generic[Place]):
    """The guesses that are being tried, and those that were wrong lately."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._now: dict[bytes, Shared[Place]] = {}
        self._wrong: OrderedDict[bytes, float] = OrderedDict()  # until when, by the loop's clock

    def __len__(self) -> int:
        return len(self._now) + len(self._wrong)

    def digest(self, guess: Guess) -> bytes:
        """What tells a guess from every other: the user, the password and the hash that it is compared with."""
        parts = (guess.user, guess.password.reveal(), guess.stored or "", guess.address, guess.app_key)
        text = b"".join(len(raw).to_bytes(4) + raw for raw in (part.encode("utf-8", "surrogatepass") for part in parts))
        return hashlib.blake2b(text, digest_size=16, key=self._key).digest()

    def was_wrong(self, digest: bytes, now: float) -> bool:
        """Whether this guess was wrong lately, and that was counted."""
        return self._wrong.get(digest, 0.0) > now

    def under_way(self, digest: bytes, now: float) -> Shared[Place] | None:
        """The same guess, where it is being tried now."""
        found = self._now.get(digest)
        return found if found is not None and now - found.since < _JOINED and found.counted is None else None

    def begin(self, digest: bytes, now: float, place: Place) -> Shared[Place]:
        """Take note that a guess is being tried."""
        self._now[digest] = Shared(digest, now, place)
        return self._now[digest]

    def end(self, shared: Shared[Place], until: float | None) -> None:
        """Take note that it is over; ``until``: it was wrong, and that counts until then."""
        if self._now.get(shared.digest) is shared:
            del self._now[shared.digest]
        if until is not None:
            self._wrong[shared.digest] = until
            self._wrong.move_to_end(shared.digest)
            while len(self._wrong) > MAX_KEPT:
                self._wrong.popitem(last=False)
