"""Credentials that were right a short while ago, so that a client that comes back is let in without hashing."""

import asyncio
import hmac
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from authgate.errors import Overloaded
from authgate.passwords.hasher import Hasher
from authgate.turn import ANY_TIME, Turn

MOST = 100_000  # credentials that one process remembers, about 20 MB: those that came first are forgotten first
_LONGEST = 1024  # characters: no password is longer, and the digest of a megabyte would hold up others
_AT_ONCE = 1000  # credentials that are forgotten together, so that hooks in between are not held up


class Remembering:
    """Verifies in microseconds what it found right shortly before, and hashes the rest: obeys ``ports.Hasher``.

    Remembered is an HMAC-SHA-256, under a random key of this process, of the user's name, the password and the stored
    hash, and when that is to be forgotten: so many seconds after the client was last here. Neither the password nor
    the hash is kept, and a wrong password never leaves anything. The stored hash is looked up again for each client, so
    another password, a deleted user or a renewed hash is found by nothing that is remembered, at once and everywhere. A
    user who may not come in is not asked about here at all, and costs what a wrong password costs.

    Whoever gets at the memory of the process finds the key beside the digests. Where the stored hash of a user is known
    as well, passwords can then be tried on what is remembered of that user: millions a second, and not some ten. Of
    users who were not here for so many seconds nothing is found. Passwords of clients that are just coming in are in
    that memory too, in clear, whether anything is remembered or not.

    Of clients that bring the same credentials at the same time the first has them hashed, and the others wait for that:
    right or wrong, and of a user who does not exist too, so that the time says no more than it does of one alone.
    """

    def __init__(
        self,
        hasher: Hasher,
        seconds: float,
        tally: Counter[str] | None = None,
        *,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``seconds`` for which right credentials are remembered; 0: not at all."""
        self._hasher = hasher
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._tally: Counter[str] = Counter() if tally is None else tally
        self._key = secrets.token_bytes(32)
        self._until: dict[bytes, float] = {}  # what is forgotten first comes first
        self._sweeping: asyncio.TimerHandle | None = None
        self._shared: dict[bytes, _Shared] = {}

    async def verify(self, password: str, stored: str | None, turn: Turn = ANY_TIME) -> bool:
        """See ``ports.Hasher``."""
        if len(password) > _LONGEST:
            return await self._hasher.verify(password, stored, turn)
        digest = self._digest(turn.user, password, stored)
        if turn.lets_in and self._found(digest):
            return True
        try:
            right = await self._once(digest, lambda: self._hasher.begin(password, stored, turn))
        except Overloaded:
            self._tally["passwords_shed"] += 1
            raise
        if right and turn.lets_in:
            self._remember(digest)
        return right

    def remembers(self, password: str, stored: str | None, turn: Turn = ANY_TIME) -> bool:
        """See ``ports.Hasher``."""
        return turn.lets_in and len(password) <= _LONGEST and self._found(self._digest(turn.user, password, stored))

    @contextmanager
    def room(self, password: str, stored: str | None, turn: Turn = ANY_TIME) -> Iterator[None]:
        """See ``ports.Hasher``: what is remembered, or being verified for another client, needs no place."""
        with ExitStack() as kept:
            if not self._needs_none(password, stored, turn):
                try:
                    kept.enter_context(self._hasher.room(password, stored, turn))
                except Overloaded:
                    self._tally["passwords_shed"] += 1
                    raise
            yield

    def _needs_none(self, password: str, stored: str | None, turn: Turn) -> bool:
        if len(password) > _LONGEST:
            return False
        digest = self._digest(turn.user, password, stored)
        return digest in self._shared or (turn.lets_in and self._remembers(digest))

    async def renewed(self, password: str, stored: str) -> str | None:
        """See ``ports.Hasher``. The new hash is not remembered: nobody knows yet whether it will be stored."""
        return await self._hasher.renewed(password, stored)

    def demand(self, password: str) -> None:
        """See ``Hasher``."""
        self._hasher.demand(password)

    async def hash(self, password: str) -> str:
        """See ``Hasher``. What is new is not remembered."""
        return await self._hasher.hash(password)

    def start(self, deadline: float) -> None:
        """Find out what a hash costs here; ``deadline`` in seconds is what a hook has."""
        self._hasher.start(deadline)

    def close(self) -> None:
        """Forget everything, and take no more work. Hashes that wait are still made."""
        self._until.clear()
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._hasher.close()

    def state(self) -> Mapping[str, Any]:
        """How it stands, for everybody to see."""
        return {**self._hasher.state(), "remembered": len(self._until)}

    def _digest(self, user: str, password: str, stored: str | None) -> bytes:
        parts = [part.encode("utf-8", "surrogatepass") for part in (user, password, stored or "")]
        sizes = b"%d %d " % (len(parts[0]), len(parts[1]))  # so that no two credentials have one text
        return hmac.digest(self._key, sizes + b"".join(parts), "sha256")

    def _remembers(self, digest: bytes) -> bool:
        return self._until.get(digest, 0.0) > self._clock()

    def _found(self, digest: bytes) -> bool:
        """Whether it is remembered; then it is from now on again."""
        if not self._remembers(digest):
            return False
        self._remember(digest)
        self._tally["passwords_remembered"] += 1
        return True

    def _remember(self, digest: bytes) -> None:
        if not self._seconds:
            return
        self._until.pop(digest, None)
        self._until[digest] = self._clock() + self._seconds
        if len(self._until) > self._most:
            del self._until[next(iter(self._until))]
        self._sweep_in(self._seconds)

    def _sweep(self) -> None:
        """Forget what is to be forgotten by now, a part at a time, and come back for the next."""
        self._sweeping, now = None, self._clock()
        for digest in list(islice(self._until, _AT_ONCE)):
            if self._until[digest] > now:
                break
            del self._until[digest]
        if self._until:
            first = next(iter(self._until.values()))
            self._sweep_in(max(0.0, first - now))

    def _sweep_in(self, seconds: float) -> None:
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(seconds, self._sweep)

    async def _once(self, digest: bytes, begin: Callable[[], asyncio.Future[bool]]) -> bool:
        """What verifying comes to, here or where somebody else has it done already.

        Raises:
            Overloaded: it cannot be done before the deadline of whoever asks.
        """
        while (other := self._shared.get(digest)) is not None:
            self._tally["passwords_shared"] += 1
            try:
                return await self._share(digest, other)
            except Overloaded:  # it was too late for whoever came first, and may not be for this one
                continue
        mine = self._shared[digest] = _Shared(begin())
        mine.right.add_done_callback(lambda _: self._over(digest, mine))
        return await self._share(digest, mine)

    async def _share(self, digest: bytes, shared: "_Shared") -> bool:
        shared.waiting += 1
        try:
            return await asyncio.shield(shared.right)
        finally:
            shared.waiting -= 1
            if not shared.waiting and not shared.right.done():  # the last who waited has given up
                self._over(digest, shared)
                shared.right.cancel()

    def _over(self, digest: bytes, shared: "_Shared") -> None:
        if self._shared.get(digest) is shared:
            del self._shared[digest]
        if shared.right.done() and not shared.right.cancelled():
            shared.right.exception()  # told to those who wait; nobody may be left


@dataclass(slots=True)
class _Shared:
    """A verification that several may wait for."""

    right: asyncio.Future[bool]
    waiting: int = 0
