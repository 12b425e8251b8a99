"""Counts guesses before they are tried, and says which are not tried at all. Obeys ``ports.Guessing``."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from authgate.errors import Overloaded, StoreError
from authgate.guessing.blocking import Blocks, Known, Who
from authgate.guessing.counting import Counting, Standing
from authgate.guessing.decision import POLL, Verdict, decide
from authgate.guessing.keys import Guess, Key, Limit, Scope, keys_of, neighbourhood
from authgate.guessing.options import HELD, PATIENCE, GuessingOptions
from authgate.guessing.pace import Pace, kind_of
from authgate.guessing.settled import Settled
from authgate.guessing.storage import MemoryStorage
from authgate.guessing.tried import Shared, Tried
from authgate.guessing.turns import Turns
from authgate.model import Secret

log = logging.getLogger(__name__)

_NOTHING = Guess("", Secret(""))  # what somebody only asks about
_AGAIN = 1.0  # seconds until a storage that failed is tried again


@dataclass(frozen=True, slots=True)
class _Place:
    """What a guess has taken."""

    counting: Counting
    keys: tuple[Key, ...]  # under which it has a place
    every: tuple[Key, ...]  # under which it counts when it was wrong
    refused: bool = False
    waited: float = 0.0  # seconds


_Shared = Shared[asyncio.Task[_Place]]


class Attempt:
    """One guess that was counted. Whoever began it says once what came of it, and at the end that it is over."""

    def __init__(
        self, guard: "Guard", guess: Guess, shared: _Shared | None = None, *, refused: bool = False, waited: float = 0.0
    ) -> None:
        self.refused = refused  # whether the password is not to be tried: too many were wrong
        self.waited = waited  # seconds, while others were being tried
        self._guard = guard
        self._guess = guess
        self._shared = shared
        self._ended = False

    async def wrong(self) -> None:
        """It was wrong; come back when that is counted."""
        self._guard._doubt(self._guess)
        if self._shared is not None:
            await self._guard._count(self._shared)

    def right(self) -> None:
        """It was right: it counts for nothing, and the user is known at the address from now on."""
        if not self.refused:
            self._guard._remember(self._guess)

    def over(self) -> None:
        """It was tried, or is not going to be. What was not wrong counts for nothing."""
        shared, self._shared = self._shared, None
        if not self._ended:
            self._ended = True
            self._guard._over(self._guess)
        if shared is not None:
            self._guard._leave(shared)


class Guard:
    """Counts guesses by user and address, by user, by address and by application.

    While the storage is away each process counts by itself, by the same limits.
    """

    def __init__(
        self,
        options: GuessingOptions,
        counting: Counting,
        blocks: Blocks,
        known: Known,
        tally: Counter[str],
        deadline: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``deadline`` is how many seconds a hook may take: of those, so much may be spent on waiting."""
        self._options = options
        self._counting = counting
        self._own = Counting(MemoryStorage(clock))
        self._blocks = blocks
        self._known = known
        self._tally = tally
        self._clock = clock
        self._tried: Tried[asyncio.Task[_Place]] = Tried()
        self._pace = Pace(options.answer_after, deadline * HELD)
        self._patience = deadline * PATIENCE
        self._away_until = 0.0  # by the loop's clock
        self._turns = Turns()
        self._settled = Settled()
        self._locking: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    def adopt(self, options: GuessingOptions) -> None:
        """Go by other options from now on; the storage stays the same."""
        self._options = options
        self._pace.least = options.answer_after

    async def any_banned(self) -> bool:
        """See ``ports.Guessing``."""
        if not self._blocks.fresh:
            await self._blocks.ready()
        return self._blocks.any_banned

    async def banned(self, user: str, address: str) -> bool:
        """See ``ports.Guessing``."""
        if not self._blocks.fresh:
            await self._blocks.ready()
        return self._blocks.banned(user, address, self._clock())

    async def settled(self, guess: Guess) -> bool:
        """See ``ports.Guessing``."""
        # Without a memory of addresses a lock of the user or of the address holds for everybody, and here too.
        if not self._options.remember or not self._settled.knows(guess, asyncio.get_running_loop().time()):
            return False
        await self._blocks.ready()
        return not self._blocks.locked(guess.user, neighbourhood(guess.address), self._clock())

    async def begin(self, guess: Guess, *, dry: bool = False) -> Attempt:
        """See ``ports.Guessing``."""
        if dry:
            return await self._dry(guess)
        self._settled.began(guess)
        try:
            return await self._begin(guess)
        except BaseException:
            self._settled.over(guess)
            raise

    async def _dry(self, guess: Guess) -> Attempt:
        await self._blocks.ready()
        refused = await self._locked(Who(guess, self._is_known), keys_of(guess, self._options, self._blocks.epoch))
        self._settled.began(_NOTHING)
        return self._refuse(_NOTHING) if refused else Attempt(self, _NOTHING)

    async def _begin(self, guess: Guess) -> Attempt:
        await self._blocks.ready()
        keys = keys_of(guess, self._options, self._blocks.epoch)
        if await self._locked(Who(guess, self._is_known), keys):
            return self._refuse(guess)
        if not keys:
            return Attempt(self, guess)
        now = asyncio.get_running_loop().time()
        digest = self._tried.digest(guess)
        if self._tried.was_wrong(digest, now):
            return Attempt(self, guess)
        shared = self._tried.under_way(digest, now)
        if shared is None:
            shared = self._tried.begin(digest, now, self._start(self._admit(guess, keys)))
        shared.tries += 1
        try:
            place = await asyncio.shield(shared.place)
        except BaseException:
            self._leave(shared)
            raise
        if not place.refused:
            return Attempt(self, guess, shared, waited=place.waited)
        self._leave(shared)
        return self._refuse(guess, place.waited)

    async def even(self, began: float, stored: str | None) -> None:
        """See ``ports.Guessing``."""
        now = asyncio.get_running_loop().time()
        self._pace.note(kind_of(stored), now - began, now)
        await self._pace.even(began)

    def note(self, began: float, stored: str | None) -> None:
        """See ``ports.Guessing``."""
        now = asyncio.get_running_loop().time()
        self._pace.note_right(kind_of(stored), now - began, now)

    async def close(self) -> None:
        """Finish what is under way, and let go of everything."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(*self._counting.faults):
            await self._counting.close()

    def _refuse(self, guess: Guess, waited: float = 0.0) -> Attempt:
        self._tally["guesses_refused"] += 1
        return Attempt(self, guess, refused=True, waited=waited)

    async def _locked(self, who: Who, keys: Sequence[Key]) -> bool:
        now = self._clock()
        locked = [key for key in keys if key.lockable and self._blocks.locked(key.user, key.address, now)]
        return any(key.scope is Scope.PAIR for key in locked) or (bool(locked) and not await who.is_known())

    async def _is_known(self, guess: Guess) -> bool:
        """Whether this user has logged in from this address lately, so that others' guesses do not lock it out."""
        remember = self._options.remember
        if not (guess.exists and guess.address and remember):
            return False
        return await self._known.knows(guess.user, neighbourhood(guess.address), self._clock() - remember)

    async def _admit(self, guess: Guess, keys: tuple[Key, ...]) -> _Place:
        """A place for a guess, where it may be tried.

        Raises:
            Overloaded: too many others are under way.
            StoreError: it is not known whether the user has logged in from there.
        """
        who = Who(guess, self._is_known)
        waited, wait, again = 0.0, POLL, False
        busy = self._turns.first_busy([key.id for key in keys])
        try:
            while True:
                if busy is not None:
                    waited += await self._turns.wait(busy, wait, self._patience + POLL - waited, again=again)
                    again = True
                    if await self._locked(who, keys):
                        return _Place(self._own, (), keys, refused=True, waited=waited)
                counting, standings = await self._take(keys)
                place = _Place(counting, tuple(each.key for each in standings if each.taken), keys, waited=waited)
                verdict = None
                try:
                    verdict, wait, key = await self._judge(who, counting, standings)
                finally:
                    if verdict is not Verdict.GO:
                        await self._given_back(place)
                if verdict is Verdict.GO:
                    return place
                if verdict is Verdict.LOCKED:
                    return replace(place, keys=(), refused=True)
                if waited + wait > self._patience + 2 * POLL:
                    raise Overloaded("too many passwords are being tried for this user or from this address")
                if busy is not None and busy != key.id:
                    self._turns.next(busy)
                    again = False
                busy = key.id
        finally:
            if busy is not None:
                self._turns.next(busy)

    async def _judge(self, who: Who, counting: Counting, standings: Sequence[Standing]) -> tuple[Verdict, float, Key]:
        """The strictest verdict of those that count, and under which key.

        Of a user at an address from where it logs in, that of the two together counts alone.
        """
        verdicts = []
        for place, (key, failed, pending, _) in enumerate(standings):
            delayed = 0.0 if place else await self._delayed(counting, key, failed[0])
            for count, limit in zip(failed, key.limits, strict=True):
                verdict, wait = decide(count, pending, limit.most, delayed, self._patience)
                if verdict is not Verdict.GO:
                    verdicts.append((verdict, wait, key))
        if any(key.scope is not Scope.PAIR for *_, key in verdicts) and await who.is_known():
            verdicts = [each for each in verdicts if each[2].scope is Scope.PAIR]
        for each in verdicts:
            if each[0] is Verdict.LOCKED:
                return each
        return max(verdicts, key=lambda each: each[1], default=(Verdict.GO, 0.0, standings[0].key))

    async def _delayed(self, counting: Counting, key: Key, failed: int) -> float:
        if key.scope not in (Scope.PAIR, Scope.USER):
            return 0.0
        try:
            return await counting.delayed(key, failed, self._clock(), self._options)
        except counting.faults:
            return 0.0  # the limit holds all the same

    async def _take(self, keys: Sequence[Key]) -> tuple[Counting, list[Standing]]:
        """Places where guesses are counted, or in this process while that is away."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._away_until:
            try:
                return self._counting, await self._counting.take(keys)
            except self._counting.faults as fault:
                self._trouble(fault)
        self._tally["guesses_counted_here"] += 1
        return self._own, await self._own.take(keys)

    async def _give_back(self, place: _Place) -> None:
        await self._given_back(place)
        for key in place.keys:
            self._turns.next(key.id)

    async def _given_back(self, place: _Place) -> None:
        try:
            await place.counting.give_back(place.keys)
        except place.counting.faults as fault:  # it comes back by itself after a while
            self._trouble(fault)

    def _trouble(self, fault: Exception) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._away_until:
            log.warning("wrong passwords are counted in this process alone, for now: %s", _told(fault))
        self._away_until = now + _AGAIN

    async def _count(self, shared: _Shared) -> None:
        """Count a wrong guess, once however often it was tried; whoever leaves meanwhile does not stop it."""
        if shared.counted is not None:
            return
        shared.counted = self._start(self._add(shared))
        await asyncio.shield(shared.counted)

    async def _add(self, shared: _Shared) -> None:
        place = shared.place.result()
        self._tally["guesses_wrong"] += 1
        full = await self._own.add(place.every, self._options)  # so that it knows some, should the other go away
        if place.counting is self._counting:
            try:
                full = await self._counting.add(place.every, self._options)
            except self._counting.faults as fault:
                self._trouble(fault)
        for key, limit in full:
            if limit.locks and key.lockable:
                await self._lock(key, limit)

    async def _lock(self, key: Key, limit: Limit) -> None:
        if key.id in self._locking:
            return
        self._locking.add(key.id)
        try:
            seconds = await self._blocks.lock(key.user, key.address, self._options, self._clock())
        except StoreError as fault:
            log.warning("%s is locked for the window alone: %s", key.shown, fault)
            return
        finally:
            self._locking.discard(key.id)
        if seconds is not None:
            self._tally[f"guessing_locks_{key.scope}"] += 1
            log.warning(
                "locked %s for %d seconds: %d wrong passwords within %d seconds",
                key.shown,
                seconds,
                limit.most,
                limit.seconds,
            )

    def _leave(self, shared: _Shared) -> None:
        """One try less; the last one gives the place back."""
        shared.tries -= 1
        if shared.tries:
            return
        wrong = shared.counted is not None
        self._tried.end(shared, asyncio.get_running_loop().time() + self._options.window if wrong else None)
        self._start(self._end(shared))

    async def _end(self, shared: _Shared) -> None:
        """Give the place back, and what was wrong is counted before: it counts twice rather than not at all."""
        if shared.counted is not None:
            await asyncio.wait({shared.counted})
        await asyncio.wait({shared.place})
        if shared.place.exception() is None and (place := shared.place.result()).keys:
            await self._give_back(place)

    def _doubt(self, guess: Guess) -> None:
        self._settled.wrong(guess, asyncio.get_running_loop().time() + self._options.window)

    def _over(self, guess: Guess) -> None:
        self._settled.over(guess)

    def _remember(self, guess: Guess) -> None:
        now = asyncio.get_running_loop().time()
        self._settled.right(guess, now, now + self._options.window)
        if guess.exists and guess.address and self._options.remember:
            self._start(self._note(guess.user, neighbourhood(guess.address)))

    async def _note(self, user: str, address: str) -> None:
        try:
            await self._known.note(user, address, self._clock())
        except StoreError as fault:
            log.debug("could not note from where user %s logs in: %s", user, fault)

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _told(fault: Exception) -> str:
    """The fault in words without an address, which may hold a password."""
    return str(fault) if isinstance(fault, StoreError) else type(fault).__name__
