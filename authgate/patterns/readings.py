"""Text -> everything that somebody may read in it.

Each way to read is one step, which a reader takes or does not take, in any order: so all ways are followed, and
what they lead to is folded again. A text that leads to too much is not read at all.
"""

import re
from collections.abc import Iterator

from authgate.patterns.address import split, with_port, without_port, written_otherwise
from authgate.patterns.fold import BYTE, folded, seen
from authgate.patterns.percent import decoded

MAX_READINGS = 24  # of the name as a whole
MAX_MEANT = 64  # of what may be meant by it
MAX_CHARACTERS = 16_384  # of all readings together


def exact(text: str) -> tuple[str, ...]:
    """What the name as a whole may be understood as, first of all itself; () where there are too many ways."""
    found = dict.fromkeys(map(without_port, folded(text)))
    todo = list(found)
    left = MAX_CHARACTERS - sum(map(len, found))
    for reading in todo:  # grows
        if left < 0 or len(found) > MAX_READINGS:
            return ()
        for step in _steps(reading):
            if step == reading and step.isascii():
                continue
            for each in map(without_port, folded(step)):
                if each not in found:
                    found[each] = None
                    todo.append(each)
                    left -= len(each)
    return tuple(found)


def wide(readings: tuple[str, ...]) -> tuple[str, ...] | None:
    """What may be meant by a name that is understood so: the path of an address, the last part of a path, a number.

    None where that is too much.
    """
    found = {each.strip(): None for reading in readings for each in _meant(reading)}
    found |= {each.replace("+", " "): None for each in (*readings, *found) if "+" in each}
    meant = tuple(each for each in found if each and each not in readings)
    return meant if len(meant) <= MAX_MEANT else None


def _steps(text: str) -> Iterator[str]:
    """Each reading that is one step away."""
    if "%" in text:
        yield from decoded(text)
    if "\\" in text:
        yield text.replace("\\", "/")
    if not text.isprintable() or not text.isascii():
        yield seen(text)
        yield BYTE.sub("", text)
        yield _ENDS.split(text, maxsplit=1)[0]
    yield text.strip()
    if not _MARKS.search(text):
        return
    for mark in "?#;":
        if mark in text:
            yield text.partition(mark)[0]
    yield _PARAMETERS.sub("", text)
    yield _TRAILING.sub("", text)
    yield _SPACED.sub("/", text)
    yield from written_otherwise(text)
    before, path = split(text)
    yield before + _stripped(path, before)
    yield before + _MANY_SLASHES.sub("/", path)
    yield before + _stripped(_resolved(path), before)


def _stripped(path: str, before: str) -> str:
    """A path without the slashes at its ends; one after a host stays."""
    return ("/" if before and path.startswith("/") else "") + path.strip("/")


def _resolved(path: str) -> str:
    """A path without empty parts, ``.`` and ``..`` (RFC 3986, 5.2.4)."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if path.startswith("/") else "") + "/".join(parts)


def _meant(text: str) -> Iterator[str]:
    if "/" in text:
        yield text.rpartition("/")[2]
        yield split(text)[1].lstrip("/")
        _, scheme, rest = text.rpartition("://")
        if scheme:
            for path in (rest, rest.partition("/")[2].lstrip("/")):
                yield path
                yield _resolved(path)
            yield with_port(text)
            if "/" not in rest:
                yield f"{text}/"
    called = text
    if found := _CALLED.match(text):
        called = found[1]
        yield called
    if _NUMBER.fullmatch(called):
        yield _SEPARATORS.sub("", called)


_MARKS = re.compile(r"[/:?#;.]")  # without one of these there is nothing to cut or to put in order
_ENDS = re.compile(r"[\0\r\n]")  # where C and protocols of lines stop reading
_PARAMETERS = re.compile(r";[^/]*")  # of each part of a path
_TRAILING = re.compile(r"(?<=[^./:])[. ]+(?=/|\Z)")  # what some file systems leave out
_SPACED = re.compile(r"\s*/\s*")
_MANY_SLASHES = re.compile(r"//+")
_CALLED = re.compile(r"(?:sips?|tel):/*(?=[^/])([^@;:?]*)")
_NUMBER = re.compile(r"\+?[0-9(][0-9(). -]*")
_SEPARATORS = re.compile(r"[(). -]")  # RFC 3966, 5.1.1
