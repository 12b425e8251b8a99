"""Whatever is weaker than it could be is told at start; what keeps everybody out is told to whoever asks."""

import tempfile
from pathlib import Path

import pytest

from authgate.config import load, sources

KEY = "0123456789abcdef" * 2
BASE = '[[verifiers]]\ntype = "password"\n'
CHECKED = f'[caller]\nhmac_keys = ["{KEY}"]\n'


def config(folder, text, mode=0o600):
    path = folder / "authgate.toml"
    path.write_text(text)
    path.chmod(mode)
    return load(path, {})


RULE = BASE + '[[rules]]\nname = "r"\n'
TARGET = '[targets.old]\nurl = "http://127.0.0.1:9/x"\n'

WARNINGS = {
    "tokens whose grants are not read": (
        f'[[verifiers]]\ntype = "token"\nkey = "{KEY}"\ngrants_claim = ""',
        ["verifiers[0].grants_claim is empty"],
    ),
    "a rule that allows": (RULE + 'policy = { type = "allow" }', ["rules[0].policy is allow"]),
    "a rule that lets anybody in": (
        RULE + 'methods = ["connect"]\npolicy = { type = "allow" }',
        ["rules[0].policy is allow: a client that offers no credentials is let in"],
    ),
    "a rule that lets in whom it knows": (
        RULE + 'methods = ["connect"]\npolicy = { type = "allow" }\ngroups = ["staff"]',
        [],
    ),
    "an address that lets nobody in": (
        RULE + 'policy = { type = "deny" }\naddresses = ["192.0.2.1"]\ninsecure_trust_address = true',
        [],
    ),
    "tokens of hooks that bring none": (
        RULE + 'policy = { type = "token" }\nmethods = ["OnCallEvent", "publishStream"]',
        ["rules[0].policy is token: OnCallEvent bring none"],
    ),
    "an address that lets in": (
        RULE + 'policy = { type = "allow" }\naddresses = ["192.0.2.1"]\ninsecure_trust_address = true',
        ["rules[0].insecure_trust_address is on"],
    ),
    "times that are past": (
        RULE + 'policy = { type = "deny" }\nmethods = ["call"]\ntimes = ["2020-01-01/2020-02-01"]',
        ["rules[0].times: all of them are past"],
    ),
    "times of which one is to come": (
        RULE + 'policy = { type = "deny" }\nmethods = ["call"]\ntimes = ["2020-01-01/2020-02-01", "sat"]',
        [],
    ),
    "playing guarded, stills not": (
        RULE + 'policy = { type = "deny" }\nmethods = ["playStream"]',
        ["rules: playStream is guarded, and availableStream, playHLS, playRTSP, snapshot show the same"],
    ),
    "all ways of playing guarded": (RULE + 'policy = { type = "deny" }\nactions = ["play"]', []),
    "players of one application": (
        RULE + 'policy = { type = "deny" }\nactions = ["play"]\napps = ["a"]',
        ["rules[0].apps: a player of HLS or RTSP may name another application"],
    ),
    "a fall-back": (
        BASE + '[policies]\nfallback = "old"\n' + TARGET,
        ["policies.fallback: another back end says who is let in"],
    ),
    "a target that judges connects": (
        RULE + 'methods = ["connect"]\npolicy = { type = "forward", target = "old" }\n' + TARGET,
        ["rules[0].policy: another back end says who is let in"],
    ),
    "a target that fails open": (
        BASE + TARGET + "insecure_fail_open = true",
        ["targets.old.insecure_fail_open is on"],
    ),
    "a target in clear": (
        BASE + '[targets.old]\nurl = "http://192.0.2.9/x"',
        ["targets.old.url is reached without TLS"],
    ),
    "a target that anybody may play": (
        BASE + '[targets.old]\nurl = "https://192.0.2.9/x"\ninsecure_skip_tls_verification = true',
        ["targets.old.insecure_skip_tls_verification is on"],
    ),
    "a target that is sent credentials": (
        BASE + TARGET + "send_credentials = true",
        ["targets.old.send_credentials is on"],
    ),
    "shipped defaults": (BASE, []),
    "caller by address, over TLS in front": (BASE + "[caller]\naddresses = ['192.0.2.1']", []),
    "nobody can be let in": ("", ["nobody can be let in"]),
    "administered in clear": (
        BASE + "[admin]\nlisten = '0.0.0.0:8081'\ninsecure_without_tls = true",
        ["admin.insecure_without_tls is on: keys that administer authgate cross the network in clear"],
    ),
    "scraped without a key": (
        BASE + "[admin]\nlisten = '127.0.0.1:8081'\ninsecure_metrics_without_key = true",
        ["admin.insecure_metrics_without_key is on: whoever is on this machine can read the metrics"],
    ),
    "scraped nowhere": (BASE + "[admin]\ninsecure_metrics_without_key = true", []),
    "administered from here alone": (BASE + "[admin]\nlisten = '[::1]:8081'\ninsecure_without_tls = true", []),
    "any caller": (BASE + "[caller]\ninsecure_accept_any_caller = true", ["caller.insecure_accept_any_caller is on"]),
    "short key": (BASE + "[caller]\nhmac_keys = ['0123456789abcde ']", ["caller.hmac_keys[0] has less than 16"]),
    "monotonous key": (
        BASE + f"[caller]\nhmac_keys = ['{KEY}', '{'123456789' * 4}']",
        ["caller.hmac_keys[1] has less than 10 different characters"],
    ),
    "monotonous token key": (
        f"[[verifiers]]\ntype = 'token'\nkey = '{'k' * 32}'",
        ["verifiers[0].key has less than 10 different characters"],
    ),
    "one secret for two issuers": (
        "".join(
            f"[[verifiers]]\ntype = 'token'\nname = '{name}'\nissuer = '{name}'\nkey = '{KEY}'\n" for name in ("a", "b")
        ),
        ["verifiers[1].key is verifiers[0].key too: whoever has one can sign for both"],
    ),
    "the media server's secret for tokens": (
        CHECKED + f"[[verifiers]]\ntype = 'token'\nkeys = [{{ id = '1', key = '{KEY}' }}]",
        ["verifiers[0].keys[0].key is caller.hmac_keys[0] too"],
    ),
    "the master key for tokens of others": (
        f"[[verifiers]]\ntype = 'issued'\nmaster_keys = ['{KEY}']\n"
        f"[[verifiers]]\ntype = 'token'\nissuer = 'a'\nkey = '{KEY}'",
        ["verifiers[1].key is verifiers[0].master_keys[0] too"],
    ),
    "one secret twice for one issuer": (
        f"[[verifiers]]\ntype = 'token'\nkeys = [{{ id = '1', key = '{KEY}' }}, {{ id = '2', key = '{KEY}' }}]",
        [],
    ),
    "a secret for each": (
        f"[[verifiers]]\ntype = 'issued'\nmaster_keys = ['{KEY}']\n"
        f"[[verifiers]]\ntype = 'token'\nissuer = 'a'\nkey = '{KEY}.'",
        [],
    ),
    "ten different characters": (f"[[verifiers]]\ntype = 'token'\nkey = '{'0123456789' * 4}'", []),
    "caller from anywhere": (
        BASE + CHECKED + "addresses = ['192.0.2.1', '::/0']",
        ["caller.addresses holds a network of every address"],
    ),
    "proxy anywhere": (
        BASE + CHECKED + "trusted_proxies = ['0.0.0.0/0']",
        ["caller.trusted_proxies holds a network of every address"],
    ),
    "two checks in one header": (
        BASE + CHECKED + "basic = ['u:p']",
        ["caller.hmac_keys and caller.basic are both on"],
    ),
    "no TLS": (BASE + CHECKED + "[server]\nhost = '192.0.2.1'", ["server.host 192.0.2.1 is reached without TLS"]),
    "anonymous": (BASE + "[policies]\nconnect = 'allow_anonymous'", ["policies.connect is allow_anonymous"]),
    "anonymous app": (
        BASE + "[apps.a.policies]\nconnect = 'allow_anonymous'",
        ["apps.a.policies.connect is allow_anonymous"],
    ),
    "calls": (BASE + "[policies]\ncall = 'allow'", ["policies.call is allow"]),
    "incoming": (BASE + "[policies]\nincoming = 'allow'", ["policies.incoming is allow"]),
    "method": (BASE + "[policies.methods]\nplayHLS = 'allow'", ["policies.methods.playHLS is allow"]),
    "calls of an app": (BASE + "[apps.a.policies]\ncall = 'allow'", ["apps.a.policies.call is allow"]),
    "method of an app": (
        BASE + "[apps.a.policies.methods]\nplayHLS = 'allow'",
        ["apps.a.policies.methods.playHLS is allow"],
    ),
    "stricter policies": (BASE + "[policies]\ncall = 'deny'\n[policies.methods]\nplayHLS = 'session'", []),
    "user need not be stored": (
        f"[[verifiers]]\ntype = 'token'\nkey = '{KEY}'\nusers = 'optional'",
        ["verifiers[0].users is optional"],
    ),
    "session outlives its token": (
        BASE + "[sessions]\ninsecure_outlive_token = true",
        ["sessions.insecure_outlive_token is on"],
    ),
    "cheap hashes": (BASE + "[hashing]\nmemory = 1024", ["hashing: less than 19456 KiB"]),
    "legacy hashes": (
        BASE + "[hashing]\nlegacy = ['phpass', 'unsalted_digest']",
        ["hashing.legacy lists phpass: some thousand rounds", "hashing.legacy lists unsalted_digest: one round"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), WARNINGS.values(), ids=WARNINGS)
def test_warnings(tmp_path, text, expected):
    warnings = config(tmp_path, text).warnings()
    assert len(warnings) == len(expected)
    assert all(warning.startswith(start) for warning, start in zip(warnings, expected, strict=True))
    assert not [warning for warning in warnings if KEY in warning]


@pytest.mark.parametrize(("mode", "told"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_file_that_others_can_read(tmp_path, mode, told):
    warnings = config(tmp_path, BASE, mode).warnings()
    assert any("can be read by others than its owner; run: chmod 600" in warning for warning in warnings) == told


SECRET_FILES = {
    "as it should be": (0o755, 0o600, False),
    "for a group": (0o755, 0o640, False),
    "for everybody": (0o755, 0o644, True),
    "for everybody to write": (0o755, 0o602, True),
    "for everybody who gets there, which is nobody": (0o700, 0o644, False),
    "for everybody in a folder that cannot be listed": (0o711, 0o644, True),
}


@pytest.mark.parametrize(("folder_mode", "mode", "told"), SECRET_FILES.values(), ids=SECRET_FILES)
def test_file_of_a_secret_that_everybody_can_read(folder_mode, mode, told):
    with tempfile.TemporaryDirectory() as name:  # those of the other tests are out of the reach of others
        folder = Path(name)
        secret = folder / "key"
        secret.write_text(KEY)
        secret.chmod(mode)
        found = config(folder, "[[verifiers]]\ntype = 'token'\nkey = { file = 'key' }")
        folder.chmod(folder_mode)
        expected = [f"{secret} holds a secret and can be read by everybody on this machine; run: chmod o= {secret}"]
        assert list(found.warnings()) == expected * told


def test_secrets_of_services_and_containers_are_theirs_to_guard(monkeypatch):
    monkeypatch.setattr(sources, "_mode", lambda _: 0o777)
    assert not sources.is_public(Path("/run/secrets/key"))
    assert sources.is_public(Path("/runs/secrets/key"))


UNREADY = {
    "no verifier": ("", True, True),
    "verifier": (BASE, False, True),
    "tokens of users in the store": (f"[[verifiers]]\ntype = 'token'\nkey = '{KEY}'", False, True),
    "tokens of anybody": (f"[[verifiers]]\ntype = 'token'\nkey = '{KEY}'\nusers = 'optional'", False, False),
    "anonymous clients": ("[policies]\nconnect = 'allow_anonymous'", False, False),
    "anonymous clients of one app": ("[apps.a.policies]\nconnect = 'allow_anonymous'", False, False),
    "app that denies": ("[apps.a.policies]\nconnect = 'deny'", True, True),
}


@pytest.mark.parametrize(("text", "unready", "needs_users"), UNREADY.values(), ids=UNREADY)
def test_ways_in(tmp_path, text, unready, needs_users):
    found = config(tmp_path, text)
    assert bool(found.unready()) == unready
    assert found.needs_stored_users() == needs_users


ASKS_FOR_GRANTS = {
    "nothing": (BASE, False),
    "a rule of another kind": (RULE + 'policy = { type = "session" }', False),
    "a rule": (RULE + 'policy = { type = "grant", action = "publish" }\nmethods = ["publishStream"]', True),
    "calls": (BASE + "[policies]\ncall = 'grant'", True),
    "incoming": (BASE + "[policies]\nincoming = 'grant'", True),
    "a method": (BASE + "[policies.methods]\nplayHLS = 'grant'", True),
    "an app": (BASE + "[apps.a.policies]\ncall = 'grant'", True),
    "an app's method": (BASE + "[apps.a.policies.methods]\nplayHLS = 'grant'", True),
    "an app of another kind": (BASE + "[apps.a.policies]\ncall = 'deny'", False),
}


@pytest.mark.parametrize(("text", "asks"), ASKS_FOR_GRANTS.values(), ids=ASKS_FOR_GRANTS)
def test_where_grants_are_asked_for(tmp_path, text, asks):
    assert config(tmp_path, text).asks_for_grants() == asks
