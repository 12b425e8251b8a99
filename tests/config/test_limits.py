"""What section [limits] and those of applications come to."""

import json
from pathlib import Path

import pytest

from authgate.config import load
from authgate.errors import ConfigError
from authgate.limits import AppLimits, LimitOptions, Limits
from authgate.model import Limit, Per, Principal, Session, SessionKey
from authgate.wiring import limits_of, rules_of, wires

KEY = SessionKey("n", "s")


def limits(app: AppLimits | None = None, **options) -> Limits:
    return Limits(LimitOptions(**options), {} if app is None else {"app": app})


def ann(**changes) -> Principal:
    return Principal(**{"user": "ann", "verifier": "v", "token": "t"} | changes)


STUDIO = AppLimits(sessions_per_user=1, sessions_per_token=2, sessions_per_app=3)

# Limits, the client that connects, and what it is held to: of what, in which application, how many, and whether older
# ones end.
CASES = {
    "nothing": (limits(), ann(), []),
    "a user": (limits(sessions_per_user=5), ann(), [("user", None, 5, False)]),
    "a user with a number of its own": (limits(), ann(max_sessions=2), [("user", None, None, False)]),
    "a user, the oldest": (
        limits(sessions_per_user=5, sessions_per_user_exceeded="end-oldest"),
        ann(),
        [("user", None, 5, True)],
    ),
    "a token": (limits(sessions_per_token=5), ann(), [("token", None, 5, False)]),
    "no token": (limits(sessions_per_token=5), ann(token=""), []),
    "an application": (limits(sessions_per_app=5), ann(), [("app", "app", 5, False)]),
    "anonymous": (
        limits(sessions_per_user=1, sessions_per_token=1, sessions_per_app=5),
        None,
        [("app", "app", 5, False)],
    ),
    "nobody in particular": (limits(sessions_per_user=1), ann(user="anonymous@v", token=""), []),
    "all of one application": (
        limits(STUDIO),
        ann(),
        [("user", "app", 1, False), ("token", "app", 2, False), ("app", "app", 3, False)],
    ),
    "of one application beside those of all": (
        limits(STUDIO, sessions_per_user=7, sessions_per_app=9),
        ann(),
        [("user", None, 7, False), ("user", "app", 1, False), ("token", "app", 2, False), ("app", "app", 3, False)],
    ),
    "one more there as everywhere": (
        limits(AppLimits(sessions_per_app=3), sessions_per_app_exceeded="end-oldest"),
        ann(),
        [("app", "app", 3, True)],
    ),
    "one more there otherwise than everywhere": (
        limits(AppLimits(sessions_per_app_exceeded="end-oldest"), sessions_per_app=3),
        ann(),
        [("app", "app", 3, True)],
    ),
    "of another application": (Limits(LimitOptions(), {"other": STUDIO}), ann(), []),
}


def told(limit: Limit) -> tuple[str, str | None, int | None, bool]:
    return limit.per.value, limit.app_key, limit.most, limit.ends_oldest


@pytest.mark.parametrize(("of", "client", "held"), CASES.values(), ids=CASES)
def test_a_session_is_held_to(of: Limits, client: Principal | None, held):
    assert [told(each) for each in of.of_session(Session(KEY, "app", 1, client))] == held


def test_a_publisher_is_held_to_what_its_application_says_or_else_all():
    of = limits(AppLimits(publishers_per_name=2), publishers_per_name=1, publishers_per_name_exceeded="end-oldest")
    assert of.of_publisher("app", "x") == (Limit(Per.NAME, "x", "app", 2, ends_oldest=True),)
    assert of.of_publisher("other", "x") == (Limit(Per.NAME, "x", "other", 1, ends_oldest=True),)
    assert of.of_publisher("other", "") == ()


def loaded(tmp_path: Path, text: str):
    path = tmp_path / "authgate.toml"
    path.write_text(text)
    return load(path, {})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[limits]\nsessions_per_user = 0", "limits.sessions_per_user"),
        ("[limits]\nsessions_per_token = -1", "limits.sessions_per_token"),
        ("[limits]\nsessions_per_app_exceeded = 'end-newest'", "limits.sessions_per_app_exceeded"),
        ("[apps.a.limits]\npublishers_per_name = 'two'", "apps.a.limits.publishers_per_name"),
        ("[limits]\nsessions_per_users = 1", "did you mean 'sessions_per_user'?"),
    ],
    ids=["none at all", "less than none", "who goes", "a word", "a slip"],
)
def test_what_is_no_limit_stops_the_start(tmp_path: Path, text: str, fault: str):
    with pytest.raises(ConfigError, match=fault.replace("?", r"\?")):
        loaded(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "app", "obeyed"),
    [
        ("", "studio", "LOG"),
        ("[limits]\npublishers_per_name = 1", "studio", "FAIL"),
        ("[apps.studio.limits]\npublishers_per_name = 1", "studio", "FAIL"),
        ("[apps.other.limits]\npublishers_per_name = 1", "studio", "LOG"),
        ("[limits]\nsessions_per_user = 1", "studio", "LOG"),
    ],
    ids=["none", "of all", "of the application", "of another", "of something else"],
)
def test_the_media_server_is_told_to_obey_where_publishers_are_limited(
    tmp_path: Path, text: str, app: str, obeyed: str
):
    """Where everything is allowed, it would else log the refusal and go on."""
    config = loaded(tmp_path, f"[policies]\ncall = 'allow'\n[apps.{app}.policies]\nincoming = 'deny'\n{text}")
    wire = wires(config, rules_of(config))[app]
    assert json.loads(wire.rest_client_config)["publishStream"]["restOnError"] == obeyed
    assert json.loads(wire.rest_client_config)["playStream"]["restOnError"] == "LOG"


def test_variables_set_limits(tmp_path: Path):
    (tmp_path / "authgate.toml").write_text("")
    environ = {"AUTHGATE_LIMITS__SESSIONS_PER_USER": "3", "AUTHGATE_APPS__a__LIMITS__SESSIONS_PER_APP": "4"}
    of = limits_of(load(tmp_path / "authgate.toml", environ))
    held = [told(each) for each in of.of_session(Session(KEY, "a", 1, ann()))]
    assert held == [("user", None, 3, False), ("app", "a", 4, False)]
