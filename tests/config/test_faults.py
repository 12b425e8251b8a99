"""What is wrong with a configuration is said by key, all at once, and never with a value."""

import pytest

from authgate.config import load
from authgate.errors import ConfigError

KEY = "k" * 32
CANARY = "c4nary"
TOKEN = f'[[verifiers]]\ntype = "token"\nkey = "{KEY}"\n'


def faults(folder, text, environ=None):
    path = folder / "authgate.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {})
    return list(caught.value.faults)


FAULTS = {
    "a token in what records show": (
        '[credentials]\ntokens = ["custom.token", "name"]',
        "credentials.tokens: 'name' stands in records and in the log; have clients put it into custom",
    ),
    "a password in what records show": (
        '[apps.a]\ncredentials = { passwords = [{ login = "login", password = "callee" }] }',
        "apps.a.credentials.passwords: 'callee' stands in records and in the log; have clients put it into custom",
    ),
    "unknown section": ("[servr]\nport = 1", "servr: no such section; did you mean 'server'?"),
    "nothing like any section": (
        "[zzz]",
        "zzz: no such section; there are: admin, apps, caller, credentials, feed, guessing, hashing, issuing, "
        "limits, log, passwords, policies, records, rules, server, sessions, signalling, signals, store, targets, "
        "user_sources, users, verifiers, wcs, webhooks",
    ),
    "argument of the settings library": (
        '_env_file = "/etc/passwd"',
        "_env_file: no such section; there are: admin, apps, caller, credentials, feed, guessing, hashing, issuing, "
        "limits, log, passwords, policies, records, rules, server, sessions, signalling, signals, store, targets, "
        "user_sources, users, verifiers, wcs, webhooks",
    ),
    "signals without a node": (
        '[[signals]]\nname = "talk"\njoin = ["lobby"]',
        "signals: nothing could be delivered, for there is no [[wcs]] section; add one for each node",
    ),
    "signals of no application": (
        '[[wcs]]\nnode = "*"\nurl = "http://127.0.0.1/rest-api"\n'
        '[[signals]]\nname = "talk"\njoin = ["lobby"]\napps = []',
        "signals[0].apps: is empty, and an empty condition would hold for everything; remove it to mean that",
    ),
    "unknown option": ("[server]\nprot = 1", "server.prot: no such option; did you mean 'port'?"),
    "option in capitals": ("[server]\nPORT = 1", "server.PORT: no such option; did you mean 'port'?"),
    "nothing like any option": (
        "[log]\nzzz = 1",
        "log.zzz: no such option; there are: format, level",
    ),
    "unknown option of a verifier": (TOKEN + "leway = 1", "verifiers[0].leway: no such option; did you mean 'leeway'?"),
    "option of another verifier": (
        '[[verifiers]]\ntype = "password"\nleeway = 1',
        "verifiers[0].leeway: no such option; there are: name, type",
    ),
    "unknown option of an app": (
        "[apps.a.policies]\ncal = 'deny'",
        "apps.a.policies.cal: no such option; did you mean 'call'?",
    ),
    "app with an odd name": (
        "[apps.'my app'.policies]\ncal = 'deny'",
        "apps.\"my app\".policies.cal: no such option; did you mean 'call'?",
    ),
    "app without a name": ("[apps.'']", 'apps."": must not be empty'),
    "app without a name, with options": ("[apps.''.policies]\ncall = 'deny'", 'apps."": must not be empty'),
    "unknown option of an app's credentials": (
        "[apps.a.credentials]\ntoken = ['custom.token']",
        "apps.a.credentials.token: no such option; did you mean 'tokens'?",
    ),
    "fault that an app would inherit": (
        "[credentials]\ntokens = 1\n[apps.a]\ncredentials = { passwords = [] }",
        "credentials.tokens: must be a list",
    ),
    "section that is no table": ("server = 1", "server: must be a table"),
    "store that is no table": ("store = 'sqlite:///x'", "store: must be a table"),
    "list that is no list": ("verifiers = 1", "verifiers: must be a list of tables; write [[verifiers]]"),
    "list of other things": ("verifiers = [1]", "verifiers[0]: must be a table"),
    "number as text": ("[server]\nport = '8080'", "server.port: must be a whole number"),
    "number as truth": ("[server]\nworkers = true", "server.workers: must be a whole number"),
    "whole number with a fraction": ("[server]\nport = 80.5", "server.port: must be a whole number"),
    "number as date": ("[server]\ndeadline = 2026-01-01", "server.deadline: must be a number"),
    "truth as text": (
        "[caller]\ninsecure_accept_any_caller = 'no'",
        "caller.insecure_accept_any_caller: must be true or false",
    ),
    "truth as number": (
        "[caller]\ninsecure_accept_any_caller = 1",
        "caller.insecure_accept_any_caller: must be true or false",
    ),
    "text as number": ("[server]\nhost = 1", "server.host: must be text"),
    "path as number": ("[store]\nspool = 1", "store.spool: must be a path"),
    "list as number": ("[caller]\naddresses = 10", "caller.addresses: must be a list"),
    "text or list as number": (TOKEN + "audience = 1", "verifiers[0].audience: must be text or a list"),
    "port over the limit": ("[server]\nport = 65536", "server.port: must be at most 65535"),
    "no worker": ("[server]\nworkers = 0", "server.workers: must be at least 1"),
    "deadline without end": ("[server]\ndeadline = inf", "server.deadline: must be at most 15"),
    "deadline that is no number": ("[server]\ndeadline = nan", "server.deadline: must be at most 15"),
    "no deadline": ("[server]\ndeadline = 0", "server.deadline: must be more than 0"),
    "empty host": (
        "[server]\nhost = ''",
        "server.host: is empty; for every address of this machine write '0.0.0.0' or '::'",
    ),
    "base without its slash": (
        "[server]\nbase = 'hooks'",
        "server.base: must be a path such as '/hooks', beginning with '/'",
    ),
    "base of a health check": (
        "[server]\nbase = '/readyz'",
        "server.base: is a path that authgate answers itself; choose another",
    ),
    "certificate without key": (
        "[server]\ntls_certificate = 'authgate.toml'",
        "server.tls_key: is missing; TLS needs it beside tls_certificate",
    ),
    "no such policy": (
        "[policies]\nconnect = 'authenticat'",
        "policies.connect: must be 'authenticate', 'allow_anonymous' or 'deny'; did you mean 'authenticate'?",
    ),
    "no such method": (
        "[policies.methods]\npublishStrem = 'deny'",
        "policies.methods.publishStrem: no such method; did you mean 'publishStream'?",
    ),
    "event that cannot be refused": (
        "[apps.a.policies.methods]\nStreamEvent = 'deny'",
        "apps.a.policies.methods.StreamEvent: is an event, which has happened and is always allowed; remove it",
    ),
    "connect among the methods": (
        "[policies]\nmethods = { connect = 'deny' }",
        "policies.methods.connect: has an option of its own beside 'methods'",
    ),
    "no such verifier": (
        "[[verifiers]]\ntype = 'tokn'",
        "verifiers[0].type: must be 'token', 'issued' or 'password'; did you mean 'token'?",
    ),
    "verifier without type": (
        "[[verifiers]]",
        "verifiers[0].type: is missing; it must be 'token', 'issued' or 'password'",
    ),
    "verifier whose type is no text": (
        "[[verifiers]]\ntype = 1",
        "verifiers[0].type: must be 'token', 'issued' or 'password'",
    ),
    "verifier without key": (
        "[[verifiers]]\ntype = 'token'",
        "verifiers[0].key: is missing; give a key, several keys, or the issuer's jwks",
    ),
    "empty key": (
        "[[verifiers]]\ntype = 'token'\nkey = ''",
        'verifiers[0].key: must be text, { file = "PATH" } or { env = "NAME" }',
    ),
    "short key": (
        "[[verifiers]]\ntype = 'token'\nkey = 'abc'",
        "verifiers[0].key: has 3 bytes, but HS256 needs 32 or more",
    ),
    "two verifiers of a name": (
        TOKEN + "name = 'x'\n[[verifiers]]\ntype = 'password'\nname = 'x'",
        "verifiers[1].name: another verifier is called 'x' too",
    ),
    "two password verifiers": (
        "[[verifiers]]\ntype = 'password'\n[[verifiers]]\ntype = 'password'\nname = 'x'",
        "verifiers[1].type: a second password verifier would never be asked; remove one",
    ),
    "address that is none": (
        "[caller]\naddresses = ['10.0.0.0/8', 'x']",
        "caller.addresses[1]: must be an address or a network such as '192.0.2.0/24', with no bit set after its prefix",
    ),
    "address that is a number": (
        "[caller]\naddresses = [true]",
        "caller.addresses[0]: must be an address or a network such as '192.0.2.0/24', with no bit set after its prefix",
    ),
    "network with host bits": (
        "[caller]\naddresses = ['10.0.0.1/8']",
        "caller.addresses[0]: must be an address or a network such as '192.0.2.0/24', with no bit set after its prefix",
    ),
    "login without password": (
        "[caller]\nbasic = [{ username = 'x' }]",
        "caller.basic[0].password: is missing; it has no default",
    ),
    "authToken as a credential": (
        "[credentials]\ntokens = ['authToken']",
        "credentials.tokens: authToken is the media server's own and proves nothing; have the client send a token in "
        "custom",
    ),
    "deadline not after the store's": (
        "[server]\ndeadline = 1\n[store]\ntimeout = 1",
        "server.deadline: must be more than store.timeout (1 seconds), so that a hook outlasts the store",
    ),
    "@ in the password of the store": (
        "[store]\nurl = 'postgresql://u:p@ss@h/n'",
        "store.url: holds an @ too many, so that a part of the password may be taken for the host; write @ in a "
        "password as %40",
    ),
    "open to anybody": (
        "[server]\nhost = '0.0.0.0'",
        "server.host: others than this machine can reach this address, and [caller] does not say how the media server "
        "is known; set caller.hmac_keys, or listen on '127.0.0.1', or set caller.insecure_accept_any_caller = true",
    ),
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.values(), ids=FAULTS)
def test_fault(tmp_path, text, fault):
    assert faults(tmp_path, text) == [fault]


UNREADABLE = {
    "key without value": ("[server]\nport =", "is not TOML: Invalid value (at end of document)"),
    "no equals sign": ("[server]\nport 1\n", "at line 2, column 6"),
    "section twice": ("[server]\n[server]\n", "at line 2, column 8"),
    "bracket left open": ("[server\n", "at line 1, column 8"),
    "nested beyond all measure": ("a = " + "[" * 100_000, "is not TOML"),
    "number of 5000 digits": ("a = " + "9" * 5000, "is not TOML"),
}


@pytest.mark.parametrize(("text", "said"), UNREADABLE.values(), ids=UNREADABLE)
def test_file_that_is_not_toml(tmp_path, text, said):
    [fault] = faults(tmp_path, text)
    assert fault.startswith(str(tmp_path / "authgate.toml"))
    assert said in fault


def test_file_that_is_not_utf8(tmp_path):
    path = tmp_path / "authgate.toml"
    path.write_bytes(b"# \xff")
    with pytest.raises(ConfigError, match=r"is not UTF-8 text \(at byte 2\)"):
        load(path, {})


def test_byte_order_mark_is_forgiven(tmp_path):
    path = tmp_path / "authgate.toml"
    path.write_bytes(b"\xef\xbb\xbf[server]\r\nport = 9000\r\n")
    assert load(path, {}).server.port == 9000


@pytest.mark.parametrize("listen", ["127.0.0.1:8081", "localhost:0", "[::1]:65535", "127.8.8.8:1"])
def test_only_this_machine_administers(tmp_path, listen):
    path = tmp_path / "authgate.toml"
    path.write_text(f"[admin]\nlisten = '{listen}'")
    assert load(path, {}).admin.listen == listen


@pytest.mark.parametrize("listen", ["0.0.0.0:8081", "[::]:8081", "192.0.2.1:8081", "admin.example.com:8081"])
def test_others_administer_over_tls_or_that_is_named(tmp_path, listen):
    [told] = faults(tmp_path, f"[admin]\nlisten = '{listen}'")
    assert told.startswith("admin.listen: others than this machine can reach this address")
    path = tmp_path / "authgate.toml"
    path.write_text(f"[admin]\nlisten = '{listen}'\ninsecure_without_tls = true")
    assert not load(path, {}).admin.loopback


@pytest.mark.parametrize(
    "listen", ["", "8081", ":8081", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "a b:80"]
)
def test_no_address_to_be_administered_at(tmp_path, listen):
    [told] = faults(tmp_path, f"[admin]\nlisten = '{listen}'")
    assert told == "admin.listen: must be an address and a port, such as '127.0.0.1:8081' or '[::1]:8081'"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_check_of_the_caller(tmp_path, host):
    path = tmp_path / "authgate.toml"
    path.write_text(f"[server]\nhost = '{host}'")
    assert load(path, {}).server.loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "hooks.example.com", "127.0.0.1.example.com"])
def test_other_addresses_do(tmp_path, host):
    assert "[caller] does not say" in faults(tmp_path, f"[server]\nhost = '{host}'")[0]


CHECKS = {
    "hmac": f"hmac_keys = ['{KEY}']",
    "basic": "basic = ['user:password']",
    "addresses": "addresses = ['192.0.2.0/24']",
    "none, said so": "insecure_accept_any_caller = true",
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_any_check_of_the_caller_will_do(tmp_path, check):
    path = tmp_path / "authgate.toml"
    path.write_text(f"[server]\nhost = '0.0.0.0'\n[caller]\n{check}")
    assert not load(path, {}).server.loopback


EVERYTHING = f"""
nonsense = "{CANARY}"
[server]
port = "{CANARY}"
prot = "{CANARY}"
base = "{CANARY}"
[caller]
hmac_keys = ["", {{ file = "missing" }}, {{ env = "MISSING" }}, {{ file = "a", env = "b" }}, ["{CANARY}"]]
basic = ["{CANARY}", {{ username = "{CANARY}" }}, {{ username = "{CANARY}", password = ["{CANARY}"] }}]
addresses = ["{CANARY}"]
[store]
url = "oracle://u:{CANARY}@h/{CANARY}"
timeout = -1
[hashing]
memory = 1
max_memory = 2
legacy = ["{CANARY}"]
[credentials]
passwords = [{{ login = "custom.login", passwd = "{CANARY}" }}]
[[verifiers]]
type = "{CANARY}"
[[verifiers]]
key = "{CANARY}"
[[verifiers]]
type = "token"
key = "{CANARY}"
kye = "{CANARY}"
[[verifiers]]
type = "token"
key = "{CANARY}"
[policies]
call = "{CANARY}"
[apps.a]
credentials = "{CANARY}"
[log]
level = "{CANARY}"
"""
EXPECTED = {
    "nonsense",
    "server.port",
    "server.prot",
    "server.base",
    "caller.hmac_keys[0]",
    "caller.hmac_keys[1]",
    "caller.hmac_keys[2]",
    "caller.hmac_keys[3]",
    "caller.hmac_keys[4]",
    "caller.basic[0]",
    "caller.basic[1].password",
    "caller.basic[2].password",
    "caller.addresses[0]",
    "store.url",
    "store.timeout",
    "hashing.memory",
    "hashing.max_memory",
    "hashing.legacy[0]",
    "credentials.passwords[0].password",
    "credentials.passwords[0].passwd",
    "verifiers[0].type",
    "verifiers[1].type",
    "verifiers[2].kye",
    "verifiers[2].key",
    "verifiers[3].key",
    "policies.call",
    "apps.a.credentials",
    "log.level",
}


def test_every_fault_at_once(tmp_path):
    found = faults(tmp_path, EVERYTHING)
    keys = [fault.split(": ")[0] for fault in found]
    assert set(keys) == EXPECTED
    assert len(keys) == len(set(keys))


def test_no_fault_shows_a_value(tmp_path):
    variables = {
        "AUTHGATE_SERVER__WORKERS": CANARY,
        "AUTHGATE_VERIFIERS__3__LEEWAY": CANARY,
        "AUTHGATE_VERIFIERS__9__KEY": CANARY,
        "AUTHGATE_APPS": CANARY,
        "AUTHGATE_NO__SUCH": CANARY,
    }
    found = faults(tmp_path, EVERYTHING, variables)
    assert len(found) > len(EXPECTED)
    assert CANARY not in "\n".join(found)
