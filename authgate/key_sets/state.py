"""What is to be seen of a key set, and what keeps it over a restart."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from authgate.ports import KeySource


class State(StrEnum):
    """What becomes of a token of the issuer."""

    FRESH = "fresh"  # its keys are there
    STALE = "stale"  # they are there, but it is time that they are fetched again
    MISSING = "missing"  # they were never there
    EXPIRED = "expired"  # they were fetched too long ago to be used

    @property
    def usable(self) -> bool:
        """Whether there are keys to verify with."""
        return self in (State.FRESH, State.STALE)


@dataclass(frozen=True, slots=True)
class KeySetState:
    """One issuer's keys as they are now; nothing in it is secret."""

    issuer: str
    url: str  # without user and query; of the discovery document where the set is discovered
    state: State
    keys: tuple[tuple[str | None, tuple[str, ...]], ...]  # each kid with its algorithms
    notes: tuple[str, ...]  # of keys that were left out, and why
    fetched_at: int | None  # milliseconds since the epoch
    tried_at: int | None  # milliseconds since the epoch
    fault: str  # of the last try, "" where it succeeded
    unknown: int = 0  # how many kids are remembered that tokens named and the set has not


class Shelf(Protocol):
    """Where the last good document of each source lies, so that a restart does not depend on the issuer."""

    async def load(self, source: KeySource) -> tuple[bytes, int] | None:
        """The document, and when it was fetched in milliseconds since the epoch; None where there is none.

        Raises:
            StoreError: the store is away or too slow.
        """

    async def keep(self, source: KeySource, document: bytes | None, tried_at: int, fault: str) -> None:
        """Keep what a try came to; None leaves the document of before. ``tried_at`` is milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow.
        """
