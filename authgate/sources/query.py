"""The operator's query -> one SELECT with one bound parameter, or why it is none."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

PARAMETER = "name"
MYSQL, POSTGRESQL = "mysql", "postgresql"

# What writes, also inside a SELECT: "into" makes tables, and files on the server, from which a session that may only
# read does not keep.
_WRITES = {"insert", "update", "delete", "merge", "into"}
_NO_SELECT = "is no SELECT; it begins with SELECT, or with WITH"


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was looked at."""

    text: str  # for SQLAlchemy: nothing in it is a parameter but ``:name``
    names: frozenset[str]  # every name in it, in small letters, among them those of the columns that it gives
    gives_all: bool  # whether it may give columns that it does not name

    def names_column(self, column: str) -> bool:
        """Whether it may give a column of this name."""
        return self.gives_all or column.lower() in self.names


def read_query(text: str, backend: str) -> Query:
    """The query, as a database of this kind (SQLAlchemy's name for it) understands quotes and comments.

    Raises:
        ValueError: it is not one SELECT whose only parameter is ``:name``; the message quotes nothing long of it.
    """
    parts = [(found.lastgroup or "", found.group()) for found in _scanner(backend).finditer(text)]
    _check_parts(parts)
    while parts and (parts[-1][0] in ("space", "comment") or parts[-1][1] == ";"):
        parts.pop()
    words = [part.lower() for kind, part in parts if kind == "word"]
    if any(part == ";" for kind, part in parts if kind == "other"):
        raise ValueError("holds more than one statement; write one SELECT")
    if not words or words[0] not in ("select", "with") or "select" not in words:
        raise ValueError(_NO_SELECT)
    if written := sorted(_WRITES & set(words)):
        raise ValueError(f"holds the word {written[0].upper()}; a source is only read (quote it where it is a name)")
    if not any(kind == "parameter" for kind, _ in parts):
        quoted = any(kind == "quoted" and f":{PARAMETER}" in part for kind, part in parts)
        why = "stands in quotes, where it is only text" if quoted else "is missing"
        raise ValueError(
            f"the parameter :{PARAMETER} {why}; write it without quotes, as in: WHERE login = :{PARAMETER}"
        )
    return Query("".join(_rendered(parts)), frozenset(_names(parts)), _gives_all(parts))


def _check_parts(parts: list[tuple[str, str]]) -> None:
    for kind, part in parts:
        if kind == "open":
            what = "comment" if part.startswith("/*") else "text in quotes"
            raise ValueError(f"has a {what} that does not end")
        if kind == "comment" and (part.startswith(("/*!", "/*M!")) or "/*" in part[2:]):
            raise ValueError("holds a comment that some databases carry out or read otherwise; remove it")
        if kind == "stranger":
            raise ValueError(f"has a parameter {part[:40]}; there is only :{PARAMETER}, the name of the user")


def _rendered(parts: list[tuple[str, str]]) -> Iterator[str]:
    """The parts with every colon escaped that begins no parameter, quoted ones too."""
    for kind, part in parts:
        # In brackets, so that a cast may follow: PostgreSQL's ``:name::text``.
        yield f"(:{PARAMETER})" if kind == "parameter" else part.replace(":", "\\:")


def _names(parts: list[tuple[str, str]]) -> Iterator[str]:
    for kind, part in parts:
        if kind == "word":
            yield part.lower()
        elif kind == "quoted":  # a name in quotes, or an alias that MySQL takes in those of a text
            yield part.strip("'\"`[]").lower()


def _gives_all(parts: list[tuple[str, str]]) -> bool:
    """Whether a ``*`` stands there that is not the one of ``count(*)``; a multiplication may pass for one."""
    solid = [part for kind, part in parts if kind not in ("space", "comment")]
    return any(part == "*" and solid[at - 1 : at] != ["("] for at, part in enumerate(solid))


@cache
def _scanner(backend: str) -> re.Pattern[str]:
    """The parts of a statement, by kind; what is no part of its own is taken character by character."""
    quotes = [r"'(?:[^']|'')*'", r'"(?:[^"]|"")*"', r"`(?:[^`]|``)*`", r"\[[^\]:]*\]"]
    comments = [r"--[^\n]*", r"/\*.*?\*/"]
    if backend == MYSQL:
        quotes = [r"'(?:[^'\\]|\\.|'')*'", r'"(?:[^"\\]|\\.|"")*"', r"`(?:[^`]|``)*`"]
        comments = [r"--(?:\s[^\n]*|$)", r"#[^\n]*", r"/\*.*?\*/"]
    elif backend == POSTGRESQL:
        quotes = [
            r"[eE]'(?:[^'\\]|\\.|'')*'",
            r"'(?:[^']|'')*'",
            r'"(?:[^"]|"")*"',
            r"\$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$",
        ]
    return re.compile(
        rf"(?P<comment>{'|'.join(comments)})|(?P<quoted>{'|'.join(quotes)})|(?P<open>/\*|['\"`])"
        rf"|(?P<parameter>(?<![:\w]):{PARAMETER}\b)|(?P<stranger>(?<![:\w]):[^\W\d]\w*)"
        r"|(?P<word>[^\W\d][\w$]*)|(?P<space>\s+)|(?P<other>::|[\w$]+|.)",
        re.DOTALL,
    )
