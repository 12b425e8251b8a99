"""What is done to a name does not get it past a pattern, in whatever order it is done."""

import posixpath
import re
import unicodedata
from itertools import zip_longest
from urllib.parse import quote, unquote, unquote_plus, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from authgate.patterns import Match, Name, Pattern, escaped, read_name
from authgate.patterns.fold import fold
from authgate.patterns.readings import MAX_CHARACTERS, MAX_MEANT, MAX_READINGS

WORD = st.text("abxz019_-éßжか\u0301", min_size=1, max_size=8).filter(lambda text: not text.startswith("\u0301"))
PLAIN = st.lists(WORD, min_size=1, max_size=3).map("/".join)
SLASH = re.compile(r"(?<![:/])/(?!/)")  # not of a scheme
INVISIBLE = st.sampled_from("\u200b\u200d\u00ad\u2060\u202e\ufeff\ufe0f\t")


@st.composite
def patterns(draw, name):
    """A pattern that matches the name: parts of it are left to wildcards."""
    text = ""
    letters = iter(fold(name))
    for letter in letters:
        kind = draw(st.sampled_from("aaaaaaa?*"))
        if kind == "*":
            text += "*"
        elif kind == "?":
            text += "?"
        else:
            text += escaped(letter) if not unicodedata.combining(letter) else "?"
    return Pattern(text + draw(st.sampled_from(("", "*"))))


def encode(name, mask):
    """The name with those letters percent-encoded that the mask says."""
    return "".join(
        "".join(f"%{byte:02x}" for byte in letter.encode()) if here else letter
        for letter, here in zip_longest(name, mask[: len(name)], fillvalue=False)
    )


def insert(name, at, what):
    at %= len(name) + 1
    return name[:at] + what + name[at:]


MASK = st.lists(st.booleans(), max_size=40)
CHANGES = st.one_of(
    st.sampled_from(
        [
            str.upper,
            str.title,
            lambda name: unicodedata.normalize("NFD", name),
            lambda name: unicodedata.normalize("NFKD", name),
            lambda name: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name),
            lambda name: quote(name, safe=""),
            lambda name: quote(quote(name, safe=""), safe=""),
            lambda name: "".join(f"%u{ord(c):04X}" for c in name if ord(c) < 0x10000),
            lambda name: f"./{name}",
            lambda name: f"x/../{name}",
            lambda name: f"/x/y/../../{name}",
            lambda name: f"../{name}",
            lambda name: f"//{name}",
            lambda name: f"{name}/",
            lambda name: f"{name}/.",
            lambda name: SLASH.sub("//", name),
            lambda name: SLASH.sub("/./", name),
            lambda name: name.replace("/", "\\"),
            lambda name: f" {name}",
            lambda name: f"{name}\u00a0",
            lambda name: name if name.endswith(".") else f"{name}.",  # "a/." would become "a/.."
            lambda name: f"{name}?x=../y",
            lambda name: f"{name}#x",
            lambda name: f"{name};x",
            lambda name: f"{name}\0.png",
        ]
    ),
    st.builds(lambda mask: lambda name: encode(name, mask), MASK),
    st.builds(lambda at, what: lambda name: insert(name, at, what), st.integers(0, 40), INVISIBLE),
)


ADDRESSES = st.sampled_from(["", "", "rtsp://cam.local:554/", "RTMP://ann:x@127.1/a/../", "https:/[::1]//", "vod://"])


@settings(max_examples=400)
@given(st.data(), PLAIN, ADDRESSES, st.lists(CHANGES, max_size=3), st.lists(CHANGES, max_size=2))
def test_no_change_of_a_name_gets_it_past_a_pattern(data, name, address, changes, more):
    pattern = data.draw(patterns(name))
    assert pattern.match(Name(name)) is Match.YES
    for change in changes:
        name = change(name)
    name = address + name
    for change in more:
        name = change(name)
    assert pattern.match(Name(name)) is not Match.NO


ODD = st.lists(
    st.sampled_from(
        ["room-", "1", "a", "/", "//", "..", ".", "%", "%2e", "%2F", "%252e", "\\", "?", "#", ";", " ", "\0", "\u200b",
         "rtsp://", "cam.local", "@", ":554", ":80", "127.0.0.1", "/x", "．", "／", "？", "Ａ", "é", "\u0301", "+"]
    ),
    max_size=9,
).map("".join)  # fmt: skip
READERS = [
    str.strip,
    str.lower,
    unquote,
    unquote_plus,
    lambda name: unquote(name, "latin-1"),
    lambda name: unquote(name, errors="ignore"),
    lambda name: unicodedata.normalize("NFKC", name),
    lambda name: unicodedata.normalize("NFC", name),
    lambda name: name.replace("\\", "/"),
    lambda name: name.replace("\u200b", ""),
    lambda name: name.partition("\0")[0],
    lambda name: name.partition("?")[0],
    lambda name: name.partition("#")[0],
    lambda name: name.partition(";")[0],
    lambda name: posixpath.normpath(name) if name and "://" not in name else name,
    lambda name: name.strip("/") if "://" not in name else name,
]


@settings(max_examples=600)
@given(ODD, st.lists(st.sampled_from(READERS), max_size=5))
@example("room-1/../a", [posixpath.normpath])
@example("room-/..%2f../a", [unquote, posixpath.normpath])
def test_no_reader_finds_another_name_behind_one_that_is_allowed(name, readers):
    if Pattern("room-*").match(Name(name)) is not Match.YES:
        return
    for read in readers:
        name = read(name)
    assert fold(name).startswith("room-")


@settings(max_examples=600)
@given(ODD.map("rtsp://cam.local".__add__), st.lists(st.sampled_from(READERS), max_size=4))
@example("rtsp://cam.local\\@127.0.0.1/x", [READERS[8]])
@example("rtsp://cam.local/@127.0.0.1", [])
@example("rtsp://cam.local／@127.0.0.1", [])
def test_no_reader_finds_another_host_behind_an_address_that_is_allowed(name, readers):
    if Pattern("rtsp://cam.local/*").match(Name(name)) is not Match.YES:
        return
    for read in readers:
        name = read(name)
    place = urlsplit(name)
    assert (place.scheme, place.hostname) == ("rtsp", "cam.local")


@given(ODD)
def test_what_is_read_in_a_reading_is_read_in_the_name(name):
    readings = Name(name).exact
    assert len(readings) <= MAX_READINGS + 16
    assert sum(map(len, readings)) <= MAX_CHARACTERS + 16 * len(name)
    for reading in readings:
        assert set(Name(reading).exact) <= set(readings)


@given(st.text())
def test_any_text_is_a_name(text):
    name = Name(text)
    assert Pattern("*").match(name) is Match.YES
    assert Pattern("room-*").match(name) is Pattern("ROOM-*").match(read_name(text))


GLOB = st.text("ab?*/\\", min_size=1, max_size=7)


@settings(max_examples=500)
@given(GLOB, GLOB, st.lists(st.text("ab/.%A", max_size=6) | ODD, min_size=5, max_size=20))
def test_a_pattern_that_covers_another_matches_what_that_matches(wide, narrow, names):
    try:
        one, other = Pattern(wide), Pattern(narrow)
    except ValueError:
        return
    if not one.covers(other):
        return
    for name in map(Name, names):
        assert one.match(name) >= other.match(name)


@given(GLOB, st.text("ab/", max_size=8))
def test_a_pattern_is_a_glob(glob, name):
    try:
        pattern = Pattern(glob)
    except ValueError:
        return
    assert pattern._fits(name) is _fits(list(_units(glob)), name)


def _units(glob):
    letters = iter(glob)
    for letter in letters:
        yield ("=", next(letters)) if letter == "\\" else ("=", letter) if letter not in "*?" else (letter, letter)


def _fits(units, name):
    """The definition of a glob, without regard to what it costs."""
    if not units:
        return not name
    kind, letter = units[0]
    if kind == "*":
        return any(_fits(units[1:], name[at:]) for at in range(len(name) + 1))
    return bool(name) and (kind == "?" or name[0] == letter) and _fits(units[1:], name[1:])


ODD = [
    "rtsp://+\u0345%00\u00b2%25\u0345\u200b",
    "rtsp://a%2f+b%5c+c%2e%2e/+d;e?f#g",
    "+".join("%25%2f" for _ in range(40)),
]


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_however_odd_a_name_is_each_pattern_looks_at_few_readings(text):
    """Hundreds of readings for each of hundreds of patterns would keep everybody else waiting."""
    name = Name(text)
    assert len(name.exact) <= MAX_READINGS + 16
    assert name.wide is None or len(name.wide) <= MAX_MEANT
    assert Pattern("secret-*").match(name) in (Match.NO, Match.MAYBE)
