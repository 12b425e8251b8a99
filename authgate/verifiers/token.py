"""Who is the client? The signed token that it brings says so."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le

from authgate.model import Credentials, Principal, Reason, Secret
from authgate.ports import Keys, KeySource, Means, VerifyingKey
from authgate.verifiers import claims as read_claims
from authgate.verifiers.admission import UserMode, admit
from authgate.verifiers.jwks import JwksOptions
from authgate.verifiers.keys import SigningKey, keys, unknown_algorithms
from authgate.verifiers.reading import CLAIM, INVALID, Claims, Expected, Reading, fault, hold, say
from authgate.verifiers.remembered import Proven, Remembered
from authgate.verifiers.short import is_short

__all__ = ["Claims", "KeyOptions", "Reading", "TokenVerifier"]

_BEARER = "bearer "
Binding = Literal["ip", "origin", "appKey", "stream"]
_OptionalLeeway = Annotated[int, Ge(0), Le(600)] | None
_NO_TIME = float("inf")
_MEDIA_TYPE = re.compile(r"([A-Za-z0-9][\w!#$&^.+-]*/)?[A-Za-z0-9][\w!#$&^.+-]*", re.ASCII)  # RFC 6838, 4.2


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """One of several keys of a verifier, so that one can take the place of another."""

    key: Secret  # HMAC secret, or the PEM of a public key or certificate
    id: str | None = None  # kid; None: tokens need not name it
    until: datetime | None = None  # from then on it counts for nothing; UTC where it does not say; None: it stays

    def is_over(self, now: float) -> bool:
        """Whether it counts for nothing any more at a time in seconds since the epoch."""
        return now >= _until(self)


@dataclass(frozen=True, slots=True)
class _Held:
    id: str | None
    until: float  # seconds since the epoch
    keys: Mapping[str, SigningKey]  # by algorithm


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Verifies a JSON Web Token (RFC 7519) that was signed with a key of one issuer.

    The algorithm is ours, never the token header's (RFC 8725, 3.1 and 3.2), and so are the keys: ``kid`` only chooses
    among them, ``jku``, ``jwk``, ``x5u`` and their like are never followed, ``crit`` and ``b64`` are refused. ``exp``
    and the claim that names the user are required: without ``exp`` a token would be a password that nobody can
    change. A token of another issuer is left to the next verifier; one that names an audience is refused
    where none is configured (RFC 7519, 4.1.3). A prefix ``Bearer`` is taken off.

    Where ``typ`` is set, the header must have it, so that another kind of token that the same issuer signs with the
    same key is not taken for one of these (RFC 8725, 3.11).

    ``groups_claim`` names groups for the conditions of rules; the grants of such groups in the store count only
    for users whom the store has in them.

    A token is told apart from others by its ``jti``, never by its text: EC signatures have two forms.
    """

    key: Secret | None = None  # HMAC secret, or the PEM of a public key or certificate
    keys: tuple[KeyOptions, ...] = ()  # several, in place of key
    jwks: JwksOptions | None = None  # the issuer's JSON Web Key Set, in place of key
    type: Literal["token"] = "token"
    name: str = "token"
    algorithms: tuple[str, ...] = ("HS256",)  # all for one kind of key
    issuer: str | None = None  # iss, exactly; None: whoever holds the key
    audience: str | tuple[str, ...] = ()  # aud must hold one of these; (): the token must name none
    typ: str | None = None  # of the header, as "at+jwt"; None: it is not looked at
    leeway: Annotated[int, Ge(0), Le(600)] = 30  # seconds of clock drift to forgive in exp, nbf and iat
    leeway_exp: _OptionalLeeway = None  # seconds; None: leeway
    leeway_nbf: _OptionalLeeway = None  # seconds; None: leeway
    leeway_iat: _OptionalLeeway = None  # seconds; None: leeway
    verify_iat: bool = True  # False: iat may lie in the future
    max_length: Annotated[int, Ge(128), Le(read_claims.LONGEST)] = 8192  # characters
    user_claim: str = "sub"  # text or an integer
    grants_claim: str = "grants"  # a list of texts; "": none is read, and no token narrows what its user may do
    groups_claim: str | None = None  # a list of texts; a dotted name leads inside; None: tokens name no groups
    claims: tuple[str, ...] = ()  # those that grants and rewrites may use: texts, or integers as text; dots as above
    bindings: tuple[Binding, ...] = ("ip", "origin", "appKey", "stream")  # claims by which a token binds itself
    once: bool = False  # True: each token is good for one session or one stream
    users: UserMode = "required"  # optional: one who is not in the store may come too; create: and is added
    _held: tuple[_Held, ...] = field(init=False, repr=False, compare=False)
    _expected: Expected = field(init=False, repr=False, compare=False)
    _remembered: Remembered = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        audience = frozenset((self.audience,) if isinstance(self.audience, str) else self.audience)
        blank = [name for name in ("name", "issuer", "user_claim", "groups_claim") if getattr(self, name) == ""]
        faults = [f"{name}: is empty; leave it out" for name in (*blank, *(["audience"] if "" in audience else []))]
        faults += [f"claims: {name!r} is no name of a claim" for name in self.claims if not CLAIM.fullmatch(name)]
        if self.typ is not None and not _MEDIA_TYPE.fullmatch(self.typ):
            faults.append(f"typ: {self.typ!r} is no type such as 'at+jwt'")
        faults += self._key_faults()
        if faults:
            raise ValueError("\n".join(faults))
        expected = Expected(
            issuer=self.issuer,
            audience=audience,
            leeway_exp=self.leeway if self.leeway_exp is None else self.leeway_exp,
            leeway_nbf=self.leeway if self.leeway_nbf is None else self.leeway_nbf,
            leeway_iat=self.leeway if self.leeway_iat is None else self.leeway_iat,
            user_claim=self.user_claim,
            grants_claim=self.grants_claim or None,
            groups_claim=self.groups_claim,
            claims=self.claims,
            verify_iat=self.verify_iat,
            once=self.once,
            bindings=self.bindings,
        )
        object.__setattr__(self, "_expected", expected)
        object.__setattr__(self, "_remembered", Remembered())

    @property
    def key_source(self) -> KeySource | None:
        """Where its keys are, if they are not in the configuration."""
        if self.jwks is None or self.issuer is None:
            return None
        return KeySource(self.issuer, self.jwks.url or "", self.algorithms)

    def secrets(self) -> Iterator[tuple[tuple[str | int, ...], Secret]]:
        """Each key with which whoever has it can sign, with its place below the verifier."""
        if self.algorithms[0].startswith("HS"):
            if self.key is not None:
                yield ("key",), self.key
            for at, each in enumerate(self.keys):
                yield ("keys", at, "key"), each.key

    def signing_secret(self, now: float) -> tuple[Secret, str | None] | None:
        """The secret that a new token is signed with, and its ``kid``; None where there is none that can sign."""
        for (place, *rest), secret in self.secrets():
            if place == "key":
                return secret, None
            each = self.keys[int(rest[0])]
            if now < _until(each):
                return secret, each.id
        return None

    async def verify(self, offered: Credentials, means: Means) -> Principal | Reason | None:
        """The client, or the reason to reject it, or None without a token or with one of another issuer.

        Raises:
            StoreError: the user cannot be looked up, or it is not known what was revoked.
            KeysError: the issuer's keys cannot be had.
        """
        if offered.malformed:
            return Reason.CREDENTIALS_MALFORMED
        if offered.token is None:
            return None
        token = offered.token.reveal()
        if self.jwks is not None:
            await self._fetch(token, means)
        reading = self.read(token, means.now, means.keys)
        if reading is None:
            return None
        said = reading.claims
        if said is None or reading.reason is not Reason.OK:
            return reading.reason
        return await admit(said, self.name, self.users, means)

    def claimed(self, offered: Credentials, means: Means, _why: Reason) -> str | None:
        """The user that a token names, once its signature was verified."""
        reading = self.read(offered.token.reveal(), means.now, means.keys) if offered.token else None
        return reading.claims.user if reading and reading.claims else None

    def read(self, token: str, now: float, known: Keys | None = None) -> Reading | None:
        """What a token comes to at this time, before its user is looked up; None where another issuer made it.

        ``known`` are the keys of issuers that are not in the configuration.
        """
        if is_short(bare(token)):
            return None
        if len(token) > self.max_length:
            others = self.issuer is not None and read_claims.issuer(bare(token)) not in (None, "", self.issuer)
            return None if others else Reading(Reason.TOKEN_TOO_LONG)
        proven = self._remembered.find(token)
        if proven is not None and self._still_counts(proven, now, known):
            return self._reading(proven, now)
        try:
            parts = read_claims.parts(bare(token))
            if not self._is_mine(parts.payload):
                return None
            signer = self._signer(parts, now, known)
            if signer is None:
                return INVALID
            key_id, key = signer
            said = say(parts.payload, self._expected, key_id or None, parts.message)
            header = parts.header
            proven = Proven(key, header.get("kid"), header["alg"], self._is_typed(header), said)
            self._remembered.put(token, proven)
            return self._reading(proven, now)
        except Exception:
            # ValueError and BadName, in the main. But hostile tokens find exceptions that no list foresees,
            # and a token that cannot be read is never more than an invalid one.
            return INVALID

    def fault(self, payload: Mapping[str, Any]) -> str:
        """What is not well formed about the claims of a token, whoever signed it, for people; "" where nothing is."""
        return fault(payload, self._expected)

    def _is_mine(self, payload: Mapping[str, Any]) -> bool:
        issuer = read_claims.text(payload, "iss")
        return self.issuer is None or issuer is None or issuer == self.issuer

    def _is_typed(self, header: Mapping[str, Any]) -> bool:
        if self.typ is None:
            return True
        return "typ" in header and read_claims.media_type(header["typ"]) == read_claims.media_type(self.typ)

    def _reading(self, proven: Proven, now: float) -> Reading:
        reading = hold(proven.said, self._expected, now)
        return reading if proven.typed else Reading(Reason.TOKEN_TYPE, reading.claims)

    def _still_counts(self, proven: Proven, now: float, known: Keys | None) -> bool:
        """Whether the key that a token was signed with is one of ours, as it was when that was found out."""
        candidates = self._candidates(proven.key_id or None, proven.algorithm, now, known)
        return any(key is proven.key for _, key in candidates)

    def _signer(
        self, parts: read_claims.Parts, now: float, known: Keys | None
    ) -> tuple[str, VerifyingKey | SigningKey] | None:
        """The key that signed it with its ``kid``, "" where that has none; None where none of ours did."""
        header = parts.header
        kid = header.get("kid", "")
        if "crit" in header or "b64" in header or not isinstance(header.get("typ", ""), str):
            return None
        if not isinstance(kid, str) or len(kid) > read_claims.MAX_CLAIM:
            return None
        for key_id, key in self._candidates(kid or None, header["alg"], now, known):
            if key.signed(parts.message, parts.signature):
                return key_id or kid, key
        return None

    def _candidates(
        self, kid: str | None, algorithm: object, now: float, known: Keys | None
    ) -> Iterator[tuple[str | None, VerifyingKey | SigningKey]]:
        """Keys that may have signed it: by our algorithms alone, and of those that have a name, the one it names."""
        if not isinstance(algorithm, str) or algorithm not in self.algorithms:
            return
        for held in self._held:
            if now < held.until and (held.id is None or kid is None or held.id == kid):
                yield held.id, held.keys[algorithm]
        if (source := self.key_source) is not None and known is not None:
            for each in known.known(source, kid, algorithm):
                yield each.id, each

    async def _fetch(self, token: str, means: Means) -> None:
        """Have the keys there that a token of this issuer may have been signed with."""
        source = self.key_source
        if source is None or len(token) > self.max_length:
            return
        try:
            parts = read_claims.parts(bare(token))
            kid, algorithm = parts.header.get("kid", ""), parts.header["alg"]
            if read_claims.text(parts.payload, "iss") != self.issuer or not isinstance(kid, str):
                return
            if not isinstance(algorithm, str) or algorithm not in self.algorithms:
                return
        except Exception:  # it is refused when it is read
            return
        await means.keys.find(source, kid or None, algorithm)

    def _key_faults(self) -> list[str]:
        """What is wrong with the keys; those that are right are held from now on."""
        object.__setattr__(self, "_held", ())
        given = [option for option in ("key", "keys", "jwks") if getattr(self, option) not in (None, ())]
        if not given:
            return ["key: is missing; give a key, several keys, or the issuer's jwks"]
        if len(given) > 1:
            return [f"{given[1]}: goes not together with {given[0]}; give one of them"]
        if self.jwks is not None:
            faults = [] if self.issuer else ["issuer: is missing; keys of an issuer are good for its tokens only"]
            faults += filter(None, [self.jwks.fault_of_issuer(self.issuer)]) if self.issuer else []
            if any(name.startswith("HS") for name in self.algorithms):
                return [*faults, "algorithms: a key set has public keys only; name those of the issuer, such as RS256"]
            return [*faults, *filter(None, [unknown_algorithms(self.algorithms)])]
        held, faults, names = [], [], set()
        for at, each in enumerate([KeyOptions(self.key)] if self.key is not None else self.keys):
            place = "" if self.key is not None else f"keys[{at}]."
            try:
                held.append(_Held(each.id, _until(each), keys(each.key.reveal(), self.algorithms)))
            except ValueError as fault:
                lines = str(fault).splitlines()
                faults += [f"{place}{line}" if line.startswith("key: ") else line for line in lines]
            if each.id is not None and (not each.id or each.id in names):
                faults.append(f"{place}id: is empty, or another key has it too")
            names.add(each.id)
        object.__setattr__(self, "_held", tuple(held))
        return list(dict.fromkeys(faults))


def bare(token: str) -> str:
    """A token without the word that headers have before it."""
    return token[len(_BEARER) :] if token[: len(_BEARER)].lower() == _BEARER else token


def _until(key: KeyOptions) -> float:
    if key.until is None:
        return _NO_TIME
    return (key.until if key.until.tzinfo else key.until.replace(tzinfo=UTC)).timestamp()
