"""New passwords that nobody has to think of."""

import math
import secrets

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # what is not mistaken for another: no i, l, o, 0 and 1
_BITS = 128
_GROUP = 4  # characters, so that it can be read out and typed


def generated(at_least: int = 0) -> str:
    """A password of 128 random bits or more, and at least so many characters, in groups with hyphens between."""
    groups = math.ceil(_BITS / math.log2(len(_ALPHABET)) / _GROUP)
    length = max(groups * (_GROUP + 1) - 1, at_least)
    return "".join("-" if at % (_GROUP + 1) == _GROUP else secrets.choice(_ALPHABET) for at in range(length))
