"""Who is the client? The signed token that it brings says so."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le

from authgate.model import Credentials, Principal, Reason, Secret
from authgate.names import canonical
from authgate.ports import Means
from authgate.verifiers import claims as read_claims
from authgate.verifiers.keys import SigningKey, keys

_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Claims:
    """What a well formed token says, once its signature was verified."""

    user: str  # canonical name
    expires_at: int  # seconds since the epoch
    grants: tuple[str, ...] | None = None  # None: it says nothing
    token_id: str | None = None  # jti
    groups: frozenset[str] = frozenset()  # canonical names
    others: Mapping[str, str] = field(default_factory=dict)  # claims that rules may use


@dataclass(frozen=True, slots=True)
class Reading:
    """What a token comes to before its user is looked up: OK or why not, and what it says where that is proven."""

    reason: Reason
    claims: Claims | None = None


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Verifies a JSON Web Token (RFC 7519) that was signed with one key.

    The algorithm is ours, never the token header's (RFC 8725, 3.1 and 3.2), and so is the key: ``kid``,
    ``jku``, ``jwk``, ``x5u`` and their like are never followed, ``crit`` and ``b64`` are refused. ``exp`` and
    the claim that names the user are required: without ``exp`` a token would be a password that nobody can
    change. A token of another issuer is left to the next verifier; one that names an audience is refused
    where none is configured (RFC 7519, 4.1.3). A prefix ``Bearer`` is taken off.

    ``groups_claim`` names groups for the conditions of rules; the grants of such groups in the store count only
    for users whom the store has in them.

    A token is told apart from others by its ``jti``, never by its text: EC signatures have two forms.
    """

    key: Secret  # HMAC secret, or the PEM of a public key or certificate
    type: Literal["token"] = "token"
    name: str = "token"
    algorithms: tuple[str, ...] = ("HS256",)  # all for one kind of key
    issuer: str | None = None  # iss, exactly; None: whoever holds the key
    audience: str | tuple[str, ...] = ()  # aud must hold one of these; (): the token must name none
    leeway: Annotated[int, Ge(0), Le(600)] = 30  # seconds of clock drift to forgive in exp, nbf and iat
    max_length: Annotated[int, Ge(128), Le(65536)] = 8192  # characters
    user_claim: str = "sub"  # text or an integer
    grants_claim: str | None = None  # a list of texts; None: tokens grant nothing
    groups_claim: str | None = None  # a list of texts; a dotted name leads inside; None: tokens name no groups
    claims: tuple[str, ...] = ()  # those that grants and rewrites may use: texts, or integers as text; dots as above
    users: Literal["required", "optional"] = "required"  # optional: a user who is not in the store may come too
    _keys: dict[str, SigningKey] = field(init=False, repr=False, compare=False)
    _audience: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        audience = frozenset((self.audience,) if isinstance(self.audience, str) else self.audience)
        blank = [
            name
            for name in ("name", "issuer", "user_claim", "grants_claim", "groups_claim")
            if getattr(self, name) == ""
        ]
        faults = [f"{name}: is empty; leave it out" for name in (*blank, *(["audience"] if "" in audience else []))]
        faults += [f"claims: {name!r} is no name of a claim" for name in self.claims if not _CLAIM.fullmatch(name)]
        try:
            object.__setattr__(self, "_keys", keys(self.key.reveal(), self.algorithms))
        except ValueError as fault:
            faults.append(str(fault))
        if faults:
            raise ValueError("\n".join(faults))
        object.__setattr__(self, "_audience", audience)

    async def verify(self, offered: Credentials, means: Means) -> Principal | Reason | None:
        """The client, or the reason to reject it, or None without a token or with one of another issuer.

        Raises:
            StoreError: the user cannot be looked up.
        """
        if offered.malformed:
            return Reason.CREDENTIALS_MALFORMED
        if offered.token is None:
            return None
        reading = self.read(offered.token.reveal(), means.now)
        if reading is None:
            return None
        said = reading.claims
        if said is None or reading.reason is not Reason.OK:
            return reading.reason
        user = await means.users.find(said.user)
        if user is None and self.users == "required":
            return Reason.USER_UNKNOWN
        if user is not None and not user.enabled:
            return Reason.USER_DISABLED
        stored = user is not None
        return Principal(
            said.user, self.name, said.grants, said.expires_at, said.token_id, stored, said.groups, said.others
        )

    def claimed(self, offered: Credentials, now: float) -> str | None:
        """The user that a token names, once its signature was verified."""
        reading = self.read(offered.token.reveal(), now) if offered.token else None
        return reading.claims.user if reading and reading.claims else None

    def read(self, token: str, now: float) -> Reading | None:
        """What a token comes to at this time, before its user is looked up; None where another issuer made it."""
        if len(token) > self.max_length:
            return Reading(Reason.TOKEN_TOO_LONG)
        if token[: len(_BEARER)].lower() == _BEARER:
            token = token[len(_BEARER) :]
        try:
            parts = read_claims.parts(token)
            issuer = read_claims.text(parts.payload, "iss")
            if self.issuer is not None and issuer is not None and issuer != self.issuer:
                return None
            return self._reading(parts.payload, now) if self._signed(parts) else _INVALID
        except Exception:
            # ValueError and BadName, in the main. But hostile tokens find exceptions that no list foresees,
            # and a token that cannot be read is never more than an invalid one.
            return _INVALID

    def _signed(self, parts: read_claims.Parts) -> bool:
        header = parts.header
        if "crit" in header or "b64" in header or not isinstance(header.get("kid", ""), str):
            return False
        key = self._keys.get(header["alg"])
        return key is not None and key.signed(parts.message, parts.signature)

    def _reading(self, payload: Mapping[str, Any], now: float) -> Reading:
        """What the claims of a signed token come to: well formed at all, then for us, not too early, not too late."""
        expires_at = read_claims.moment(payload, "exp")
        if expires_at is None:
            raise ValueError("exp is missing")
        begins_at = max(read_claims.moment(payload, "nbf") or 0, read_claims.moment(payload, "iat") or 0)
        audience = read_claims.audience(payload)
        said = Claims(
            user=canonical(read_claims.user(payload, self.user_claim)),
            expires_at=math.floor(expires_at),
            grants=read_claims.texts(payload, self.grants_claim) if self.grants_claim else None,
            token_id=read_claims.text(payload, "jti"),
            groups=read_claims.groups(payload, self.groups_claim) if self.groups_claim else _NO_GROUPS,
            others=read_claims.others(payload, self.claims) if self.claims else _NOTHING,
        )
        if self.issuer is not None and "iss" not in payload:
            return Reading(Reason.TOKEN_ISSUER, said)
        if self._audience.isdisjoint(audience) if audience is not None else self._audience:
            return Reading(Reason.TOKEN_AUDIENCE, said)
        if begins_at > now + self.leeway:
            return Reading(Reason.TOKEN_NOT_YET_VALID, said)
        if expires_at <= now - self.leeway:
            return Reading(Reason.TOKEN_EXPIRED, said)
        return Reading(Reason.OK, said)


_CLAIM = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")  # as placeholders can name it
_NO_GROUPS: frozenset[str] = frozenset()
_NOTHING: Mapping[str, str] = MappingProxyType({})
_INVALID = Reading(Reason.TOKEN_INVALID)
