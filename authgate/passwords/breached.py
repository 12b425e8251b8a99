"""A file of passwords that are known from breaches: looked up on the disk, for it may be larger than memory.

Two forms are read. SHA-1 in hexadecimal, a line each and in order, as the download of Have I Been Pwned has them
(``HASH:COUNT``): found by halving. Or the passwords themselves, a line each in any order: read through.
"""

import hashlib
import itertools
import mmap
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from authgate.errors import ConfigError

_SAMPLES = 500  # places at which the order of hashes is looked at
_LINE = 256  # bytes; a line of hashes is much shorter
_ENDS = (b"", b"\n", b"\r")
_SHA1 = re.compile(rb"([0-9A-Fa-f]{40})(?::[0-9]+)?\s*")
_OTHER_HASH = re.compile(rb"[0-9A-Fa-f]{32}:[0-9]+\s*")  # of Have I Been Pwned too, for Windows


class Breached:
    """A file of known passwords."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def holds(self, passwords: Collection[str]) -> bool:
        """Whether one of these spellings of a password is in the file.

        Raises:
            ConfigError: the file cannot be used.
        """
        with self._opened() as lines:
            if not lines.of_hashes():
                return any(lines.has_line(each.encode(errors="surrogatepass")) for each in passwords)
            lines.demand_order()
            return any(lines.has_hash(_sha1(each)) for each in passwords)

    def demand(self) -> None:
        """Come back if the file can be used.

        Raises:
            ConfigError: it cannot; with why.
        """
        self.holds([])

    @contextmanager
    def _opened(self) -> Iterator["_Lines"]:
        try:
            with self._path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if not size:
                    raise _fault(self._path, "is empty, and would guard against nothing")
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    yield _Lines(self._path, content)
        except OSError as error:
            raise _fault(self._path, f"cannot be read: {error.strerror or error}") from None
        except ValueError:  # what cannot be mapped into memory, such as a pipe
            raise _fault(self._path, "is no file of lines") from None


class _Lines:
    """The lines of a file; only those that are looked at are read."""

    def __init__(self, path: Path, content: mmap.mmap) -> None:
        self._path = path
        self._content = content

    def of_hashes(self) -> bool:
        """Whether they are hashes, by the first of them.

        Raises:
            ConfigError: they are hashes of another kind.
        """
        first = self._line(0)
        if _OTHER_HASH.fullmatch(first):
            raise _fault(self._path, "holds hashes of NTLM; take the download with those of SHA-1")
        return _SHA1.fullmatch(first) is not None

    def demand_order(self) -> None:
        """Come back if the hashes are in order, as far as samples tell.

        Raises:
            ConfigError: they are not.
        """
        size = len(self._content)
        starts = sorted({self._start(size * at // _SAMPLES) for at in range(_SAMPLES)})
        found = [self._hash(start) for start in starts if start < size]
        if any(one > other for one, other in itertools.pairwise(found)):
            raise _fault(
                self._path, "is not in order; take the download that is ordered by hash, or run: sort -o FILE FILE"
            )

    def has_line(self, text: bytes) -> bool:
        """Whether a line is this very text."""
        if not text or b"\n" in text or b"\r" in text:
            return False
        at = 0 if self._content[: len(text)] == text else self._next(text, 0)
        while at >= 0:
            end = at + len(text)
            if self._content[end : end + 1] in _ENDS:
                return True
            at = self._next(text, at)
        return False

    def has_hash(self, wanted: bytes) -> bool:
        """Whether a line begins with this hash, in capitals.

        Raises:
            ConfigError: a line is no hash.
        """
        low, high = 0, len(self._content)  # of the place at which the line begins
        while low < high:
            middle = (low + high) // 2
            start = self._start(middle)
            if start >= high:  # no line begins in the upper half
                high = middle
                continue
            found = self._hash(start)
            if found == wanted:
                return True
            if found < wanted:
                low = start + 1
            else:
                high = middle
        return False

    def _next(self, text: bytes, after: int) -> int:
        """Where the next line begins that begins with this text; -1: none does."""
        found = self._content.find(b"\n" + text, after)
        return found + 1 if found >= 0 else -1

    def _start(self, at: int) -> int:
        """Where the first line begins that begins there or later."""
        if at == 0:
            return 0
        end = self._content.find(b"\n", at - 1, at - 1 + _LINE)
        if end < 0 and at - 1 + _LINE < len(self._content):
            raise self._no_hash(at)
        return len(self._content) if end < 0 else end + 1

    def _line(self, start: int) -> bytes:
        end = self._content.find(b"\n", start, start + _LINE)
        return self._content[start : end if end >= 0 else start + _LINE]

    def _hash(self, start: int) -> bytes:
        found = _SHA1.fullmatch(self._line(start))
        if found is None:
            raise self._no_hash(start)
        return found[1].upper()

    def _no_hash(self, at: int) -> ConfigError:
        return _fault(self._path, f"has a line that is no SHA-1, unlike the first one (at byte {at})")


def _sha1(password: str) -> bytes:
    # Not to protect anything: the list is kept so.
    return hashlib.sha1(password.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest().upper().encode()


def _fault(path: Path, text: str) -> ConfigError:
    return ConfigError([f"passwords.breached: {path} {text}"])
