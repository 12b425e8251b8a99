"""``authgate apikey``."""

import json
import re
import time

import pytest
from sqlalchemy import insert

from authgate import admin
from authgate.api_keys import ApiScope, digest, prefix_of
from authgate.errors import Refused
from authgate.store.tables import api_keys


def listed(authgate):
    return json.loads(authgate("apikey", "list", "--json").stdout)


def test_the_key_is_all_that_is_printed(authgate, on_store):
    result = authgate("apikey", "add", "shop", "--user", "*")
    key = result.stdout.removesuffix("\n")
    assert re.fullmatch(r"ak_[a-z2-7]{8}_[a-z2-7]{40}", key)
    assert "shown this once" in result.stderr
    assert key not in result.stderr
    found = on_store(lambda store: store.api_keys.find(prefix_of(key)))
    assert found.digest == digest(key)


def test_what_a_key_may_ask_for_without_a_word(authgate):
    authgate("apikey", "add", "shop", "--user", "*")
    [row] = listed(authgate)
    assert row["created"].endswith("Z")
    assert {name: row[name] for name in row if name not in ("prefix", "created")} == {
        "name": "shop",
        "users": ["*"],
        "grants": None,
        "apps": [],
        "max_ttl": 3600,
        "once_only": False,
        "rate": 60,
        "admin": [],
        "expires": None,
        "last_used": None,
    }


def test_everything_said(authgate, on_store):
    words = ["--user", "guest-*", "--user", "ann", "--grant", "publish:room-*", "--grant", "play:*", "--app", "a"]
    words += ["--app", "b", "--max-ttl", "10m", "--once-only", "--rate", "7", "--expires", "90d"]
    before = int(time.time())
    authgate("apikey", "add", "shop", *words)
    [row] = listed(authgate)
    assert (row["users"], row["grants"], row["apps"]) == (["guest-*", "ann"], ["publish:room-*", "play:*"], ["a", "b"])
    assert (row["max_ttl"], row["once_only"], row["rate"]) == (600, True, 7)
    [found] = on_store(lambda store: store.api_keys.list())
    assert before + 90 * 86_400 <= found.expires_at <= time.time() + 90 * 86_400


def test_grants_that_nothing_asks_for_are_told(authgate, path):
    idle = "no rule or policy asks for grants"
    assert idle in authgate("apikey", "add", "shop", "--user", "*", "--grant", "play:*").stderr
    assert idle not in authgate("apikey", "add", "shop", "--user", "*").stderr
    path.write_text(path.read_text() + '[policies]\ncall = "grant"\n')
    assert idle not in authgate("apikey", "add", "shop", "--user", "*", "--grant", "play:*").stderr


def test_the_server_must_be_told_to_take_keys(authgate, path):
    assert "issuing.tokens is off" in authgate("apikey", "add", "shop", "--user", "*").stderr
    path.write_text(path.read_text() + "[issuing]\ntokens = true\n")
    assert "issuing.tokens" not in authgate("apikey", "add", "shop", "--user", "*").stderr


def test_a_key_that_administers_needs_no_users(authgate):
    authgate("apikey", "add", "ops", "--admin", "users:read", "--admin", "bans:write", "--admin", "users:read")
    [row] = listed(authgate)
    assert (row["users"], row["admin"]) == ([], ["users:read", "bans:write"])
    assert "users:read, bans:write" in authgate("apikey", "list").stdout


def test_a_scope_there_is_not_is_told_those_there_are(authgate):
    told = authgate("apikey", "add", "ops", "--admin", "users:raed", status=1).stderr
    assert "there is no 'users:raed'; there are users:read, users:write" in told


def test_a_key_for_nothing_is_none(authgate):
    assert "--admin" in authgate("apikey", "add", "ops", status=2).stderr
    assert listed(authgate) == []


def test_the_server_must_be_told_where_to_be_administered(authgate, path):
    told = "admin.listen is not set"
    assert told in authgate("apikey", "add", "ops", "--admin", "users:read").stderr
    assert told not in authgate("apikey", "add", "ops", "--user", "*").stderr
    path.write_text(path.read_text() + '[admin]\nlisten = "127.0.0.1:8081"\n')
    assert told not in authgate("apikey", "add", "ops", "--admin", "users:read").stderr


def test_list_is_by_name_and_shows_no_secret(authgate):
    keys = [authgate("apikey", "add", name, "--user", "*").stdout.strip() for name in ("b", "a", "c", "a")]
    assert [row["name"] for row in listed(authgate)] == ["a", "a", "b", "c"]
    for words in (("apikey", "list"), ("apikey", "list", "--json")):
        output = authgate(*words).stdout
        for key in keys:
            assert prefix_of(key) in output
            assert key.rpartition("_")[2] not in output
            assert digest(key) not in output


def test_an_empty_list(authgate):
    assert listed(authgate) == []
    assert authgate("apikey", "list").stdout.split()[0] == "PREFIX"


def test_revoke(authgate):
    keys = [authgate("apikey", "add", name, "--user", "*").stdout.strip() for name in ("a", "b")]
    assert authgate("apikey", "revoke", prefix_of(keys[0])).stdout == f"revoked {prefix_of(keys[0])}\n"
    assert [row["name"] for row in listed(authgate)] == ["b"]


@pytest.mark.parametrize("prefix", ["aaaaaaaa", "", "AAAAAAAA", "\udcff", "x" * 17, "shop", "%"])
def test_a_key_there_is_not_cannot_be_revoked(authgate, prefix):
    authgate("apikey", "add", "shop", "--user", "*")
    assert "there is no key" in authgate("apikey", "revoke", prefix, status=1).stderr
    assert len(listed(authgate)) == 1


REFUSED = {
    "no name": ("", "--user", "*"),
    "a name that nobody sees": (" ", "--user", "*"),
    "a name with a line end": ("a\nb", "--user", "*"),
    "a name that is no Unicode": ("\udcff", "--user", "*"),
    "a name that is too long": ("x" * 191, "--user", "*"),
    "an empty pattern": ("shop", "--user", ""),
    "no grant": ("shop", "--user", "*", "--grant", "publish"),
    "an action there is not": ("shop", "--user", "*", "--grant", "publisch:x"),
    "a denial": ("shop", "--user", "*", "--grant", "!publish:x"),
    "an empty appKey": ("shop", "--user", "*", "--app", ""),
    "no time": ("shop", "--user", "*", "--max-ttl", "0"),
    "more than a year": ("shop", "--user", "*", "--max-ttl", "60w"),
    "no rate": ("shop", "--user", "*", "--rate", "0"),
    "less than no rate": ("shop", "--user", "*", "--rate", "-1"),
    "the end of time": ("shop", "--user", "*", "--expires", "999999999w"),
}


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_refused(authgate, words):
    result = authgate("apikey", "add", *words, status=1)
    assert result.stderr.startswith("error: ")
    assert result.stdout == ""
    assert listed(authgate) == []


USAGE = {
    "no verb": ("apikey",),
    "an unknown verb": ("apikey", "delete", "x"),
    "nobody's key": ("apikey", "add", "shop"),
    "no name": ("apikey", "add", "--user", "*"),
    "a time that is none": ("apikey", "add", "shop", "--user", "*", "--max-ttl", "soon"),
    "an end that is none": ("apikey", "add", "shop", "--user", "*", "--expires", "soon"),
    "a rate that is none": ("apikey", "add", "shop", "--user", "*", "--rate", "often"),
    "no prefix": ("apikey", "revoke"),
}


@pytest.mark.parametrize("words", USAGE.values(), ids=USAGE)
def test_usage(authgate, words):
    assert "Usage: authgate apikey" in authgate(*words, status=2).output


def test_terminal_injection(authgate, on_store):
    """A row that came another way than by us may hold what a terminal obeys."""

    async def plant(store):
        row = {"prefix": "aaaaaaaa", "digest": "0" * 64, "name": "\x1b]0;owned\x07", "scope": "{}", "created_at": 1}
        async with store.engine.begin() as connection:
            await connection.execute(insert(api_keys), row)

    on_store(plant)
    output = authgate("apikey", "list").stdout
    assert r"\x1b]0;owned\x07" in output
    assert output.replace("\n", "").isprintable()
    assert listed(authgate)[0]["users"] == []


def test_a_key_for_nobody_is_not_made(on_store):
    with pytest.raises(Refused, match="could ask for nothing"):
        on_store(lambda store: admin.add_api_key(store, "shop", ApiScope(())))
