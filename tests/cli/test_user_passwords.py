"""What ``authgate user add`` and ``user password`` hold passwords to, and the ones that they make up."""

import json
import re

import pytest
from passlib.hash import argon2

from authgate import admin

MADE = re.compile(r"[a-z2-9]{4}(-[a-z2-9]{4}){6}")


def hash_of(on_store, name):
    async def find(store):
        return (await admin.user(store, name)).hash

    return on_store(find)


COMMANDS = {
    "add": ("user", "add", "bob", "--generate-password"),
    "password": ("user", "password", "ann", "--generate"),
}


@pytest.fixture(autouse=True)
def ann(authgate):
    authgate("user", "add", "ann", "--password-stdin", stdin="secret-1\n")


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_password_that_is_made_up_is_printed_alone_and_once(authgate, on_store, command):
    result = authgate(*command)
    made = result.stdout.removesuffix("\n")
    assert MADE.fullmatch(made)
    assert argon2.verify(made, hash_of(on_store, command[2]))
    assert "shown this once" in result.stderr
    assert made not in result.stderr + authgate("user", "show", command[2]).stdout


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_same_for_machines(authgate, on_store, command):
    told = json.loads(authgate(*command, "--json").stdout)
    assert told.keys() == {"name", "password"}
    assert told["name"] == command[2]
    assert argon2.verify(told["password"], hash_of(on_store, command[2]))


def test_a_password_that_was_given_is_told_nobody(authgate):
    for command in (("add", "bob"), ("password", "ann")):
        result = authgate("user", *command, "--password-stdin", "--json", stdin="secret-2\n")
        assert json.loads(result.stdout) == {"name": command[1]}
        assert "secret-2" not in result.output


def test_what_is_made_up_is_as_long_as_is_wanted(authgate, path):
    path.write_text(path.read_text() + "\n[passwords]\nmin_length = 60\nmin_score = 4\n")
    assert len(authgate("user", "password", "ann", "--generate").stdout.strip()) == 60


def test_nobody_gets_a_made_up_password_that_is_not_there(authgate):
    result = authgate("user", "password", "nobody", "--generate", status=1)
    assert (result.stdout, result.stderr) == ("", "error: there is no user 'nobody'\n")
    result = authgate("user", "add", "ANN", "--generate-password", status=1)
    assert (result.stdout, result.stderr) == ("", "error: there is a user 'ann' already\n")


POLICIES = {
    "min_length": ("min_length = 20", "secret-1234567", "at least 20 characters (passwords.min_length)"),
    "min_score": ("min_score = 3", "qwertyuiop", "passwords.min_score wants 3"),
    "breached": ('breached = "known"', "letmein-now", "known from breaches, and so to whoever guesses"),
}


@pytest.mark.parametrize(("option", "password", "said"), POLICIES.values(), ids=POLICIES)
def test_the_rule_that_refuses_is_named(authgate, on_store, path, option, password, said):
    (path.parent / "known").write_text("letmein-now\n")  # the path is relative to the configuration
    path.write_text(path.read_text() + f"\n[passwords]\n{option}\n")
    before = hash_of(on_store, "ann")
    for command in (("add", "bob"), ("password", "ann")):
        result = authgate("user", *command, "--password-stdin", stdin=f"{password}\n", status=1)
        assert result.stdout == ""
        assert said in result.stderr
        assert password not in result.stderr
    assert hash_of(on_store, "ann") == before
    authgate("user", "show", "bob", status=1)


@pytest.mark.parametrize(("option", "password", "said"), POLICIES.values(), ids=POLICIES)
def test_passwords_in_a_file_are_held_to_it_and_told_by_their_line(
    authgate, on_store, path, tmp_path, option, password, said
):
    (path.parent / "known").write_text("letmein-now\n")
    path.write_text(path.read_text() + f"\n[passwords]\n{option}\n")
    file = tmp_path / "users.csv"
    file.write_text(f"name,password\nbob,x7-Gr9!kvv-Qp2#mm-Wz\ncy,{password}\ndee,\n")
    for arguments in (("--dry-run",), ()):
        result = authgate("user", "import", str(file), *arguments, status=1)
        assert result.stderr.startswith("line 3: ")
        assert said in result.stderr.splitlines()[0]
        assert password not in result.output
        authgate("user", "show", "bob", status=1)
    authgate("user", "import", str(file), "--only-good", status=1)
    assert argon2.verify("x7-Gr9!kvv-Qp2#mm-Wz", hash_of(on_store, "bob"))
    authgate("user", "show", "cy", status=1)


def test_a_password_in_a_file_is_not_the_name_or_the_display_of_its_user(authgate, tmp_path):
    file = tmp_path / "users.csv"
    file.write_text("name,display,password\nlong-enough,,LONG-ENOUGH\nbob,Robert Brown,robert brown\n")
    result = authgate("user", "import", str(file), status=1)
    assert result.stderr.splitlines()[:2] == [f"line {line}: a password is not the user's own name" for line in (2, 3)]


def test_a_list_of_known_passwords_that_is_gone_takes_none_from_a_file(authgate, path, tmp_path):
    path.write_text(path.read_text() + '\n[passwords]\nbreached = "known"\n')
    file = tmp_path / "users.csv"
    file.write_text("name,password\nbob,nobody-knows-this\n")
    for arguments in (("--dry-run",), ("--only-good",)):
        result = authgate("user", "import", str(file), *arguments, status=2)
        assert "passwords.breached: " in result.stderr
        assert "nobody-knows-this" not in result.output
    authgate("user", "show", "bob", status=1)


def test_a_list_of_known_passwords_that_is_gone_sets_none(authgate, path):
    path.write_text(path.read_text() + '\n[passwords]\nbreached = "known"\n')
    result = authgate("user", "password", "ann", "--password-stdin", stdin="nobody-knows-this\n", status=2)
    assert "passwords.breached: " in result.stderr
    assert "cannot be read" in result.stderr
    assert "no password can be set" in authgate("config", "check").output


def test_users_who_are_there_already_are_held_to_nothing(authgate, path, on_store):
    path.write_text(path.read_text() + "\n[passwords]\nmin_length = 30\n")
    before = hash_of(on_store, "ann")
    authgate("user", "set", "ann", "--notes", "x")
    assert hash_of(on_store, "ann") == before


FAULTS = {
    "no length": ("min_length = 0", "passwords.min_length"),
    "a score that there is not": ("min_score = 5", "passwords.min_score"),
    "an option that there is not": ("min_digits = 1", "passwords.min_digits"),
    "more than can be hashed": ("min_length = 100\n[hashing]\nmax_length = 64", "hashing.max_length (64 characters)"),
}


@pytest.mark.parametrize(("options", "said"), FAULTS.values(), ids=FAULTS)
def test_what_is_no_policy(authgate, path, options, said):
    text = path.read_text().replace("[hashing]\nmemory = 1024\ntime = 1\n", "")
    path.write_text(f"{text}\n[passwords]\n{options}\n")
    assert said in authgate("config", "check", status=2).stderr
