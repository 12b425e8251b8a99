"""What a file says of one user, and how its members are read from text and written as text."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from authgate.model import User


@dataclass(frozen=True, slots=True)
class Row:
    """One user, as far as the file says something of it: a member that is not named is not there."""

    line: int  # where it begins
    members: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bad:
    """What is no row, and why; without a value of it."""

    line: int  # where it begins
    why: str


class Writer(Protocol):
    """Writes users in one format."""

    head: str  # what stands before the first user

    def __init__(self, *, hashes: bool) -> None: ...

    def text(self, user: User, groups: Sequence[str]) -> str | None:
        """What stands for a user; None where this format cannot hold it."""


def moment(text: str) -> int:
    """Seconds since the epoch, from an ISO 8601 time (UTC where it says none) or from these seconds, 9 digits or more.

    Eight digits are a day, as ISO 8601 has it: ``20260131``. Fractions of a second are cut off.

    Raises:
        ValueError: it is neither.
    """
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is neither a time such as 2026-01-31T12:00Z nor seconds since 1970") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def time_of(text: str) -> int | None:
    """A time in a file; None where it is empty or ``none``.

    Raises:
        ValueError: it is no time.
    """
    return None if text.strip().lower() in _NOTHING else moment(text)


def number_of(text: str) -> int | None:
    """A whole number; None where it is empty or ``none``.

    Raises:
        ValueError: it is no number.
    """
    text = text.strip()
    if text.lower() in _NOTHING:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ValueError("is neither a number of 0 or more, nor none")
    return int(text)


def truth_of(text: str) -> bool:
    """Yes or no.

    Raises:
        ValueError: it is neither.
    """
    try:
        return _TRUTHS[text.strip().lower()]
    except KeyError:
        raise ValueError("is true or false") from None


def list_of(text: str) -> tuple[str, ...]:
    """A JSON list of texts where it begins with a bracket, else what stands between its spaces.

    Raises:
        ValueError: it begins as JSON and is no list of texts.
    """
    if not text.lstrip().startswith("["):
        return tuple(text.split())
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("is no JSON list of texts") from None
    return texts(found)


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, list) or not all(isinstance(each, str) and not _HALF.search(each) for each in value):
        raise ValueError("is no list of texts")
    return tuple(value)


def grants_of(text: str) -> tuple[str, ...] | None:
    """A list of grants; None, no list, where it is empty.

    Raises:
        ValueError: it begins as JSON and is no list of texts.
    """
    return list_of(text) if text.strip() else None


def iso(seconds: int | None) -> str | None:
    """A time as it is written."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def same(text: str) -> str:
    """The text as it is."""
    return text


def some(text: str) -> str | None:
    """The text as it is; None where it is empty."""
    return text or None


# Every member that a file may name, with how it is read from text.
COLUMNS: dict[str, Callable[[str], Any]] = {
    "name": same,
    "display": some,
    "enabled": truth_of,
    "hash": some,
    "password": some,
    "grants": grants_of,
    "groups": list_of,
    "not_before": time_of,
    "expires_at": time_of,
    "max_sessions": number_of,
    "notes": same,
    "source": some,
    "known_as": some,
}
WORD = re.compile(r"[a-z][a-z0-9_ -]{0,39}")  # what is shown of a column that is unknown: it may be a hash
WRITTEN = tuple(name for name in COLUMNS if name != "password")

_NOTHING = ("", "none")
_SECONDS = re.compile(r"[0-9]{9,12}")
_TRUTHS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
_HALF = re.compile(r"[\ud800-\udfff]")
