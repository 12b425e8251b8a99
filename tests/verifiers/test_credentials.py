"""Where credentials are found in a hook."""

import json
from typing import Any

import pytest

from authgate.model import Credentials, Secret
from authgate.verifiers.credentials import CredentialPaths, LoginPaths

DEFAULT = CredentialPaths()
SEVERAL = CredentialPaths(tokens=("custom.jwt", "custom.auth.token", "token"), passwords=())
NONE = CredentialPaths(tokens=(), passwords=())
MALFORMED = Credentials(malformed=True)
NOTHING = Credentials()


def offered(token: str | None = None, login: str | None = None, password: str | None = None) -> Credentials:
    return Credentials(None if token is None else Secret(token), login, None if password is None else Secret(password))


CASES: dict[str, tuple[CredentialPaths, Any, Credentials]] = {
    "nothing": (DEFAULT, {}, NOTHING),
    "token": (DEFAULT, {"custom": {"token": "t"}}, offered("t")),
    "token is null": (DEFAULT, {"custom": {"token": None}}, NOTHING),
    "token is empty": (DEFAULT, {"custom": {"token": ""}}, MALFORMED),
    "token is blank": (DEFAULT, {"custom": {"token": " "}}, offered(" ")),
    "token is a number": (DEFAULT, {"custom": {"token": 1}}, MALFORMED),
    "token is zero": (DEFAULT, {"custom": {"token": 0}}, MALFORMED),
    "token is false": (DEFAULT, {"custom": {"token": False}}, MALFORMED),
    "token is a list": (DEFAULT, {"custom": {"token": ["t"]}}, MALFORMED),
    "token is an empty list": (DEFAULT, {"custom": {"token": []}}, MALFORMED),
    "token is an object": (DEFAULT, {"custom": {"token": {"token": "t"}}}, MALFORMED),
    "token in other letters": (DEFAULT, {"custom": {"Token": "t"}}, NOTHING),
    "token at the top": (DEFAULT, {"token": "t"}, NOTHING),
    "custom is null": (DEFAULT, {"custom": None}, NOTHING),
    "custom is text": (DEFAULT, {"custom": "token"}, MALFORMED),
    "custom is a list": (DEFAULT, {"custom": [{"token": "t"}]}, MALFORMED),
    "custom is a number": (DEFAULT, {"custom": 7}, MALFORMED),
    "custom is false": (DEFAULT, {"custom": False}, MALFORMED),
    "a name with a dot is no path": (DEFAULT, {"custom.token": "t"}, NOTHING),
    "the media server's own token": (DEFAULT, {"authToken": "t"}, NOTHING),
    "first path": (SEVERAL, {"custom": {"jwt": "a", "auth": {"token": "b"}}, "token": "c"}, offered("a")),
    "second path": (SEVERAL, {"custom": {"auth": {"token": "b"}}, "token": "c"}, offered("b")),
    "third path": (SEVERAL, {"custom": {"jwt": None, "auth": {}}, "token": "c"}, offered("c")),
    "text where an object should be": (SEVERAL, {"custom": {"auth": "x"}, "token": "c"}, MALFORMED),
    "a bad first path hides a good second": (SEVERAL, {"custom": {"jwt": 1}, "token": "c"}, MALFORMED),
    "an empty first path hides a good second": (SEVERAL, {"custom": {"jwt": ""}, "token": "c"}, MALFORMED),
    "login and password": (DEFAULT, {"custom": {"login": "ann", "password": "p"}}, offered(None, "ann", "p")),
    "user name and password": (DEFAULT, {"custom": {"username": "ann", "password": "p"}}, offered(None, "ann", "p")),
    "login before user name": (
        DEFAULT,
        {"custom": {"username": "bob", "login": "ann", "password": "p"}},
        offered(None, "ann", "p"),
    ),
    "SIP": (DEFAULT, {"sipLogin": "1001", "sipPassword": "p"}, offered(None, "1001", "p")),
    "a whole SIP pair beside half a pair": (
        DEFAULT,
        {"custom": {"login": "ann"}, "sipLogin": "1001", "sipPassword": "p"},
        offered(None, "1001", "p"),
    ),
    "pairs are never mixed": (
        DEFAULT,
        {"custom": {"login": "ann"}, "sipPassword": "p"},
        offered(None, "ann"),
    ),
    "a login of one type and a password of another": (
        DEFAULT,
        {"custom": {"password": "p"}, "sipLogin": "1001"},
        offered(None, None, "p"),
    ),
    "login alone": (DEFAULT, {"custom": {"login": "ann"}}, offered(None, "ann")),
    "user name alone": (DEFAULT, {"custom": {"username": "ann"}}, offered(None, "ann")),
    "password alone": (DEFAULT, {"custom": {"password": "p"}}, offered(None, None, "p")),
    "password is null": (DEFAULT, {"custom": {"login": "ann", "password": None}}, offered(None, "ann")),
    "password is empty": (DEFAULT, {"custom": {"login": "ann", "password": ""}}, offered(None, "ann", "")),
    "both are empty": (DEFAULT, {"custom": {"login": "", "password": ""}}, offered(None, "", "")),
    "password is a number": (DEFAULT, {"custom": {"login": "ann", "password": 1}}, MALFORMED),
    "password is false": (DEFAULT, {"custom": {"login": "ann", "password": False}}, MALFORMED),
    "login is a list": (DEFAULT, {"custom": {"login": ["ann"], "password": "p"}}, MALFORMED),
    "a bad first pair hides a good second": (
        DEFAULT,
        {"custom": {"login": 1, "username": "ann", "password": "p"}},
        MALFORMED,
    ),
    "a bad login beside a good token": (DEFAULT, {"custom": {"token": "t", "login": 1}}, MALFORMED),
    "token and login": (DEFAULT, {"custom": {"token": "t", "login": "ann"}}, offered("t", "ann")),
    "everything": (
        DEFAULT,
        {"custom": {"token": "t", "login": "ann", "password": "p"}},
        offered("t", "ann", "p"),
    ),
    "no paths": (NONE, {"custom": {"token": "t", "login": "ann", "password": "p"}}, NOTHING),
    "lone surrogates": (DEFAULT, json.loads('{"custom":{"token":"\\ud800"}}'), offered("\ud800")),
}


@pytest.mark.parametrize(("paths", "fields", "found"), CASES.values(), ids=CASES)
def test_credentials(paths: CredentialPaths, fields: dict[str, Any], found: Credentials) -> None:
    assert paths.find(fields) == found


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][2] is not NOTHING])
def test_a_bad_credential_never_becomes_no_credential(name: str) -> None:
    """Anonymous clients are let in, where they are, for offering nothing; whoever offers something is judged."""
    paths, fields, _ = CASES[name]
    assert paths.find(fields).offered


def test_roots() -> None:
    assert DEFAULT.roots() == ("custom", "sipLogin", "sipPassword")
    assert SEVERAL.roots() == ("custom", "token")
    assert NONE.roots() == ()


FAULTS = {
    "empty": ("", "tokens: '' is not a path"),
    "ends with a dot": ("custom.", "tokens: 'custom.' is not a path"),
    "begins with a dot": (".token", "tokens: '.token' is not a path"),
    "two dots": ("custom..token", "tokens: 'custom..token' is not a path"),
    "space": ("custom. token", "tokens: 'custom. token' is not a path"),
    "the media server's own": ("authToken", "tokens: authToken is the media server's own"),
    "inside the media server's own": ("authToken.x", "tokens: authToken is the media server's own"),
}


@pytest.mark.parametrize(("path", "fault"), FAULTS.values(), ids=FAULTS)
def test_unfit_paths_are_named(path: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        CredentialPaths(tokens=(path,))


def test_every_unfit_path_is_named_at_once() -> None:
    with pytest.raises(ValueError, match="authToken") as caught:
        CredentialPaths(
            tokens=("", "custom.token"), passwords=(LoginPaths("sipLogin", "authToken"), LoginPaths("a", ""))
        )
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == ["tokens", "passwords", "passwords"]


def test_a_client_may_call_something_of_its_own_auth_token() -> None:
    assert CredentialPaths(tokens=("custom.authToken",)).find({"custom": {"authToken": "t"}}) == offered("t")
