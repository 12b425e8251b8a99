"""Text -> the form in which names and patterns are compared: what differs from it in nothing but looks is the same."""

import re
import unicodedata


def fold(text: str) -> str:
    """Unicode's NFKC_Casefold without its removals, repeated until it changes nothing (a few marks need it).

    Joiners and selectors between letters that are written with them (Persian, Indic, emoji) are left out.
    """
    if text.isascii():
        return text.lower()
    before = ""
    while before != text:
        before = text
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        text = _JOINER.sub("", text)
    return text


def folded(text: str) -> tuple[str, ...]:
    """The folded text, and what it is besides to those who fold it later or not at all.

    A full-width slash is a slash to who folds, and a letter like others to who does not. An accent after an escape
    belongs to the letter that the escape stands for, not to its last digit.
    """
    whole = fold(text)
    if text.isascii():
        return (whole,)
    forms = [whole]
    if _MARK.search(text):
        forms.append("".join(part if at % 2 else fold(part) for at, part in enumerate(_MARK.split(text))))
    if "%" in whole:
        forms += [unicodedata.normalize("NFD", form) for form in forms]
    return tuple(dict.fromkeys(forms))


def seen(text: str) -> str:
    """The text without the characters that nobody sees. Bytes that a decoder kept are not yet characters."""
    return "".join(char for char in text if (char.isprintable() and not _BLANK.match(char)) or BYTE.match(char))


def begins_with_mark(text: str) -> bool:
    """Whether the first character would melt into one before it."""
    return unicodedata.category(text[0]).startswith("M") or "\u1160" <= text[0] <= "\u11ff"


BYTE = re.compile("[\udc80-\udcff]")  # as ``surrogateescape`` keeps one
# Joiners and variation selectors after and before characters from beyond the Latin, Greek and Cyrillic scripts.
_JOINER = re.compile("(?<=[\u0590-\U0010ffff])(?:[\u200c\u200d](?=[\u0590-\U0010ffff])|[\ufe0e\ufe0f])")
# Every character whose compatible form holds one of ``%/\\.?#;:@[]`` or is near one in the table.
_MARK = re.compile(
    "([\u037e\u2024-\u2026\u2047-\u2049\u2100\u2101\u2105\u2106\u2488-\u249b\u2a74\u33c2\u33c7\u33d8"
    "\ufe13-\ufe19\ufe30\ufe47\ufe48\ufe52-\ufe5f\ufe68-\ufe6b\uff03\uff05\uff0e\uff0f\uff1a\uff1b\uff1f\uff20"
    "\uff3b-\uff3d\U0001f100])"
)
# Fillers, selectors and joiners that count as letters or marks, and the Braille cell without a dot.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
