"""``authgate source``: what is asked first, and what a source answers."""

import asyncio
import json

import pytest

from tests.sources.shapes import SIMPLE
from tests.sources.world import Foreign, hashed, source

COLUMNS = {"enabled": "active", "grants": "may", "groups": "teams", "expires_at": "until", "display": "shown"}


@pytest.fixture
def foreign(tmp_path):
    """Another database, with Ann in it and some who are kept out."""
    path = tmp_path / "website.db"
    path.touch()
    found = Foreign(f"sqlite:///{path}")

    async def fill():
        await found.run(SIMPLE)
        good = await hashed()
        await found.person("Ann", good, active="1", may="play:*", teams='["Staff"]', shown="Ann of the Hills")
        await found.person("off", good, active="0")
        await found.person("over", good, active="1", until="2026-01-01T00:00Z")
        await found.person("none", None, active="1")
        await found.person("odd", "in clear: s3cret", active="1")
        await found.person("weak", "5f4dcc3b5aa765d61d8327deb882cf99", active="1")
        await found.person("grants", good, active="1", may="shout:*")
        await found.person("two", good, active="1")
        await found.person("two", good, active="1")

    asyncio.run(fill())
    return found


@pytest.fixture
def configured(path, foreign):
    """Adds a source to the configuration."""
    before = path.read_text()

    def write(head="", **options):
        options = {"columns": COLUMNS, "query": LOWER, "timeout": 1.0, **options}
        path.write_text(before + head + source("sqlite:///website.db", name="website", **options))

    write()
    return write


LOWER = (
    "SELECT login AS name, password AS hash, active, may, teams, until, shown, since FROM people"
    " WHERE lower(login) = :name"
)


def test_list(authgate, configured, store_url):
    configured(adopt="link")
    told = json.loads(authgate("source", "list", "--json").output)
    assert [(each["place"], each["name"], each["adopt"], each["adopted"]) for each in told] == [
        (1, "store", None, None),
        (2, "website", "link", 0),
    ]
    assert told[1]["address"].endswith("/website.db")
    configured('[users]\norder = ["website", "store"]\n')
    assert [line.split()[:2] for line in authgate("source", "list").output.splitlines()[1:]] == [
        ["1", "website"],
        ["2", "store"],
    ]


def test_list_shows_no_password(authgate, path):
    path.write_text(path.read_text() + source("mariadb://authgate:s3cret@192.0.2.1/x", query=LOWER, timeout=1.0))
    told = authgate("source", "list").output
    assert "mariadb://authgate:***@192.0.2.1/x" in told
    assert "s3cret" not in told
    assert "s3cret" not in authgate("config", "show").output


def test_check_asks_for_a_name_that_nobody_has(authgate, configured):
    told = json.loads(authgate("source", "check", "website", "--json").output)
    assert (told["rows"], told["only_reads"], told["faults"]) == (0, True, [])
    assert told["unused_columns"] == ["since"]
    assert told["asked_for"].startswith("authgate-")


def test_check_a_user(authgate, configured):
    told = json.loads(authgate("source", "check", "website", "--user", "ANN", "--json").output)
    assert {name: told[name] for name in ("user", "known_as", "display", "hash", "enabled", "grants", "groups")} == {
        "user": "ann",
        "known_as": "Ann",
        "display": "Ann of the Hills",
        "hash": "argon2",
        "enabled": True,
        "grants": ["play:*"],
        "groups": ["staff"],
    }
    assert told["kept_out"] == told["faults"] == []
    assert "$argon2" not in authgate("source", "check", "website", "--user", "ann").output


KEPT_OUT = {
    "off": "it is disabled",
    "over": "its time is over",
    "none": "it has no password, so only a token lets it in",
    "weak": "its password hash cannot be used: hashing.legacy does not list unsalted_digest",
    "odd": "its password hash cannot be used: ",
}


@pytest.mark.parametrize(("user", "why"), KEPT_OUT.items(), ids=KEPT_OUT)
def test_check_says_why_a_user_is_kept_out(authgate, configured, user, why):
    result = authgate("source", "check", "website", "--user", user, "--json", status=1)
    told = json.loads(result.output)
    assert told["kept_out"][0].startswith(why)
    assert told["faults"] == []
    assert "s3cret" not in result.output
    assert "5f4dcc3b" not in result.output


FAULTS = {
    "no such user": ({}, "nobody", "query: gives no row for 'nobody'"),
    "two rows": ({}, "two", "query: gives more than one row for 'two', who is refused; have it give one"),
    "grants that are none": ({}, "grants", "columns.grants: 'shout:*': no such action"),
    "a query that does not look at the name": (
        {"query": f"{LOWER} OR :name <> ''"},
        None,
        "query: gives a row for a name that nobody has; does it compare :name with the names of users?",
    ),
    "somebody else's row": (
        {"query": LOWER.replace("lower(login) = :name", "login = 'off' AND :name <> ''")},
        "ann",
        "query: gives the row of somebody else, which counts as none",
    ),
    "a column that is not there": (
        {"query": "SELECT * FROM people WHERE login = :name", "columns": {"hash": "password"}},
        None,
        "columns.name: the query gives no column 'name'; it gives login, password, active, banned, shown,",
    ),
}


@pytest.mark.parametrize(("options", "user", "fault"), FAULTS.values(), ids=FAULTS)
def test_check_says_what_is_wrong(authgate, configured, options, user, fault):
    configured(**options)
    asked = ("--user", user) if user else ()
    told = json.loads(authgate("source", "check", "website", *asked, "--json", status=1).output)
    assert told["faults"][0].startswith(fault)


AWAY = {
    "no such table": (LOWER.replace("people", "peopel"), " does not answer its query: no such table: peopel"),
    "no such file": (LOWER, ": there is no file "),
}


@pytest.mark.parametrize(("query", "told"), AWAY.values(), ids=AWAY)
def test_check_of_a_source_that_does_not_answer(authgate, configured, tmp_path, query, told):
    configured(query=query)
    if "file" in told:
        (tmp_path / "website.db").unlink()
    result = authgate("source", "check", "website", status=2)
    assert result.output.startswith(f"error: user source website{told}")
    assert result.output.count("\n") == 1, "one line, and no advice about the store"


@pytest.mark.parametrize("verb", [("check",), ("check", "--user", "ann")])
def test_check_of_one_that_is_not_configured(authgate, configured, verb):
    result = authgate("source", verb[0], "webshop", *verb[1:], status=1)
    assert "there is no user source 'webshop'; the configuration has: website" in result.output


def test_check_of_a_name_that_nobody_can_have(authgate, configured):
    assert "no control" in authgate("source", "check", "website", "--user", "a\nb", status=1).output


def listed(authgate, *options):
    return authgate("user", "list", *options).stdout.splitlines()[1:]


def test_adopted_users_are_shown_counted_and_released(authgate, configured, path, on_store, foreign):
    async def adopt(store):
        from authgate.model import Origin, User

        for name in ("ann", "bob", "eve"):
            assert await store.adopted.link(User(name, name, origin=Origin("website", name, -5)))

    on_store(adopt)
    assert json.loads(authgate("source", "list", "--json").output)[1]["adopted"] == 3
    assert json.loads(authgate("user", "show", "ann", "--json").output)["source"] == "website"
    authgate("user", "add", "kim", "--no-password")
    assert ["ann", "ann", "yes", "-", "of", "website"] in [line.split()[:6] for line in listed(authgate)]
    assert [line.split()[0] for line in listed(authgate, "--without-password")] == ["kim"]
    path.write_text(path.read_text().partition("[[user_sources]]")[0])
    told = authgate("source", "list").output
    assert "not in the configuration: its users are refused; to keep them: authgate source release website" in told
    refused = authgate("user", "password", "ann", "--password-stdin", status=1, stdin="correct horse\n").output
    assert "change it there, or run: authgate source release website --user ann" in refused
    assert authgate("source", "release", "website", "--user", "Ann").output == "released ann\n"
    assert authgate("source", "release", "website").output == "released 2 users\n"
    assert authgate("source", "release", "website").output == "released 0 users\n"
    assert json.loads(authgate("user", "show", "ann", "--json").output)["source"] is None
    authgate("source", "release", "website", "--user", "ann", status=1)


def test_trying_a_hook_as_a_user_of_a_source(authgate, configured, tmp_path):
    hook = tmp_path / "hook.json"
    hook.write_text(json.dumps({"nodeId": "n", "appKey": "a", "sessionId": "s", "custom": {}}))
    assert authgate("hook", "try", str(hook), "--method", "connect", "--as", "ann").output
    assert (
        "there is no user 'nobody'"
        in authgate("hook", "try", str(hook), "--method", "connect", "--as", "nobody", status=1).output
    )


def test_a_token_for_a_user_of_a_source(authgate, configured):
    token = authgate("token", "issue", "ann").output.strip()
    assert json.loads(authgate("token", "check", token, "--json").output)["reason"] == "ok"
    assert "is disabled" in authgate("token", "issue", "off", status=1).output
    assert "there is no user 'nobody'" in authgate("token", "issue", "nobody", status=1).output


def test_putting_a_user_of_a_source_into_a_group_says_what_is_not_known(authgate, configured):
    authgate("group", "add", "staff")
    told = authgate("group", "join", "staff", "ann").output
    assert "ann is not in the store; only a token or a source of users can let such a user in" in told
