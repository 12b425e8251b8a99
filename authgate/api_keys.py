"""API keys: by which applications ask for tokens or administer us, and what each may do."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from authgate import bindings, grants
from authgate.errors import BadName
from authgate.issuance import Wanted
from authgate.model import Principal
from authgate.names import canonical
from authgate.patterns import Match, Pattern, read_name

S = TypeVar("S")
T = TypeVar("T")

MAX_TTL = 365 * 86_400  # seconds
MAX_RATE = 100_000  # a minute
LATEST = 253_402_300_799  # seconds since the epoch: the last of the year 9999
_PREFIX_BYTES = 5
_SECRET_BYTES = 25  # 200 bits
_KEY = re.compile(r"ak_([a-z2-7]{8})_[a-z2-7]{40}")
_CLAIM = re.compile(r"\{claim\.([^{}]+)\}")
ADMIN_SCOPES = (
    "users:read",
    "users:write",
    "tokens:read",
    "tokens:write",
    "sessions:read",
    "sessions:write",
    "streams:read",
    "streams:write",
    "bans:read",
    "bans:write",
    "records:read",
    "events:read",
    "messages:send",
    "metrics:read",
)
# What stands for the value of a claim, which is not known yet: nobody can guess it, so nothing else is like it.
_UNKNOWN = secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class ApiScope:
    """The most that an API key may ask for."""

    users: tuple[str, ...] = ()  # patterns of canonical names; (): nobody, so it gets no token
    grants: tuple[str, ...] | None = None  # each that a token names must be covered; None: any, for tokens only narrow
    apps: tuple[str, ...] = ()  # appKeys; (): any
    max_ttl: int = 3600  # seconds
    once_only: bool = False  # only tokens that are good for one session or one stream
    rate: int = 60  # requests for tokens a minute
    admin: tuple[str, ...] = ()  # of ADMIN_SCOPES; (): it administers nothing

    def __post_init__(self) -> None:
        """Raises ValueError, as ``option: why``, where it makes no sense."""
        for text in self.users:
            _explained("users", Pattern, text)
        for text in self.grants or ():
            if _explained("grants", grants.parse, text).denies:
                raise ValueError("grants: say what a key's tokens may grant; nothing else is allowed anyway")
        if self.apps:
            _explained("apps", partial(bindings.read, "appKey"), list(self.apps))
        if not 1 <= self.max_ttl <= MAX_TTL:
            raise ValueError(f"max_ttl: is 1 to {MAX_TTL} seconds")
        if not 1 <= self.rate <= MAX_RATE:
            raise ValueError(f"rate: is 1 to {MAX_RATE:,} a minute")
        for text in self.admin:
            if text not in ADMIN_SCOPES:
                raise ValueError(f"admin: there is no {text!r}; there are {', '.join(ADMIN_SCOPES)}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A row of the API keys."""

    prefix: str  # by which it is found and spoken of
    digest: str = field(repr=False)  # SHA-256 of the whole key, hexadecimal
    name: str  # for people
    scope: ApiScope
    created_at: int = 0  # milliseconds since the epoch
    expires_at: int | None = None  # seconds since the epoch; None: it stays
    last_used_at: int | None = None  # milliseconds since the epoch, to the minute; None: never


def make() -> tuple[str, str, str]:
    """A new key: its text, which is shown once, its prefix and its digest."""
    prefix, secret = _drawn(_PREFIX_BYTES), _drawn(_SECRET_BYTES)
    text = f"ak_{prefix}_{secret}"
    return text, prefix, digest(text)


def prefix_of(text: str) -> str | None:
    """The prefix of a key, or None where this is none."""
    found = _KEY.fullmatch(text)
    return found[1] if found else None


def digest(text: str) -> str:
    """What is kept of a key. It has more than enough bits of chance, so it needs no slow hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def matches(text: str, kept: str) -> bool:
    """Whether this is the key that a digest was made of; in the same time whatever is wrong with it."""
    return hmac.compare_digest(digest(text), kept)


def covers(scope: ApiScope, wanted: Wanted) -> str:
    """Why a key of this scope may not ask for this token, as ``part: why``; "" where it may."""
    try:
        user = canonical(wanted.user)
    except BadName as fault:
        return f"user: {fault}"
    if not any(Pattern(text).match(read_name(user)) is Match.YES for text in scope.users):
        return "user: this key has no leave to ask for tokens of this user"
    if wanted.ttl > scope.max_ttl:
        return f"ttl: this key's tokens live {scope.max_ttl} seconds at most"
    if scope.once_only and not wanted.once:
        return "once: this key's tokens are good for one time only"
    if scope.apps and not wanted.app_keys:
        return "app: this key's tokens must name their applications"
    if scope.apps and not {*wanted.app_keys} <= {*scope.apps}:
        return "app: this key has no leave for one of these applications"
    if scope.grants is not None and wanted.grants is None:
        return "grants: this key's tokens must name their grants"
    for text in wanted.grants or ():
        if scope.grants is not None and not covers_grant(scope.grants, text, user):
            return f"grants: this key has no leave to grant {text!r}"
    return ""


def covers_grant(allowed: Sequence[str], wanted: str, user: str) -> bool:
    """Whether one of these grants allows all that another one allows to this user. A denial only narrows.

    What stands for the value of a claim counts as text of its own: ``{claim.room}-*`` covers ``{claim.room}-1``.
    """
    try:
        asked = grants.parse(wanted)
    except ValueError:
        return False
    if asked.denies:
        return True
    claims = {name: f"{_UNKNOWN}{name}" for text in (*allowed, wanted) for name in _CLAIM.findall(text)}
    client = Principal(user, claims=claims)
    narrow = asked.pattern_for(client)
    return narrow is not None and any(_includes(text, asked.action, narrow, client) for text in allowed)


def _includes(allowed: str, action: str, narrow: Pattern, client: Principal) -> bool:
    grant = grants.parse(allowed)
    if grant.denies or grant.action not in (action, grants.EVERY):
        return False
    wide = grant.pattern_for(client)
    return wide is not None and wide.covers(narrow)


def _drawn(size: int) -> str:
    return base64.b32encode(secrets.token_bytes(size)).decode().rstrip("=").lower()


def _explained(option: str, read: Callable[[S], T], said: S) -> T:
    try:
        return read(said)
    except ValueError as fault:
        raise ValueError(f"{option}: {fault}") from None
