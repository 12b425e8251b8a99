"""A token that was judged -> why, in plain words, with the mistake that is behind it where it can be told."""

import base64
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from authgate.model import Reason

if TYPE_CHECKING:
    from authgate.admin import TokenReport
    from authgate.verifiers import AnyVerifier
    from authgate.verifiers.token import TokenVerifier

_MILLISECONDS = 100_000_000_000  # seconds until the year 5138: a greater time counts something else
_BEARER = "bearer "


def explain(report: "TokenReport", token: str, verifiers: Sequence["AnyVerifier"]) -> str:
    """One sentence or two; nothing of the token is in it but its header's algorithm, its issuer and its audience."""
    verifier = report.verifier
    if verifier is None:
        return _unrecognised(token, verifiers)
    payload = _part(_bare(token), 1) or {}
    match report.reason:
        case Reason.OK:
            return "the client is let in"
        case Reason.TOKEN_INVALID:
            return _invalid(_bare(token), verifier)
        case Reason.TOKEN_TOO_LONG:
            return f"it has {len(token)} characters; verifiers.max_length allows {verifier.max_length}"
        case Reason.TOKEN_EXPIRED:
            return "its time (exp) is over; issue a new one"
        case Reason.TOKEN_NOT_YET_VALID:
            return "its time (nbf or iat) has not come: compare the clock of its issuer with this machine's"
        case Reason.TOKEN_ISSUER:
            return f"it does not say who made it (iss), and the verifier wants {verifier.issuer!r}"
        case Reason.TOKEN_AUDIENCE:
            wanted = ", ".join([verifier.audience] if isinstance(verifier.audience, str) else verifier.audience)
            return (
                f"it is for {payload.get('aud')!r} (aud), and the verifier wants {wanted or 'none named'}; "
                "see verifiers.audience"
            )
        case Reason.USER_UNKNOWN:
            command = f"authgate user add {report.subject} --no-password"
            return f"it is in order, but its user is not in the store; run: {command}"
        case Reason.USER_DISABLED:
            return f"it is in order, but its user is disabled; run: authgate user enable {report.subject}"
        case reason:
            return str(reason)


def _unrecognised(token: str, verifiers: Sequence["AnyVerifier"]) -> str:
    issuers = [each.issuer for each in verifiers if each.type == "token"]
    if not issuers:
        return 'no verifier of the configuration takes tokens; add [[verifiers]] with type = "token"'
    said = (_part(_bare(token), 1) or {}).get("iss")
    return f"it was made by {said!r} (iss), and the verifiers want {', '.join(map(repr, issuers))}"


def _invalid(token: str, verifier: "TokenVerifier") -> str:
    """The first mistake that shows."""
    if not token:
        return "it is empty"
    if token[0] in "\"'" or token[-1] in "\"'":
        return "it stands in quotes; take them away"
    if any(c.isspace() for c in token):
        return "there is white space in it: it was broken when it was copied"
    if token.count(".") != 2:
        return f"it has {token.count('.') + 1} parts between dots; a token has three"
    header, payload = _part(token, 0), _part(token, 1)
    if header is None or payload is None:
        return "its header or its payload is not JSON in base64url: it is cut off, or no token at all"
    algorithm, taken = header.get("alg"), ", ".join(verifier.algorithms)
    if algorithm not in verifier.algorithms:
        return (
            f"it is signed with {algorithm!r}, and verifier {verifier.name!r} takes {taken}; see verifiers.algorithms"
        )
    for claim in ("exp", verifier.user_claim):
        if claim not in payload:
            return f"it lacks the claim {claim!r}, or was signed with another key"
    for claim in ("exp", "nbf", "iat"):
        value = payload.get(claim)
        if isinstance(value, str):
            return f"its claim {claim!r} is text; it must be a number of seconds since 1970"
        if isinstance(value, int | float) and value > _MILLISECONDS:
            return f"its claim {claim!r} seems to count milliseconds; it must be seconds since 1970"
    return (
        f"it was signed with another key than that of verifier {verifier.name!r}, or changed since. A key that its "
        "issuer decodes from base64 must be given here as the decoded text"
    )


def _bare(token: str) -> str:
    return token[len(_BEARER) :].strip() if token[: len(_BEARER)].lower() == _BEARER else token


def _part(token: str, at: int) -> dict[str, Any] | None:
    """One part of a token as far as it can be read, unverified."""
    try:
        text = token.split(".")[at].encode("ascii")
        value = json.loads(base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)))
    except (ValueError, IndexError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
