"""The values that travel when something is issued or revoked; does nothing."""

from dataclasses import dataclass, field
from typing import NamedTuple

from authgate.model import Secret


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token to be issued by us."""

    user: str  # as it was given
    ttl: int  # seconds
    grants: tuple[str, ...] | None = None  # None: it says nothing of grants
    app_keys: tuple[str, ...] = ()  # (): any
    addresses: tuple[str, ...] = ()  # or networks, of the client; (): any
    origins: tuple[str, ...] = ()  # of its page; (): any
    streams: tuple[str, ...] = ()  # patterns of names; (): any
    once: bool = False  # good for one session or one stream


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was issued."""

    text: Secret
    user: str  # canonical name
    token_id: str  # jti
    expires_at: int  # seconds since the epoch
    key_id: str | None = None


class OneTimeToken(NamedTuple):
    """What a token that is good for one time is told by: two of one ``jti`` are two, where others vouch for them."""

    verifier: str  # its name
    issuer: str | None  # iss
    token_id: str  # jti


@dataclass(frozen=True, slots=True)
class StreamKey:
    """A short key for the address field of an encoder or a player: to do one thing, for one user."""

    prefix: str  # by which it is found and spoken of
    digest: str = field(repr=False)  # SHA-256 of the whole key, hexadecimal
    user: str  # canonical name
    action: str  # of grants
    pattern: str  # of names, as in grants
    app_key: str = ""  # "": any
    generation: int | None = None  # of its user when it was made; None: the store had none
    created_at: int = 0  # milliseconds since the epoch
    expires_at: int | None = None  # seconds since the epoch; None: it stays
    once: bool = False


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A signing key of our own, as the store has it."""

    id: str  # kid
    algorithm: str
    public: str | None = field(repr=False)  # JSON Web Key; None: a secret has no public part
    sealed: str = field(repr=False)  # its secret part
    created_at: int  # milliseconds since the epoch
    signs_from: int | None = None  # milliseconds since the epoch; None: it does not sign yet
    retired_at: int | None = None  # milliseconds since the epoch; None: it signs, or is going to
    verifies_until: int | None = None  # seconds since the epoch; None: it has not been retired

    @property
    def waits(self) -> bool:
        """Whether it has yet to be rotated to."""
        return self.signs_from is None and self.retired_at is None

    @property
    def stays(self) -> bool:
        """Whether it signs, or is about to, and goes on with it: one that another takes the place of does not."""
        return self.signs_from is not None and self.retired_at is None

    def signs(self, now: float) -> bool:
        """Whether it signs at a time in seconds since the epoch, or is about to."""
        return self.signs_from is not None and (self.retired_at is None or now * 1000 < self.retired_at)

    def over(self, now: float) -> bool:
        """Whether all that it signed has expired by a time in seconds since the epoch."""
        return self.verifies_until is not None and self.verifies_until <= now


@dataclass(frozen=True, slots=True)
class Revocation:
    """What is not valid any more, though it was signed."""

    kind: str  # jti, user, issuer or key
    value: str
    before: int | None = None  # milliseconds since the epoch: what was issued until then; None: whenever
    made_at: int = 0  # milliseconds since the epoch
    expires_at: int | None = None  # seconds since the epoch: from then on nothing is left to refuse; None: never
