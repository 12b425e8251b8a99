"""Long lists, a page at a time: a cursor says where the next one begins, and is nobody's to read."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from authgate.server.admin.operation import Answer
from authgate.server.admin.problems import Problem
from authgate.server.admin.schema import Schema, or_null, shown, text, whole

T = TypeVar("T")

MOST = 500  # entries of a page
_DEFAULT = 100

QUERY: Mapping[str, Schema] = {
    "limit": whole("Entries at most.", 1, MOST) | {"default": _DEFAULT},
    "after": text("`next` of the page before.", most=4000),
}


def page_of(entry: Schema) -> dict[str, Any]:
    """The schema of a page of such entries."""
    found = or_null(text("What `after` is for the next page; null: this is the last."))
    del found["minLength"], found["maxLength"]
    return shown({"items": {"type": "array", "items": entry}, "next": found})


def page(
    found: Sequence[T], limit: int, show: Callable[[T], Mapping[str, Any]], after: Callable[[T], tuple[str, ...]]
) -> Answer:
    """The answer, where one entry more than ``limit`` was asked for; ``after`` says where the next page begins."""
    these = found[:limit]
    more = cursor(after(these[-1])) if len(found) > limit else None
    return Answer({"items": [show(each) for each in these], "next": more})


def cursor(place: tuple[str, ...]) -> str:
    """A place in a list, as text for addresses."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def place(text: str, parts: int, name: str = "after") -> tuple[str, ...]:
    """The place that a ``cursor`` of so many parts is.

    Raises:
        Problem: it is none.
    """
    try:
        found = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    texts = isinstance(found, list) and len(found) == parts and all(isinstance(each, str) for each in found)
    if not texts or any("\0" in each or not _whole(each) for each in found):
        raise Problem(400, f"{name}: is none that was given out")
    return tuple(found)


def _whole(text: str) -> bool:
    """Whether all characters of it are whole."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
