"""Who is the client? A token that authgate itself issued says so: a signed one, a stream key or a signed address."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, MinLen

from authgate import bindings
from authgate.errors import BadName
from authgate.model import Credentials, Principal, Reason, Secret
from authgate.names import canonical
from authgate.ports import Keys, Means
from authgate.vault import MASTER_BYTES
from authgate.verifiers import claims as read_claims
from authgate.verifiers import short
from authgate.verifiers.admission import admit
from authgate.verifiers.reading import INVALID, Claims, Expected, Reading, fault, read
from authgate.verifiers.token import bare

Algorithm = Literal["EdDSA", "ES256", "RS256", "HS256"]


@dataclass(frozen=True, slots=True)
class IssuedVerifier:
    """Verifies what authgate issued: JSON Web Tokens signed with its own keys, stream keys and signed addresses.

    The keys are in the store, sealed under ``master_keys``: the first one seals, all of them open. A token names its
    key (``kid``), and the key, not the token, says the algorithm. A stream key is looked up in the store by its
    prefix. A signed address needs no row: it says all by itself, under a MAC.
    """

    master_keys: Annotated[tuple[Secret, ...], MinLen(1)]  # of 32 bytes or more
    type: Literal["issued"] = "issued"
    name: str = "issued"
    issuer: str = "authgate"  # iss
    audience: str | tuple[str, ...] = ()  # aud of new tokens, of which each must hold one; (): they name none
    algorithm: Algorithm = "EdDSA"  # of new keys
    leeway: Annotated[int, Ge(0), Le(600)] = 30  # seconds of clock drift to forgive between nodes
    max_ttl: Annotated[int, Ge(60), Le(31_622_400)] = 86_400  # seconds that a token may live, and a retired key stays
    max_length: Annotated[int, Ge(128), Le(read_claims.LONGEST)] = 8192  # characters
    claims: tuple[str, ...] = ()  # those that grants and rewrites may use
    users: Literal["required", "optional"] = "required"  # optional: one who is not in the store may come too
    _expected: Expected = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        audience = (self.audience,) if isinstance(self.audience, str) else self.audience
        faults = [f"{name}: is empty; leave it out" for name in ("name", "issuer") if not getattr(self, name)]
        faults += ["audience: is empty; leave it out"] if "" in audience else []
        faults += [
            f"master_keys[{at}]: has {size} bytes, but {MASTER_BYTES} or more are needed"
            for at, each in enumerate(self.master_keys)
            if (size := len(each.reveal().encode("utf-8", "surrogatepass"))) < MASTER_BYTES
        ]
        faults += [
            f"master_keys[{at}]: is not Unicode text; write a key of bytes as base64 or hexadecimal"
            for at, each in enumerate(self.master_keys)
            if any("\ud800" <= character <= "\udfff" for character in each.reveal())
        ]
        if faults:
            raise ValueError("\n".join(faults))
        leeway = self.leeway
        expected = Expected(
            self.issuer, frozenset(audience), leeway, leeway, leeway, grants_claim="grants", claims=self.claims
        )
        object.__setattr__(self, "_expected", expected)

    async def verify(self, offered: Credentials, means: Means) -> Principal | Reason | None:
        """The client, or the reason to reject it, or None without a token or with one that is not ours.

        Raises:
            StoreError: the user or the key cannot be looked up, or it is not known what was revoked.
            Overloaded: too many tokens wait for keys that nobody knows.
        """
        if offered.malformed:
            return Reason.CREDENTIALS_MALFORMED
        if offered.token is None:
            return None
        token = offered.token.reveal()
        reading = await self.reading(token, means)
        if reading is None:
            return None
        said = reading.claims
        if said is None or reading.reason is not Reason.OK:
            return reading.reason
        return await admit(said, self.name, self.users, means)

    def claimed(self, offered: Credentials, means: Means, _why: Reason) -> str | None:
        """The user that a signed token names, once it was verified; a stream key would have to be looked up."""
        reading = self.read(offered.token.reveal(), means.now, means.keys) if offered.token else None
        return reading.claims.user if reading and reading.claims else None

    async def reading(self, token: str, means: Means) -> Reading | None:
        """What a token comes to before its user is looked up; None where it is not ours.

        Raises:
            StoreError: the key cannot be looked up.
            Overloaded: too many tokens wait for keys that nobody knows.
        """
        text = bare(token)
        if text.startswith(short.STREAM_KEY):
            return await self._stream_key(text, means)
        header = self._header(token)
        if header is not None:
            await means.keys.find_own(*header)
        return self.read(token, means.now, means.keys)

    def read(self, token: str, now: float, known: Keys) -> Reading | None:
        """The same by the keys that are there now, and not of stream keys."""
        text = bare(token)
        if text.startswith(short.SIGNED):
            return self._signed(text, now)
        if len(token) > self.max_length:
            return Reading(Reason.TOKEN_TOO_LONG) if read_claims.issuer(text) in (None, self.issuer) else None
        header = self._header(token)
        if header is None:
            return INVALID if read_claims.issuer(text) == self.issuer else None
        try:
            parts = read_claims.parts(text)
            key = known.known_own(*header)
            if key is None or not key.signed(parts.message, parts.signature):
                return INVALID
            return read(parts.payload, self._expected, now, header[0], parts.message)
        except Exception:  # see TokenVerifier.read
            return INVALID

    def fault(self, payload: Mapping[str, Any]) -> str:
        """What is not well formed about the claims of a token, whoever signed it, for people; "" where nothing is."""
        return fault(payload, self._expected)

    def _header(self, token: str) -> tuple[str, str] | None:
        """The key and the algorithm that a token of ours names; None where it is not ours or names none."""
        if len(token) > self.max_length:
            return None
        try:
            parts = read_claims.parts(bare(token))
        except Exception:
            return None
        kid, algorithm = parts.header.get("kid"), parts.header.get("alg")
        sound = "crit" not in parts.header and "b64" not in parts.header
        sound = sound and isinstance(parts.header.get("typ", ""), str)
        if not (sound and isinstance(kid, str) and isinstance(algorithm, str)):
            return None
        return (kid, algorithm) if parts.payload.get("iss") == self.issuer else None

    async def _stream_key(self, text: str, means: Means) -> Reading:
        prefix = short.prefix_of(text)
        key = await means.stream_keys.find(prefix) if prefix is not None else None
        if key is None or not short.matches(text, key.digest):
            return INVALID
        said = Claims(
            user=key.user,
            expires_at=key.expires_at,
            grants=(f"{key.action}:{key.pattern}",),
            token_id=key.prefix,
            issuer=self.issuer,
            issued_at=key.created_at / 1000,
            bound=_bound(key.app_key, key.action, key.pattern),
            generation=key.generation,
            once=key.once,
        )
        over = key.expires_at is not None and key.expires_at <= means.now
        return Reading(Reason.TOKEN_EXPIRED if over else Reason.OK, said)

    def _signed(self, text: str, now: float) -> Reading:
        if len(text) > self.max_length:
            return Reading(Reason.TOKEN_TOO_LONG)
        try:
            found = short.read_signed(self.master_keys, text)
            if found is None:
                return INVALID
            said, name = found
            claims = Claims(
                user=canonical(said.user),
                expires_at=said.expires_at,
                grants=(f"play:{said.pattern}",),
                token_id=name,
                issuer=self.issuer,
                issued_at=said.issued_at,
                bound=_bound(said.app_key, "play", *bindings.read("stream", said.pattern)),
                generation=said.generation,
            )
        except (ValueError, BadName):
            return INVALID
        return Reading(Reason.TOKEN_EXPIRED if said.expires_at <= now - self.leeway else Reason.OK, claims)


def _bound(app_key: str, action: str, pattern: str) -> dict[str, tuple[str, ...]]:
    bound: dict[str, tuple[str, ...]] = {"action": (action,), "stream": (pattern,)}
    if app_key:
        bound["appKey"] = (app_key,)
    return bound
