"""A token that was judged -> why, in plain words, with the mistake that is behind it where it can be told."""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from authgate.model import Reason

if TYPE_CHECKING:
    from authgate.admin import TokenReport
    from authgate.verifiers import AnyVerifier
    from authgate.verifiers.issued import IssuedVerifier
    from authgate.verifiers.token import TokenVerifier

    TokenVerifiers = TokenVerifier | IssuedVerifier

_DRIFT = 600  # seconds that clocks are apart by mistake
_BEARER = "bearer "
_SHORT = ("sk_", "su~")


def explain(report: "TokenReport", token: str, verifiers: Sequence["AnyVerifier"]) -> str:
    """One sentence or two; of the token only its header, issuer, audience and bindings are in it."""
    verifier = report.verifier
    if verifier is None or verifier.type == "password":
        return _unrecognised(token, verifiers)
    if report.reason is Reason.TOKEN_INVALID:
        return _invalid(_bare(token), verifier)
    if report.valid and report.bound:
        return f"{_LIVE[Reason.OK]}, where it keeps to what the token is bound to: {', '.join(report.bound)}"
    said = _CUT_OFF if report.cut_off else _LIVE.get(report.reason) or _of_claims(report, token, verifier)
    return said.replace("{user}", report.subject or "")


# What is wrong with the world and not with the token.
_LIVE = {
    Reason.OK: "the client is let in",
    Reason.TOKEN_REVOKED: "it was revoked: itself, or all of its issuer, of its key or of a user who is not in the "
    "store; authgate token revocations lists which. Issue a new one",
    Reason.TOKEN_USED: "it is good for one session or stream, and that has begun, or is about to with another client",
    Reason.KEYS_UNAVAILABLE: "the keys of its issuer cannot be fetched; see: authgate key status",
    Reason.USER_UNKNOWN: "it is in order, but its user is not in the store; "
    "run: authgate user add {user} --no-password",
    Reason.USER_DISABLED: "it is in order, but its user is disabled; run: authgate user enable {user}",
    Reason.USER_EXPIRED: "it is in order, but its user has expired; "
    "run: authgate user set {user} --expires none, or give another time",
    Reason.USER_NOT_YET_VALID: "it is in order, but its user is not let in yet; "
    "authgate user show {user} says from when on",
}
_CUT_OFF = (
    "its user was cut off after it was issued: by another password, other grants or groups, by being disabled or "
    "deleted, or by token revoke --user. authgate user show {user} tells its generation now, and cut_off_at; "
    "of these, authgate token revocations lists deleted users only. Issue a new one"
)


def _of_claims(report: "TokenReport", token: str, verifier: "TokenVerifiers") -> str:
    payload = _part(_bare(token), 1) or {}
    match report.reason:
        case Reason.TOKEN_TOO_LONG:
            text = (
                f"it has {len(token)} characters; max_length of verifier {verifier.name!r} allows {verifier.max_length}"
            )
        case Reason.TOKEN_EXPIRED:
            text = f"its time (exp) is over{_since(report)}; issue a new one"
        case Reason.TOKEN_NOT_YET_VALID:
            text = "its time (nbf or iat) has not come: compare the clock of its issuer with this machine's"
        case Reason.TOKEN_ISSUER:
            text = f"it does not say who made it (iss), and the verifier wants {verifier.issuer!r}"
        case Reason.TOKEN_AUDIENCE:
            wanted = ", ".join([verifier.audience] if isinstance(verifier.audience, str) else verifier.audience)
            said = payload.get("aud", "nobody in particular")
            text = f"it is for {said!r} (aud), and the verifier wants {wanted or 'none named'}; see verifiers.audience"
        case Reason.TOKEN_TYPE if verifier.type == "token":
            said = (_part(_bare(token), 0) or {}).get("typ")
            has = "no typ" if said is None else f"typ {said!r}"
            text = f"its header has {has}, and verifier {verifier.name!r} wants {verifier.typ!r}; see verifiers.typ"
        case reason:
            text = str(reason)
    return text


def _since(report: "TokenReport") -> str:
    over = time.time() - (report.expires_at or 0)
    if over > _DRIFT:
        return ""
    return f" since {over:.0f} seconds, which may be a clock that is not set right: compare both machines'"


def _unrecognised(token: str, verifiers: Sequence["AnyVerifier"]) -> str:
    issuers = [each.issuer for each in verifiers if each.type != "password"]
    if not issuers:
        return 'no verifier of the configuration takes tokens; add [[verifiers]] with type = "token"'
    if _bare(token).startswith(_SHORT):
        return 'it is for a verifier of type = "issued", and the configuration has none'
    from authgate.verifiers import claims

    try:
        said = claims.text(_part(_bare(token), 1) or {}, "iss")
    except ValueError as fault:
        return str(fault)
    if said is None:
        return _shape(_bare(token)) or f"it does not say who made it (iss), and there are {_listed(issuers)}"
    return f"it was made by {said!r} (iss), and the verifiers want {_listed(issuers)}"


def _listed(issuers: Sequence[str | None]) -> str:
    return ", ".join(map(repr, issuers))


def _shape(token: str) -> str:
    """What is wrong with the text itself, or ""."""
    if not token:
        return "it is empty"
    if token[0] in "\"'" or token[-1] in "\"'":
        return "it stands in quotes; take them away"
    if any(c.isspace() for c in token):
        return "there is white space in it: it was broken when it was copied"
    if token.startswith(_SHORT):
        return "it is cut off, changed, or was revoked"
    if token.count(".") != 2:
        return f"it has {token.count('.') + 1} parts between dots; a token has three"
    if _part(token, 0) is None or _part(token, 1) is None:
        return "its header or its payload is not JSON in base64url: it is cut off, or no token at all"
    return ""


def _invalid(token: str, verifier: "TokenVerifiers") -> str:
    """The first mistake that shows."""
    if fault := _shape(token) or _unreadable(token):
        return fault
    header, payload = _part(token, 0) or {}, _part(token, 1) or {}
    if fault := _of_header(header, verifier) or verifier.fault(payload):
        return fault
    kid = header.get("kid")
    if verifier.type == "issued":
        return (
            f"it was signed with a key that is not ours any more, or never was, or changed since (kid {kid!r}); "
            "see: authgate key list"
        )
    if verifier.jwks is not None:
        return (
            f"it was signed with a key (kid {kid!r}) that its issuer does not publish, or changed since; "
            "see: authgate key status"
        )
    if any(each.id == kid and each.is_over(time.time()) for each in verifier.keys if each.id is not None):
        return f"it names key {kid!r} (kid), whose time (until) is over in verifier {verifier.name!r}; issue a new one"
    return (
        f"it was signed with another key than that of verifier {verifier.name!r}, or changed since. A key that its "
        "issuer decodes from base64 must be given here as the decoded text"
    )


def _unreadable(token: str) -> str:
    """Why the header or the payload of a token that seems to have them is not read, or ""."""
    from authgate.verifiers import claims

    for at, name in enumerate(("header", "payload")):
        try:
            claims.part(token, at)
        except ValueError as fault:
            return f"its {name} {fault}; others could read it otherwise"
    return ""


def _of_header(header: Mapping[str, Any], verifier: "TokenVerifiers") -> str:
    """What is wrong with a header, or ""."""
    for name in ("crit", "b64"):
        if name in header:
            return f"its header has {name!r}, which no verifier takes"
    for name in ("typ", "kid"):
        if not isinstance(header.get(name, ""), str):
            return f"its header has a {name} that is no text"
    algorithm = header.get("alg")
    if verifier.type == "token" and algorithm not in verifier.algorithms:
        taken = ", ".join(verifier.algorithms)
        return (
            f"it is signed with {algorithm!r}, and verifier {verifier.name!r} takes {taken}; see verifiers.algorithms"
        )
    return ""


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
