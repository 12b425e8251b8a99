"""Bytes of a file -> rows: what is taken, what is a bad row, and what refuses the whole file."""

import io

import pytest

from authgate.errors import Refused
from authgate.userfiles import MAX_LINE, READERS, Bad, Row, numbered

HASH = "$2b$12$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcdefg"


def read(form, text):
    data = text if isinstance(text, bytes) else text.encode()
    return list(READERS[form](numbered(io.BytesIO(data))))


def members(form, text):
    return [row.members if isinstance(row, Row) else row.why for row in read(form, text)]


CSV = {
    "a name": ("name\nann\n", [{"name": "ann"}]),
    "no line end at the end": ("name\nann", [{"name": "ann"}]),
    "lines of Windows": ("name,hash\r\nann,x\r\n", [{"name": "ann", "hash": "x"}]),
    "a mark of UTF-8": ("\ufeffname\nann\n", [{"name": "ann"}]),
    "columns in any order": ("hash,name\nx,ann\n", [{"hash": "x", "name": "ann"}]),
    "columns in capitals and spaces": ("Name, HASH\nann,x\n", [{"name": "ann", "hash": "x"}]),
    "quoted columns": ('"name","hash"\nann,x\n', [{"name": "ann", "hash": "x"}]),
    "empty lines": ("\n\nname\n\nann\n\n", [{"name": "ann"}]),
    "quotes, commas and lines in a field": (
        'name,notes\n"ann","says ""hi"",\nthen, goes"\nbob,x\n',
        [{"name": "ann", "notes": 'says "hi",\nthen, goes'}, {"name": "bob", "notes": "x"}],
    ),
    "an empty quoted field": ('name,hash\nann,""\n', [{"name": "ann", "hash": None}]),
    "empty fields at both ends": (
        "display,name,hash\n,ann,\n",
        [{"display": None, "name": "ann", "hash": None}],
    ),
    "all of any script": ("name\n安娜\nÉmile\n", [{"name": "安娜"}, {"name": "Émile"}]),
    "grants as JSON": (
        'name,grants\nann,"[""play:a b"",""!play:x""]"\n',
        [{"name": "ann", "grants": ("play:a b", "!play:x")}],
    ),
    "grants by spaces": ("name,grants\nann,play:a  publish:b\n", [{"name": "ann", "grants": ("play:a", "publish:b")}]),
    "no list of grants": ("name,grants\nann,\n", [{"name": "ann", "grants": None}]),
    "an empty list of grants": ("name,grants\nann,[]\n", [{"name": "ann", "grants": ()}]),
    "groups": ('name,groups\nann,staff board\nbob,"[""a b""]"\ncid,\n', [
        {"name": "ann", "groups": ("staff", "board")},
        {"name": "bob", "groups": ("a b",)},
        {"name": "cid", "groups": ()},
    ]),
    "truths": ("name,enabled\na,true\nb,NO\nc,0\n", [
        {"name": "a", "enabled": True},
        {"name": "b", "enabled": False},
        {"name": "c", "enabled": False},
    ]),
    "times": ("name,expires_at\na,2026-01-31\nb,2026-01-31T12:00+02:00\nc,1769860800\nd,20260131\ne,\nf,none\n", [
        {"name": "a", "expires_at": 1_769_817_600},
        {"name": "b", "expires_at": 1_769_853_600},
        {"name": "c", "expires_at": 1_769_860_800},
        {"name": "d", "expires_at": 1_769_817_600},
        {"name": "e", "expires_at": None},
        {"name": "f", "expires_at": None},
    ]),
    "numbers": ("name,max_sessions\na,0\nb,none\nc,\n", [
        {"name": "a", "max_sessions": 0},
        {"name": "b", "max_sessions": None},
        {"name": "c", "max_sessions": None},
    ]),
    "formulas are names like others": ("name\n=1+1\n@a\n-b\n+c\n", [
        {"name": "=1+1"}, {"name": "@a"}, {"name": "-b"}, {"name": "+c"},
    ]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "found"), CSV.values(), ids=CSV)
def test_csv(text, found):
    assert members("csv", text) == found


BAD_CSV = {
    "too few fields": ("name,hash\nann\n", "has 1 fields, and the header has 2"),
    "too many fields": (
        "name,hash\nann,x,y\n",
        "has 3 fields, and the header has 2; a value with commas, as of argon2, stands in quotes",
    ),
    "a quote in a field": ('name\na"b"\n', "has a quote in the middle"),
    "one quote in a field": ('name\n5" pipe\n', "has a quote in the middle"),
    "text behind a quote": ('name\n"a"b\n', "has a quote in the middle"),
    "a space before a quote": ('name,hash\nann, "x"\n', "has a quote in the middle"),
    "a carriage return in a field": ("name\na\rb\n", "has a carriage return"),
    "another encoding": ("name\nÉmile\n".encode("latin-1"), "is not UTF-8"),
    "NUL": ("name\na\0b\n", "holds NUL"),
    "neither true nor false": ("name,enabled\nann,perhaps\n", "enabled: is true or false"),
    "not said whether enabled": ("name,enabled\nann,\n", "enabled: is true or false"),
    "a time from now on": ("name,expires_at\nann,+30d\n", "expires_at: is neither a time"),
    "no time": ("name,not_before\nann,soon\n", "not_before: is neither a time"),
    "a number with a point": ("name,max_sessions\nann,1.0\n", "max_sessions: is neither a number"),
    "less than nothing": ("name,max_sessions\nann,-1\n", "max_sessions: is neither a number"),
    "a number of other digits": ("name,max_sessions\nann,٣\n", "max_sessions: is neither a number"),
    "grants that are no list": ("name,grants\nann,[\n", "grants: is no JSON list of texts"),
    "grants that are numbers": ("name,grants\nann,[1]\n", "grants: is no list of texts"),
    "half a character": ('name,grants\nann,"[""\\ud800""]"\n', "grants: is no list of texts"),
    "grants nested to the ground": ("name,grants\nann," + "[" * 100_000 + "\n", "grants: is no JSON list of texts"),
}


@pytest.mark.parametrize(("text", "why"), BAD_CSV.values(), ids=BAD_CSV)
def test_a_bad_row_of_csv_is_named_and_the_next_one_is_read(text, why):
    header = text if isinstance(text, bytes) else text.encode()
    width = header.split(b"\n")[0].count(b",") + 1
    good = {1: b"zoe\n", 2: b"zoe," + (b"true" if b"enabled" in header else b"") + b"\n"}[width]
    first, second = read("csv", header + good)
    assert (type(first), first.line, first.why[: len(why)]) == (Bad, 2, why)
    assert (type(second), second.line, second.members["name"]) == (Row, 3, "zoe")


def test_lines_are_those_of_the_file_where_rows_are_longer():
    text = 'name,notes\n\nann,"a\nb\nc"\nbob,x\n'
    assert [row.line for row in read("csv", text)] == [3, 6]


def test_a_bad_row_over_several_lines_says_where_it_ends():
    (bad, good) = read("csv", 'name,notes\nann,"a\nb"x\nzoe,\n')
    assert (bad.line, good.line) == (2, 4)
    assert bad.why.endswith("(the row ends in line 3)")


WHOLE = {
    "nothing": ("csv", "", "the file is empty"),
    "empty lines only": ("csv", "\n\n", "the file is empty"),
    "no header": ("csv", f"ann,{HASH}\n", "line 1: the header has no column name"),
    "no column name": ("csv", "user,hash\nann,x\n", "line 1: the header has no column name"),
    "semicolons": ("csv", "name;hash\nann;x\n", "line 1: the header has no column name; columns are parted by commas"),
    "tabs": ("csv", "name\thash\n", "line 1: the header has no column name; columns are parted by commas"),
    "an unknown column": ("csv", "name,colour\n", "line 1: no such column: 'colour'; there are name, display"),
    "a mistyped column": ("csv", "name,hashh\n", "line 1: no such column: 'hashh'; did you mean 'hash'?"),
    "a column twice": ("csv", "name,hash,HASH\n", "line 1: the column 'hash' is there twice"),
    "a column without a name": ("csv", "name,\n", "line 1: no such column: number 2"),
    "a quote that is not closed": ("csv", 'name\nann\n"bob\ncid\n', "line 3: a quote opens that is not closed"),
    "a quote that goes on and on": ("csv", 'name\n"bob\n' + "x\n" * MAX_LINE, "line 2: a quote opens"),
    "a line without an end": ("csv", b"x" * (MAX_LINE + 1), "line 1 is longer than 256 KiB"),
    "a long line later": ("jsonl", "\n" + "x" * (MAX_LINE + 1), "line 2 is longer than 256 KiB"),
    "UTF-16": ("csv", "name\n".encode("utf-16"), "the file is in UTF-16"),
    "UTF-16 of the other end": ("csv", b"\xfe\xff\0n\0a", "the file is in UTF-16"),
    "UTF-32": ("jsonl", "name\n".encode("utf-32"), "the file is in UTF-32"),
    "UTF-16 without a mark": ("csv", "name\n".encode("utf-16-le"), "line 1 holds NUL"),
    "a header of another encoding": ("csv", "name,é\n".encode("latin-1"), "line 1 is not UTF-8"),
    "a spreadsheet": ("csv", b"PK\3\4....", "the file is a spreadsheet"),
    "an old spreadsheet": ("csv", b"\xd0\xcf\x11\xe0\xa1\xb1", "the file is a spreadsheet"),
    "compressed": ("htpasswd", b"\x1f\x8b\x08", "the file is compressed"),
    "a database": ("jsonl", b"SQLite format 3\0", "the file is a database"),
    "a program": ("htpasswd", b"\x7fELF\2\1\1\0", "line 1 holds NUL"),
}


@pytest.mark.parametrize(("form", "text", "why"), WHOLE.values(), ids=WHOLE)
def test_what_is_no_such_file_is_refused_as_a_whole(form, text, why):
    with pytest.raises(Refused) as refused:
        read(form, text)
    assert str(refused.value).startswith(why)


def test_a_hash_in_the_place_of_the_header_is_not_shown():
    for text in (f"ann,{HASH}\n", f"name,{HASH}\n", f"name,{'a' * 64}\n"):
        with pytest.raises(Refused) as refused:
            read("csv", text)
        assert HASH not in str(refused.value)
        assert "a" * 64 not in str(refused.value)


JSONL = {
    "a name": ('{"name": "ann"}\n', [{"name": "ann"}]),
    "empty lines": ('\n{"name": "ann"}\n \n', [{"name": "ann"}]),
    "all members": (
        '{"name": "a", "display": "A", "enabled": false, "hash": "x", "grants": ["play:*"], "groups": ["g"],'
        ' "not_before": 0, "expires_at": "2026-01-31", "max_sessions": 2, "notes": "a\\nb"}',
        [
            {
                "name": "a",
                "display": "A",
                "enabled": False,
                "hash": "x",
                "grants": ("play:*",),
                "groups": ("g",),
                "not_before": 0,
                "expires_at": 1_769_817_600,
                "max_sessions": 2,
                "notes": "a\nb",
            }
        ],
    ),
    "nulls": (
        '{"name": "a", "hash": null, "grants": null, "not_before": null, "expires_at": null, "max_sessions": null}',
        [{"name": "a", "hash": None, "grants": None, "not_before": None, "expires_at": None, "max_sessions": None}],
    ),
    "a mark of UTF-8": ('\ufeff{"name": "ann"}', [{"name": "ann"}]),
    "no name": ('{"hash": "x"}', ["has no name"]),
    "a member twice": ('{"name": "ann", "name": "bob"}', ["holds a key twice"]),
    "a list": ('["ann"]', ["is not a JSON object"]),
    "half an object": ('{"name": "ann"', ["is not JSON"]),
    "two objects": ('{"name": "ann"}{"name": "bob"}', ["is not JSON"]),
    "not a number": ('{"name": "ann", "max_sessions": NaN}', ["holds NaN"]),
    "an object over lines": ('{\n"name": "ann"\n}', ["is not JSON", "is not JSON", "is not JSON"]),
    "a name that is a number": ('{"name": 42}', ["name: is no text"]),
    "a name that is nothing": ('{"name": null}', ["name: is no text"]),
    "enabled as text": ('{"name": "a", "enabled": "true"}', ["enabled: is true or false"]),
    "enabled as a number": ('{"name": "a", "enabled": 1}', ["enabled: is true or false"]),
    "grants as text": ('{"name": "a", "grants": "play:*"}', ["grants: is no list of texts"]),
    "groups that are nothing": ('{"name": "a", "groups": null}', ["groups: is no list of texts"]),
    "a limit that is true": ('{"name": "a", "max_sessions": true}', ["max_sessions: is no whole number"]),
    "a limit with a point": ('{"name": "a", "max_sessions": 1.0}', ["max_sessions: is no whole number"]),
    "a time with a point": ('{"name": "a", "expires_at": 1.5}', ["expires_at: is no whole number"]),
    "a hash that is a list": ('{"name": "a", "hash": []}', ["hash: is no text"]),
    "half a character": ('{"name": "\\ud800"}', ["holds half a character (a lone surrogate)"]),
    "NUL": ('{"name": "a"}\n\0', [{"name": "a"}, "holds NUL"]),
    "another encoding": ('{"name": "a"}\n{"name": "É"}'.encode("latin-1"), [{"name": "a"}, "is not UTF-8"]),
    "nested to the ground": ("[" * 100_000, ["is nested more than 200 levels deep"]),
}


@pytest.mark.parametrize(("text", "found"), JSONL.values(), ids=JSONL)
def test_json_lines(text, found):
    assert members("jsonl", text) == found


def test_an_unknown_member_is_named_where_it_is_a_word():
    bad, hidden = members("jsonl", '{"name": "a", "hassh": 1}\n{"name": "a", "' + HASH + '": 1}')
    assert bad == "has an unknown member 'hassh'; did you mean 'hash'?"
    assert HASH not in hidden


HTPASSWD = {
    "a user": (f"ann:{HASH}\n", [{"name": "ann", "hash": HASH}]),
    "comments and empty lines": (f"# users\n\n  \nann:{HASH}\n", [{"name": "ann", "hash": HASH}]),
    "lines of Windows": ("ann:x\r\nbob:y\r\n", [{"name": "ann", "hash": "x"}, {"name": "bob", "hash": "y"}]),
    "colons in the hash": ("ann:pbkdf2:sha256:1$a$b", [{"name": "ann", "hash": "pbkdf2:sha256:1$a$b"}]),
    "no colon": ("ann", ["is not such as name:hash"]),
    "no hash": ("ann:", ["is not such as name:hash"]),
    "NUL": (f"ann:x\nb\0b:{HASH}", [{"name": "ann", "hash": "x"}, "holds NUL"]),
    "nothing": ("", []),
}


@pytest.mark.parametrize(("text", "found"), HTPASSWD.values(), ids=HTPASSWD)
def test_htpasswd(text, found):
    assert members("htpasswd", text) == found


def test_each_line_is_told_with_its_length():
    seen = []
    list(numbered(io.BytesIO(b"ab\ncd"), seen.append))
    assert seen == [3, 2]
