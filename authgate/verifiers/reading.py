"""The claims of a signed token -> what they say, and whether that holds for us and now."""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from authgate import bindings
from authgate.model import Issued, Reason
from authgate.value import value
from authgate.verifiers import claims as read_claims

GENERATION = "authgate_gen"  # our own claim: the generation of its user when the token was issued
ONCE = "once"  # true: good for one session or one stream


@value(frozen=True, slots=True)
class Claims:
    """What a well formed token says, once its signature was verified."""

    user: str  # canonical name
    expires_at: int | None  # seconds since the epoch; None: never, which only a stream key can be
    grants: tuple[str, ...] | None = None  # None: it says nothing
    token_id: str | None = None  # jti
    groups: frozenset[str] = frozenset()  # canonical names
    others: Mapping[str, str] = field(default_factory=dict)  # claims that rules may use
    issuer: str | None = None  # iss
    issued_at: float | None = None  # seconds since the epoch
    key_id: str | None = None  # of the key that signed it
    bound: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # see bindings
    generation: int | None = None  # of its user when it was issued
    once: bool = False
    message: str = field(default="", compare=False)  # digest of what was signed, where it has no jti

    @property
    def issued(self) -> Issued:
        """What it is known by when it is to be revoked; by its user where it names no generation."""
        user = self.user if self.generation is None else ""
        return Issued(user, self.token_id, self.issuer, self.key_id, self.issued_at, self.once)

    def told_apart(self, verifier: str) -> str:
        """A digest that no other token has: of its issuer and ``jti``, else of what was signed.

        Nobody comes from it to the token, and of one without an issuer it is that of the verifier alone.
        """
        if self.token_id is None:
            return self.message
        whose = f"iss\n{self.issuer}" if self.issuer is not None else f"verifier\n{verifier}"
        return _digest(f"{whose}\n{self.token_id}".encode("utf-8", "surrogatepass"))


class Said(NamedTuple):
    """The claims of a token, and when and for whom they hold."""

    claims: Claims
    begins_at: float | None  # nbf, in seconds since the epoch
    ends_at: float  # exp, in seconds since the epoch
    audience: tuple[str, ...] | None  # None: it names none


@value(frozen=True, slots=True)
class Reading:
    """What a token comes to before its user is looked up: OK or why not, and what it says where that is proven."""

    reason: Reason
    claims: Claims | None = None


INVALID = Reading(Reason.TOKEN_INVALID)


@value(frozen=True, slots=True)
class Expected:
    """What the claims of a token have to be, and where they stand."""

    issuer: str | None
    audience: frozenset[str]  # empty: the token must name none
    leeway_exp: int  # seconds
    leeway_nbf: int  # seconds
    leeway_iat: int  # seconds
    user_claim: str = "sub"
    grants_claim: str | None = None
    groups_claim: str | None = None
    claims: tuple[str, ...] = ()  # those that rules may use
    verify_iat: bool = True
    once: bool = False  # whether every token is good for one time only
    bindings: tuple[str, ...] = bindings.CLAIMS  # the claims that bind a token


def read(
    payload: Mapping[str, Any], expected: Expected, now: float, key_id: str | None, message: bytes = b""
) -> Reading:
    """What the claims of a signed token come to: well formed at all, then for us, not too early, not too late.

    ``message`` is what the signature is over. ``iat`` and ``nbf`` lie in the future only within their leeway (RFC 7519,
    4.1.5 and 4.1.6), ``exp`` is required.

    Raises:
        ValueError: they are not well formed.
    """
    return hold(say(payload, expected, key_id, message), expected, now)


def say(payload: Mapping[str, Any], expected: Expected, key_id: str | None, message: bytes) -> Said:
    """What the claims of a signed token say, whenever they are read.

    Raises:
        ValueError: they are not well formed.
    """
    said, begins_at, audience = _well_formed(payload, expected, key_id)
    if said.token_id is None:
        said = replace(said, message=_digest(message))
    return Said(said, begins_at, payload["exp"], audience)


def hold(said: Said, expected: Expected, now: float) -> Reading:
    """Whether what they say holds for us at a time in seconds since the epoch."""
    claims = said.claims
    if expected.issuer is not None and claims.issuer is None:
        return Reading(Reason.TOKEN_ISSUER, claims)
    if expected.audience.isdisjoint(said.audience) if said.audience is not None else expected.audience:
        return Reading(Reason.TOKEN_AUDIENCE, claims)
    if said.begins_at is not None and said.begins_at > now + expected.leeway_nbf:
        return Reading(Reason.TOKEN_NOT_YET_VALID, claims)
    if expected.verify_iat and claims.issued_at is not None and claims.issued_at > now + expected.leeway_iat:
        return Reading(Reason.TOKEN_NOT_YET_VALID, claims)
    if said.ends_at <= now - expected.leeway_exp:
        return Reading(Reason.TOKEN_EXPIRED, claims)
    return Reading(Reason.OK, claims)


def fault(payload: Mapping[str, Any], expected: Expected) -> str:
    """What is not well formed about the claims of a token, whoever signed it, for people; "" where nothing is."""
    try:
        _well_formed(payload, expected, None)
    except ValueError as found:
        return str(found)
    return ""


def _well_formed(
    payload: Mapping[str, Any], expected: Expected, key_id: str | None
) -> tuple[Claims, float | None, tuple[str, ...] | None]:
    """What the claims say, from when on they hold, and for whom they are."""
    expires_at = read_claims.moment(payload, "exp")
    if expires_at is None:
        raise ValueError("it lacks the claim 'exp', which says until when it is good")
    begins_at, issued_at = read_claims.moment(payload, "nbf"), read_claims.moment(payload, "iat")
    audience = read_claims.one_or_several(payload, "aud")
    said = Claims(
        user=read_claims.user(payload, expected.user_claim),
        expires_at=math.floor(expires_at),
        grants=read_claims.texts(payload, expected.grants_claim) if expected.grants_claim else None,
        token_id=read_claims.text(payload, "jti"),
        groups=read_claims.groups(payload, expected.groups_claim) if expected.groups_claim else _NO_GROUPS,
        others=read_claims.others(payload, expected.claims) if expected.claims else _NOTHING,
        issuer=read_claims.text(payload, "iss"),
        issued_at=issued_at,
        key_id=key_id,
        bound=_bound(payload, expected.bindings),
        generation=read_claims.number(payload, GENERATION),
        once=read_claims.flag(payload, ONCE) or expected.once,
    )
    if said.token_id is not None and len(said.token_id) > read_claims.MAX_CLAIM:
        raise ValueError(f"its claim 'jti' has more than {read_claims.MAX_CLAIM} characters")
    if said.once and said.token_id is None:
        raise ValueError("it is good for one time and has no jti, so it could not be told from others")
    return said, begins_at, audience


def _bound(payload: Mapping[str, Any], claims: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    found = {claim: _binding(payload, claim) for claim in claims if claim in payload}
    return found or _NOTHING


def _binding(payload: Mapping[str, Any], claim: str) -> tuple[str, ...]:
    try:
        return bindings.read(claim, payload[claim])
    except ValueError as why:
        read_claims.one_or_several(payload, claim)  # which says of what type it should be
        raise ValueError(f"its claim {claim!r} cannot be kept to: {why}") from None


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


CLAIM = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")  # as placeholders can name it
_NO_GROUPS: frozenset[str] = frozenset()
_NOTHING: Mapping[str, Any] = MappingProxyType({})
