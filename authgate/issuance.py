"""The values that travel when something is issued or revoked; does nothing."""

from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class Revocation:
    """What is not valid any more, though it was signed."""

    kind: str  # jti, user, issuer or key
    value: str
    before: int | None = None  # milliseconds since the epoch: what was issued until then; None: whenever
    made_at: int = 0  # milliseconds since the epoch
    expires_at: int | None = None  # seconds since the epoch: from then on nothing is left to refuse; None: never
