"""``authgate user lint``."""

import json

import pytest

from authgate.model import User
from tests.passwords.vectors import VECTORS


@pytest.fixture
def keep(on_store):
    """Puts a user with this hash into the store, as if it came from elsewhere."""
    return lambda name, stored: on_store(lambda store: store.users.add(User(name, name, hash=stored)))


def test_nothing_to_do(authgate, keep):
    keep("ann", VECTORS["argon2id of PHP"].ascii)
    keep("tok", None)
    result = authgate("user", "lint")
    assert result.stdout == ""
    assert result.stderr == "2 users: 1 argon2; nothing to do\n"
    assert json.loads(authgate("user", "lint", "--json").stdout) == []


def test_an_empty_store(authgate):
    assert authgate("user", "lint").stderr == "0 users: no password; nothing to do\n"


def test_who_cannot_log_in_makes_it_fail(authgate, keep):
    keep("ann", "!")
    keep("bob", VECTORS["phpass"].ascii)
    keep("eve", VECTORS["bcrypt 2y of PHP"].ascii)
    result = authgate("user", "lint", status=1)
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("ann: -, unusable: it is locked: no password opens it; set the password anew:")
    assert lines[1].startswith("bob: phpass, not_enabled: ")
    assert result.stderr == "3 users: 1 unknown, 1 phpass, 1 bcrypt; 1 not_enabled, 1 unusable\n"
    assert VECTORS["phpass"].ascii not in result.output


def test_what_is_only_weak_does_not(authgate, keep, path):
    path.write_text(path.read_text().replace("[hashing]", '[hashing]\nlegacy = ["phpass"]'))
    keep("bob", VECTORS["phpass"].ascii)
    (only,) = json.loads(authgate("user", "lint", "--json").stdout)
    assert only.keys() == {"name", "scheme", "fault", "why", "advice"}
    assert (only["name"], only["scheme"], only["fault"]) == ("bob", "phpass", "weak")


def test_json_of_several(authgate, keep):
    for name in ("ann", "bob", "eve"):
        keep(name, "x")
    found = json.loads(authgate("user", "lint", "--json", status=1).stdout)
    assert [(each["name"], each["scheme"]) for each in found] == [("ann", None), ("bob", None), ("eve", None)]


def test_nothing_in_a_name_that_a_terminal_obeys_is_printed(authgate, keep):
    keep("a\x1b[31mb", "x")
    assert "\x1b" not in authgate("user", "lint", status=1).stdout
