"""A pattern of names, and how sure it is to match one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from itertools import takewhile
from typing import cast

from authgate.patterns.address import without_port
from authgate.patterns.fold import begins_with_mark, fold
from authgate.patterns.name import Name

MAX_PATTERN = 512  # characters
_JOINERS = "\u200c\u200d"


class Match(IntEnum):
    """How sure it is that a name is one of those that are meant."""

    NO = 0  # no way to read it
    MAYBE = 1  # one way to read it, or what may be meant by it
    YES = 2  # every way to read it


class _Wild(Enum):
    ONE = "?"
    ANY = "*"


_Token = str | _Wild


@dataclass(frozen=True, slots=True)
class Pattern:
    """A glob over the whole name: ``*`` any characters, also slashes and none; ``?`` one; ``\\`` the next one itself.

    Letter case and Unicode's compatible forms do not count; what counts as one character is the folded one.
    """

    text: str
    _tokens: tuple[_Token, ...] = field(init=False, repr=False, compare=False)
    _pieces: tuple["_Piece", ...] = field(init=False, repr=False, compare=False)  # between the ``*``
    _matches_all: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tokens = _tokens(self.text)
        object.__setattr__(self, "_tokens", tokens)
        object.__setattr__(self, "_pieces", tuple(_pieces(tokens)))
        object.__setattr__(self, "_matches_all", tokens == (_Wild.ANY,))

    def match(self, name: Name) -> Match:
        """Whether the name is one of those that are meant. ``*`` means every name, and alone means the empty one."""
        if self._matches_all:
            return Match.YES
        exact = name.exact
        if len(exact) == 1:
            if self._fits(exact[0]):
                return Match.YES
        elif not exact:
            return Match.MAYBE
        else:
            hits = [self._fits(reading) for reading in exact]
            if any(hits):
                return Match.YES if all(hits) else Match.MAYBE
        wide = name.wide
        return Match.MAYBE if wide is None or any(self._fits(reading) for reading in wide) else Match.NO

    def covers(self, other: "Pattern") -> bool:
        """Whether each name that the other matches for sure is matched by this one for sure; False where unsure."""
        return _covers(self._tokens, other._tokens)

    @property
    def beginning(self) -> str:
        """The folded text that a reading of a name begins with which it matches."""
        return "".join(takewhile(lambda token: isinstance(token, str), cast("Sequence[str]", self._tokens)))

    @property
    def sure(self) -> bool:
        """Whether there are names that it matches for sure: not so where its own text can be read in several ways."""
        return any(self.match(Name(sample)) is Match.YES for sample in self._samples())

    def _samples(self) -> Iterator[str]:
        for anything in ("x", ""):
            wild = {_Wild.ONE: "x", _Wild.ANY: anything}
            yield "".join(token if isinstance(token, str) else wild[token] for token in self._tokens)

    def _fits(self, text: str) -> bool:
        first, *others = self._pieces
        if not others:
            return first.size == len(text) and first.at(text, 0)
        last = others.pop()
        end = len(text) - last.size
        at = first.size
        if at > end or not first.at(text, 0) or not last.at(text, end):
            return False
        for piece in others:  # the first place is the best one: it leaves most to those after it
            at = piece.after(text, at, end)
            if at < 0:
                return False
        return True


class _Piece:
    """What stands between two ``*``: characters, of which some may be any."""

    __slots__ = ("_literal", "_regex", "size")

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self.size = len(tokens)
        self._literal = "".join(token for token in tokens if isinstance(token, str))
        # Nothing in it repeats, so there is nothing to go back to.
        self._regex = None if len(self._literal) == self.size else re.compile(_regex(tokens), re.DOTALL)

    def at(self, text: str, place: int) -> bool:
        """Whether it stands at this place."""
        if self._regex is None:
            return text.startswith(self._literal, place)
        return self._regex.match(text, place) is not None

    def after(self, text: str, start: int, end: int) -> int:
        """Where it ends, at its first place between these two; -1 for nowhere."""
        if self._regex is None:
            place = text.find(self._literal, start, end)
            return place + self.size if place >= 0 else -1
        found = self._regex.search(text, start, end)
        return found.end() if found else -1


def escaped(text: str) -> str:
    """A pattern's text that means these very characters."""
    return _WILD.sub(r"\\\g<0>", text)


_WILD = re.compile(r"[*?\\]")


def _regex(tokens: Sequence[_Token]) -> str:
    return "".join(re.escape(token) if isinstance(token, str) else "." for token in tokens)


def _tokens(text: str) -> tuple[_Token, ...]:
    """The folded characters of a pattern and its wildcards; of several in a row, each ``?`` first, then one ``*``.

    Raises:
        ValueError: it is no pattern; with why.
    """
    if not text:
        raise ValueError("a pattern is not empty; '*' is every name")
    if len(text) > MAX_PATTERN:
        raise ValueError(f"a pattern has at most {MAX_PATTERN} characters")
    if not all(char.isprintable() or char in _JOINERS for char in text):
        raise ValueError("a pattern holds no control or invisible characters")
    runs = list(_runs(text))
    if isinstance(runs[0], str):
        runs[0] = _address(runs[0], len(runs) == 1)
    tokens: list[_Token] = []
    for run in runs:
        if isinstance(run, str):
            if tokens and begins_with_mark(run):
                raise ValueError("a pattern has no mark right after a wildcard that would belong to a letter before it")
            tokens += run
        elif tokens and tokens[-1] is _Wild.ANY:
            tokens[-1:] = [_Wild.ANY] if run is _Wild.ANY else [_Wild.ONE, _Wild.ANY]
        else:
            tokens.append(run)
    return tuple(tokens)


def _runs(text: str) -> Iterator[_Token]:
    """The wildcards of a pattern, and the folded text between them."""
    literal = ""
    chars = iter(text)
    for char in chars:
        if char == "\\":
            char = next(chars, "")
            if not char:
                raise ValueError(r"a pattern does not end in a backslash; '\\' is one")
        elif char in "*?":
            if literal:
                yield fold(literal)
            literal = ""
            yield _Wild(char)
            continue
        literal += char
    if literal:
        yield fold(literal)


def _address(start: str, whole: bool) -> str:
    """The start of a pattern without its scheme's own port, where it is sure that the port ends in it."""
    return without_port(start) if whole or start.count("/") > 2 else start


def _pieces(tokens: Sequence[_Token]) -> Iterator[_Piece]:
    start = 0
    for place, token in enumerate(tokens):
        if token is _Wild.ANY:
            yield _Piece(tokens[start:place])
            start = place + 1
    yield _Piece(tokens[start:])


def _covers(wide: Sequence[_Token], narrow: Sequence[_Token]) -> bool:
    """Whether one pattern matches the other's text, a wildcard of which is matched by one that is as wide or wider."""
    at = place = 0
    star = mark = -1
    while place < len(narrow):
        token = wide[at] if at < len(wide) else None
        if token is _Wild.ANY:
            star, mark = at, place
            at += 1
        elif token is not None and (
            token == narrow[place] if isinstance(token, str) else narrow[place] is not _Wild.ANY
        ):
            at += 1
            place += 1
        elif star >= 0:
            mark += 1
            at, place = star + 1, mark
        else:
            return False
    return all(token is _Wild.ANY for token in wide[at:])
