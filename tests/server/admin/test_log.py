"""Who changed what over HTTP is in the log, and no secret is."""

import logging
from typing import Any

import pytest

from authgate.api_keys import prefix_of
from tests.trouble import awaited

from .conftest import PASSWORD, Administered

STEPS: list[tuple[str, str, Any, str]] = [
    ("POST", "users", {"name": "logged", "password": PASSWORD, "grants": ["play:*"]}, "did addUser name='logged'"),
    ("POST", "users", {"name": "logged"}, "was refused addUser name='logged': 409, there is a user 'logged' already"),
    ("PATCH", "users/logged", {"notes": "n", "enabled": False}, "did changeUser name='logged' enabled=False"),
    ("PUT", "users/logged/password", {"password": f"{PASSWORD}!"}, "did setPassword name='logged'"),
    ("POST", "users/logged/password", None, "did makePassword name='logged'"),
    ("POST", "tokens", {"user": "ann", "ttl": 60}, "did issueToken user='ann' ttl=60 jti "),
    ("POST", "bans", {"address": "203.0.113.9"}, "did addBan address='203.0.113.9'"),
    ("DELETE", "bans?address=203.0.113.9", None, "did removeBan address='203.0.113.9'"),
    ("POST", "sessions/end", {"node": "nowhere"}, "did endSessions node='nowhere' 0 ended"),
    ("DELETE", "users/logged", None, "did deleteUser name='logged'"),
    ("POST", "users", {"name": "a\u2028b"}, "was refused addUser name='a\\u2028b': 400"),
]


def test_every_change_is_told_with_who_made_it(served: Administered, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "authgate.server.admin"):
        secrets = [PASSWORD, served.all]
        for verb, path, body, _ in STEPS:
            answer = (
                served.http.request(verb, f"/api/v1/{path}", json=body)
                if body
                else served.http.request(verb, f"/api/v1/{path}")
            )
            made = answer.json() if answer.content else {}
            secrets += [made[name] for name in ("token", "password") if isinstance(made.get(name), str)]
        served.http.get("/api/v1/users")
        awaited(lambda: len(told(caplog)) == len(STEPS))
    who = f"API key {prefix_of(served.all)} (ops) "
    for line, (_, _, _, what) in zip(told(caplog), STEPS, strict=True):
        assert line.startswith(who + what), line
    assert len(secrets) == 4
    assert not [each for each in secrets if each in caplog.text]


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "authgate.server.admin.operation"]


def test_what_a_key_may_not_do_is_told(served: Administered, caplog: pytest.LogCaptureFixture):
    key = served.key("users:read")
    with caplog.at_level(logging.INFO, "authgate.server.admin"):
        served.http.delete("/api/v1/users/ann", headers={"authorization": f"Bearer {key}"})
        awaited(lambda: "lacks users:write" in caplog.text)
