"""Where the file is, where secrets come from, and what paths are relative to."""

import logging

import pytest

from authgate.config import Config, load, shown, sources
from authgate.errors import ConfigError
from authgate.model import Secret

KEY = "k" * 32
REFERRING = '[[verifiers]]\ntype = "token"\nkey = '


def fault(path, environ=None):
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {})
    [line] = caught.value.faults
    return line


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "etc" / "authgate.toml"
    path.parent.mkdir()
    path.write_text("")
    return path


FILES = {
    "as it is": (KEY, KEY),
    "line end": (KEY + "\n", KEY),
    "line end of Windows": (KEY + "\r\n", KEY),
    "only one line end": (KEY + "\n\n", KEY + "\n"),
    "white space is part of it": (f" {KEY} ", f" {KEY} "),
    "not only ASCII": (KEY + "é", KEY + "é"),
}


@pytest.mark.parametrize(("text", "secret"), FILES.values(), ids=FILES)
def test_secret_from_a_file_beside_the_configuration(path, text, secret):
    path.write_text(REFERRING + '{ file = "key" }')
    (path.parent / "key").write_bytes(text.encode())
    assert load(path, {}).verifiers[0].key == Secret(secret)


def test_secret_from_an_absolute_path(path, tmp_path):
    path.write_text(REFERRING + f'{{ file = "{tmp_path}/key" }}')
    (tmp_path / "key").write_text(KEY)
    assert load(path, {}).verifiers[0].key == Secret(KEY)


def test_secret_from_a_variable(path):
    path.write_text(REFERRING + '{ env = "MY_KEY" }')
    assert load(path, {"MY_KEY": KEY}).verifiers[0].key == Secret(KEY)


@pytest.mark.parametrize(
    "reference", ['{ file = "key" }', '{ username = "user", password = { file = "password" } }', '{ env = "LOGIN" }']
)
def test_login_from_elsewhere(path, reference):
    path.write_text(f"[caller]\nbasic = [{reference}]")
    (path.parent / "key").write_text("user:password\n")
    (path.parent / "password").write_text("password\n")
    [login] = load(path, {"LOGIN": "user:password"}).caller.basic
    assert (login.username, login.password) == ("user", Secret("password"))


REFERENCES = {
    "file that is missing": ('{ file = "missing" }', "cannot be read: No such file or directory"),
    "folder": ('{ file = "." }', "cannot be read: Is a directory"),
    "empty file": ('{ file = "empty" }', "is empty"),
    "file of one line end": ('{ file = "blank" }', "is empty"),
    "file that is not UTF-8": ('{ file = "binary" }', "is not UTF-8 text"),
    "file without a name": ('{ file = "" }', 'must be text, { file = "PATH" } or { env = "NAME" }'),
    "variable that is not set": ('{ env = "MISSING" }', "the variable MISSING is not set, or is empty"),
    "variable that is empty": ('{ env = "EMPTY" }', "the variable EMPTY is not set, or is empty"),
    "both": ('{ file = "a", env = "B" }', 'must be text, { file = "PATH" } or { env = "NAME" }'),
    "something more": ('{ file = "a", mode = 1 }', 'must be text, { file = "PATH" } or { env = "NAME" }'),
    "file that is no text": ("{ file = 1 }", 'must be text, { file = "PATH" } or { env = "NAME" }'),
    "another table": ('{ path = "a" }', 'must be text, { file = "PATH" } or { env = "NAME" }'),
}


@pytest.mark.parametrize(("reference", "said"), REFERENCES.values(), ids=REFERENCES)
def test_reference_that_leads_nowhere(path, reference, said):
    path.write_text(REFERRING + reference)
    (path.parent / "empty").write_text("")
    (path.parent / "blank").write_text("\n")
    (path.parent / "binary").write_bytes(b"\xff")
    line = fault(path, {"EMPTY": ""})
    assert line.startswith("verifiers[0].key: ")
    assert line.endswith(said)


def test_reference_where_no_secret_belongs(path):
    path.write_text('[server]\nhost = { env = "HOST" }')
    assert fault(path, {"HOST": "127.0.0.1"}) == "server.host: must be text"


URLS = {
    "relative": ("sqlite:///a/b.db", "sqlite:///{folder}/a/b.db"),
    "relative, with its driver": ("sqlite+aiosqlite:///b.db", "sqlite+aiosqlite:///{folder}/b.db"),
    "absolute": ("sqlite:////var/b.db", "sqlite:////var/b.db"),
    "server": ("postgresql://u@h/b", "postgresql://u@h/b"),
}


@pytest.mark.parametrize(("url", "placed"), URLS.values(), ids=URLS)
@pytest.mark.parametrize("by_variable", [False, True], ids=["file", "variable"])
def test_database_beside_the_configuration(path, url, placed, by_variable):
    if not by_variable:
        path.write_text(f'[store]\nurl = "{url}"')
    config = load(path, {"AUTHGATE_STORE__URL": url} if by_variable else {})
    assert config.store.url.reveal() == placed.format(folder=path.parent)


def test_what_is_beside_the_configuration_by_default(path):
    store = load(path, {}).store
    assert store.url.reveal() == f"sqlite:///{path.parent}/authgate.db"
    assert store.spool == path.parent / "spool"


def test_paths_are_relative_to_the_file_and_not_to_where_we_are(path, monkeypatch):
    path.write_text('[server]\ntls_certificate = "tls/c.pem"\ntls_key = "tls/k.pem"\n[store]\nspool = "s"')
    (path.parent / "tls").mkdir()
    for name in ("c", "k"):
        (path.parent / "tls" / f"{name}.pem").write_text("")
    monkeypatch.chdir(path.parents[1])
    config = load(path.relative_to(path.parents[1]), {})
    assert config.server.tls_certificate == path.parent / "tls" / "c.pem"
    assert config.store.spool == path.parent / "s"
    assert config.source == path


class TestFind:
    """The file given, else AUTHGATE_CONFIG, else the first default there is."""

    @pytest.fixture(autouse=True)
    def _defaults(self, tmp_path, monkeypatch):
        self.here, self.etc = tmp_path / "here.toml", tmp_path / "etc.toml"
        monkeypatch.setattr(sources, "DEFAULTS", (self.here, self.etc))

    def test_given(self, tmp_path):
        self.here.write_text("")
        assert sources.find(tmp_path / "x", {"AUTHGATE_CONFIG": "/y"}) == tmp_path / "x"

    def test_variable(self, tmp_path):
        self.here.write_text("")
        assert sources.find(None, {"AUTHGATE_CONFIG": str(tmp_path)}) == tmp_path

    @pytest.mark.parametrize("environ", [{}, {"AUTHGATE_CONFIG": ""}], ids=["unset", "empty"])
    def test_first_default(self, environ):
        self.here.write_text("")
        self.etc.write_text("")
        assert sources.find(None, environ) == self.here

    def test_second_default(self):
        self.etc.write_text("")
        assert sources.find(None, {}) == self.etc

    def test_none(self):
        with pytest.raises(ConfigError, match=r"no configuration file: .*; run: authgate init DIR"):
            sources.find(None, {})


def test_missing_file(tmp_path):
    assert (
        fault(tmp_path / "a.toml") == f"{tmp_path}/a.toml: no such file; run: authgate init DIR, or give --config PATH"
    )


def test_file_that_cannot_be_read(tmp_path):
    assert fault(tmp_path) == f"{tmp_path}: cannot be read: Is a directory"


SECRET = "c4nary-" + "x" * 32
SECRETIVE = f"""
[caller]
hmac_keys = ["{SECRET}"]
basic = ["user:{SECRET}"]
[store]
url = "postgresql://user:{SECRET}@127.0.0.1/authgate"
[[verifiers]]
type = "token"
key = "{SECRET}"
"""


def test_secrets_show_nowhere(path, caplog):
    path.write_text(SECRETIVE)
    config = load(path, {})
    caplog.set_level(logging.DEBUG)
    logging.getLogger("test").info("%s %r", config, config)
    seen = [str(config), repr(config), str(shown(config)), caplog.text, "\n".join(config.warnings())]
    assert not [text for text in seen if SECRET in text]
    assert shown(config)["store"]["url"] == "postgresql://user:***@127.0.0.1/authgate"
    assert shown(config)["verifiers"][0]["key"] == "***"
    assert shown(config)["caller"] == {
        "hmac_keys": ["***"],
        "basic": [{"username": "user", "password": "***"}],
        "addresses": [],
        "trusted_proxies": [],
        "insecure_accept_any_caller": False,
    }


def test_settings_do_not_change(path):
    config = load(path, {})
    with pytest.raises(ValueError, match="frozen"):
        config.server = Config().server


MAPPED = {
    "an address": ("::ffff:192.0.2.10", "192.0.2.10/32"),
    "a network": ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
    "every address of four": ("::ffff:0:0/96", "0.0.0.0/0"),
    "every address of six": ("::/0", "::/0"),
    "an address of six": ("2001:db8::1", "2001:db8::1/128"),
}


@pytest.mark.parametrize(("text", "network"), MAPPED.values(), ids=MAPPED)
def test_addresses_of_four_within_those_of_six_are_what_clients_have(tmp_path, text, network):
    """Clients' and callers' addresses are taken so too: what stays of six would fit nobody."""
    path = tmp_path / "authgate.toml"
    rule = f"[[rules]]\nname = 'r'\naddresses = ['{text}']\npolicy = {{ type = 'deny' }}"
    path.write_text(f"[caller]\naddresses = '{text}'\ntrusted_proxies = '{text}'\n{rule}")
    config = load(path, {})
    given = (config.caller.addresses, config.caller.trusted_proxies, config.rules[0].addresses)
    assert [str(each) for [each] in given] == [network] * 3


ALONE = {
    "a key": ("[caller]\nhmac_keys = 'k'", lambda c: [k.reveal() for k in c.caller.hmac_keys], ["k"]),
    "a key in a file": (
        "[caller]\nhmac_keys = { file = 'k' }",
        lambda c: [k.reveal() for k in c.caller.hmac_keys],
        ["kk"],
    ),
    "an address": (
        "[caller]\naddresses = '192.0.2.1'",
        lambda c: [str(a) for a in c.caller.addresses],
        ["192.0.2.1/32"],
    ),
    "a login": ("[caller]\nbasic = 'u:p'", lambda c: [b.username for b in c.caller.basic], ["u"]),
    "a login as a table": (
        "[caller.basic]\nusername = 'u'\npassword = 'p'",
        lambda c: [b.password.reveal() for b in c.caller.basic],
        ["p"],
    ),
    "a path": ("[credentials]\ntokens = 'custom.jwt'", lambda c: list(c.credentials.tokens), ["custom.jwt"]),
}


@pytest.mark.parametrize(("text", "found", "expected"), ALONE.values(), ids=ALONE)
def test_one_value_where_a_list_is_wanted_is_a_list_of_one(tmp_path, text, found, expected):
    (tmp_path / "k").write_text("kk\n")
    path = tmp_path / "authgate.toml"
    path.write_text(text)
    assert found(load(path, {})) == expected
