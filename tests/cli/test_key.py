"""``authgate key``: our own signing keys, also those that the configuration cannot open."""

import json

import pytest

MASTER, OTHER = "a-master-key-of-forty-bytes-for-the-tests", "another-master-key-as-long-as-the-first-one"
NOT_OPENED = "can neither sign nor verify: it was sealed with another master key, or changed since"


@pytest.fixture
def path(path):
    """One verifier, of what authgate issues itself."""
    text, _, _ = path.read_text().partition("[[verifiers]]")
    path.write_text(f'{text}[[verifiers]]\ntype = "issued"\nmaster_keys = ["{MASTER}"]\n')
    return path


@pytest.fixture
def lose(path):
    """Puts another master key in the place of the one that there is."""
    return lambda: path.write_text(path.read_text().replace(MASTER, OTHER))


def listed(authgate):
    return [(each["kid"], each["state"]) for each in json.loads(authgate("key", "list", "--json").stdout)]


def test_the_only_key_that_signs_is_neither_retired_nor_deleted_by_mistake(authgate):
    authgate("key", "generate")
    [(kid, state)] = listed(authgate)
    assert state == "signing"
    for verb in (("retire",), ("delete",), ("delete", "--force")):
        refused = authgate("key", *verb, kid, status=1)
        assert refused.stderr == (
            f"error: key '{kid}' is the only one that signs; run: authgate key rotate, which makes one to sign in its "
            "place; or say --leave-no-signing-key, and no token can be issued from then on\n"
        )
    assert listed(authgate) == [(kid, "signing")]


def test_the_key_that_waits_is_named_to_whoever_would_retire_the_only_one_that_signs(authgate):
    authgate("key", "generate")
    authgate("key", "generate")
    (kid, _), (waiting, _) = listed(authgate)
    assert f"which has '{waiting}' sign, which waits, in its place" in authgate("key", "retire", kid, status=1).stderr
    authgate("key", "retire", waiting)
    assert "which makes one to sign" in authgate("key", "retire", kid, status=1).stderr


def test_the_only_key_that_signs_is_retired_where_that_is_said(authgate):
    authgate("key", "generate")
    [(kid, _)] = listed(authgate)
    assert authgate("key", "retire", kid, "--leave-no-signing-key").stdout == f"retired {kid}\n"
    assert listed(authgate) == [(kid, "retired")]
    authgate("key", "rotate")
    assert [state for _, state in listed(authgate)] == ["retired", "signing"]


def test_the_only_key_that_signs_is_deleted_where_both_is_said(authgate):
    authgate("key", "generate")
    [(kid, _)] = listed(authgate)
    assert "retire it, or say --force" in authgate("key", "delete", kid, "--leave-no-signing-key", status=1).stderr
    authgate("key", "delete", kid, "--leave-no-signing-key", "--force")
    assert listed(authgate) == []


def test_a_key_of_another_master_key_is_shown_as_unreadable(authgate, lose):
    authgate("key", "generate")
    [(kid, _)] = listed(authgate)
    lose()
    found = authgate("key", "list")
    assert found.stdout.splitlines()[1].split()[:3] == [kid, "EdDSA", "unreadable"]
    assert found.stderr == f"warning: {kid} {NOT_OPENED}; see verifiers.master_keys\n"
    assert listed(authgate) == [(kid, "unreadable")]


def test_a_key_that_is_made_signs_where_the_others_are_unreadable(authgate, lose):
    authgate("user", "add", "ann", "--no-password")
    authgate("key", "generate")
    lose()
    assert (
        "there is no key to sign with; run: authgate key generate" in authgate("token", "issue", "ann", status=1).stderr
    )
    made = authgate("key", "generate").stdout
    assert made.endswith(" (EdDSA), signing\n")
    assert [state for _, state in listed(authgate)] == ["unreadable", "signing"]
    issued = json.loads(authgate("token", "issue", "ann", "--json").stdout)
    assert issued["kid"] in made
    assert authgate("token", "check", issued["token"]).stdout


def test_a_rotation_chooses_no_key_that_is_unreadable(authgate, lose):
    authgate("key", "generate")
    authgate("key", "generate")
    (first, _), (waiting, _) = listed(authgate)
    lose()
    told = authgate("key", "rotate").stdout.splitlines()
    states = dict(listed(authgate))
    [fresh] = states.keys() - {first, waiting}
    assert told[0] == f"{fresh} (EdDSA) signs from now on"
    assert states == {first: "unreadable", waiting: "unreadable", fresh: "signing"}


def test_a_key_that_is_unreadable_goes_without_ado_and_the_last_one_that_signs_does_not(authgate, lose):
    authgate("key", "generate")
    [(old, _)] = listed(authgate)
    lose()
    authgate("key", "generate")
    (_, _), (fresh, _) = listed(authgate)
    assert "is the only one that signs" in authgate("key", "retire", fresh, status=1).stderr
    assert "retire it, or say --force" in authgate("key", "delete", old, status=1).stderr
    authgate("key", "delete", "--force", old)
    assert listed(authgate) == [(fresh, "signing")]


def test_keys_are_not_resealed_while_one_is_unreadable(authgate, lose):
    authgate("key", "generate")
    [(kid, _)] = listed(authgate)
    lose()
    refused = authgate("key", "reseal", status=1).stderr
    assert f"key '{kid}' cannot be opened" in refused
    assert f"have its master key in master_keys too, or run: authgate key delete --force {kid}" in refused
