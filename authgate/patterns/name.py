"""What a hook names."""

import re
from functools import lru_cache

from authgate.patterns.readings import exact, wide

MAX_LENGTH = 2_048  # characters; of what is longer, nothing is certain


class Name:
    """A name, read in every way in which somebody might read it.

    Most names are plain, and there is one way to read them. The rest are read when they are first compared.
    """

    __slots__ = ("_exact", "_is_read", "_wide", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._exact: tuple[str, ...] | None = None
        self._wide: tuple[str, ...] | None = None
        self._is_read = False
        if len(text) > MAX_LENGTH:
            self._exact = self._wide = ()
        elif text.isascii():
            lower = text.lower()
            if _PLAIN(lower):
                self._exact, self._wide = (lower,), ()

    @property
    def exact(self) -> tuple[str, ...]:
        """What it may be understood as, folded; () where that is not certain."""
        if self._exact is None:
            self._exact = exact(self.text)
        return self._exact

    @property
    def wide(self) -> tuple[str, ...] | None:
        """What may be meant by it besides, folded; None where that is anything."""
        if self._wide is None and not self._is_read:
            self._wide = wide(self.exact)
            self._is_read = True
        return self._wide


def read_name(text: str) -> Name:
    """The name, remembered: one hook's name is compared again and again."""
    return _remembered(text) if len(text) <= MAX_LENGTH else Name(text)


_remembered = lru_cache(maxsize=256)(Name)
# No marks and nothing to fold; digits and separators alone could be a number.
_PLAIN = re.compile(r"[0-9_-]*[a-z][0-9a-z_-]*|[0-9]*").fullmatch
