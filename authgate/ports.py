"""What the gateway asks of the outside."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import field
from typing import Any, Protocol

from authgate.guessing import Attempt, Guess
from authgate.issuance import OneTimeToken, StreamKey, Token, Wanted
from authgate.model import (
    Authority,
    Credentials,
    Entry,
    Hook,
    Issued,
    Limit,
    MediaKey,
    Principal,
    Reason,
    Record,
    Session,
    SessionKey,
    User,
    Where,
)
from authgate.turn import ANY_TIME, Turn
from authgate.value import value


class Users(Protocol):
    """The users of the store and of sources beside it, as verifiers see them."""

    async def find(self, name: str, login: str | None = None) -> User | None:
        """The user under this canonical name.

        ``login`` is the name as a client wrote it who is about to prove its password: then the user is looked up as
        it is now, where else it may be known from a moment ago.

        Raises:
            StoreError: the store, or a source that may have the user, is away or too slow.
            Overloaded: more users are looked up in a source than it answers in time.
        """

    async def proven(self, user: User) -> User:
        """A user who was found and has proven its password just now, as it is known from now on.

        Raises:
            StoreError: the store is away or too slow.
        """

    async def create(self, name: str) -> User | None:
        """The user under this canonical name, added now without a password where there is none.

        None where the name is not one that a user can have.

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

    async def verify(self, password: str, stored: str | None, turn: Turn = ANY_TIME) -> bool:
        """Whether this password made the stored hash; None and unusable hashes cost the time of a wrong password.

        One that was right shortly before may cost nothing where the turn says that it lets its user in.

        Raises:
            Overloaded: more hashing waits than the deadline can hold.
        """

    def room(self, password: str, stored: str | None, turn: Turn = ANY_TIME) -> AbstractContextManager[None]:
        """A place is kept, as long as the block takes, for whoever calls ``verify`` right after it.

        So what else has to be done before is done for those alone who are going to be served.

        Raises:
            Overloaded: more hashing waits than the deadline can hold; when the block is entered.
        """

    def remembers(self, password: str, stored: str | None, turn: Turn = ANY_TIME) -> bool:
        """Whether ``verify`` would find it right at once, since it was right shortly before."""

    async def renewed(self, password: str, stored: str) -> str | None:
        """A hash of the same password at today's cost, or None where the stored one is good enough.

        None too while others wait to be let in: the next login renews it as well.
        """


class VerifyingKey(Protocol):
    """A key that tokens may have been signed with, pinned to one algorithm."""

    @property
    def id(self) -> str | None:
        """Its ``kid``; None: it has none."""

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature of this message was made with this key."""


@value(frozen=True, slots=True)
class KeySource:
    """Where the keys of one issuer are; keys of one are never tried on tokens of another."""

    issuer: str  # iss, exactly
    url: str  # of its JSON Web Key Set, or "" where it is found by OpenID discovery below the issuer
    algorithms: tuple[str, ...]  # under which its keys may sign


class Keys(Protocol):
    """Keys of issuers that are not in the configuration, since their issuers change them."""

    async def find(self, source: KeySource, key_id: str | None, algorithm: str) -> Sequence[VerifyingKey]:
        """The keys of an issuer that a token may have been signed with that names this key and this algorithm.

        Raises:
            KeysError: they could not be fetched, and none are left from before.
        """

    def known(self, source: KeySource, key_id: str | None, algorithm: str) -> Sequence[VerifyingKey]:
        """The same of the keys that are there now; nothing is fetched."""

    async def find_own(self, key_id: str, algorithm: str) -> VerifyingKey | None:
        """Our own key of this name, while tokens that it signed are valid; one that is new is looked for.

        Raises:
            StoreError: the store is away or too slow.
            Overloaded: too many wait for keys that nobody knows.
        """

    def known_own(self, key_id: str, algorithm: str) -> VerifyingKey | None:
        """The same of the keys that are there now."""


class Revocations(Protocol):
    """What is not valid any more, though it was signed."""

    async def revoked(self, issued: Issued) -> bool:
        """Whether a token was revoked: itself, or what was issued to its user, by its issuer or with its key by then.

        Raises:
            StoreError: what was revoked is not known.
        """


class OneTime(Protocol):
    """The tokens that are good for one session or one stream."""

    async def reserve(
        self, token: OneTimeToken, where: Where, expires_at: int, now: float, *, dry: bool = False
    ) -> bool:
        """Reserve a token for what is about to begin; False where it is another's, or used up.

        Where it is shown says who is to hold it. ``expires_at`` and ``now`` are seconds since the epoch; ``dry`` only
        says whether it could be.

        Raises:
            StoreError: the store is away or too slow.
        """


class StreamKeys(Protocol):
    """The short keys of encoders and players."""

    async def find(self, prefix: str) -> StreamKey | None:
        """The key that begins so.

        Raises:
            StoreError: the store is away or too slow.
        """


class Guessing(Protocol):
    """Who may try a password, and who is not let in whatever it brings."""

    async def begin(self, guess: Guess, *, dry: bool = False) -> Attempt:
        """Count a guess, before anything looks at its password; ``dry`` only says whether it would be refused.

        Where it is refused, it is answered as a wrong one is, after the same work.

        Raises:
            Overloaded: too many others are being tried.
            StoreError: the store is away or too slow.
        """

    async def settled(self, guess: Guess) -> bool:
        """Whether a guess need not be counted if it is remembered to be right: see ``guessing.settled``.

        Raises:
            StoreError: it is not known who is locked.
        """

    def note(self, began: float, stored: str | None) -> None:
        """Take note of what a good login has cost that began at this time of the loop, with this hash."""

    async def even(self, began: float, stored: str | None) -> None:
        """Come back when a failed login may be answered that began then: at a time that does not tell why it failed."""

    async def any_banned(self) -> bool:
        """Whether anybody is banned at all; mostly nobody is, and then nobody need be looked for.

        Raises:
            StoreError: it is not known who is banned.
        """

    async def banned(self, user: str, address: str) -> bool:
        """Whether somebody has banned this user or this address; "" is none.

        Raises:
            StoreError: it is not known who is banned.
        """


@value(frozen=True, slots=True)
class Means:
    """What a verifier may use."""

    users: Users
    hasher: Hasher
    keys: Keys
    revocations: Revocations
    one_time: OneTime
    stream_keys: StreamKeys
    guessing: Guessing
    now: float = 0  # seconds since the epoch
    where: Callable[[], Where] | None = None  # None: nobody shows the credentials, they are only asked about
    page: Callable[[], Awaitable[str]] | None = None  # looks up the origin of the client's page where it is not known
    dry: bool = False  # True: somebody only asks, so nothing is reserved or created
    turn: Turn = ANY_TIME  # in which passwords are hashed


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

    def claimed(self, offered: Credentials, means: Means, why: Reason) -> str | None:
        """Whom credentials that were rejected for this reason speak of, for records and logs: a canonical name.

        It is unproven. None where it could be whatever a client typed: a password often ends up in the wrong field.
        """
        ...


class Issuer(Protocol):
    """Who issues our own tokens."""

    async def issue(self, wanted: Wanted, now: float) -> Token:
        """A token as our verifier accepts it; ``now`` in seconds since the epoch.

        Raises:
            BadName: it cannot be a user's name.
            Refused: there is no such user or it is not let in, or what is wanted cannot be had.
            SigningError: nothing can sign it.
            StoreError: the store is away or too slow.
        """

    async def public_keys(self) -> Sequence[Mapping[str, Any]]:
        """The public keys that our tokens are verified with, as JSON Web Keys.

        Raises:
            StoreError: the store is away or too slow.
        """


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


@value(frozen=True, slots=True)
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
        """The live session under this key, with what is said of its user as of now.

        Raises:
            StoreError: the store is away or too slow.
        """

    async def held(self, limit: Limit, but: SessionKey | MediaKey) -> int:
        """How many sessions, or publishers, hold places under a limit, this one left out.

        Raises:
            StoreError: the store is away or too slow.
        """


class Ledger(Protocol):
    """The audit trail and the changes that go with it."""

    async def write(self, entry: Entry) -> Reason | None:
        """Return once the entry is committed. Cancelling it leaves it written or not written, never half.

        A reason is why a session was not opened after all, and stands in the record as it was written: its user has as
        many open as it may. None: all is as the entry says.

        Raises:
            StoreError: it was not committed, or it is unknown whether it was.
        """

    def defer(self, entry: Entry) -> bool:
        """Keep an entry locally, safe from a killed process, and write it when the store is back.

        An entry whose record is there already is written once. False where there is no room left: the
        entry is lost and counted.
        """


class Post(Protocol):
    """Who delivers what clients send each other, some time after their hooks were answered."""

    def own(self, hook: Hook) -> bool:
        """Whether a hook tells of a delivery of ours: then no client has sent it."""

    def wake(self, *, left: bool = False) -> None:
        """Say that there may be something to do, where ``left`` since somebody has gone; never waits."""


class NoPost:
    """Delivers nothing: obeys ``Post``."""

    def own(self, _hook: Hook) -> bool:
        """See ``Post``."""
        return False

    def wake(self, *, left: bool = False) -> None:
        """See ``Post``."""


class VerdictLog(Protocol):
    """Where each verdict is told to people."""

    def verdict(self, record: Record, milliseconds: float) -> None:
        """One line; never waits."""
