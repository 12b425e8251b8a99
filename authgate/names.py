"""User names: one canonical form, so that every store compares them alike."""

import unicodedata
from enum import Enum

from authgate.errors import BadName

MAX_LENGTH = 190  # characters; what every supported store can index
_LONGEST = 4 * MAX_LENGTH  # as it is given: marks may melt into the letters before them

# Control, surrogate, private, unassigned, line and paragraph separators, and format characters:
# what nobody sees must not tell two names apart.
_REFUSED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS = {"\u200c", "\u200d"}  # written in Persian and Indic words


def canonical(name: str) -> str:
    """The one form in which a user name is stored and compared: NFKC, case-folded, trimmed.

    Raises:
        BadName: empty, too long, or with characters that cannot be seen.
    """
    if len(name) > _LONGEST:  # before it is folded, which takes the square of a long one's length
        raise BadName(f"a user name has at most {MAX_LENGTH} characters")
    if name.isascii():
        folded = name.strip(" ").lower()
        if not folded.isprintable():
            raise BadName("a user name holds no control characters")
    else:
        folded = _folded(name)
        if _hidden(folded):
            raise BadName("a user name holds no control or invisible characters")
    if not folded:
        raise BadName("a user name is not empty")
    if len(folded) > MAX_LENGTH:
        raise BadName(f"a user name has at most {MAX_LENGTH} characters")
    return folded


class Wild(Enum):
    """What stands for characters of a name."""

    ANY = "*"  # and none
    ONE = "?"


def pattern(text: str) -> tuple[str | Wild, ...]:
    r"""The parts of a pattern of names: ``*``, ``?``, and folded text between them; ``\\`` means the next one itself.

    Raises:
        BadName: it is empty, too long, or has what no name has.
    """
    fault = BadName(f"a pattern of names has 1 to {_LONGEST} characters that can be seen; '*' is every name")
    if len(text) > _LONGEST:  # before it is folded
        raise fault
    runs: list[str | Wild] = [""]
    chars = iter(text.strip())
    for char in chars:
        if char in "*?":
            runs += [Wild(char), ""]
            continue
        literal = next(chars, "") if char == "\\" else char
        if not literal:
            raise BadName(r"a pattern does not end in a backslash; '\\' is one")
        runs[-1] = f"{runs[-1]}{literal}"
    parts = tuple(run if isinstance(run, Wild) else _folded(run, trimmed=False) for run in runs if run != "")
    if not parts or any(_hidden(part) for part in parts if isinstance(part, str)):
        raise fault
    return parts


def _hidden(text: str) -> bool:
    return any(unicodedata.category(c) in _REFUSED and c not in _JOINERS for c in text)


def _folded(name: str, *, trimmed: bool = True) -> str:
    """Unicode's NFKC_Casefold without its removals, repeated until it changes nothing (a few marks need it)."""
    before = ""
    while before != name:
        before = name
        name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
        name = name.strip() if trimmed else name
    return name
