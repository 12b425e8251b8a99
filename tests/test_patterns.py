"""Names, read in every way, against patterns."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate.patterns import MAX_LENGTH, Match, Name, Pattern, escaped, read_name
from authgate.patterns.fold import fold, folded

YES, MAYBE, NO = Match.YES, Match.MAYBE, Match.NO

# pattern, name -> match
SURE = {
    "the same": ("room-1", "room-1"),
    "any end": ("room-*", "room-1"),
    "any end, and it is empty": ("room-*", "room-"),
    "any start": ("*-cam", "hall-cam"),
    "any middle": ("a*z", "a-to-z"),
    "several": ("*a*b*c*", "xaxbxcx"),
    "one character": ("room-?", "room-1"),
    "one character inside": ("*o?m*", "a room-1"),
    "a slash is a character": ("room*", "room/a/b"),
    "a slash for a question mark": ("a?b", "a/b"),
    "many stars are one": ("r***1", "room-1"),
    "escaped star": (r"a\*b", "a*b"),
    "escaped letter": (r"\room", "room"),
    "capitals in the name": ("room-*", "ROOM-1"),
    "capitals in the pattern": ("Room-*", "room-1"),
    "full-width letters": ("room-*", "ＲＯＯＭ-1"),
    "full-width hyphen": ("room-*", "room－1"),
    "full-width star in a pattern is a star to look at": ("a＊b", "a*b"),
    "ligature": ("office", "oﬃce"),
    "sharp s": ("strasse", "Straße"),
    "Kelvin sign": ("k-*", "\u212a-1"),
    "an accent in one letter": ("zoe\u0308", "zoë"),
    "an accent in two": ("zoë", "zoe\u0308"),
    "a folded letter is two characters": ("stra??e", "straße"),
    "Hangul in parts": ("\u1112\u1161\u11ab*", "한글"),
    "a joiner in Persian": ("می\u200cخواهم", "می\u200cخواهم"),
    "no joiner in Persian": ("می\u200cخواهم", "میخواهم"),
    "emoji with a joiner": ("👩\u200d👧-*", "👩\u200d👧-1"),
    "space inside": ("room *", "room 1"),
    "mail address": ("*@example.com", "ann@example.com"),
    "number": ("+49*", "+4930123"),
    "SIP address": ("sip:*@example.com", "sip:ann@example.com"),
    "path": ("live/*", "live/cam/1"),
    "address": ("rtsp://cam.local/*", "rtsp://cam.local/ch1"),
    "host in capitals": ("rtsp://cam.local/*", "RTSP://Cam.LOCAL/ch1"),
    "the scheme's own port": ("rtsp://cam.local/*", "rtsp://cam.local:554/ch1"),
    "the scheme's own port in the pattern": ("rtsp://cam.local:554/*", "rtsp://cam.local/ch1"),
    "the scheme's own port in both": ("rtsp://cam.local:554/1", "rtsp://cam.local:0554/1"),
    "an empty port": ("rtsp://cam.local/*", "rtsp://cam.local:/ch1"),
    "another port": ("rtsp://cam.local:8554/*", "rtsp://cam.local:8554/ch1"),
    "IPv6": ("rtsp://[2001:db8::1]/*", "rtsp://[2001:db8::1]:554/ch1"),
    "a query under the pattern": ("rtsp://cam.local/*", "rtsp://cam.local/ch1?x=1"),
    "dots under the pattern": ("rtsp://cam.local/*", "rtsp://cam.local/a/../ch1"),
    "file": ("vod://*", "vod://film.mp4"),
    "star and the empty name": ("*", ""),
    "star and what has too many readings": ("*", "/./%2525%2f;a?b#c\\." * 9),
    "star and what is too long": ("*", "a" * (MAX_LENGTH + 1)),
    "stars and the empty name": ("**", ""),
}
OTHER = {
    "another": ("room-1", "room-2"),
    "longer": ("room-1", "room-10"),
    "shorter": ("room-10", "room-1"),
    "not at the start": ("room-*", "a room-1"),
    "not at the end": ("*-cam", "hall-cam-2"),
    "one character is missing": ("room-?", "room-"),
    "one character too many": ("room-?", "room-10"),
    "the same characters twice": ("ab*ba", "aba"),
    "the wrong order": ("*a*b*", "ba"),
    "question mark before a star needs one": ("room?*", "room"),
    "escaped star is no wildcard": (r"a\*b", "axb"),
    "escaped question mark is no wildcard": (r"a\?b", "axb"),
    "brackets are characters": ("room[12]", "room1"),
    "a dot is a character": ("a.b", "axb"),
    "look-alike of another script": ("room", "rоom"),
    "accent": ("zoe", "zoë"),
    "the empty name": ("room-*", ""),
    "the empty name has no character": ("?*", ""),
    "host that only begins like it": ("rtsp://cam.local/*", "rtsp://cam.local.example.net/ch1"),
    "another port": ("rtsp://cam.local/*", "rtsp://cam.local:555/ch1"),
    "another scheme's port": ("rtsp://cam.local/*", "rtsp://cam.local:80/ch1"),
    "host as a number that is too large": ("rtsp://127.0.0.1/*", "rtsp://99999999999/1"),
    "host with a part that is too large": ("rtsp://127.0.0.1/*", "rtsp://383.1/1"),
    "path of another": ("live/*", "film/live2/1"),
}
# Under an allowing pattern these are not sure enough, and under a denying one they are near enough.
ATTACKS = {
    "percent-encoded": ("secret-*", "%73ecret-1"),
    "percent-encoded hyphen": ("secret-*", "secret%2d1"),
    "percent-encoded in capitals": ("secret-*", "%53ECRET-1"),
    "percent-encoded twice": ("secret-*", "%2573ecret-1"),
    "percent-encoded four times": ("secret-*", "%2525252573ecret-1"),
    "percent-encoded throughout": ("secret-1", "".join(f"%{ord(c):02x}" for c in "secret-1")),
    "percent-encoded umlaut": ("räume-*", "r%c3%a4ume-1"),
    "percent-encoded Latin-1": ("räume-*", "r%e4ume-1"),
    "percent-encoded letter with an accent": ("ź-*", "%7a\u0301-1"),
    "percent-encoded letter with its accent on the escape": ("ź-*", "%7á-1"),
    "half of a letter encoded twice": ("é-*", "%25c3%a9-1"),
    "percent-encoded full-width": ("secret-*", "%ef%bd%93ecret-1"),
    "full-width percent sign": ("secret-*", "％73ecret-1"),
    "percent-encoded by code": ("secret-*", "%u0073ecret-1"),
    "percent-encoded surrogates": ("😀*", "%ud83d%ude001"),
    "malformed escape": ("secret-*", "se%cret-1"),
    "overlong letter": ("secret-*", "%c1%b3ecret-1"),
    "overlong slash": ("secret-*", "x/..%c0%afsecret-1"),
    "overlong slash in three bytes": ("secret-*", "x%e0%80%af..%e0%80%afsecret-1"),
    "overlong dots": ("secret-*", "x/%c0%ae%c0%ae/secret-1"),
    "overlong slash with a wrong byte": ("secret-*", "x/..%c0%2fsecret-1"),
    "cut-off UTF-8": ("secret-1", "secret-1%c3"),
    "zero width space in an escape": ("secret-*", "%7\u200b3ecret-1"),
    "current segment": ("secret-*", "./secret-1"),
    "parent segment": ("secret-*", "x/../secret-1"),
    "parent of the root": ("secret-*", "../../secret-1"),
    "percent-encoded parent segment": ("secret-*", "x%2f..%2fsecret-1"),
    "percent-encoded dots": ("secret-*", "x/%2e%2e/secret-1"),
    "parent segment inside": ("a/secret", "a/b/../secret"),
    "two dot leader": ("secret-*", "x/‥/secret-1"),
    "full-width slash": ("secret-*", "x／..／secret-1"),
    "leading slash": ("secret-*", "/secret-1"),
    "leading slashes": ("secret-*", "///secret-1"),
    "trailing slash": ("secret-1", "secret-1/"),
    "doubled slash": ("a/secret", "a//secret"),
    "backslash for slash": ("a/secret", "a\\secret"),
    "backslashes and a parent segment": ("secret-*", "x\\..\\secret-1"),
    "leading space": ("secret-*", " secret-1"),
    "trailing space": ("secret-1", "secret-1 "),
    "no-break space": ("secret-1", "secret-1\u00a0"),
    "tab": ("secret-1", "\tsecret-1"),
    "trailing dot": ("secret-1", "secret-1."),
    "trailing dots and spaces": ("secret-1", "secret-1. ."),
    "query": ("secret-1", "secret-1?x=1"),
    "fragment": ("secret-1", "secret-1#x"),
    "path parameter": ("secret-1", "secret-1;x=1"),
    "path parameter on a parent segment": ("secret-*", "x/..;a=b/secret-1"),
    "query that is encoded": ("secret-1", "secret-1%3fx"),
    "NUL and more": ("secret-1", "secret-1\0.png"),
    "percent-encoded NUL": ("secret-1", "secret-1%00.png"),
    "NUL first": ("secret-1", "\0secret-1"),
    "NUL inside": ("secret-1", "sec\0ret-1"),
    "line end and more": ("secret-1", "secret-1\r\nx"),
    "zero width space": ("secret-*", "se\u200bcret-1"),
    "zero width joiner": ("secret-*", "se\u200dcret-1"),
    "soft hyphen": ("secret-*", "se\u00adcret-1"),
    "byte order mark": ("secret-*", "\ufeffsecret-1"),
    "right to left override": ("secret-*", "\u202esecret-1"),
    "isolates": ("secret-*", "\u2066secret-1\u2069"),
    "variation selector": ("secret-*", "s\ufe0fecret-1"),
    "grapheme joiner": ("secret-*", "s\u034fecret-1"),
    "Hangul filler": ("secret-*", "s\u3164ecret-1"),
    "tag letters": ("secret-*", "s\U000e0061ecret-1"),
    "blank Braille": ("secret-1", "secret-1\u2800"),
    "lone surrogate": ("secret-*", "se\ud800cret-1"),
    "zero width space before an accent": ("zoë", "zoe\u200b\u0308"),
    "all at once": ("secret-1", "./%53e\u200bcret-1?x"),
    "last segment of a path": ("secret-*", "public/secret-1"),
    "path of an address": ("a/secret-*", "rtmp://127.0.0.1:1935/a/secret-1"),
    "last segment of an address": ("secret-*", "rtsp://127.0.0.1/live/secret-1"),
    "file of a scheme": ("secret-*", "vod://secret-1"),
    "file of a scheme behind a parent segment": ("secret-*", "vod://x/../secret-1"),
    "address with a query inside": ("secret-*", "rtmp://127.0.0.1/live?token=a/secret-1"),
    "plus for a space": ("secret 1", "secret+1"),
    "SIP address": ("0900*", "sip:0900123@example.com"),
    "SIP address with a password": ("0900*", "sips:0900123:x@example.com"),
    "telephone address": ("0900*", "tel:0900-123;phone-context=a"),
    "number with separators": ("0900*", "(0)9 00-1.23"),
    "user of an address": ("rtsp://127.0.0.1/*", "rtsp://ann:x@127.0.0.1/1"),
    "another host as the user": ("rtsp://127.0.0.1/*", "rtsp://cam.local:80@127.0.0.1/1"),
    "own port in a pattern with a star": ("rtsp://127.0.0.1:554*", "rtsp://127.0.0.1/1"),
    "own port in a pattern of any host": ("rtsp://*:554/*", "rtsp://127.0.0.1:554/1"),
    "no path": ("rtsp://127.0.0.1/*", "rtsp://127.0.0.1"),
    "host with a trailing dot": ("rtsp://cam.local/*", "rtsp://cam.local./1"),
    "host as one number": ("rtsp://127.0.0.1/*", "rtsp://2130706433/1"),
    "host as two numbers": ("rtsp://127.0.0.1/*", "rtsp://127.1/1"),
    "host in octal": ("rtsp://127.0.0.1/*", "rtsp://0177.0.0.1/1"),
    "host with zeros in front": ("rtsp://127.0.0.1/*", "rtsp://127.000.000.001/1"),
    "host with an eight that is not octal": ("rtsp://127.0.0.8/*", "rtsp://127.0.0.08/1"),
    "host in hexadecimal": ("rtsp://127.0.0.1/*", "rtsp://0x7f000001/1"),
    "host in full-width digits": ("rtsp://127.0.0.1/*", "rtsp://１２７.1/1"),
    "host with ideographic dots": ("rtsp://127.0.0.1/*", "rtsp://127。0。0。1/1"),
    "host as IPv6": ("rtsp://127.0.0.1/*", "rtsp://[::ffff:127.0.0.1]/1"),
    "IPv6 written out": ("rtsp://[::1]/*", "rtsp://[0:0:0:0:0:0:0:1]/1"),
    "international host": ("rtsp://xn--bcher-kva.example/*", "rtsp://bücher.example/1"),
    "international host, encoded": ("rtsp://bücher.example/*", "rtsp://xn--bcher-kva.example/1"),
    "one slash": ("rtsp://127.0.0.1/*", "rtsp:/127.0.0.1/1"),
    "no slash": ("rtsp://127.0.0.1/*", "rtsp:127.0.0.1/1"),
    "many slashes": ("rtsp://127.0.0.1/*", "rtsp:////127.0.0.1/1"),
    "backslashes": ("rtsp://127.0.0.1/*", "rtsp:\\\\127.0.0.1\\1"),
    "encoded address": ("rtsp://127.0.0.1/*", "rtsp%3a%2f%2f127.0.0.1%2f1"),
    "host behind a backslash": ("rtsp://cam.local/*", "rtsp://127.0.0.1\\@cam.local/1"),
    "host behind a fragment": ("rtsp://cam.local*", "rtsp://cam.local#@127.0.0.1/1"),
    "host behind a full-width slash": ("rtsp://cam.local/*", "rtsp://cam.local／@127.0.0.1/1"),
    "host behind an encoded slash": ("rtsp://cam.local*", "rtsp://cam.local%2f@127.0.0.1/1"),
    "too many readings": ("secret-*", "/./%2525%2f;a?b#c\\." * 9),
    "too long": ("secret-*", "a" * (MAX_LENGTH + 1)),
    "too long once folded": ("secret-*", "\ufdfa" * MAX_LENGTH),
}
NO_PATTERN = {
    "empty": ("", "not empty"),
    "too long": ("a" * 513, "at most 512"),
    "NUL": ("a\0", "control"),
    "line end": ("a*\n", "control"),
    "zero width space": ("a\u200b*", "invisible"),
    "right to left override": ("\u202ea", "invisible"),
    "lone surrogate": ("a\ud800", "invisible"),
    "backslash at the end": ("a\\", "backslash"),
    "an accent after a wildcard": ("*\u0308", "mark"),
    "a vowel that melts into what is before it": ("*\u1161x", "mark"),
}


@pytest.mark.parametrize(("pattern", "name"), SURE.values(), ids=SURE)
def test_a_name_that_is_meant(pattern, name):
    assert Pattern(pattern).match(Name(name)) is YES


@pytest.mark.parametrize(("pattern", "name"), OTHER.values(), ids=OTHER)
def test_a_name_that_is_not_meant(pattern, name):
    assert Pattern(pattern).match(Name(name)) is NO


@pytest.mark.parametrize(("pattern", "name"), ATTACKS.values(), ids=ATTACKS)
def test_a_name_that_may_be_meant(pattern, name):
    assert Pattern(pattern).match(Name(name)) is MAYBE


@pytest.mark.parametrize(("text", "says"), NO_PATTERN.values(), ids=NO_PATTERN)
def test_what_is_no_pattern(text, says):
    with pytest.raises(ValueError, match=says):
        Pattern(text)


COVERS = {
    "itself": ("room-*", "room-*", True),
    "everything": ("*", "room-?", True),
    "everything covers everything": ("*", "**", True),
    "a longer start": ("room-*", "room-1*", True),
    "a literal": ("room-*", "Room-1", True),
    "one of any": ("room-*", "room-?", True),
    "the same in another order": ("a*?", "a?*", True),
    "several": ("*a*b*", "xa?b*c", True),
    "the scheme's own port": ("rtsp://cam.local/*", "rtsp://cam.local:554/a*", True),
    "not the other way": ("room-1*", "room-*", False),
    "a star is not one": ("room-?", "room-*", False),
    "one is not any literal": ("room-1", "room-?", False),
    "not the empty name": ("?*", "*", False),
    "another": ("room-*", "hall-*", False),
    "too short": ("ab*ba", "aba", False),
    "escaped star is a character": (r"a\*", "a*", False),
}


@pytest.mark.parametrize(("wide", "narrow", "covers"), COVERS.values(), ids=COVERS)
def test_covers(wide, narrow, covers):
    assert Pattern(wide).covers(Pattern(narrow)) is covers


NEVER_SURE = {
    "leading slash": "/live/*",
    "trailing slash": "live/",
    "doubled slash": "a//b*",
    "parent segment": "a/../b*",
    "query": r"a\?x*",
    "parameter": "a;x*",
    "escape": "100%25*",
    "backslash": r"a\\b",
    "trailing space": "a ",
}


@pytest.mark.parametrize("text", NEVER_SURE.values(), ids=NEVER_SURE)
def test_a_pattern_that_is_never_sure(text):
    assert not Pattern(text).sure


@pytest.mark.parametrize("text", [pattern for pattern, _ in SURE.values()], ids=SURE)
def test_a_pattern_that_can_be_sure(text):
    assert Pattern(text).sure


HOSTILE = {
    "a megabyte": ("*a*a*a*a*b", "a" * 1_000_000),
    "all that is read": ("*a*a*a*a*b", "a" * MAX_LENGTH),
    "many stars": ("*a" * 250 + "*b", "a" * MAX_LENGTH),
    "stars and question marks": ("*a?" * 150 + "*b", "a" * MAX_LENGTH),
    "question marks": ("*" + "?" * 500 + "b*c", "a" * MAX_LENGTH),
    "nested escapes": ("*a*b", "%" + "25" * 1_000),
    "many segments": ("*a*b", "a/../" * 400),
    "what becomes eighteen times as long": ("*a*b", "\ufdfa" * MAX_LENGTH),
    "an international host": ("*a*b", "rtsp://" + "é" * 250 + "/%25%25/../;?#"),
}


@pytest.mark.parametrize(("pattern", "name"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_costs_little(pattern, name):
    compiled = Pattern(pattern)
    start = time.perf_counter()
    compiled.match(Name(name))
    assert time.perf_counter() - start < 0.25


def test_a_plain_name_is_read_in_one_way():
    assert (Name("Room-1").exact, Name("Room-1").wide) == (("room-1",), ())


def test_what_is_read_once_is_remembered():
    assert read_name("cam.720p") is read_name("cam.720p")
    assert read_name("a" * (MAX_LENGTH + 1)) is not read_name("a" * (MAX_LENGTH + 1))


def test_every_character_that_folds_to_a_mark_is_also_kept():
    marks = set("%/\\.?#;:@[]")
    for code in range(0x80, 0x110000):
        char = chr(code)
        if marks & set(unicodedata.normalize("NFKC", char)):
            assert folded(char) == (fold(char), char), hex(code)


@given(st.text(max_size=40))
def test_escaped_text_means_itself(text):
    name = Name(text)
    try:
        pattern = Pattern(escaped(text))
    except ValueError:
        return
    assert pattern.match(name) is not NO
