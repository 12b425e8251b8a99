"""Token text -> its parts and claims, read strictly: what two readers could understand differently is refused.

Everything here raises ``ValueError`` for a token that is not well formed.
"""

import binascii
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from authgate.errors import BadName
from authgate.names import canonical
from authgate.strictjson import read_object

LONGEST = 65_536  # characters of a token: the most that max_length can be
MAX_CLAIM = 255  # characters of a claim that rules may use
LATEST = 253_402_300_799  # the end of the year 9999, in seconds since the epoch


class Parts(NamedTuple):
    """A token in compact form (RFC 7515, 3.1), nothing in it verified."""

    header: Mapping[str, Any]
    payload: dict[str, Any]
    message: bytes  # what the signature is over
    signature: bytes


def parts(token: str) -> Parts:
    """The parts of a token. Each token has one text: padding, junk and unused bits that are set are refused."""
    message, _, signature = token.encode("ascii").rpartition(b".")
    header, payload = message.split(b".")
    return Parts(_header(header), read_object(_decoded(payload)), message, _decoded(signature))


def payload(token: str) -> dict[str, Any]:
    """What a token says, however little of a token there is around it: to tell whose it pretends to be."""
    return read_object(_decoded(token.split(".")[1].encode("ascii")))


def issuer(token: str) -> str | None:
    """Whom a token names as its issuer (``iss``), unverified: "" where it names none, None where that cannot be told.

    Of a token that no verifier can be told to take, nothing is read at all.
    """
    if len(token) > LONGEST:
        return None
    try:
        return text(payload(token), "iss") or ""
    except Exception:  # hostile tokens find exceptions that no list foresees
        return None


def text(claims: Mapping[str, Any], name: str) -> str | None:
    """A claim that is printable text, or None where it is absent."""
    return _printable(claims[name]) if name in claims else None


def texts(claims: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """A claim that is a list of printable texts, or None where it is absent."""
    if name not in claims:
        return None
    if not isinstance(claims[name], list):
        raise ValueError(name)  # noqa: TRY004 - the one exception of this module
    return tuple(map(_printable, claims[name]))


def user(claims: Mapping[str, Any], name: str) -> str:
    """The claim that names the user: text, or an integer written as text."""
    value = claims.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(name)  # noqa: TRY004 - the one exception of this module
    return value


def audience(claims: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Whom the token is for, one or several (RFC 7519, 4.1.3), or None where it does not say."""
    if isinstance(claims.get("aud"), list):
        return texts(claims, "aud")
    one = text(claims, "aud")
    return None if one is None else (one,)


def media_type(text: str) -> str:
    """A type of token as it is compared: letter case and ``application/`` before it do not count (RFC 7515, 4.1.9)."""
    if not text.isascii():  # there are letters whose small form is one of ASCII
        return text
    return text.lower() if "/" in text else f"application/{text.lower()}"


def groups(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """A claim that lists groups, by their canonical names; what can be no name is left out.

    A dotted name leads inside, as in ``others``.
    """
    found = set()
    for each in texts(*_inside(claims, name)) or ():
        with suppress(BadName):
            found.add(canonical(each))
    return frozenset(found)


def others(claims: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """Those of these claims that are printable text, or integers written as text; a dotted name leads inside."""
    found = {}
    for name in names:
        inside, last = _inside(claims, name)
        value = inside.get(last)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and 0 < len(value) <= MAX_CLAIM and value.isprintable():
            found[name] = value
    return found


def moment(claims: Mapping[str, Any], name: str) -> float | None:
    """A claim that is a time, in seconds since the epoch, or None where it is absent."""
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST:
        raise ValueError(name)
    return value


def _inside(claims: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], str]:
    """The object in which a claim stands, and what it is called there; an empty one where no such object is.

    A claim whose own name has the dots comes first.
    """
    if name in claims:
        return claims, name
    *steps, last = name.split(".")
    for step in steps:
        inner = claims.get(step)
        if not isinstance(inner, Mapping):
            return {}, last
        claims = inner
    return claims, last


def _printable(value: object) -> str:
    # No control characters and no surrogates: not every store and log takes them.
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError("not printable text")
    return value


@lru_cache(maxsize=64)  # an issuer puts the same header before all of its tokens
def _header(segment: bytes) -> Mapping[str, Any]:
    return MappingProxyType(read_object(_decoded(segment)))


def _decoded(segment: bytes) -> bytes:
    """The bytes of a base64url segment (RFC 7515, 2) that has no other way to be written."""
    over = len(segment) % 4
    if not segment or b"+" in segment or b"/" in segment or segment[-1] not in _LAST[over]:
        raise ValueError("not base64url")
    return binascii.a2b_base64(segment.translate(_ALPHABET) + _PADDING[over], strict_mode=True)


_ALPHABET = bytes.maketrans(b"-_", b"+/")
_PADDING = (b"", b"", b"==", b"=")
# By how many characters there are over a multiple of four: those that may end a segment, as their unused bits are 0.
_LAST = (
    frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
    frozenset(b""),
    frozenset(b"AQgw"),
    frozenset(b"AEIMQUYcgkosw048"),
)
