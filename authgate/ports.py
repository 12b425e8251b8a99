"""What the gateway asks of the outside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from authgate.model import Authority, Credentials, Entry, Hook, Principal, Reason, Record, Session, SessionKey, User


class Users(Protocol):
    """The user store, as verifiers see it."""

    async def find(self, name: str) -> User | None:
        """The user under this canonical name.

        Raises:
            StoreError: the store is away or too slow.
        """

    async def renew(self, name: str, old_hash: str, new_hash: str) -> bool:
        """Put a newer hash of the same password in place of an older; False where it has changed since.

        Raises:
            StoreError: the store is away or too slow.
        """


class Hasher(Protocol):
    """Password hashing, on a pool of its own."""

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether this password made the stored hash; None and unusable hashes cost the time of a wrong password.

        Raises:
            Overloaded: more hashing waits than the deadline can hold.
        """

    async def renewed(self, password: str, stored: str) -> str | None:
        """A hash of the same password at today's cost, or None where the stored one is good enough.

        Raises:
            Overloaded: more hashing waits than the deadline can hold.
        """


@dataclass(frozen=True, slots=True)
class Means:
    """What a verifier may use."""

    users: Users
    hasher: Hasher
    now: float  # seconds since the epoch


class Verifier(Protocol):
    """One way to prove who a client is."""

    @property
    def name(self) -> str: ...

    async def verify(self, offered: Credentials, means: Means) -> Principal | Reason | None:
        """The client, or the reason to reject it, or None where these credentials are of another kind.

        Raises:
            Trouble: it could not be decided.
        """
        ...

    def claimed(self, offered: Credentials, now: float) -> str | None:
        """Whom credentials that were rejected speak of, for the record: a canonical name, unproven."""
        ...


class Authorities(Protocol):
    """What the store says users may do."""

    async def of(self, user: str) -> Authority:
        """The groups and grants of the user under this canonical name; of an unknown one, none.

        Raises:
            StoreError: the store is away or too slow.
        """


class Aliases(Protocol):
    """The alias tables of the store."""

    async def find(self, table: str, name: str) -> str | None:
        """The value under a name of a table, or None; both are compared by their very characters.

        Raises:
            StoreError: the store is away or too slow.
        """


@dataclass(frozen=True, slots=True)
class Answered:
    """What another back end says to a hook."""

    allowed: bool
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)  # of its answer, where it allows
    trouble: str = ""  # why it did not answer, where it is configured to be passed over then


class Targets(Protocol):
    """Other back ends, by their names in the configuration."""

    async def ask(self, target: str, hook: Hook) -> Answered:
        """What the target says to a hook.

        Raises:
            TargetError: it said nothing that can be understood, and may not be passed over.
        """

    def observe(self, hook: Hook, record: Record) -> None:
        """Keep a hook for each target that observes its method, to be sent after the answer; never waits."""


class Sessions(Protocol):
    """The live sessions."""

    async def find(self, key: SessionKey) -> Session | None:
        """The live session under this key, with ``user_enabled`` as of now.

        Raises:
            StoreError: the store is away or too slow.
        """


class Ledger(Protocol):
    """The audit trail and the changes that go with it."""

    async def write(self, entry: Entry) -> None:
        """Return once the entry is committed. Cancelling it leaves it written or not written, never half.

        Raises:
            StoreError: it was not committed, or it is unknown whether it was.
        """

    def defer(self, entry: Entry) -> bool:
        """Keep an entry locally, safe from a killed process, and write it when the store is back.

        An entry whose record is there already is written once. False where there is no room left: the
        entry is lost and counted.
        """


class VerdictLog(Protocol):
    """Where each verdict is told to people."""

    def verdict(self, record: Record, milliseconds: float) -> None:
        """One line; never waits."""
