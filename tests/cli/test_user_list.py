"""``authgate user list``."""

import json

import pytest

from authgate.model import User


@pytest.fixture
def everybody(authgate, on_store):
    async def plant(store):
        for at, (name, fields) in enumerate(
            {
                "ann": {"hash": "$h", "notes": "a\nb"},
                "bob": {"enabled": False, "expires_at": 5},
                "cam-1": {"expires_at": 4_000_000_000},
                "cam-2": {"hash": "$h"},
            }.items()
        ):
            await store.users.add(User(name, name.title(), created_at=9000 - at, updated_at=at, **fields))

    on_store(plant)
    authgate("group", "add", "staff")
    authgate("group", "join", "staff", "ann", "cam-2", "stranger")


def listed(authgate, *options):
    return [json.loads(line) for line in authgate("user", "list", "--json", *options).stdout.splitlines()]


FOUND = {
    "all": ((), ["ann", "bob", "cam-1", "cam-2"]),
    "enabled": (("--enabled",), ["ann", "cam-1", "cam-2"]),
    "disabled": (("--disabled",), ["bob"]),
    "expired": (("--expired",), ["bob"]),
    "without a password": (("--without-password",), ["bob", "cam-1"]),
    "of a group": (("--group", "STAFF"), ["ann", "cam-2"]),
    "of a name": (("--name", "CAM-*"), ["cam-1", "cam-2"]),
    "of all of these": (("--enabled", "--group", "staff", "--name", "c*"), ["cam-2"]),
    "the other way round": (("--reverse",), ["cam-2", "cam-1", "bob", "ann"]),
    "by when they were added": (("--sort", "created"), ["cam-2", "cam-1", "bob", "ann"]),
    "by when they expire": (("--sort", "expires"), ["bob", "cam-1", "ann", "cam-2"]),
    "nobody": (("--disabled", "--group", "staff"), []),
}


@pytest.mark.parametrize(("options", "names"), FOUND.values(), ids=FOUND)
def test_who_is_listed(authgate, everybody, options, names):
    assert [each["name"] for each in listed(authgate, *options)] == names
    lines = authgate("user", "list", *options).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", *names]


@pytest.mark.parametrize("options", [("--sort", "created"), ("--sort", "expires", "--reverse"), ("--name", "*a*")])
def test_a_list_in_parts_is_the_whole(authgate, everybody, options):
    whole = [each["name"] for each in listed(authgate, *options)]
    parts, after = [], ()
    while True:
        result = authgate("user", "list", "--json", *options, "--limit", "1", *after)
        parts += [json.loads(line)["name"] for line in result.stdout.splitlines()]
        if not result.stderr:
            break
        assert result.stderr == f"note: there are more; go on with --after {parts[-1]}\n"
        after = ("--after", parts[-1])
    assert parts == whole


def test_a_list_of_several_pages_is_one_table(authgate, everybody, monkeypatch):
    whole = authgate("user", "list").stdout
    monkeypatch.setattr("authgate.admin.pages.PAGE", 4)
    assert authgate("user", "list").stdout == whole
    monkeypatch.setattr("authgate.admin.pages.PAGE", 1)
    parts = authgate("user", "list").stdout
    assert [line.split() for line in parts.splitlines()] == [line.split() for line in whole.splitlines()]
    assert [len(listed(authgate, "--limit", str(limit))) for limit in (1, 2, 3, 4, 5)] == [1, 2, 3, 4, 4]


def test_each_line_has_all_that_is_known(authgate, everybody):
    for each in listed(authgate):
        shown = json.loads(authgate("user", "show", each["name"], "--json").stdout)
        for of_the_moment in ("sessions", "banned", "locked"):
            del shown[of_the_moment]
        assert each == shown
    assert listed(authgate)[0]["groups"] == ["staff"]
    assert "$h" not in authgate("user", "list", "--json").stdout


def test_columns_stand_below_their_heads(authgate, everybody):
    head, *lines = authgate("user", "list").stdout.splitlines()
    for word, cells in (("ENABLED", ["yes", "no", "yes", "yes"]), ("PASSWORD", ["yes", "no", "no", "yes"])):
        assert [line[head.index(word) :].split()[0] for line in lines] == cells


def test_a_list_of_nobody(authgate):
    assert listed(authgate) == []
    heads = ["NAME", "DISPLAY", "ENABLED", "EXPIRES", "PASSWORD", "CREATED"]
    assert authgate("user", "list").stdout.split() == heads
    assert authgate("user", "list", "--limit", "1").stdout.split() == heads


REFUSED = {
    "a group that is not there": (("--group", "choir"), "there is no group 'choir'"),
    "no pattern": (("--name", ""), "a pattern of names"),
    "a pattern with an escape": (("--name", "\x1b*"), "a pattern of names"),
    "behind nobody": (("--sort", "created", "--after", "zoe"), "there is no user 'zoe'"),
}


@pytest.mark.parametrize(("options", "said"), REFUSED.values(), ids=REFUSED)
def test_refused(authgate, everybody, options, said):
    result = authgate("user", "list", *options, status=1)
    assert result.stdout == ""
    assert said in result.stderr


@pytest.mark.parametrize("options", [("--sort", "hash"), ("--limit", "0"), ("--limit", "x"), ("ann",)])
def test_usage(authgate, options):
    assert "Usage: authgate user list" in authgate("user", "list", *options, status=2).output
