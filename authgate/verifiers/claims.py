"""Token text -> its parts and claims, read strictly: what two readers could understand differently is refused.

Everything here raises ``ValueError`` for a token that is not well formed, and says of a claim what it should be.
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


def part(token: str, at: int) -> dict[str, Any]:
    """The header (0) or the payload (1) of a token, however little of a token there is around it."""
    return read_object(_decoded(token.split(".")[at].encode("ascii")))


def issuer(token: str) -> str | None:
    """Whom a token names as its issuer (``iss``), unverified: "" where it names none, None where that cannot be told.

    Of a token that no verifier can be told to take, nothing is read at all.
    """
    if len(token) > LONGEST:
        return None
    try:
        return text(part(token, 1), "iss") or ""
    except Exception:  # hostile tokens find exceptions that no list foresees
        return None


def text(claims: Mapping[str, Any], name: str) -> str | None:
    """A claim that is printable text, or None where it is absent."""
    return _printable(claims[name], name, "text") if name in claims else None


def texts(claims: Mapping[str, Any], name: str, wanted: str = "a list of texts") -> tuple[str, ...] | None:
    """A claim that is a list of printable texts, or None where it is absent."""
    if name not in claims:
        return None
    found = claims[name]
    if not isinstance(found, list):
        raise wrong(name, found, wanted)
    return tuple(_printable(each, name, wanted, "lists") for each in found)


def user(claims: Mapping[str, Any], name: str) -> str:
    """The claim that names the user, in its canonical form: text, or an integer written as text."""
    if name not in claims:
        raise ValueError(f"it lacks the claim {name!r}, which names its user")
    value = claims[name]
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise wrong(name, value, "text or an integer")
    try:
        return canonical(value)
    except BadName as fault:
        raise ValueError(f"its claim {name!r} can name nobody: {fault}") from None


def one_or_several(claims: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """A claim that is printable text or a list of such, as of ``aud`` (RFC 7519, 4.1.3), or None where it is absent."""
    if name not in claims:
        return None
    wanted = "text or a list of texts"
    found = claims[name]
    return texts(claims, name, wanted) if isinstance(found, list) else (_printable(found, name, wanted),)


def flag(claims: Mapping[str, Any], name: str) -> bool:
    """A claim that is true or false; false where it is absent."""
    found = claims.get(name, False)
    if not isinstance(found, bool):
        raise wrong(name, found, "true or false")
    return found


def number(claims: Mapping[str, Any], name: str) -> int | None:
    """A claim that is an integer, or None where it is absent."""
    if name not in claims:
        return None
    found = claims[name]
    if isinstance(found, bool) or not isinstance(found, int):
        raise wrong(name, found, "an integer")
    return found


def wrong(name: str, value: object, wanted: str, verb: str = "is") -> ValueError:
    """What is to be raised where a claim is of another type than it should be."""
    return ValueError(f"its claim {name!r} {verb} {_kind(value)}; it must be {wanted}")


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
    inside, last = _inside(claims, name)
    for each in texts({name: inside[last]} if last in inside else {}, name) or ():
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
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(name, value, _SECONDS)
    if not 0 <= value <= LATEST:
        counts = "seems to count milliseconds" if LATEST < value <= LATEST * 1000 else "is no time until the year 9999"
        raise ValueError(f"its claim {name!r} {counts}; it must be {_SECONDS}")
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


def _printable(value: object, name: str, wanted: str, verb: str = "is") -> str:
    # No control characters and no surrogates: not every store and log takes them.
    if not isinstance(value, str) or not value:
        raise wrong(name, value, wanted, verb)
    if not value.isprintable():
        raise ValueError(f"its claim {name!r} holds characters that cannot be seen")
    return value


def _kind(value: object) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, str):
        return "text" if value else "empty text"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, Mapping) else "a number"


@lru_cache(maxsize=64)  # an issuer puts the same header before all of its tokens
def _header(segment: bytes) -> Mapping[str, Any]:
    return MappingProxyType(read_object(_decoded(segment)))


def _decoded(segment: bytes) -> bytes:
    """The bytes of a base64url segment (RFC 7515, 2) that has no other way to be written."""
    over = len(segment) % 4
    if not segment or b"+" in segment or b"/" in segment or segment[-1] not in _LAST[over]:
        raise ValueError(_NOT_BASE64)
    try:
        return binascii.a2b_base64(segment.translate(_ALPHABET) + _PADDING[over], strict_mode=True)
    except binascii.Error:
        raise ValueError(_NOT_BASE64) from None


_NOT_BASE64 = "is not base64url as there is one way to write it"
_SECONDS = "a number of seconds since 1970"
_ALPHABET = bytes.maketrans(b"-_", b"+/")
_PADDING = (b"", b"", b"==", b"=")
# By how many characters there are over a multiple of four: those that may end a segment, as their unused bits are 0.
_LAST = (
    frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
    frozenset(b""),
    frozenset(b"AQgw"),
    frozenset(b"AEIMQUYcgkosw048"),
)
