"""User names: one canonical form, so that every store compares them alike."""

import unicodedata

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
        if any(unicodedata.category(c) in _REFUSED and c not in _JOINERS for c in folded):
            raise BadName("a user name holds no control or invisible characters")
    if not folded:
        raise BadName("a user name is not empty")
    if len(folded) > MAX_LENGTH:
        raise BadName(f"a user name has at most {MAX_LENGTH} characters")
    return folded


def _folded(name: str) -> str:
    """Unicode's NFKC_Casefold without its removals, repeated until it changes nothing (a few marks need it)."""
    before = ""
    while before != name:
        before = name
        name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()
    return name
