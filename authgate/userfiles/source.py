"""A file of bytes -> its lines, numbered and bounded; what is plainly no text is told from text."""

import codecs
from collections.abc import Callable, Iterator
from typing import BinaryIO

from authgate.errors import Refused

MAX_LINE = 256 * 1024  # bytes of a line, and of a row over several lines


def numbered(source: BinaryIO, seen: Callable[[int], None] = lambda _: None) -> Iterator[tuple[int, bytes]]:
    """Each line with its number from 1, without its end; ``seen`` is told how many bytes each line took.

    Raises:
        Refused: the file is of another encoding, or no text, or has a line that is longer than any row.
    """
    number = 0
    while line := source.readline(MAX_LINE + 1):
        number += 1
        if number == 1:
            _demand_text(line)
            if line.startswith(codecs.BOM_UTF8):
                line = line[len(codecs.BOM_UTF8) :]
        if len(line) > MAX_LINE:
            raise Refused(f"line {number} is longer than {MAX_LINE // 1024} KiB, so this is no file of users")
        seen(len(line))
        yield number, line.removesuffix(b"\n").removesuffix(b"\r")


def text(line: bytes) -> str:
    """A line as text.

    Raises:
        ValueError: it is not UTF-8, or holds NUL.
    """
    if b"\0" in line:
        raise ValueError("holds NUL")
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None


def _demand_text(begin: bytes) -> None:
    for mark, what in _OTHERS:
        if begin.startswith(mark):
            raise Refused(f"the file is {what}")
    try:
        text(begin[:MAX_LINE])
    except ValueError as fault:
        if len(begin) <= MAX_LINE:
            raise Refused(f"line 1 {fault}; the file is to be text in UTF-8") from None


_OTHERS = (
    (codecs.BOM_UTF32_LE, "in UTF-32; save it as UTF-8"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "in UTF-32; save it as UTF-8"),
    (codecs.BOM_UTF16_LE, "in UTF-16; save it as UTF-8"),
    (codecs.BOM_UTF16_BE, "in UTF-16; save it as UTF-8"),
    (b"PK\3\4", "a spreadsheet or an archive; save it as CSV in UTF-8"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet; save it as CSV in UTF-8"),
    (b"\x1f\x8b", "compressed; give it to standard input: gunzip -c FILE | authgate user import - --format csv"),
    (b"\x28\xb5\x2f\xfd", "compressed; give it to standard input: zstd -dc FILE | authgate user import - --format csv"),
    (b"SQLite format 3\0", "a database; an export of it as CSV is what can be read"),
)
