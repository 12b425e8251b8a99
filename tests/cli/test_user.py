"""``authgate user``."""

import json

import pytest

from authgate import admin
from authgate.model import User


@pytest.fixture
def ann(authgate):
    authgate("user", "add", "Ann", "--display", "Ann A.", "--password-stdin", stdin="secret-1\n")


def shown(authgate, name="ann"):
    return json.loads(authgate("user", "show", name, "--json").stdout)


def test_add_and_show(authgate, ann):
    fields = shown(authgate, "ANN")
    assert fields.pop("created_at") == fields.pop("updated_at")
    assert fields.pop("generation") > 0
    assert fields == {
        "name": "ann",
        "display": "Ann A.",
        "enabled": True,
        "not_before": None,
        "expires_at": None,
        "max_sessions": None,
        "password": True,
        "source": None,
        "grants": None,
        "notes": "",
        "groups": [],
        "sessions": 0,
        "banned": None,
        "locked": [],
        "cut_off_at": None,
    }
    assert "Ann A." in authgate("user", "show", "ann").stdout


def test_what_cuts_a_user_off_is_shown(authgate, ann):
    before = shown(authgate)
    authgate("user", "set", "ann", "--grant", "play:*")
    granted = shown(authgate)
    assert granted["generation"] > before["generation"]
    assert granted["cut_off_at"] is None, "tokens of others stay good"
    authgate("user", "disable", "ann")
    disabled = shown(authgate)
    assert disabled["generation"] > granted["generation"]
    assert granted["updated_at"] <= disabled["cut_off_at"]
    lines = dict(line.split(None, 1) for line in authgate("user", "show", "ann").stdout.splitlines())
    assert (lines["generation"], lines["cut_off_at"]) == (str(disabled["generation"]), disabled["cut_off_at"])


def test_add_without_a_password(authgate):
    assert authgate("user", "add", "bob", "--no-password").stdout == "added bob\n"
    assert not shown(authgate, "bob")["password"]


def test_add_with_a_prompt(authgate):
    result = authgate("user", "add", "bob", stdin="secret-1\nsecret-1\n")
    assert "secret-1" not in result.output
    assert shown(authgate, "bob")["password"]


def test_prompt_answered_twice_otherwise(authgate):
    authgate("user", "add", "bob", stdin="secret-1\nsecret-2\n", status=1)
    authgate("user", "show", "bob", status=1)


def hash_of(on_store, name):
    async def find(store):
        return (await admin.user(store, name)).hash

    return on_store(find)


PASSWORDS = {
    "line end": ("a b c d \n", "a b c d "),
    "line end of Windows": ("secret-1\r\n", "secret-1"),
    "no line end": ("secret-1", "secret-1"),
    "first line only": ("secret-1\nmore\n", "secret-1"),
    "not only ASCII": ("pässword\n", "pässword"),
}


@pytest.mark.parametrize(("stdin", "password"), PASSWORDS.values(), ids=PASSWORDS)
def test_password_from_standard_input(authgate, on_store, stdin, password):
    from passlib.hash import argon2

    authgate("user", "add", "bob", "--password-stdin", stdin=stdin)
    assert argon2.verify(password, hash_of(on_store, "bob"))


REFUSED = {
    "no name": ("", "secret-1\n", "error: a user name is not empty"),
    "name with an escape": ("\x1b[2J", "secret-1\n", "error: a user name holds no control characters"),
    "empty password": ("bob", "\n", "error: a password is not empty"),
    "no input": ("bob", "", "error: a password is not empty"),
    "password below the length": (
        "bob",
        "7letter\n",
        "error: a password has at least 8 characters",
    ),
    "the user's name": ("bob-the-builder", "Bob-the-Builder\n", "error: a password is not the user's own name"),
    "password over the length": ("bob", "x" * 129, "error: a password has at most 128 characters"),
    "password that is not UTF-8": ("bob", b"\xff\n", "error: a password is Unicode text"),
    "taken": ("ANN", "secret-1\n", "error: there is a user 'ann' already"),
}


@pytest.mark.parametrize(("name", "stdin", "said"), REFUSED.values(), ids=REFUSED)
def test_add_refused(authgate, ann, name, stdin, said):
    result = authgate("user", "add", name, "--password-stdin", stdin=stdin, status=1)
    assert result.stdout == ""
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1
    assert len(authgate("user", "list", "--json").stdout.splitlines()) == 1


def test_password(authgate, on_store, ann):
    before = hash_of(on_store, "ann")
    result = authgate("user", "password", "ann", "--password-stdin", stdin="secret-2\n")
    assert hash_of(on_store, "ann") != before
    assert "secret-2" not in result.output


def test_set(authgate, ann):
    authgate("user", "set", "ann", "--display", "Anna", "--no-password")
    assert (shown(authgate)["display"], shown(authgate)["password"]) == ("Anna", False)


def test_disable_and_enable(authgate, ann):
    authgate("user", "disable", "Ann")
    assert not shown(authgate)["enabled"]
    authgate("user", "enable", "Ann")
    assert shown(authgate)["enabled"]


def test_delete(authgate, ann):
    authgate("user", "delete", "ann")
    authgate("user", "show", "ann", status=1)


UNKNOWN = {
    "show": ("show", "bob"),
    "set": ("set", "bob", "--display", "Bob"),
    "password": ("password", "bob", "--password-stdin"),
    "disable": ("disable", "bob"),
    "enable": ("enable", "bob"),
    "delete": ("delete", "bob"),
}


@pytest.mark.parametrize("arguments", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_user(authgate, ann, arguments):
    result = authgate("user", *arguments, stdin="secret-1\n", status=1)
    assert (result.stdout, result.stderr) == ("", "error: there is no user 'bob'\n")


USAGE = {
    "no verb": ("user",),
    "unknown verb": ("user", "remove", "ann"),
    "no name": ("user", "add"),
    "both or neither password": ("user", "add", "ann", "--no-password", "--password-stdin"),
    "one that is made up and none": ("user", "add", "ann", "--no-password", "--generate-password"),
    "one that is made up and one that is given": ("user", "password", "ann", "--generate", "--password-stdin"),
    "nothing to set": ("user", "set", "ann"),
    "password as an argument": ("user", "password", "ann", "secret"),
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE)
def test_usage(authgate, arguments):
    assert "Usage: authgate user" in authgate(*arguments, status=2).output


def test_terminal_injection(authgate, on_store):
    """A display name that came another way than by us may hold what a terminal obeys."""

    async def plant(store):
        await store.users.add(User("ann", "\x1b]0;owned\x07\u202ex\nforged line"))

    on_store(plant)
    for output in (authgate("user", "list").stdout, authgate("user", "show", "ann").stdout):
        assert r"\x1b]0;owned\x07\u202ex\nforged line" in output
        assert output.replace("\n", "").isprintable()
    assert json.loads(authgate("user", "list", "--json").stdout)["display"].startswith("\x1b]0;")
    assert "\x1b" not in authgate("user", "list", "--json").stdout
