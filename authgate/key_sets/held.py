"""The keys of one source: what is there, how old it is, and one fetch at a time."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby

from authgate.errors import KeysError, StoreError
from authgate.key_sets.place import Fetch, FetchError, address
from authgate.key_sets.state import KeySetState, Shelf, State
from authgate.ports import KeySource
from authgate.verifiers.jwks import KEY_ID_LENGTH, JwksOptions, KeySet, SetKey, read_key_set, shown

log = logging.getLogger(__name__)

_MOST_UNKNOWN = 1_024  # kids that are remembered, since tokens named them and the set has them not
_AHEAD = (0.75, 0.85)  # of the time that a set is fresh: when it is fetched again, not by all workers at once
_PATIENCE = 0.5  # of the time that a fetch may take: how long the shelf may take before it


class Held:
    """One source's keys in memory."""

    def __init__(
        self,
        source: KeySource,
        options: JwksOptions,
        shelf: Shelf,
        fetch: Fetch,
        clock: Callable[[], float],
        tally: Counter[str],
    ) -> None:
        self._source = source
        self._options = options
        self._shelf = shelf
        self._fetch = fetch
        self._clock = clock
        self._tally = tally
        self._set = KeySet()
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._ahead_at = 0.0  # from when on it is fetched again, though it is still fresh
        self._fault = ""
        self._unknown: dict[str | None, float] = {}  # until when each is remembered
        self._looked_up = False  # on the shelf
        self._looking = asyncio.Lock()
        self._away = False  # and the log says so
        self._flight: asyncio.Task[None] | None = None
        self._keeping: set[asyncio.Task[None]] = set()

    async def find(self, key_id: str | None, algorithm: str) -> Sequence[SetKey]:
        """See ``ports.Keys``. It waits only for what cannot be answered from memory, and then for one fetch."""
        if not self._looked_up:
            await self.load()
        if not self._state().usable:
            await self._wait_for(self._begin())
            if not self._state().usable:
                raise KeysError(self._trouble())
        elif self._state() is State.STALE:
            self._begin()
        found = self._set.matching(key_id, algorithm)
        if found or not self._worth_asking(key_id):
            return found
        await self._wait_for(self._begin())
        if not self._fault and self._flight is None and not self._set.has(key_id):
            self._remember(key_id)
        return self.known(key_id, algorithm)

    def known(self, key_id: str | None, algorithm: str) -> Sequence[SetKey]:
        """The keys that are there now."""
        return self._set.matching(key_id, algorithm) if self._state().usable else ()

    async def refresh(self) -> None:
        """Fetch now, whenever that was last done, and come back when it is over."""
        if self._flight is not None:  # it may have asked before that happened which is to be seen
            await asyncio.wait([self._flight])
        await asyncio.wait([self._flight or self._take_off()])

    def begin(self) -> None:
        """Fetch in the background, whenever that was last done."""
        if self._flight is None:
            self._take_off()

    def begin_if_due(self) -> None:
        """Fetch in the background what will not be fresh for long."""
        if self._state() is not State.FRESH or self._clock() >= self._ahead_at:
            self._begin()

    async def load(self) -> None:
        """Take what is on the shelf if it is of use, once; nothing is fetched."""
        async with self._looking:
            if self._looked_up:
                return
            try:
                async with asyncio.timeout(self._options.timeout * _PATIENCE):
                    found = await self._shelf.load(self._source)
                if found is not None and self._fetched_at is None:
                    self._take_from_shelf(found[0], found[1] / 1000)
            except (StoreError, TimeoutError, ValueError) as error:
                why = str(error) or "the store is too slow"
                log.warning("the keys of %s that were kept cannot be used: %s", self._name, why)
            self._looked_up = True

    def _take_from_shelf(self, document: bytes, fetched_at: float) -> None:
        if self._age(fetched_at) <= self._options.stale:
            found = read_key_set(document, self._source.algorithms)
            if found.keys:  # or else they were for other algorithms than are configured now
                self._take(found, fetched_at)

    def seen(self) -> KeySetState:
        """What is to be seen of it."""
        keys = [
            (key_id, tuple(each.algorithm for each in one))
            for (key_id, _), one in groupby(self._set.keys, lambda each: (each.id, id(each.key.key)))
        ]
        now = self._clock()
        return KeySetState(
            issuer=self._source.issuer,
            url=self._name,
            state=self._state(),
            keys=tuple(keys),
            notes=self._set.notes,
            fetched_at=_milliseconds(self._fetched_at),
            tried_at=_milliseconds(self._tried_at),
            fault=self._fault,
            unknown=sum(now < until for until in self._unknown.values()),
        )

    async def close(self) -> None:
        """Give up what is under way, and finish keeping what came."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])
        if self._keeping:
            await asyncio.wait(self._keeping)

    @property
    def _name(self) -> str:
        return shown(address(self._source))

    def _age(self, at: float) -> float:
        # A clock that was set back makes nothing younger than it is.
        return abs(self._clock() - at)

    def _state(self) -> State:
        if self._fetched_at is None:
            return State.MISSING
        age = self._age(self._fetched_at)
        if age > self._options.stale:
            return State.EXPIRED
        return State.FRESH if age <= self._options.fresh else State.STALE

    def _worth_asking(self, key_id: str | None) -> bool:
        """Whether the issuer may have a key of this name by now."""
        if key_id is not None and (len(key_id) > KEY_ID_LENGTH or self._set.has(key_id)):
            return False
        now = self._clock()
        if now < self._unknown.get(key_id, now):
            return False
        return self._flight is not None or not self._is_cooling()

    def _remember(self, key_id: str | None) -> None:
        """That a name is unknown, for a while; names that nobody has push out each other, and never a key."""
        self._unknown.pop(key_id, None)
        while len(self._unknown) >= _MOST_UNKNOWN:
            del self._unknown[next(iter(self._unknown))]
        self._unknown[key_id] = self._clock() + self._options.cool_down

    def _is_cooling(self) -> bool:
        return self._tried_at is not None and self._age(self._tried_at) < self._options.cool_down

    def _begin(self) -> asyncio.Task[None] | None:
        """The fetch that is under way, or a new one; None where it is too early for one."""
        if self._flight is None and not self._is_cooling():
            self._take_off()
        return self._flight

    def _take_off(self) -> asyncio.Task[None]:
        self._tried_at = self._clock()
        self._flight = asyncio.create_task(self._fly(self._tried_at))
        return self._flight

    async def _wait_for(self, flight: asyncio.Task[None] | None) -> None:
        """Come back when a fetch is over, or has had its time. Whoever gives up waiting does not end it for others."""
        if flight is not None:
            await asyncio.wait([flight], timeout=self._options.timeout)

    async def _fly(self, began_at: float) -> None:
        document = None
        try:
            document = await self._fetch(self._source, self._options)
            found = read_key_set(document, self._source.algorithms)
            if not found.keys:
                raise FetchError(
                    f"{self._name} has no key that can be used: {'; '.join(found.notes[:3]) or 'it is empty'}"
                )
            self._arrived(found, began_at)
        except FetchError as error:
            document = None
            self._failed(str(error))
        except ValueError as error:
            document = None
            self._failed(f"the key set of {self._name} {error}")
        except Exception:
            log.exception("the keys of %s could not be taken over", self._name)
            document = None
            self._failed(f"the keys of {self._name} could not be taken over, see the log")
        finally:
            self._flight = None
        self._keep(document, began_at)

    def _arrived(self, found: KeySet, began_at: float) -> None:
        self._take(found, began_at)
        self._tally[f"key_sets_fetched:{self._source.issuer}"] += 1
        self._fault = ""
        for key_id in [each for each in self._unknown if found.has(each)]:
            del self._unknown[key_id]
        if self._away:
            log.warning("the keys of %s can be fetched again", self._name)
            self._away = False

    def _take(self, found: KeySet, fetched_at: float) -> None:
        self._set, self._fetched_at = found, fetched_at
        # Not for secrets: workers that start together are not to ask together.
        self._ahead_at = fetched_at + self._options.fresh * random.uniform(*_AHEAD)  # noqa: S311

    def _failed(self, fault: str) -> None:
        self._fault = fault
        self._tally[f"key_sets_failed:{self._source.issuer}"] += 1
        if not self._away:
            left = "those of before are used on" if self._state().usable else "tokens of its issuer are not let in"
            log.warning("the keys of %s cannot be fetched: %s; %s", self._name, fault, left)
            self._away = True

    def _keep(self, document: bytes | None, began_at: float) -> None:
        """Put what a fetch came to on the shelf; nobody waits for it."""
        task = asyncio.create_task(self._put(document, int(began_at * 1000), self._fault))
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def _put(self, document: bytes | None, tried_at: int, fault: str) -> None:
        try:
            await self._shelf.keep(self._source, document, tried_at, fault)
        except StoreError as error:
            log.warning("the keys of %s are not kept for a restart: %s", self._name, error)

    def _trouble(self) -> str:
        fault = self._fault or "they did not come in time"
        what = "there are no keys" if self._fetched_at is None else "the keys are too old"
        return f"{what} of {shown(self._source.issuer)}: {fault}"


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)
