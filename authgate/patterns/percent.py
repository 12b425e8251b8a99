"""Text with percent-encoded characters -> what decoders make of it, strict ones and careless ones."""

import re
from collections.abc import Iterator


def decoded(text: str) -> Iterator[str]:
    """Each way to decode folded text once. What is encoded twice is decoded by doing it again."""
    utf8 = _ESCAPES.sub(_as_utf8, text)
    yield utf8
    if not utf8.isascii():
        yield _ESCAPES.sub(_as_latin, text)
        yield _ESCAPES.sub(_as_bytes, text)
    yield _joined(_CODES.sub(_as_code, text))
    yield _STRAY.sub("", text)  # what encodes nothing is left as it is, or left out


def _as_utf8(escapes: re.Match[str]) -> str:
    raw = _bytes(escapes)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return _joined(_careless(raw))


def _as_latin(escapes: re.Match[str]) -> str:
    return _bytes(escapes).decode("latin-1")


def _as_bytes(escapes: re.Match[str]) -> str:
    """UTF-8, with what is none kept as bytes: another part of the same letter may be encoded once more."""
    return _bytes(escapes).decode(errors="surrogateescape")


def _as_code(code: re.Match[str]) -> str:
    return chr(int(code[1], 16))


def _bytes(escapes: re.Match[str]) -> bytes:
    return b"".join(
        bytes.fromhex(hex) if hex else kept.encode(errors="surrogateescape") for hex, kept in _EACH.findall(escapes[0])
    )


def _careless(raw: bytes) -> str:
    """UTF-8 for those who do not check it: longer forms than needed count, and what is none is Latin-1."""
    text = ""
    at = 0
    while at < len(raw):
        lead = raw[at]
        size = 4 if lead >= 0xF0 else 3 if lead >= 0xE0 else 2
        tail = raw[at + 1 : at + size]
        whole = len(tail) == size - 1 and (lead in _OVERLONG or all(byte & 0xC0 == 0x80 for byte in tail))
        if 0xC0 <= lead < 0xF8 and whole:
            code = lead & (0x7F >> size)
            for byte in tail:
                code = code << 6 | byte & 0x3F
            text += chr(min(code, 0x10FFFF))
            at += size
        else:
            text += chr(lead)
            at += 1
    return text


def _joined(text: str) -> str:
    """The text with each pair of surrogates made one character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


_ESCAPES = re.compile("(?:%[0-9a-f]{2}|[\udc80-\udcff])+")  # escapes, and bytes that were kept
_EACH = re.compile("%([0-9a-f]{2})|([\udc80-\udcff])")
_CODES = re.compile("%u([0-9a-f]{4})")  # never a standard, and understood by old servers
_STRAY = re.compile("%(?![0-9a-f]{2}|u[0-9a-f]{4})")
_OVERLONG = (0xC0, 0xC1)  # begin nothing but longer forms of ASCII; old servers took any byte after them
