"""``authgate alias``."""

import json

import pytest

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
}


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_refused(authgate, words):
    assert "characters that can be seen" in authgate("alias", "add", *words, status=1).stderr
    assert listed(authgate) == []
