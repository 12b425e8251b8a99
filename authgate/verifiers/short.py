"""Tokens for address fields that are short: stream keys, which the store knows, and signed ones, which nobody keeps.

A stream key is ``sk_PREFIX_SECRET``; the store has its digest only. A signed token is

    su~EXPIRES~ISSUED~GENERATION~USER~APPKEY~PATTERN~MAC

with times in seconds and the generation in base 36, texts as they are or, after ``!``, in base64url, and a MAC of 128
bits (HMAC-SHA256, cut as RFC 2104, 5 allows) over all that is before it. It allows to play what its pattern fits.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from authgate.model import Secret
from authgate.vault import derived

STREAM_KEY = "sk_"
SIGNED = "su~"
_SECRET_BYTES = 20  # 160 bits
_PREFIX_BYTES = 5
_MAC_BYTES = 16
_USE = b"authgate: signed addresses"
_FIELDS = 8
_NAME_DIGITS = 32  # hexadecimal
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signed token says."""

    user: str  # canonical name
    expires_at: int  # seconds since the epoch
    issued_at: int  # seconds since the epoch
    pattern: str  # of the names of streams
    app_key: str = ""  # "": any
    generation: int | None = None  # of its user; None: the store has none


def is_short(text: str) -> bool:
    """Whether a text is meant to be one of these; no JSON Web Token begins so."""
    return text.startswith((STREAM_KEY, SIGNED))


def new_stream_key() -> tuple[str, str]:
    """A fresh stream key, and the prefix by which it is found."""
    prefix = _base32(_PREFIX_BYTES)
    return f"{STREAM_KEY}{prefix}_{_base32(_SECRET_BYTES)}", prefix


def prefix_of(text: str) -> str | None:
    """The prefix of a stream key, or None where the text is no such key."""
    found = _KEY.fullmatch(text)
    return found[1] if found else None


def digest(text: str) -> str:
    """What the store keeps of a key. It needs no slow hash: nobody guesses 160 random bits."""
    return hashlib.sha256(text.encode()).hexdigest()


def matches(text: str, kept: str) -> bool:
    """Whether this key made the digest; how long that takes tells nothing."""
    return hmac.compare_digest(digest(text), kept)


def signed(master: Secret, said: Signed) -> str:
    """A signed token."""
    generation = "" if said.generation is None else _base36(said.generation)
    times = (_base36(said.expires_at), _base36(said.issued_at), generation)
    head = SIGNED + "~".join((*times, *map(_written, (said.user, said.app_key, said.pattern))))
    return f"{head}~{_mac(master, head)}"


def read_signed(masters: tuple[Secret, ...], text: str) -> tuple[Signed, str] | None:
    """What a signed token says, and a name by which it is told from others and that is not secret; None: none of ours.

    Raises:
        ValueError: it is ours and says nothing that can be understood, which nobody else can have done.
    """
    head, _, mac = text.rpartition("~")
    if not text.isascii() or not any(hmac.compare_digest(_mac(master, head), mac) for master in masters):
        return None
    fields = text.split("~")
    if len(fields) != _FIELDS:
        raise ValueError("it has other fields")
    _, expires_at, issued_at, generation, user, app_key, pattern, _ = fields
    said = Signed(
        _read(user),
        int(expires_at, 36),
        int(issued_at, 36),
        _read(pattern),
        _read(app_key),
        int(generation, 36) if generation else None,
    )
    return said, digest(text)[:_NAME_DIGITS]


def _mac(master: Secret, head: str) -> str:
    made = hmac.digest(derived(master, _USE), head.encode(), "sha256")[:_MAC_BYTES]
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _written(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    return "!" + base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _read(text: str) -> str:
    if not text.startswith("!"):
        return text
    return base64.urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4)).decode()


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"


def _base32(size: int) -> str:
    return base64.b32encode(secrets.token_bytes(size)).decode().lower().rstrip("=")


_KEY = re.compile(rf"{STREAM_KEY}([a-z2-7]{{8}})_[a-z2-7]{{32}}")
_PLAIN = re.compile(r"(?!!)[A-Za-z0-9_.@*-]*")
