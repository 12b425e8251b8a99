"""JSON read so that no other reader can understand it otherwise (RFC 8259, and RFC 7493 where that is open)."""

import json
import math
import re
from typing import Any, NoReturn

MAX_DEPTH = 200  # levels of nesting; the media server's own parser stops at 1,000
MAX_VALUES = 10_000  # values, about: what a client sends must not keep everybody else waiting while it is read


def read_object(document: bytes) -> dict[str, Any]:
    """The one JSON object in these bytes.

    Raises:
        ValueError: not UTF-8, not one JSON object, with a key twice, a number that is none or beyond a
            double, half a character, too deep, or with too many values. Its words hold nothing of the
            document.
    """
    try:
        text = document.decode()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    brackets = text.count("[") + text.count("{")
    if brackets > MAX_DEPTH or brackets + text.count(",") > MAX_VALUES:
        _measure(text)
    try:
        value = _DECODER.decode(text)
    except _NotStrictError as fault:
        raise ValueError(str(fault)) from None
    except ValueError:  # also a number of more than 4,300 digits
        raise ValueError("is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object")  # noqa: TRY004 - one kind of fault for the caller
    if _SURROGATE.search(text) and not _encodable(value):
        raise ValueError("holds half a character (a lone surrogate)")
    return value


class _NotStrictError(ValueError):
    """JSON to the standard library, and not to us."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _NotStrictError("holds a key twice")
    return value


def _constant(name: str) -> NoReturn:
    raise _NotStrictError(f"holds {name}")


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _NotStrictError("holds a number that is too large")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)


def _measure(text: str) -> None:
    """Refuse what is nested too deep or has too many values, leaving out what is inside strings."""
    depth = values = 0
    for found in _MARKS.finditer(text):
        mark = found[0]
        if mark in "]}":
            depth -= 1
        elif mark[0] != '"':
            values += 1
            depth += mark != ","
        if depth > MAX_DEPTH:
            raise ValueError(f"is nested more than {MAX_DEPTH} levels deep")
        if values > MAX_VALUES:
            raise ValueError(f"holds more than {MAX_VALUES:,} values")


# A string, closed or not, or a mark; possessive, so that no text takes longer than its length.
_MARKS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _encodable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
