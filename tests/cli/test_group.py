"""``authgate group``, and the grants of users."""

import json

import pytest
from sqlalchemy import insert

from authgate.store.tables import user_groups


@pytest.fixture
def staff(authgate):
    for name in ("ann", "bob"):
        authgate("user", "add", name, "--no-password")
    authgate(
        "group", "add", "Staff", "--grant", "publish:room-*", "--grant", "!play:secret", "--grant", "publish:room-*"
    )


def shown(authgate, noun, name):
    return json.loads(authgate(noun, "show", name, "--json").stdout)


def test_add_and_show(authgate, staff):
    fields = shown(authgate, "group", "STAFF")
    assert fields.pop("created_at") == fields.pop("updated_at")
    assert fields == {"name": "staff", "members": [], "grants": ["publish:room-*", "!play:secret"]}
    assert "publish:room-*, !play:secret" in authgate("group", "show", "staff").stdout


def test_join_and_leave(authgate, staff):
    assert authgate("group", "join", "staff", "Ann", "bob", "ann").stdout == "2 joined staff\n"
    assert authgate("group", "join", "staff", "ann").stdout == "0 joined staff\n"
    assert shown(authgate, "group", "staff")["members"] == ["ann", "bob"]
    assert shown(authgate, "user", "ann")["groups"] == ["staff"]
    assert authgate("group", "leave", "staff", "bob", "eve").stdout == "1 left staff\n"
    assert [each["members"] for each in json.loads(authgate("group", "list", "--json").stdout)] == [1]


def test_a_user_who_comes_by_token_alone_can_join(authgate, staff):
    """And a mistyped name is told."""
    joined = authgate("group", "join", "staff", "Token-Only", "ann")
    assert joined.stdout == "2 joined staff\n"
    assert joined.stderr == "note: token-only is not in the store; only a token can let such a user in\n"
    assert authgate("group", "join", "staff", "bob").stderr == ""


def test_deleting_a_user_takes_it_out_of_its_groups(authgate, staff):
    authgate("group", "join", "staff", "ann")
    authgate("user", "delete", "ann")
    authgate("user", "add", "ann", "--no-password")
    assert shown(authgate, "user", "ann")["groups"] == []


def test_deleting_a_group_leaves_its_members(authgate, staff):
    authgate("group", "join", "staff", "ann")
    authgate("group", "delete", "staff")
    authgate("group", "add", "staff")
    assert shown(authgate, "user", "ann")["groups"] == []
    assert shown(authgate, "group", "staff")["grants"] is None


LISTS = {
    "an empty list": (["--no-grants"], [], "an empty list: nothing is allowed"),
    "no list": (["--default-grants"], None, "no list: the default policies speak"),
    "another list": (["--grant", "play:*"], ["play:*"], "play:*"),
}


@pytest.mark.parametrize(("options", "grants", "told"), LISTS.values(), ids=LISTS)
@pytest.mark.parametrize(("noun", "name"), [("group", "staff"), ("user", "ann")])
def test_set_grants(authgate, staff, noun, name, options, grants, told):
    authgate(noun, "set", name, "--grant", "data:*")
    authgate(noun, "set", name, *options)
    assert shown(authgate, noun, name)["grants"] == grants
    assert told in authgate(noun, "show", name).stdout


def test_add_a_user_with_grants(authgate):
    authgate("user", "add", "eve", "--no-password", "--no-grants")
    authgate("user", "add", "kim", "--no-password", "--grant", "call:1*")
    assert [shown(authgate, "user", name)["grants"] for name in ("eve", "kim")] == [[], ["call:1*"]]


REFUSED = {
    "no such group": (["group", "show", "guests"], "there is no group 'guests'"),
    "join no such group": (["group", "join", "guests", "ann"], "there is no group 'guests'"),
    "leave no such group": (["group", "leave", "guests", "ann"], "there is no group 'guests'"),
    "set no such group": (["group", "set", "guests", "--no-grants"], "there is no group 'guests'"),
    "delete no such group": (["group", "delete", "guests"], "there is no group 'guests'"),
    "a name twice": (["group", "add", " STAFF "], "there is a group 'staff' already"),
    "no name": (["group", "add", " "], "is not empty"),
    "a member that can be no name": (["group", "join", "staff", "a\x00b"], "no control characters"),
    "a member that is no Unicode": (["group", "join", "staff", "\udcff"], "no control or invisible characters"),
    "a member whom nobody sees": (["group", "join", "staff", "a\u202eb"], "no control or invisible characters"),
    "a member with too long a name": (["group", "join", "staff", "x" * 191], "at most 190 characters"),
    "a name that is no Unicode": (["group", "add", "\udcff"], "no control or invisible characters"),
    "a grant that is no Unicode": (["group", "add", "x", "--grant", "play:\udcff"], "grant 'play:\\udcff': "),
    "an empty grant": (["group", "set", "staff", "--grant", ""], "grant '': "),
    "more grants than there is room for": (
        ["group", "set", "staff", *(word for n in range(140) for word in ("--grant", f"play:{n}{'x' * 490}"))],
        "65,535 bytes at most",
    ),
    "no grant": (["group", "add", "x", "--grant", "publish"], "grant 'publish': "),
    "no action": (["group", "set", "staff", "--grant", "publich:*"], "did you mean 'publish'"),
    "no grant of a user": (["user", "set", "ann", "--grant", "publish:{nobody}"], "grant 'publish:{nobody}': "),
}


@pytest.mark.parametrize(("words", "says"), REFUSED.values(), ids=REFUSED)
def test_refused(authgate, staff, words, says):
    assert says in authgate(*words, status=1).stderr


@pytest.mark.parametrize("options", [["--no-grants", "--grant", "play:*"], ["--no-grants", "--default-grants"], []])
@pytest.mark.parametrize(("noun", "name"), [("group", "staff"), ("user", "ann")])
def test_usage(authgate, staff, noun, name, options):
    assert "grant" in authgate(noun, "set", name, *options, status=2).stderr


def test_a_user_is_not_changed_by_halves(authgate, staff):
    authgate("user", "set", "ann", "--display", "Other", "--grant", "nonsense", status=1)
    assert shown(authgate, "user", "ann")["display"] == "ann"


def test_a_refused_change_changes_nothing(authgate, staff):
    before = shown(authgate, "group", "staff")
    for words, _ in REFUSED.values():
        authgate(*words, status=1)
    assert shown(authgate, "group", "staff") == before


def test_list_of_none(authgate):
    assert json.loads(authgate("group", "list", "--json").stdout) == []
    assert authgate("group", "list").stdout.split() == ["NAME", "MEMBERS", "GRANTS", "CREATED"]


def test_no_list_and_an_empty_one_are_told_apart_wherever_they_are_shown(authgate):
    authgate("group", "add", "none")
    authgate("group", "add", "empty", "--no-grants")
    table = authgate("group", "list").stdout
    assert "an empty list: nothing is allowed" in table.splitlines()[1]
    assert "no list: the default policies speak" in table.splitlines()[2]
    rows = json.loads(authgate("group", "list", "--json").stdout)
    assert [(row["name"], row["grants"]) for row in rows] == [("empty", []), ("none", None)]


def test_what_cannot_be_read_is_shown_as_what_it_comes_to(authgate, on_store):
    async def plant(store):
        row = {"name": "odd", "grants": '["play:*"', "created_at": 1, "updated_at": 1}
        async with store.engine.begin() as connection:
            await connection.execute(insert(user_groups), row)

    on_store(plant)
    assert shown(authgate, "group", "odd")["grants"] == ["!*:*"]
    authgate("group", "set", "odd", "--grant", "play:*")
    assert shown(authgate, "group", "odd")["grants"] == ["play:*"]


@pytest.mark.parametrize(
    "words",
    [
        ("group", "add", "x", "--grant", "publish:{claim.rom}-*"),
        ("group", "set", "staff", "--grant", "!play:{claim.rom}"),
        ("user", "set", "ann", "--grant", "play:{claim.rom}", "--grant", "publish:{user}-*"),
        ("user", "add", "kim", "--no-password", "--grant", "play:{claim.rom}"),
    ],
    ids=" ".join,
)
def test_a_claim_that_no_verifier_keeps_is_told(authgate, staff, words):
    result = authgate(*words)
    assert result.stderr == "note: no verifier keeps the claim rom; see its option claims\n"


def test_a_claim_that_a_verifier_keeps_is_no_news(authgate, staff, path):
    path.write_text(path.read_text().replace('type = "token"', 'type = "token"\nclaims = ["room"]'))
    assert authgate("group", "set", "staff", "--grant", "play:{claim.room}").stderr == ""
