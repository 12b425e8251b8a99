"""Our own keys as a worker holds them: read from the store, and again whenever one was made, retired or deleted."""

import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from authgate.errors import Overloaded
from authgate.issuance import OwnKey
from authgate.model import Secret
from authgate.signing.material import Key, open_key

log = logging.getLogger(__name__)

MOST_WAITING = 1_000  # tokens at a time that wait for a look for their keys
_MOST_USELESS = 1_000  # names that are kept
_LONGEST = 64  # characters of a name; the store has none that is longer


class Shelf(Protocol):
    """Where our keys are kept."""

    async def all(self) -> Sequence[OwnKey]:
        """Every key, the oldest first.

        Raises:
            StoreError: the store is away or too slow.
        """


class Ring:
    """The keys that our tokens are signed and verified with."""

    def __init__(self, shelf: Shelf, masters: Sequence[Secret], clock: Callable[[], float] = time.time) -> None:
        """Without master keys there are none."""
        self._shelf = shelf
        self._masters = masters
        self._clock = clock
        self._keys: dict[str, Key] = {}
        self._rows: Sequence[OwnKey] = ()
        self._told: set[str] = set()
        self._useless: dict[str, None] = {}  # names under which no key was found that can be opened, the oldest first
        self._reloads = 0
        self._waiting = 0

    async def reload(self) -> None:
        """Take over what the store has.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not self._masters:
            return
        rows, found = await self._shelf.all(), {}
        for row in rows:
            try:
                known = self._keys.get(row.id)
                same = known is not None and known.verifies_until == row.verifies_until
                found[row.id] = known if known is not None and same else open_key(row, self._masters)
            except ValueError as fault:
                if row.id not in self._told:
                    log.error("signing key %s can neither sign nor verify: %s", row.id, fault)
                self._told.add(row.id)
        self._keys, self._useless = found, {}
        self._reloads += 1
        self._rows = [row for row in rows if row.id in found]

    async def find(self, key_id: str, algorithm: str, look_again: Callable[[], Awaitable[None]]) -> Key | None:
        """The key of this name and algorithm, while what it signed is valid; one that nobody knows is looked for.

        ``look_again`` comes back once the store was read after it was called. Anybody can make a name up, so it has to
        bound how often that is; how many wait for it is bounded here.

        Raises:
            StoreError: the store is away or too slow.
            Overloaded: too many wait for keys that nobody knows.
        """
        if key_id not in self._keys and key_id not in self._useless and len(key_id) <= _LONGEST:
            if self._waiting >= MOST_WAITING:
                raise Overloaded("too many tokens name signing keys that nobody knows")
            self._waiting += 1
            reloads = self._reloads
            try:
                await look_again()
            finally:
                self._waiting -= 1
            if key_id not in self._keys and reloads == self._reloads:  # else what was found may be the earlier state
                self._remember_useless(key_id)
        return self.known(key_id, algorithm)

    def known(self, key_id: str, algorithm: str) -> Key | None:
        """The same of the keys that are there now."""
        key = self._keys.get(key_id)
        if key is None or key.algorithm != algorithm:
            return None
        return key if key.verifies_until is None or self._clock() < key.verifies_until else None

    def signer(self) -> Key | None:
        """The key that signs now: of those that may, the one that began last, and before that the next to begin."""
        now = self._clock()
        able = [(row.signs_from or 0, row.id) for row in self._rows if row.signs(now)]
        begun = [each for each in able if each[0] <= now * 1000]
        if not able:
            return None
        return self._keys[max(begun)[1] if begun else min(able)[1]]

    def public(self) -> Sequence[Mapping[str, Any]]:
        """The JSON Web Keys that others verify our tokens with, also of keys that are going to sign."""
        now = self._clock()
        return [json.loads(row.public) for row in self._rows if row.public is not None and not row.over(now)]

    def _remember_useless(self, key_id: str) -> None:
        """Do not look again for this one, until something has changed: clients of a deleted key come back for long."""
        self._useless[key_id] = None
        if len(self._useless) > _MOST_USELESS:
            del self._useless[next(iter(self._useless))]
