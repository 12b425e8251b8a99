"""What one application's credentials leave out is as in [credentials], not as in the shipped defaults."""

import pytest

from authgate.config import load
from authgate.verifiers.credentials import CredentialPaths, LoginPaths

DEFAULTS = CredentialPaths()
ALL = '[credentials]\ntokens = ["custom.jwt"]\npasswords = []\n'
SECTION = CredentialPaths(("custom.jwt",), ())
PAIR = '{ login = "custom.l", password = "custom.p" }'

# All settings, and the credentials of the application "a" then.
CASES = {
    "no section": (ALL + "[apps.a]", None),
    "tokens of its own, no passwords anywhere": (
        ALL + '[apps.a]\ncredentials = { tokens = ["custom.acl"] }',
        CredentialPaths(("custom.acl",), ()),
    ),
    "passwords of its own": (
        ALL + f"[apps.a]\ncredentials = {{ passwords = [{PAIR}] }}",
        CredentialPaths(("custom.jwt",), (LoginPaths("custom.l", "custom.p"),)),
    ),
    "neither, said so": (ALL + "[apps.a]\ncredentials = { tokens = [], passwords = [] }", CredentialPaths((), ())),
    "empty section": (ALL + "[apps.a.credentials]", SECTION),
    "nothing to inherit but the defaults": (
        "[apps.a.credentials]\ntokens = []",
        CredentialPaths((), DEFAULTS.passwords),
    ),
    "half of it to inherit": (
        "[credentials]\npasswords = []\n[apps.a.credentials]",
        CredentialPaths(DEFAULTS.tokens, ()),
    ),
    "two apps": (
        ALL + '[apps.a.credentials]\n[apps.b]\ncredentials = { tokens = ["custom.b"] }',
        SECTION,
    ),
}


@pytest.mark.parametrize(("text", "credentials"), CASES.values(), ids=CASES)
def test_credentials_of_an_app(tmp_path, text, credentials):
    path = tmp_path / "authgate.toml"
    path.write_text(text)
    assert load(path, {}).apps["a"].credentials == credentials


def test_by_variables_too(tmp_path):
    path = tmp_path / "authgate.toml"
    path.write_text("")
    environ = {"AUTHGATE_CREDENTIALS__PASSWORDS": "[]", "AUTHGATE_APPS__a__CREDENTIALS__TOKENS": "custom.acl"}
    assert load(path, environ).apps["a"].credentials == CredentialPaths(("custom.acl",), ())
