"""Variables go before the file, reach into lists, and are faults where they fit nowhere."""

import json

import pytest

from authgate.config import load, shown
from authgate.errors import ConfigError
from authgate.model import Secret

KEY, OTHER = "k" * 32, "o" * 32
FILE = f"""
[server]
port = 1
[caller]
addresses = ["192.0.2.1"]
[[verifiers]]
type = "token"
key = "{KEY}"
[[verifiers]]
type = "password"
[apps.cdnApp.policies]
connect = "deny"
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "authgate.toml"
    path.write_text(FILE)
    return path


PLACED = {
    "number": ("AUTHGATE_SERVER__PORT", "2", "server.port", 2),
    "number with a fraction": ("AUTHGATE_SERVER__DEADLINE", "3.5", "server.deadline", 3.5),
    "text": ("AUTHGATE_SERVER__BASE", "/a", "server.base", "/a"),
    "text that looks like a number": ("AUTHGATE_VERIFIERS__1__NAME", "12", "verifiers.1.name", "12"),
    "truth": ("AUTHGATE_SESSIONS__INSECURE_OUTLIVE_TOKEN", "true", "sessions.insecure_outlive_token", True),
    "small letters": ("AUTHGATE_server__port", "2", "server.port", 2),
    "choice": ("AUTHGATE_LOG__LEVEL", "debug", "log.level", "debug"),
    "section that the file lacks": ("AUTHGATE_HASHING__TIME", "4", "hashing.time", 4),
    "list between commas": (
        "AUTHGATE_CALLER__ADDRESSES",
        "192.0.2.1, 192.0.2.2",
        "caller.addresses",
        ["192.0.2.1/32", "192.0.2.2/32"],
    ),
    "list as JSON": ("AUTHGATE_CALLER__ADDRESSES", '["192.0.2.3"]', "caller.addresses", ["192.0.2.3/32"]),
    "empty list": ("AUTHGATE_CALLER__ADDRESSES", "[]", "caller.addresses", []),
    "entry of a list": ("AUTHGATE_CALLER__ADDRESSES__0", "192.0.2.4", "caller.addresses", ["192.0.2.4/32"]),
    "next entry of a list": (
        "AUTHGATE_CALLER__ADDRESSES__1",
        "192.0.2.4",
        "caller.addresses",
        ["192.0.2.1/32", "192.0.2.4/32"],
    ),
    "text or list, as text": ("AUTHGATE_VERIFIERS__0__AUDIENCE", "a,b", "verifiers.0.audience", "a,b"),
    "text or list, as list": ("AUTHGATE_VERIFIERS__0__AUDIENCE", '["a","b"]', "verifiers.0.audience", ["a", "b"]),
    "option in a list": ("AUTHGATE_VERIFIERS__0__LEEWAY", "5", "verifiers.0.leeway", 5),
    "list in a list": ("AUTHGATE_VERIFIERS__0__ALGORITHMS", "HS256", "verifiers.0.algorithms", ["HS256"]),
    "app that the file knows": ("AUTHGATE_APPS__CDNAPP__POLICIES__CALL", "deny", "apps.cdnApp.policies.call", "deny"),
    "app that it does not": ("AUTHGATE_APPS__myApp__POLICIES__CALL", "deny", "apps.myApp.policies.call", "deny"),
    "single method": (
        "AUTHGATE_POLICIES__METHODS__publishStream",
        "deny",
        "policies.methods",
        {"publishStream": "deny"},
    ),
    "whole table": ("AUTHGATE_POLICIES__METHODS", '{"call":"deny"}', "policies.methods", {"call": "deny"}),
    "login as text": ("AUTHGATE_CALLER__BASIC__0", "u:p", "caller.basic.0.username", "u"),
    "login as JSON": (
        "AUTHGATE_CALLER__BASIC__0",
        '{"username":"u","password":"p"}',
        "caller.basic.0.username",
        "u",
    ),
    "list of one login as text": (
        "AUTHGATE_CALLER__BASIC",
        "u:p",
        "caller.basic",
        [{"username": "u", "password": "***"}],
    ),
    "list of logins as JSON": ("AUTHGATE_CALLER__BASIC", '["u:p","v:q"]', "caller.basic.1.username", "v"),
    "half of an app's credentials": (
        "AUTHGATE_APPS__CDNAPP__CREDENTIALS__TOKENS",
        "custom.aclAuth",
        "apps.cdnApp.credentials.tokens",
        ["custom.aclAuth"],
    ),
}


@pytest.mark.parametrize(("name", "text", "key", "value"), PLACED.values(), ids=PLACED)
def test_variable(path, name, text, key, value):
    found = shown(load(path, {name: text}))
    for part in key.split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]
    assert found == value


SECRETS = {
    "text": ({"AUTHGATE_VERIFIERS__0__KEY": OTHER}, OTHER),
    "file": ({"AUTHGATE_VERIFIERS__0__KEY_FILE": "secret"}, OTHER),
    "with a comma": ({"AUTHGATE_VERIFIERS__0__KEY": OTHER + ",x"}, OTHER + ",x"),
    "digits alone": ({"AUTHGATE_VERIFIERS__0__KEY": "1" * 32}, "1" * 32),
}


@pytest.mark.parametrize(("environ", "secret"), SECRETS.values(), ids=SECRETS)
def test_secret(path, environ, secret):
    (path.parent / "secret").write_text(OTHER + "\n")
    assert load(path, environ).verifiers[0].key == Secret(secret)


HMAC_KEYS = {
    "as JSON": {"AUTHGATE_CALLER__HMAC_KEYS": json.dumps([KEY, OTHER])},
    "one by one": {"AUTHGATE_CALLER__HMAC_KEYS__1": OTHER, "AUTHGATE_CALLER__HMAC_KEYS__0": KEY},
    "one by one, from files": {"AUTHGATE_CALLER__HMAC_KEYS__0": KEY, "AUTHGATE_CALLER__HMAC_KEYS__1_FILE": "secret"},
    "list and entry": {"AUTHGATE_CALLER__HMAC_KEYS": KEY, "AUTHGATE_CALLER__HMAC_KEYS__1": OTHER},
}


@pytest.mark.parametrize("environ", HMAC_KEYS.values(), ids=HMAC_KEYS)
def test_list_of_secrets(path, environ):
    (path.parent / "secret").write_text(OTHER)
    assert load(path, environ).caller.hmac_keys == (Secret(KEY), Secret(OTHER))


KEYS = {
    "one": ("a-key", ["a-key"]),
    "between commas, while one is replaced": ("old-key, new-key", ["old-key", "new-key"]),
    "as JSON, for a key with a comma": ('["a,key"]', ["a,key"]),
}


@pytest.mark.parametrize(("text", "keys"), KEYS.values(), ids=KEYS)
def test_keys_of_the_media_server(path, text, keys):
    loaded = load(path, {"AUTHGATE_CALLER__HMAC_KEYS": text}).caller.hmac_keys
    assert [key.reveal() for key in loaded] == keys


TRUTHS = {"true": True, "True": True, "1": True, "yes": True, "ON": True, "false": False, "0": False, "no": False}


@pytest.mark.parametrize(("text", "truth"), TRUTHS.items(), ids=TRUTHS)
def test_words_for_true_and_false(path, text, truth):
    assert load(path, {"AUTHGATE_SESSIONS__INSECURE_OUTLIVE_TOKEN": text}).sessions.insecure_outlive_token is truth


EMPTY = {
    "keys of the media server": "AUTHGATE_CALLER__HMAC_KEYS",
    "logins of the media server": "AUTHGATE_CALLER__BASIC",
    "addresses": "AUTHGATE_CALLER__ADDRESSES",
    "text or list": "AUTHGATE_VERIFIERS__0__AUDIENCE",
    "verifiers": "AUTHGATE_VERIFIERS",
}


@pytest.mark.parametrize("text", ["", "  "], ids=["empty", "blank"])
@pytest.mark.parametrize("name", EMPTY.values(), ids=EMPTY)
def test_a_variable_that_was_left_empty_wipes_no_list_of_the_file(path, name, text):
    path.write_text(FILE.replace("[caller]", f'[caller]\nhmac_keys = ["{KEY}"]'))
    with pytest.raises(ConfigError) as caught:
        load(path, {name: text})
    assert caught.value.faults == (f"{name}: is empty; unset it, or write [] for an empty list",)


def test_list_of_one_secret_from_a_file(path):
    (path.parent / "secret").write_text(OTHER)
    assert load(path, {"AUTHGATE_CALLER__HMAC_KEYS_FILE": "secret"}).caller.hmac_keys == (Secret(OTHER),)


def test_whole_verifiers_without_any_in_the_file(tmp_path):
    path = tmp_path / "authgate.toml"
    path.write_text("")
    environ = {f"AUTHGATE_VERIFIERS__{at}__TYPE": "token" for at in range(11)}
    environ |= {f"AUTHGATE_VERIFIERS__{at}__KEY": KEY for at in range(11)}
    environ |= {f"AUTHGATE_VERIFIERS__{at}__NAME": f"v{at}" for at in range(11)}
    environ |= {f"AUTHGATE_VERIFIERS__{at}__ISSUER": f"i{at}" for at in range(11)}
    assert [each.name for each in load(path, environ).verifiers] == [f"v{at}" for at in range(11)]


FAULTS = {
    "option": ("AUTHGATE_SERVER__PROT", "1", "no such option; did you mean AUTHGATE_SERVER__PORT?"),
    "section": ("AUTHGATE_SERVR__PORT", "1", "no such option; did you mean AUTHGATE_SERVER__PORT?"),
    "single underscore": ("AUTHGATE_SERVER_PORT", "1", "no such option; did you mean AUTHGATE_SERVER__PORT?"),
    "single underscore, in a list of secrets": (
        "AUTHGATE_CALLER_HMAC_KEYS",
        KEY,
        "no such option; did you mean AUTHGATE_CALLER__HMAC_KEYS?",
    ),
    "single underscore, in one of them": (
        "AUTHGATE_CALLER_HMAC_KEYS_0",
        KEY,
        "no such option; did you mean AUTHGATE_CALLER__HMAC_KEYS__0?",
    ),
    "single underscore, from a file": (
        "AUTHGATE_CALLER_HMAC_KEYS_FILE",
        "secret",
        "no such option; did you mean AUTHGATE_CALLER__HMAC_KEYS_FILE?",
    ),
    "single underscore, a secret from a file": (
        "AUTHGATE_STORE_URL_FILE",
        "secret",
        "no such option; did you mean AUTHGATE_STORE__URL_FILE?",
    ),
    "single underscore, in a list": (
        "AUTHGATE_VERIFIERS_0_TYPE",
        "token",
        "no such option; did you mean AUTHGATE_VERIFIERS__0__TYPE?",
    ),
    "single underscore, from a file in a list": (
        "AUTHGATE_VERIFIERS_0_KEY_FILE",
        "secret",
        "no such option; did you mean AUTHGATE_VERIFIERS__0__KEY_FILE?",
    ),
    "single underscore, of an app": (
        "AUTHGATE_APPS_my_App_POLICIES_CONNECT",
        "deny",
        "no such option; did you mean AUTHGATE_APPS__my_App__POLICIES__CONNECT?",
    ),
    "single underscore, a login": (
        "AUTHGATE_CALLER_BASIC_0",
        "u:p",
        "no such option; did you mean AUTHGATE_CALLER__BASIC__0?",
    ),
    "nothing like it": (
        "AUTHGATE_ZZZ__YYY",
        "1",
        "no such option; unset it, or see `authgate config show` for the options there are",
    ),
    "below an option": (
        "AUTHGATE_SERVER__PORT__X",
        "1",
        "no such option; unset it, or see `authgate config show` for the options there are",
    ),
    "file of what is no secret": (
        "AUTHGATE_SERVER__PORT_FILE",
        "x",
        "no such option; did you mean AUTHGATE_SERVER__PORT?",
    ),
    "option in a list": (
        "AUTHGATE_VERIFIERS__0__LEWAY",
        "1",
        "no such option; did you mean AUTHGATE_VERIFIERS__0__LEEWAY?",
    ),
    "place beyond the list": (
        "AUTHGATE_VERIFIERS__5__KEY",
        KEY,
        "the list has 2 entries, counted from 0, so the next one is 2",
    ),
    "place that is no number": (
        "AUTHGATE_VERIFIERS__X__KEY",
        KEY,
        "no such option; unset it, or see `authgate config show` for the options there are",
    ),
    "table that is no JSON": ("AUTHGATE_APPS", "{", "must be JSON"),
    "list that is no JSON": ("AUTHGATE_CALLER__ADDRESSES", "[1", "must be JSON"),
    "table nested beyond all measure": ("AUTHGATE_APPS", "[" * 100_000, "must be JSON"),
}


@pytest.mark.parametrize(("name", "text", "fault"), FAULTS.values(), ids=FAULTS)
def test_variable_that_fits_nowhere(path, name, text, fault):
    with pytest.raises(ConfigError) as caught:
        load(path, {name: text})
    assert caught.value.faults == (f"{name}: {fault}",)


def test_secret_twice(path):
    environ = {"AUTHGATE_VERIFIERS__0__KEY": OTHER, "AUTHGATE_VERIFIERS__0__KEY_FILE": "secret"}
    with pytest.raises(ConfigError) as caught:
        load(path, environ)
    fault = "AUTHGATE_VERIFIERS__0__KEY_FILE: AUTHGATE_VERIFIERS__0__KEY is set too; unset one of them"
    assert caught.value.faults == (fault,)


VALUES = {
    "no number": ("AUTHGATE_SERVER__PORT", "x", "server.port: must be a whole number"),
    "empty number": ("AUTHGATE_SERVER__PORT", "", "server.port: must be a whole number"),
    "number in quotes": ("AUTHGATE_SERVER__PORT", '"1"', "server.port: must be a whole number"),
    "truth that is none": (
        "AUTHGATE_CALLER__INSECURE_ACCEPT_ANY_CALLER",
        "maybe",
        "caller.insecure_accept_any_caller: must be true or false",
    ),
    "empty secret": (
        "AUTHGATE_VERIFIERS__0__KEY",
        "",
        'verifiers[0].key: must be text, { file = "PATH" } or { env = "NAME" }',
    ),
}


@pytest.mark.parametrize(("name", "text", "fault"), VALUES.values(), ids=VALUES)
def test_variable_with_a_wrong_value(path, name, text, fault):
    with pytest.raises(ConfigError) as caught:
        load(path, {name: text})
    assert caught.value.faults == (fault,)


OTHERS = {
    "path of the file": ("AUTHGATE_CONFIG", "/nowhere"),
    "of the tests": ("AUTHGATE_TEST_POSTGRESQL", "postgresql://x"),
    "of another program": ("AUTHGATE_HOME", "/x"),
    "service link of a container platform": ("AUTHGATE_PORT", "tcp://10.0.0.1:8080"),
    "service link with the name of an option": ("AUTHGATE_SERVER_PORT", "tcp://10.0.0.1:8080"),
    "service link of an app": ("AUTHGATE_APPS_SERVICE_HOST", "10.0.0.1"),
    "single underscore, file of what is no secret": ("AUTHGATE_SERVER_PORT_FILE", "x"),
    "service link with more": ("AUTHGATE_SERVER_PORT_8080_TCP_ADDR", "10.0.0.1"),
}


@pytest.mark.parametrize(("name", "text"), OTHERS.values(), ids=OTHERS)
def test_variable_that_is_no_option(path, name, text):
    assert load(path, {name: text}).server.port == 1
