"""Section [issuing]: off by default, and strict about who may read what."""

import pytest

from authgate.config import IssuingOptions, load
from authgate.errors import ConfigError

PASSWORDS = '[[verifiers]]\ntype = "password"\n'


def config(folder, text):
    path = folder / "authgate.toml"
    path.write_text(text)
    path.chmod(0o600)
    return load(path, {})


def test_everything_is_off_by_default(tmp_path):
    found = config(tmp_path, "").issuing
    assert found == IssuingOptions()
    assert not found.any


ORIGINS = ["https://www.example.com", "http://localhost:3000", "http://192.0.2.1", "https://[2001:db8::1]:8443"]


@pytest.mark.parametrize("origin", ORIGINS)
def test_an_origin(origin):
    assert IssuingOptions(login_origins=(origin,)).login_origins == (origin,)


NO_ORIGINS = {
    "everything": "*",
    "nothing": "",
    "no origin": "null",
    "everything below": "https://*.example.com",
    "no scheme": "www.example.com",
    "another scheme": "ftp://www.example.com",
    "a path": "https://www.example.com/",
    "capitals": "https://WWW.example.com",
    "its own port": "https://www.example.com:443",
    "its own port of HTTP": "http://www.example.com:80",
    "a user": "https://ann@www.example.com",
    "a line end": "https://www.example.com\n",
    "two": "https://a.example https://b.example",
}


@pytest.mark.parametrize("origin", NO_ORIGINS.values(), ids=NO_ORIGINS)
def test_what_no_browser_sends_as_an_origin(origin):
    with pytest.raises(ValueError, match=r"login_origins: .* is no origin as browsers send it"):
        IssuingOptions(login_origins=(origin,))


FAULTS = {
    "a login that outlives all": (
        "login_ttl = 301\nmax_ttl = 300",
        "issuing.login_ttl: must be at most max_ttl",
    ),
    "no time": ("login_ttl = 0", "issuing.login_ttl: must be at least 1"),
    "text as truth": ('tokens = "sometimes"', "issuing.tokens: must be true or false"),
    "an option there is not": ("token = true", "issuing.token: no such option; did you mean 'tokens'?"),
    "logins without passwords": ("login = true", "issuing.login: needs a verifier of passwords"),
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.values(), ids=FAULTS)
def test_faults(tmp_path, text, fault):
    with pytest.raises(ConfigError) as error:
        config(tmp_path, f"[issuing]\n{text}\n")
    [found] = error.value.faults
    assert found.startswith(fault)


OPEN = '[server]\nhost = "0.0.0.0"\n[caller]\nhmac_keys = ["0123456789abcdef0123456789abcdef"]\n'


@pytest.mark.parametrize("option", ["tokens", "login"])
def test_without_tls_it_is_told(tmp_path, option):
    on = f"{PASSWORDS}[issuing]\n{option} = true\n"
    weak = f"issuing.{option} is on without TLS: keys, passwords and tokens cross the network in clear"
    assert weak in config(tmp_path, OPEN + on).warnings()
    assert weak not in config(tmp_path, on).warnings()
    assert weak not in config(tmp_path, OPEN + PASSWORDS).warnings()


@pytest.mark.parametrize("path", ["/tokens", "/login/", "/.well-known/jwks.json", "/openapi.json"])
def test_hooks_are_not_received_at_a_path_of_these(tmp_path, path):
    with pytest.raises(ConfigError, match=r"server\.base: is a path that authgate answers itself"):
        config(tmp_path, f'[server]\nbase = "{path}"\n')
