"""What is wanted -> a token: signed with our own key, or with the secret of a verifier."""

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jwt import PyJWS

from authgate import bindings
from authgate.errors import Refused, SigningError
from authgate.grants import parse as parse_grant
from authgate.issuance import Token, Wanted
from authgate.model import Reason, Secret, User
from authgate.names import canonical
from authgate.ports import Users
from authgate.signing.ring import Ring
from authgate.verifiers.claims import LATEST
from authgate.verifiers.issued import IssuedVerifier
from authgate.verifiers.reading import GENERATION, ONCE
from authgate.verifiers.token import TokenVerifier

Verifier = TokenVerifier | IssuedVerifier


@dataclass(frozen=True, slots=True)
class Issuer:
    """Issues tokens that one verifier accepts: obeys ``ports.Issuer``."""

    verifier: Verifier
    users: Users
    ring: Ring
    look: Callable[[], Awaitable[None]]  # has the ring hold what the store has

    async def issue(self, wanted: Wanted, now: float) -> Token:
        """See ``ports.Issuer``."""
        name = canonical(wanted.user)
        check(self.verifier, wanted, now)
        user = await subject(self.verifier, self.users, name, now)
        claims = _claims(self.verifier, wanted, name, now)
        if user is not None and user.generation >= 0:  # one that is drawn from a hash would help to guess passwords
            claims[GENERATION] = user.generation
        payload = json.dumps(claims, separators=(",", ":")).encode()
        key_id: str | None
        if isinstance(self.verifier, IssuedVerifier):
            await self.look()
            key = self.ring.signer()
            if key is None:
                raise SigningError("there is no key to sign with; run: authgate key generate")
            text, key_id = key.sign(payload), key.id
        else:
            text, key_id = _by_secret(self.verifier, payload, now)
        if len(text) > self.verifier.max_length:
            raise Refused(f"the token would have {len(text)} characters, and {self.verifier.max_length} are taken")
        return Token(Secret(text), name, claims["jti"], claims["exp"], key_id)

    async def public_keys(self) -> Sequence[Mapping[str, Any]]:
        """See ``ports.Issuer``."""
        await self.look()
        return self.ring.public()


async def subject(verifier: Verifier, users: Users, name: str, now: float, *, early: bool = False) -> User | None:
    """The user whom something is issued to at a time in seconds since the epoch; None where the store need have none.

    ``early``: also to one whose time has not come yet.

    Raises:
        Refused: the user would not be let in.
        StoreError: the store is away or too slow.
    """
    user = await users.find(name)
    if user is None and verifier.users == "required":
        raise Refused(f"there is no user {name!r}, and verifier {verifier.name!r} lets in users of the store only")
    refusal = user.refusal(now) if user is not None else None
    if refusal is not None and not (early and refusal is Reason.USER_NOT_YET_VALID):
        said, remedy = _REFUSED[refusal]
        command = f"run: authgate user {remedy.format(name=name)}"
        origin = user.origin if user is not None else None
        raise Refused(f"user {name!r} {said}", f"{command}, or see user source {origin.source}" if origin else command)
    return user


def check(verifier: Verifier, wanted: Wanted, now: float) -> None:
    """Come back if such a token can be issued.

    Raises:
        Refused: it cannot; with why.
    """
    if not 0 < wanted.ttl <= LATEST - int(now):
        raise Refused("a token lives at least 1 second and ends before the year 10000")
    if isinstance(verifier, IssuedVerifier) and wanted.ttl > verifier.max_ttl:
        raise Refused(f"a token lives {verifier.max_ttl} seconds at most", f"see max_ttl of verifier {verifier.name!r}")
    for grant in wanted.grants or ():
        try:
            parse_grant(grant)
        except ValueError as fault:
            raise Refused(f"{grant!r}: {fault}") from None
    bound(wanted)


def bound(wanted: Wanted) -> dict[str, tuple[str, ...]]:
    """The claims that bind a token, as they are compared.

    Raises:
        Refused: one could never be kept to; with why.
    """
    every = {"ip": wanted.addresses, "origin": wanted.origins, "appKey": wanted.app_keys, "stream": wanted.streams}
    try:
        return {claim: bindings.asked_for(claim, texts) for claim, texts in every.items() if texts}
    except ValueError as fault:
        raise Refused(str(fault)) from None


def _claims(verifier: Verifier, wanted: Wanted, name: str, now: float) -> dict[str, Any]:
    user_claim = "sub" if isinstance(verifier, IssuedVerifier) else verifier.user_claim
    grants_claim = "grants" if isinstance(verifier, IssuedVerifier) else verifier.grants_claim
    claims: dict[str, Any] = {
        user_claim: name,
        "iat": int(now),
        "exp": int(now) + wanted.ttl,
        "jti": uuid.uuid4().hex,
    }
    if verifier.issuer is not None:
        claims["iss"] = verifier.issuer
    if verifier.audience:
        claims["aud"] = verifier.audience if isinstance(verifier.audience, str) else list(verifier.audience)
    if wanted.grants is not None:
        if not grants_claim:
            raise Refused(f"verifier {verifier.name!r} reads no grants from tokens", "set its grants_claim")
        claims[grants_claim] = list(wanted.grants)
    for claim, value in bound(wanted).items():
        claims[claim] = value[0] if len(value) == 1 else list(value)
    if wanted.once:
        claims[ONCE] = True
    return claims


def _by_secret(verifier: TokenVerifier, payload: bytes, now: float) -> tuple[str, str | None]:
    found = verifier.signing_secret(now)
    if found is None:
        raise SigningError(
            f"verifier {verifier.name!r} holds public keys, and only the private one, which its issuer has, can sign"
        )
    secret, key_id = found
    named = {"kid": key_id, "typ": verifier.typ}
    headers = {name: value for name, value in named.items() if value is not None}
    return PyJWS().encode(payload, secret.reveal().encode(), verifier.algorithms[0], headers=headers), key_id


_REFUSED = {
    Reason.USER_DISABLED: ("is disabled", "enable {name}"),
    Reason.USER_EXPIRED: ("has expired", "set {name} --expires none"),
    Reason.USER_NOT_YET_VALID: ("is not let in yet", "set {name} --not-before none"),
}
