"""CSV as RFC 4180 has it, in UTF-8, with a header: bytes -> rows, and users -> text."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from authgate.errors import Refused
from authgate.model import User
from authgate.userfiles.rows import COLUMNS, WORD, WRITTEN, Bad, Row, Writer, iso
from authgate.userfiles.source import MAX_LINE, text


def rows(lines: Iterator[tuple[int, bytes]]) -> Iterator[Row | Bad]:
    """The rows below the header. Empty lines are passed over.

    Raises:
        Refused: the header cannot be one, or a quote that opens is not closed, so that nobody knows where rows end.
    """
    records = _records(lines)
    head = next(records, None)
    if head is None:
        raise Refused("the file is empty; its first line is to name the columns: name,hash")
    line, fields, why = head
    if why:
        raise Refused(f"line {line}: {why}")
    columns = _columns(line, fields)
    width = len(columns)
    for line, fields, why in records:
        if why:
            yield Bad(line, why)
        elif len(fields) != width:
            advice = "; a value with commas, as of argon2, stands in quotes" if len(fields) > width else ""
            yield Bad(line, f"has {len(fields)} fields, and the header has {width}{advice}")
        else:
            yield _row(line, columns, fields)


class Csv(Writer):
    """Writes users as CSV, each with all its fields."""

    def __init__(self, *, hashes: bool) -> None:
        self._columns = tuple(name for name in WRITTEN if hashes or name != "hash")
        self.head = ",".join(self._columns) + _END

    def text(self, user: User, groups: Sequence[str]) -> str:
        """One record."""
        source, known_as = user.adopted or ("", "")
        values = {
            "name": user.name,
            "display": user.display,
            "enabled": "true" if user.enabled else "false",
            "hash": user.hash or "",
            "grants": "" if user.grants is None else json.dumps(user.grants, ensure_ascii=False),
            "groups": json.dumps(list(groups), ensure_ascii=False) if groups else "",
            "not_before": iso(user.not_before) or "",
            "expires_at": iso(user.expires_at) or "",
            "max_sessions": "" if user.max_sessions is None else str(user.max_sessions),
            "notes": user.notes,
            "source": source,
            "known_as": known_as,
        }
        return ",".join(_quoted(values[name]) for name in self._columns) + _END


def _row(line: int, columns: Sequence[tuple[str, Callable[[str], Any]]], fields: Sequence[str]) -> Row | Bad:
    members: dict[str, Any] = {}
    for (name, read), value in zip(columns, fields, strict=True):
        try:
            members[name] = read(value)
        except ValueError as fault:
            return Bad(line, f"{name}: {fault}")
    return Row(line, members)


def _records(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, list[str], str]]:
    """Each record: the line it begins at, its fields, and why it is none ("": it is one)."""
    for line, raw in lines:
        if not raw:
            continue
        try:
            record = text(raw)
        except ValueError as fault:
            yield line, [], str(fault)
            continue
        if '"' not in record:
            yield (line, record.split(","), "") if "\r" not in record else (line, [], _BARE_END)
        elif record.count('"') % 2 and not _OPEN.fullmatch(record):
            yield line, [], _BARE_QUOTE
        else:
            yield _over_lines(line, record, lines)


def _over_lines(line: int, record: str, lines: Iterator[tuple[int, bytes]]) -> tuple[int, list[str], str]:
    """A record with quotes, which may go on in the lines that follow."""
    parts, quotes, size, last, why = [record], record.count('"'), len(record), line, ""
    while quotes % 2:
        last, raw = next(lines, (0, b""))
        size += len(raw)
        if not last or size > MAX_LINE:
            raise Refused(f"line {line}: a quote opens that is not closed, so nobody knows where the row ends")
        try:
            more = text(raw)
        except ValueError as fault:
            more, why = raw.decode(errors="replace"), str(fault)
        parts.append(more)
        quotes += more.count('"')
    whole = "\n".join(parts)
    if not why and not _WHOLE.fullmatch(whole):
        why = _BARE_QUOTE
    if why and last > line:
        why += f" (the row ends in line {last})"
    return line, [] if why else [_plain(found[0]) for found in _FIELD.finditer(whole)], why


def _columns(line: int, names: Sequence[str]) -> list[tuple[str, Callable[[str], Any]]]:
    """What each column holds.

    Raises:
        Refused: a column is unknown or there twice, or no column has the name. What is no word is not shown: a file
            without a header begins with a user, and perhaps with its hash.
    """
    found = [name.strip().lower() for name in names]
    if "name" not in found:
        odd = next((mark for mark in (";", "\t") if "name" in names[0].lower().split(mark)), "")
        advice = "; columns are parted by commas" if odd else ""
        raise Refused(f"line {line}: the header has no column name{advice}; it is to be such as name,hash")
    for place, name in enumerate(found, 1):
        if name not in COLUMNS:
            near = get_close_matches(name, COLUMNS, 1)
            shown = repr(name) if WORD.fullmatch(name) else f"number {place}"
            known = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(COLUMNS)}"
            raise Refused(f"line {line}: no such column: {shown}; {known}")
        if found.index(name) != place - 1:
            raise Refused(f"line {line}: the column {name!r} is there twice")
    return [(name, COLUMNS[name]) for name in found]


def _plain(piece: str) -> str:
    return piece[1:-1].replace('""', '"') if piece.startswith('"') else piece


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if _MARKS.search(value) else value


_END = "\r\n"
_BARE_QUOTE = "has a quote in the middle of a field; a field with quotes is quoted itself, with each of them doubled"
_BARE_END = "has a carriage return in the middle"
_MARKS = re.compile(r'[",\r\n]|^ | $')
# Possessive, so that no row takes longer than its length.
_ONE = r'(?:"(?:[^"]|"")*+"|[^",\r\n]*+)'
_FIELD = re.compile(rf"(?:^|(?<=,)){_ONE}(?=,|\Z)")
_WHOLE = re.compile(rf"{_ONE}(?:,{_ONE})*+")
_OPEN = re.compile(rf'(?:{_ONE},)*+"(?:[^"]|"")*+')
