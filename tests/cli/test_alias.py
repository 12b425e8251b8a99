"""``authgate alias``."""

import json

import pytest
from sqlalchemy import insert

from authgate.store.tables import aliases

CAMERA = "rtsp://user:secret@192.0.2.5/1?key=abc"


@pytest.fixture
def lobby(authgate):
    authgate("alias", "add", "cams", "lobby", "-", stdin=f"{CAMERA}\n")


def listed(authgate, *words):
    return json.loads(authgate("alias", "list", *words, "--json").stdout)


def test_add_and_list(authgate, lobby):
    authgate("alias", "add", "numbers", "sales", "1002")
    assert [(each["table"], each["name"], each["value"]) for each in listed(authgate, "--reveal")] == [
        ("cams", "lobby", CAMERA),
        ("numbers", "sales", "1002"),
    ]
    assert [each["name"] for each in listed(authgate, "cams")] == ["lobby"]


def test_passwords_are_printed_only_on_request(authgate, lobby):
    for words in (["alias", "list"], ["alias", "list", "--json"], ["alias", "list", "cams"]):
        output = authgate(*words).stdout
        assert "rtsp://192.0.2.5/1" in output
        assert "secret" not in output
        assert "abc" not in output
    assert CAMERA in authgate("alias", "list", "--reveal").stdout


# What an alias stands for, and what is printed of it unasked.
VALUES = {
    "a stream": ("int-lobby", "int-lobby"),
    "a number": ("+493055550101", "+493055550101"),
    "an address of SIP": ("sip:1001@pbx.example.com", "sip:1001@pbx.example.com"),
    "an address of SIP with a password": ("sip:1001:hunter2@pbx.example.com", "***@pbx.example.com"),
    "one in capitals": ("SIPS:1001:hunter2@pbx.example.com", "***@pbx.example.com"),
    "one with an @ in its password": ("sip:1001:hunter@2@pbx.example.com", "***@pbx.example.com"),
    "one with a query": ("sip:1001:hunter2@pbx.example.com?token=hunter2", "***@pbx.example.com"),
    "a user and a password without a scheme": ("user:hunter2@cam/1", "***@cam/1"),
    "a query": ("cam-1?token=hunter2", "cam-1"),
    "an address": ("rtsp://u:hunter2@cam/1?t=hunter2", "rtsp://cam/1"),
    "one with an @ in its password, in full": ("rtsp://u:hunter2@2@cam/1", "rtsp://cam/1"),
    "one with a slash in its password": ("rtsp://u:hunter2/2@cam/1", "rtsp://cam/1"),
    "one with a mark in its password": ("rtsp://u:hunter2?2@cam/1", "rtsp://***"),
}


@pytest.mark.parametrize(("value", "shown"), VALUES.values(), ids=VALUES)
def test_what_is_printed_of_a_value(authgate, value, shown):
    added = authgate("alias", "add", "t", "n", "-", stdin=value)
    assert "hunter" not in added.output
    assert listed(authgate) == [{"table": "t", "name": "n", "value": shown, "created": listed(authgate)[0]["created"]}]
    assert "hunter" not in authgate("alias", "list").output
    assert listed(authgate, "--reveal")[0]["value"] == value


INPUTS = {"line end": "v\n", "line end of Windows": "v\r\n", "no line end": "v"}


@pytest.mark.parametrize("stdin", INPUTS.values(), ids=INPUTS)
def test_a_value_from_standard_input(authgate, stdin):
    authgate("alias", "add", "t", "n", "-", stdin=stdin)
    assert listed(authgate, "--reveal")[0]["value"] == "v"


@pytest.mark.parametrize("stdin", ["", "\n", "v\n\n", "v\nw\n", b"\xff", "v\0", "v" * 70_000, "😀" * 20_000])
def test_a_value_from_standard_input_that_is_none(authgate, stdin):
    assert "a value is 1 to 4096 characters" in authgate("alias", "add", "t", "n", "-", stdin=stdin, status=1).stderr
    assert listed(authgate) == []


def test_a_refusal_does_not_repeat_the_value(authgate, lobby):
    for words in (["cams", "lobby", "hunter2"], ["cams", "x", "hunter2\x1b"], ["cams", "x", "hunter2" * 600]):
        assert "hunter2" not in authgate("alias", "add", *words, status=1).output


def test_a_table_of_which_there_is_none(authgate, lobby):
    for table in ("", "CAMS", "cams ", "\udcff", "x" * 65):
        assert listed(authgate, table) == []


def test_terminal_injection(authgate, on_store):
    """A row that came another way than by us may hold what a terminal obeys."""

    async def plant(store):
        row = {"table_name": "t", "name": "\x1b]0;owned\x07", "value": "\u202ex\nforged", "created_at": 1}
        async with store.engine.begin() as connection:
            await connection.execute(insert(aliases), row)

    on_store(plant)
    for words in (["alias", "list"], ["alias", "list", "--reveal"]):
        output = authgate(*words).stdout
        assert r"\x1b]0;owned\x07" in output
        assert output.replace("\n", "").isprintable()


USAGE = {
    "no verb": ("alias",),
    "unknown verb": ("alias", "delete", "t", "n"),
    "no value": ("alias", "add", "t", "n"),
    "too many": ("alias", "add", "t", "n", "v", "w"),
    "no name to remove": ("alias", "remove", "t"),
}


@pytest.mark.parametrize("words", USAGE.values(), ids=USAGE)
def test_usage(authgate, words):
    assert "Usage: authgate alias" in authgate(*words, status=2).output


def test_replace(authgate, lobby):
    assert "--replace" in authgate("alias", "add", "cams", "lobby", "x", status=1).stderr
    authgate("alias", "add", "cams", "lobby", "x", "--replace")
    assert [each["value"] for each in listed(authgate)] == ["x"]


def test_names_are_compared_by_their_very_characters(authgate, lobby):
    authgate("alias", "add", "cams", "LOBBY", "x")
    authgate("alias", "add", "cams", "lobby ", "y")
    assert len(listed(authgate)) == 3


def test_remove(authgate, lobby):
    authgate("alias", "remove", "cams", "lobby")
    assert listed(authgate) == []
    assert "there is no 'lobby' in table 'cams'" in authgate("alias", "remove", "cams", "lobby", status=1).stderr


REFUSED = {
    "no table": ("", "x", "y"),
    "no name": ("t", "", "y"),
    "no value": ("t", "x", ""),
    "a control character": ("t", "x\x07", "y"),
    "a value over two lines": ("t", "x", "y\nz"),
    "a table with too long a name": ("t" * 65, "x", "y"),
    "too long a name": ("t", "x" * 191, "y"),
    "too long a value": ("t", "x", "y" * 4_097),
    "a table that is no Unicode": ("\udcff", "x", "y"),
    "a name that is no Unicode": ("t", "\udcff", "y"),
    "a value that is no Unicode": ("t", "x", "\udcff"),
    "a name that nobody sees": ("t", "\u200d", "y"),
    "what turns the line around": ("t", "x\u202e", "y"),
}


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_refused(authgate, words):
    assert "characters that can be seen" in authgate("alias", "add", *words, status=1).stderr
    assert listed(authgate) == []


def test_a_table_of_passwords_is_not_shown_at_all(authgate, path):
    path.write_text(
        path.read_text()
        + """
[[rules]]
name = "sip"
methods = ["connect"]
policy = { type = "session" }
rewrites = [{ type = "map", field = "sipPassword", store = "sip", key = "{user}" }]
"""
    )
    authgate("alias", "add", "sip", "ann", "c4nary")
    authgate("alias", "add", "other", "ann", "shown")
    assert [each["value"] for each in listed(authgate)] == ["shown", "***"]
    assert "c4nary" not in authgate("alias", "list").stdout
    assert [each["value"] for each in listed(authgate, "sip", "--reveal")] == ["c4nary"]
