"""Users, groups, tokens and bans over HTTP: what the commands do, and what is refused."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from .conftest import PASSWORD, Administered

USERS = "/api/v1/users"
_names = iter(f"user-{number}" for number in range(1000))


@pytest.fixture
def name(served: Administered) -> str:
    """A user of this test's own."""
    fresh = next(_names)
    assert served.http.post(USERS, json={"name": fresh}).status_code == 201
    return fresh


def found(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def command(served: Administered, *words: str) -> Any:
    return json.loads(served.run(*words, "--json"))


def test_a_user_is_added_as_the_command_shows_it(served: Administered):
    fresh = next(_names)
    said = {
        "name": fresh.upper(),
        "password": PASSWORD,
        "display": "Somebody",
        "grants": ["play:*"],
        "expires_at": "2099-01-31T12:00:00+01:00",
        "max_sessions": 2,
        "notes": "two\nlines",
    }
    answer = served.http.post(USERS, json=said)
    told = found(answer, 201)
    assert told == command(served, "user", "show", fresh)
    assert (told["name"], told["expires_at"], told["password"]) == (fresh, "2099-01-31T11:00:00.000Z", True)
    assert found(served.http.get(answer.headers["location"])) == told


def test_a_name_with_a_slash_is_one_segment(served: Administered):
    fresh = "a/b c?d#e%2f" + next(_names)
    found(served.http.post(USERS, json={"name": fresh}), 201)
    told = found(served.http.get(f"{USERS}/{quote(fresh, safe='')}"))
    assert told["name"] == fresh
    found(served.http.delete(f"{USERS}/{quote(fresh, safe='')}"), 204)


def test_what_is_changed_is_changed_at_once_and_the_rest_stays(served: Administered, name: str):
    found(served.http.post("/api/v1/groups", json={"name": f"g-{name}"}), 201)
    path = f"{USERS}/{name}"
    told = found(served.http.patch(path, json={"notes": "new", "max_sessions": 1, "join": [f"g-{name}"]}))
    assert (told["notes"], told["max_sessions"], told["groups"]) == ("new", 1, [f"g-{name}"])
    told = found(served.http.patch(path, json={"max_sessions": None, "leave": [f"g-{name}"]}))
    assert (told["notes"], told["max_sessions"], told["groups"]) == ("new", None, [])
    missing = served.http.patch(path, json={"notes": "newer", "join": ["no such group"]})
    assert (missing.status_code, found(served.http.get(path))["notes"]) == (404, "new")


def test_disabled_and_enabled(served: Administered, name: str):
    found(served.http.post(f"{USERS}/{name}/disable"), 204)
    assert not command(served, "user", "show", name)["enabled"]
    found(served.http.post(f"{USERS}/{name}/enable"), 204)
    assert command(served, "user", "show", name)["enabled"]


def test_passwords(served: Administered, name: str):
    path = f"{USERS}/{name}/password"
    found(served.http.put(path, json={"password": PASSWORD}), 204)
    assert command(served, "user", "show", name)["password"]
    made = found(served.http.post(path))["password"]
    assert len(made) >= 8
    found(served.http.delete(path), 204)
    assert not command(served, "user", "show", name)["password"]


def test_pages_follow_each_other_to_the_end(served: Administered):
    for _ in range(3):
        found(served.http.post(USERS, json={"name": f"paged-{next(_names)}"}), 201)
    whole = [each["name"] for each in found(served.http.get(USERS, params={"name": "paged-*"}))["items"]]
    seen, after = [], {}
    while True:
        told = found(served.http.get(USERS, params={"name": "paged-*", "limit": 1, **after}))
        seen += [each["name"] for each in told["items"]]
        if told["next"] is None:
            break
        after = {"after": told["next"]}
    assert seen == whole
    assert len(seen) >= 3


def test_a_user_who_is_deleted_is_gone(served: Administered, name: str):
    found(served.http.delete(f"{USERS}/{name}"), 204)
    told = found(served.http.get(f"{USERS}/{name}"), 404)
    assert told["detail"] == f"there is no user {name!r}"
    found(served.http.delete(f"{USERS}/{name}"), 404)


BODIES: dict[str, tuple[Any, int, str]] = {
    "no name": ({}, 400, "name: is missing"),
    "a name that is none": ({"name": "\u200b"}, 400, "invisible"),
    "NUL": ({"name": "a\0"}, 400, "NUL"),
    "an unknown member": ({"name": "x", "pasword": "y"}, 400, "'pasword': there is no such member"),
    "a hash": ({"name": "x", "hash": "y"}, 400, "'hash': there is no such member"),
    "a password that may not be": ({"name": "weak-one", "password": "a"}, 400, "password"),
    "a number as a name": ({"name": 1}, 400, "name: must be text"),
    "truth as a number": ({"name": "x", "max_sessions": True}, 400, "max_sessions: must be a whole number or null"),
    "a huge number": ({"name": "x", "max_sessions": 10**30}, 400, "max_sessions"),
    "no grant": ({"name": "x", "grants": ["play"]}, 400, "a grant is ACTION:PATTERN"),
    "no time": ({"name": "x", "expires_at": "tomorrow"}, 400, "expires_at: must"),
    "a day there is not": ({"name": "x", "expires_at": "2026-02-30T00:00:00Z"}, 400, "expires_at: must be a time"),
    "a time before time": ({"name": "x", "expires_at": "0001-01-01T00:00:00+23:59"}, 400, "expires_at"),
    "over before it begins": (
        {"name": "x", "not_before": "2030-01-01T00:00:00Z", "expires_at": "2029-01-01T00:00:00Z"},
        400,
        "never be let in",
    ),
    "a group there is not": ({"name": "x", "groups": ["nowhere"]}, 404, "there is no group 'nowhere'"),
    "somebody there is": ({"name": "ANN"}, 409, "there is a user 'ann' already"),
}


@pytest.mark.parametrize(("body", "status", "told"), BODIES.values(), ids=BODIES)
def test_a_user_who_is_not_added(served: Administered, body: Any, status: int, told: str):
    answer = served.http.post(USERS, json=body)
    assert told in found(answer, status)["detail"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert found(served.http.get(f"{USERS}/x"), 404)


RAW = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "a member twice": b'{"name":"a","name":"b"}',
    "a lone surrogate": b'{"name":"\\ud800"}',
    "NaN": b'{"name":NaN}',
    "a number without end": b'{"max_sessions":' + b"9" * 5000 + b"}",
    "deep": b'{"name":' + b"[" * 30_000 + b"}",
    "not UTF-8": b'{"name":"\xff"}',
}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW)
def test_a_body_that_is_none(served: Administered, raw: bytes):
    answer = served.http.post(USERS, content=raw, headers={"content-type": "application/json"})
    assert found(answer, 400)["detail"].startswith("the body ")


KINDS = {
    "none": {},
    "a form": {"content-type": "application/x-www-form-urlencoded"},
    "text": {"content-type": "text/plain"},
    "compressed": {"content-type": "application/json", "content-encoding": "gzip"},
}


@pytest.mark.parametrize("headers", KINDS.values(), ids=KINDS)
def test_a_body_of_another_kind(served: Administered, headers: dict[str, str]):
    found(served.http.post(USERS, content=b'{"name":"x"}', headers=headers), 415)


PATHS = {
    "half a character": (f"{USERS}/%ff", 400),
    "NUL": (f"{USERS}/%00", 400),
    "a name that is too long": (f"{USERS}/{'x' * 900}", 400),
    "nobody": (f"{USERS}/nobody", 404),
    "nothing": (f"{USERS}/", 404),
    "too deep": (f"{USERS}/ann/enable/now", 404),
    "dots": (f"{USERS}/..%2f..%2fusers", 404),
    "a cursor that is none": (f"{USERS}?after=x", 400),
    "a cursor of another list": (f"{USERS}?after=WyJhIiwiYiJd", 400),
    "a cursor with NUL": (f"{USERS}?after=WyJcdTAwMDAiXQ", 400),
    "a cursor with a lone surrogate": (f"{USERS}?after=WyJcdWQ4MDAiXQ", 400),
    "a limit of nothing": (f"{USERS}?limit=0", 400),
    "a limit without end": (f"{USERS}?limit={'9' * 5000}", 400),
    "a limit in other digits": (f"{USERS}?limit=%D9%A1", 400),
    "two limits": (f"{USERS}?limit=1&limit=2", 400),
    "an order there is not": (f"{USERS}?sort=hash", 400),
    "yes": (f"{USERS}?enabled=yes", 400),
    "a pattern that is none": (f"{USERS}?name=%5C", 400),
    "a group there is not": (f"{USERS}?group=nowhere", 404),
}


@pytest.mark.parametrize(("path", "status"), PATHS.values(), ids=PATHS)
def test_an_address_that_is_not_understood(served: Administered, path: str, status: int):
    answer = served.http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_each_operation_needs_its_scope(served: Administered):
    reads = {"authorization": f"Bearer {served.key('users:read')}"}
    found(served.http.get(USERS, headers=reads))
    for verb, path, scope in (
        ("POST", USERS, "users:write"),
        ("DELETE", f"{USERS}/ann", "users:write"),
        ("POST", f"{USERS}/ann/disable", "users:write"),
        ("POST", f"{USERS}/ann/unlock", "bans:write"),
        ("POST", "/api/v1/tokens", "tokens:write"),
        ("GET", "/api/v1/revocations", "tokens:read"),
        ("GET", "/api/v1/bans", "bans:read"),
    ):
        answer = served.http.request(verb, path, headers=reads)
        assert found(answer, 403)["detail"] == f"the API key lacks the scope {scope}"
        assert f'scope="{scope}"' in answer.headers["www-authenticate"]
    assert command(served, "user", "show", "ann")["enabled"]


def test_groups(served: Administered, name: str):
    group = f"room-{name}"
    path = f"/api/v1/groups/{group}"
    told = found(served.http.post("/api/v1/groups", json={"name": group, "grants": ["play:*"]}), 201)
    assert (told["name"], told["grants"], told["members"]) == (group, ["play:*"], 0)
    found(served.http.post("/api/v1/groups", json={"name": group}), 409)
    joined = found(served.http.post(f"{path}/members", json={"users": [name, "stranger"]}))
    assert joined == {"joined": 2, "strangers": ["stranger"]}
    members = found(served.http.get(f"{path}/members", params={"limit": 1}))
    assert members["items"] == [{"name": "stranger"}]
    rest = found(served.http.get(f"{path}/members", params={"after": members["next"]}))
    assert rest == {"items": [{"name": name}], "next": None}
    assert found(served.http.delete(f"{path}/members/{name}")) == {"left": 1}
    assert found(served.http.delete(f"{path}/members/{name}")) == {"left": 0}
    assert found(served.http.patch(path, json={"grants": None}))["grants"] is None
    found(served.http.patch(path, json={}), 400)
    found(served.http.delete(path), 204)
    found(served.http.get(path), 404)
    found(served.http.post(f"{path}/members", json={"users": [name]}), 404)


def test_a_token_is_issued_that_lets_its_user_in(served: Administered):
    said = {"user": "ann", "ttl": 60, "apps": ["defaultApp"], "streams": ["room-*"], "once": True}
    told = found(served.http.post("/api/v1/tokens", json=said), 201)
    checked = command(served, "token", "check", told["token"])
    assert (checked["valid"], checked["jti"], checked["once"]) == (True, told["jti"], True)
    assert checked["bound"] == {"appKey": ["defaultApp"], "stream": ["room-*"]}
    revoked = found(served.http.post("/api/v1/revocations", json={"jti": told["jti"]}))
    assert revoked == {"kind": "jti", "value": told["jti"], "known": True}
    listed = found(served.http.get("/api/v1/revocations"))["items"]
    assert listed == command(served, "token", "revocations")
    assert told["jti"] in {each["value"] for each in listed}


def test_what_a_token_comes_to(served: Administered):
    text = served.run("token", "issue", "ann", "--once", "--app", "defaultApp")
    told = found(served.http.post("/api/v1/tokens/check", json={"token": text}))
    asked = command(served, "token", "check", text)
    assert told == {name: value for name, value in asked.items() if name != "explanation"}
    assert found(served.http.post("/api/v1/tokens/check", json={"token": text}))["valid"]  # it is not used up by that
    for other in ("x", f"{text[:-4]}AAAA", "a.b.c", "sk_x"):
        assert not found(served.http.post("/api/v1/tokens/check", json={"token": other}))["valid"]


def test_nobody_issues_what_no_verifier_takes(served: Administered):
    said = {"user": "ann", "stream": "cam"}
    for path in ("stream-keys", "tokens/sign"):
        detail = found(served.http.post(f"/api/v1/{path}", json=said), 400)["detail"]
        assert detail == "no verifier of the configuration takes what authgate issues itself"


TOKENS: dict[str, tuple[str, Any, str]] = {
    "for nobody": ("tokens", {}, "user: is missing"),
    "for somebody there is not": ("tokens", {"user": "nobody"}, "there is no user 'nobody'"),
    "for no time": ("tokens", {"user": "ann", "ttl": 0}, "ttl: must be 1 to"),
    "from a verifier there is not": ("tokens", {"user": "ann", "verifier": "x"}, "verifier: there is none"),
    "from no address": ("tokens", {"user": "ann", "addresses": ["home"]}, "home"),
    "to revoke nothing": ("revocations", {}, "name what to revoke"),
    "to revoke two things": ("revocations", {"jti": "a", "user": "ann"}, "name what to revoke"),
    "to revoke a user for ever": ("revocations", {"user": "ann", "ever": True}, "ever: goes with"),
    "to revoke a token by its text": ("revocations", {"jti": f"{'a' * 30}.{'b' * 30}.c"}, "that is a token"),
}


@pytest.mark.parametrize(("noun", "body", "told"), TOKENS.values(), ids=TOKENS)
def test_what_is_not_done_about_tokens(served: Administered, noun: str, body: Any, told: str):
    detail = found(served.http.post(f"/api/v1/{noun}", json=body), 400)["detail"]
    assert told in detail
    assert "authgate" not in detail  # advice is for who has a shell


def test_bans(served: Administered, name: str):
    bans = "/api/v1/bans"
    made = found(served.http.post(bans, json={"user": name, "seconds": 60, "note": "why"}), 201)
    assert (made["kind"], made["user"], made["note"]) == ("ban", name, "why")
    found(served.http.post(bans, json={"address": "203.0.113.0/24"}), 201)
    listed = found(served.http.get(bans))["items"]
    assert listed == command(served, "ban", "list")
    assert [each["user"] for each in found(served.http.get(bans, params={"user": name}))["items"]] == [name]
    first = found(served.http.get(bans, params={"limit": 1}))
    second = found(served.http.get(bans, params={"after": first["next"]}))
    assert first["items"] + second["items"] == listed
    assert found(served.http.get(f"{USERS}/{name}"))["banned"] == made["until"]
    ended = found(served.http.delete(bans, params={"user": name}))["ended"]
    assert [each["user"] for each in ended] == [name]
    found(served.http.delete(bans, params={"user": name}), 404)
    found(served.http.delete(bans, params={"address": "203.0.113.0/24"}))
    assert found(served.http.post(f"{USERS}/{name}/unlock")) == {"ended": []}


BANS: dict[str, Any] = {
    "nobody": {},
    "two at once": {"user": "ann", "address": "203.0.113.7"},
    "no address": {"address": "home"},
    "for no time": {"user": "ann", "seconds": 0},
    "for longer than there is time": {"user": "ann", "seconds": 2**60},
    "a note nobody sees": {"user": "ann", "note": "\u202e"},
}


@pytest.mark.parametrize("body", BANS.values(), ids=BANS)
def test_a_ban_that_is_none(served: Administered, body: Any):
    found(served.http.post("/api/v1/bans", json=body), 400)


def test_a_ban_of_everybody_is_not_ended_by_naming_nobody(served: Administered):
    found(served.http.delete("/api/v1/bans"), 400)
