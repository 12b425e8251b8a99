"""JSON lines: an object for each user, read strictly."""

import json
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from authgate.model import User
from authgate.strictjson import read_object
from authgate.userfiles.rows import COLUMNS, WORD, Bad, Row, Writer, iso, moment, texts
from authgate.userfiles.source import text


def rows(lines: Iterator[tuple[int, bytes]]) -> Iterator[Row | Bad]:
    """A row for each line. Empty lines are passed over."""
    for line, raw in lines:
        if not raw.strip():
            continue
        try:
            text(raw)
            yield Row(line, _members(read_object(raw)))
        except ValueError as fault:
            yield Bad(line, str(fault))


class JsonLines(Writer):
    """Writes users as JSON lines, each with all its fields."""

    head = ""

    def __init__(self, *, hashes: bool) -> None:
        self._hashes = hashes

    def text(self, user: User, groups: Sequence[str]) -> str:
        """One line."""
        source, known_as = user.adopted or (None, None)
        members = {
            "name": user.name,
            "display": user.display,
            "enabled": user.enabled,
            "hash": user.hash,
            "grants": user.grants,
            "groups": list(groups),
            "not_before": iso(user.not_before),
            "expires_at": iso(user.expires_at),
            "max_sessions": user.max_sessions,
            "notes": user.notes,
            "source": source,
            "known_as": known_as,
        }
        if not self._hashes:
            del members["hash"]
        return json.dumps(members, ensure_ascii=False) + "\n"


def _members(given: dict[str, Any]) -> dict[str, Any]:
    if "name" not in given:
        raise ValueError("has no name")
    members = {}
    for name, value in given.items():
        read = _READ.get(name)
        if read is None:
            near = get_close_matches(name, COLUMNS, 1)
            shown = f" {name!r}" if WORD.fullmatch(name) else ""
            raise ValueError(f"has an unknown member{shown}; {f'did you mean {near[0]!r}?' if near else _KNOWN}")
        try:
            members[name] = read(value)
        except ValueError as fault:
            raise ValueError(f"{name}: {fault}") from None
    return members


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("is no text")  # noqa: TRY004 - one kind of fault for the caller
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("is true or false")  # noqa: TRY004
    return value


def _time(value: Any) -> int:
    return moment(value) if isinstance(value, str) else _number(value)


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("is no whole number")  # noqa: TRY004
    return value


def _or_null(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


_READ: dict[str, Callable[[Any], Any]] = {
    "name": _text,
    "display": _or_null(_text),
    "enabled": _truth,
    "hash": _or_null(_text),
    "password": _or_null(_text),
    "grants": _or_null(texts),
    "groups": texts,
    "not_before": _or_null(_time),
    "expires_at": _or_null(_time),
    "max_sessions": _or_null(_number),
    "notes": _text,
    "source": _or_null(_text),
    "known_as": _or_null(_text),
}
_KNOWN = f"there are {', '.join(_READ)}"
