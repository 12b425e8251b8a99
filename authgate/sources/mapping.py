"""A row of a source -> a user. What cannot be understood keeps its user out: it may have forbidden something."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from authgate.errors import BadName
from authgate.grants import parse as parse_grant
from authgate.model import Origin, User
from authgate.names import MAX_LENGTH, canonical
from authgate.sources.options import Columns

MAX_HASH = 512  # characters; what the store takes
MAX_LIST = 65_535  # characters
_LATEST = 253_402_300_799  # the end of the year 9999, in seconds since the epoch
_TRUE = {"1", "t", "true", "y", "yes", "on"}
_FALSE = {"0", "f", "false", "n", "no", "off", ""}
_BETWEEN = re.compile(r"[\s,]+")


class Unusable(Exception):
    """A row that says nothing that could be understood; the message names the column's meaning, and no secret."""


class OtherUser(Exception):
    """A row of somebody else: the database takes two names for the same that are not."""


def mapped(source: str, columns: Columns, name: str, row: Mapping[str, Any]) -> User:
    """The user that a row is of, who was asked for by this canonical name.

    Raises:
        OtherUser: it is of another.
        Unusable: it cannot be understood.
    """
    known_as = _text(row[columns.name], "name")
    try:
        found = canonical(known_as)
    except BadName:
        raise OtherUser from None
    if found != name:
        raise OtherUser
    stored = _hash(row[columns.hash])
    version = version_of(source, stored)
    return User(
        name,
        _display(columns, row, known_as),
        _enabled(columns, row),
        stored,
        grants=_grants(_value(columns.grants, row)),
        groups=_groups(_value(columns.groups, row)),
        not_before=_moment(_value(columns.not_before, row), "not_before"),
        expires_at=_moment(_value(columns.expires_at, row), "expires_at"),
        generation=version,
        origin=Origin(source, known_as, version),
    )


def refused(source: str, name: str) -> User:
    """A user of a source of whom nothing is known but that nobody is let in as this user."""
    version = version_of(source, None)
    return User(name, name, enabled=False, generation=version, origin=Origin(source, name, version))


def version_of(source: str, stored: str | None) -> int:
    """A number that changes with the hash; below 0, so that it is none of the store's generations.

    It stays in the store and in memory: where hashes have no salt, it would help to guess passwords.
    """
    digest = hashlib.blake2b(f"{source}\n{stored or ''}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return -1 - (int.from_bytes(digest) >> 1)


def _value(column: str | None, row: Mapping[str, Any]) -> Any:
    return None if column is None else row[column]


def _text(value: Any, what: str) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            raise Unusable(f"{what}: is no text") from None
    if not isinstance(value, str):
        raise Unusable(f"{what}: is {'null' if value is None else 'no text'}")
    return value


def _hash(value: Any) -> str | None:
    if value is None:
        return None
    stored = _text(value, "hash").strip()  # a column of a fixed width fills it up
    if len(stored) > MAX_HASH:
        raise Unusable(f"hash: has more than {MAX_HASH} characters")
    return stored or None


def _display(columns: Columns, row: Mapping[str, Any], known_as: str) -> str:
    value = _value(columns.display, row)
    given = ("" if value is None else _seen(_text(value, "display"))) or _seen(known_as)
    return given[:MAX_LENGTH]


def _seen(text: str) -> str:
    return "".join(c for c in text if c.isprintable()).strip()


def _enabled(columns: Columns, row: Mapping[str, Any]) -> bool:
    enabled = True
    if columns.enabled is not None:
        word = _word(row[columns.enabled])
        if columns.enabled_values:
            enabled = word is not None and word in columns.enabled_values
        elif word is not None and word.lower() not in _TRUE | _FALSE:
            raise Unusable("enabled: is neither true nor false; say what means enabled in columns.enabled_values")
        else:
            enabled = word is not None and word.lower() in _TRUE
    if columns.disabled is not None:
        word = _word(row[columns.disabled])
        enabled = enabled and (word is None or word.lower() in _FALSE)
    return enabled


def _word(value: Any) -> str | None:
    """A value as it is compared; None: null."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | bytearray) and len(value) == 1 and value[0] < 2:
        return str(value[0])  # MySQL's BIT(1)
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace").strip()
    return str(value).strip()


def _list(value: Any, what: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    found = value
    if not isinstance(value, list | tuple):
        text = _text(value, what).strip()
        if len(text) > MAX_LIST:
            raise Unusable(f"{what}: has more than {MAX_LIST:,} characters")
        if text.startswith("["):
            try:
                found = json.loads(text)
            except (ValueError, RecursionError):
                raise Unusable(f"{what}: begins like a list in JSON, and is none") from None
        else:
            found = [each for each in _BETWEEN.split(text) if each]
    if not all(isinstance(each, str) for each in found):
        raise Unusable(f"{what}: is a list of other things than text")
    return tuple(dict.fromkeys(found))


def _grants(value: Any) -> tuple[str, ...] | None:
    found = _list(value, "grants")
    for text in found or ():
        try:
            parse_grant(text)
        except ValueError as fault:
            raise Unusable(f"grants: {text[:80]!r}: {fault}") from None
    return found


def _groups(value: Any) -> frozenset[str]:
    try:
        return frozenset(canonical(each) for each in _list(value, "groups") or ())
    except BadName as fault:
        raise Unusable(f"groups: {fault}") from None


def _moment(value: Any, what: str) -> int | None:
    """Seconds since the epoch; UTC where a time does not say."""
    if value is None:
        return None
    if isinstance(value, str) and value.strip().isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise Unusable(f"{what}: is no time such as 2026-01-31T12:00Z") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, datetime):
        value = (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not -_LATEST <= value <= _LATEST:
        raise Unusable(f"{what}: is no time, and no seconds since the epoch before the year 10000")
    return int(value)
