"""Makes a token that a verifier accepts: for first steps, scripts and tests, where no other issuer is at hand."""

import json
import uuid

from jwt import PyJWS

from authgate.errors import Refused
from authgate.names import canonical
from authgate.verifiers.claims import LATEST
from authgate.verifiers.keys import SECRET_BYTES
from authgate.verifiers.token import TokenVerifier


def issue(verifier: TokenVerifier, user: str, ttl: int, now: float) -> str:
    """A token for this user that expires ``ttl`` seconds from now.

    Raises:
        BadName: the user name cannot be one.
        Refused: the verifier holds a public key, which cannot sign, or ``ttl`` is not positive.
    """
    algorithm = verifier.algorithms[0]
    if algorithm not in SECRET_BYTES:
        raise Refused(
            f"verifier {verifier.name!r} holds a public key, and only the private one, which its issuer has, can sign"
        )
    issued_at = int(now)
    if not 0 < ttl <= LATEST - issued_at:
        raise Refused("a token lives at least 1 second and ends before the year 10000")
    claims: dict[str, object] = {
        verifier.user_claim: canonical(user),
        "iat": issued_at,
        "exp": issued_at + ttl,
        "jti": uuid.uuid4().hex,
    }
    if verifier.issuer is not None:
        claims["iss"] = verifier.issuer
    if verifier.audience:
        claims["aud"] = verifier.audience
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return PyJWS().encode(payload, verifier.key.reveal().encode(), algorithm)
