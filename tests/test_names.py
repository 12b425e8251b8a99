"""One canonical form for a user name, or none."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate.errors import BadName
from authgate.names import MAX_LENGTH, Wild, canonical, pattern

SAME = {
    "plain": ("ann", "ann"),
    "capitals": ("ANN", "ann"),
    "spaces around": ("  ann ", "ann"),
    "space inside": ("ann lee", "ann lee"),
    "address": ("Ann.Lee@Example.com", "ann.lee@example.com"),
    "digits": ("1001", "1001"),
    "full width": ("ＡＮＮ", "ann"),
    "ligature": ("ﬁn", "fin"),
    "sharp s": ("Straße", "strasse"),
    "capital sharp s": ("STRAẞE", "strasse"),
    "accent in one letter": ("Zoë", "zoë"),
    "accent in two": ("Zoe\u0308", "zoë"),
    "Greek final sigma": ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
    "Turkish capital I with dot": ("İ", "i̇"),
    "Cyrillic": ("АННА", "анна"),
    "Chinese": ("安娜", "安娜"),
    "Persian with a joiner": ("می\u200cخواهم", "می\u200cخواهم"),
    "emoji": ("ann🙂", "ann🙂"),
    "no-break space at the end": ("ann\u00a0", "ann"),
    "quotes and markup are letters like others": ("o'<b>\"%_\\", "o'<b>\"%_\\"),
    "longest": ("A" * MAX_LENGTH, "a" * MAX_LENGTH),
}

REFUSED = {
    "empty": "",
    "blank": "   ",
    "NUL": "ann\0",
    "NUL alone": "\0",
    "line end": "ann\n",
    "line end inside": "ann\r\nbob",
    "tab": "\tann",
    "delete": "ann\x7f",
    "escape": "\x1b[2Jann",
    "C1 control": "ann\x85x",
    "lone surrogate": "ann\ud800",
    "private use": "ann\ue000",
    "unassigned": "ann\u0378",
    "noncharacter": "ann\uffff",
    "zero width space": "a\u200bnn",
    "soft hyphen": "a\u00adnn",
    "byte order mark": "\ufeffann",
    "right to left override": "\u202enna",
    "line separator": "ann\u2028x",
    "paragraph separator": "ann\u2029x",
    "tag letters": "ann\U000e0041",
    "too long": "a" * (MAX_LENGTH + 1),
    "too long once folded": "ß" * (MAX_LENGTH // 2 + 1),
}


@pytest.mark.parametrize(("given_name", "name"), SAME.values(), ids=SAME)
def test_canonical(given_name: str, name: str) -> None:
    assert canonical(given_name) == name


@pytest.mark.parametrize("name", REFUSED.values(), ids=REFUSED)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(BadName, match="a user name"):
        canonical(name)


@given(st.text())
def test_the_canonical_form_is_its_own(name: str) -> None:
    try:
        once = canonical(name)
    except BadName:
        return
    assert canonical(once) == once
    assert canonical(once.upper().lower()) == canonical(once.lower())
    once.encode()


LONG = {"marks": "a" + "\u0301\u0323" * 200_000, "ligatures": "\ufdfa" * 300_000, "letters": "a" * 1_000_000}


@pytest.mark.parametrize("name", LONG.values(), ids=LONG)
def test_a_megabyte_is_refused_before_it_is_folded(name):
    """Folding takes the square of its length: minutes in which nobody else would be answered."""
    begun = time.process_time()
    with pytest.raises(BadName, match="at most 190"):
        canonical(name)
    assert time.process_time() - begun < 1


ANY, ONE = Wild.ANY, Wild.ONE
PATTERNS = {
    "text alone": ("ann", ("ann",)),
    "capitals": ("ANN*", ("ann", ANY)),
    "full width": ("ＡＮＮ*", ("ann", ANY)),
    "a letter and its accent": ("Zoe\u0308?", ("zoë", ONE)),
    "everybody": ("*", (ANY,)),
    "several wildcards": ("*?*", (ANY, ONE, ANY)),
    "in the middle": ("a*b?c", ("a", ANY, "b", ONE, "c")),
    "escaped": (r"a\*b\?\\", ("a*b?\\",)),
    "an escape of nothing in particular": (r"\a*", ("a", ANY)),
    "spaces around it": (" a * ", ("a ", ANY)),
    "a joiner": ("می\u200cخ*", ("می\u200cخ", ANY)),
    "what SQL would take for wildcards": ("a%b_", ("a%b_",)),
}


@pytest.mark.parametrize(("text", "parts"), PATTERNS.values(), ids=PATTERNS)
def test_pattern(text, parts):
    assert pattern(text) == parts


NO_PATTERNS = {
    "nothing": "",
    "blank": "  ",
    "an escape at the end": "a\\",
    "an escape of an escape at the end": "a\\\\\\",
    "a control character": "a\0*",
    "one that turns the line round": "\u202e*",
    "a lone surrogate": "\ud800*",
    "too long": "*" * (4 * MAX_LENGTH + 1),
}


@pytest.mark.parametrize("text", NO_PATTERNS.values(), ids=NO_PATTERNS)
def test_no_pattern(text):
    with pytest.raises(BadName):
        pattern(text)
