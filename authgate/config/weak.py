"""What settings make authgate weaker than it could be: one line each, for the log at start."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from authgate import redis_urls
from authgate.config import shape, sources
from authgate.config.faults import Fault
from authgate.errors import ConfigError
from authgate.hooks.fields import ACTIONS
from authgate.model import Secret
from authgate.passwords import PasswordPolicy
from authgate.passwords.breached import Breached
from authgate.passwords.hashing import WEAKNESSES
from authgate.rules import AppPolicies, PolicyOptions
from authgate.rules.table import selected
from authgate.rules.times import over, zone
from authgate.sources.engine import in_clear, promises, source_url
from authgate.sources.options import STORE, in_order

if TYPE_CHECKING:
    from authgate.config.settings import Config

_HMAC_CHARACTERS = 16  # 128 bits at the very best: what MD5 makes of a key at most
_DISTINCT = 10  # of a key's characters: drawn at random, 32 hexadecimal digits practically always have more
_EXAMPLE = "an-example-of-a-key-that-is-long-enough"  # the manual's, config/authgate.toml
_LENGTH = 8  # characters
_MEMORY, _TIME = 19456, 2  # KiB and passes: the least that OWASP's Password Storage Cheat Sheet names for argon2id
# Hooks that come of no request of a client's, which could bring a token.
_SILENT = {"OnCallEvent", "OnTransferEvent", "OnMessageEvent", "StreamKeepAliveEvent"}
_HARMLESS = {"pauseStream", "stopStream"}  # they show nothing
_GUESSES = 100  # wrong passwords in a row: the most of NIST SP 800-63B, section 5.2.2
_EVERYWHERE = {
    "addresses": "it tells nobody from the media server",
    "trusted_proxies": "whoever reaches the listener may name any address as its own",
}


def examples(config: "Config") -> Iterator[Fault]:
    """Each key that is no secret, for it stands in the manual: a fault, not only a weakness."""
    for path, key in _shared_keys(config):
        if key.reveal().strip() == _EXAMPLE:
            yield Fault(
                path, "is the manual's example; run: authgate init DIR, which writes a configuration with a fresh key"
            )


def weaknesses(config: "Config") -> Iterator[str]:
    """Each weaker setting, by key, with what it means."""
    yield from _file(config)
    yield from _caller(config)
    for path, key in _shared_keys(config):
        if len(set(key.reveal().strip())) < _DISTINCT:
            yield f"{shape.key(path)} has less than {_DISTINCT} different characters: it can be guessed"
    yield from _one_key_for_several(config)
    yield from _policies(config)
    for at, verifier in enumerate(config.verifiers):
        if verifier.type != "password" and verifier.users != "required":
            yield f"verifiers[{at}].users is {verifier.users}: whom a token names is let in without being in the store"
        if verifier.type == "token" and not verifier.verify_iat:
            yield f"verifiers[{at}].verify_iat is off: a token may say that it was issued in the future"
        if verifier.type == "token" and not verifier.grants_claim:
            yield f"verifiers[{at}].grants_claim is empty: a token does all that its user may, whatever it grants"
        if verifier.type == "token" and verifier.jwks is not None and (verifier.jwks.url or "").startswith("http://"):
            yield f"verifiers[{at}].jwks.url is reached without TLS: whoever is in between may put its own keys there"
    yield from _sources(config)
    if not config.server.loopback and config.server.tls_certificate is None:
        for option in ("tokens", "login"):
            if getattr(config.issuing, option):
                yield f"issuing.{option} is on without TLS: keys, passwords and tokens cross the network in clear"
    if not config.admin.loopback and config.admin.tls_certificate is None:
        yield "admin.insecure_without_tls is on: keys that administer authgate cross the network in clear"
    if config.admin.listen is not None and config.admin.insecure_metrics_without_key:
        yield "admin.insecure_metrics_without_key is on: whoever is on this machine can read the metrics"
    if config.sessions.insecure_outlive_token:
        yield "sessions.insecure_outlive_token is on: a session goes on after its token has expired"
    yield from _wcs(config)
    for at, webhook in enumerate(config.webhooks):
        if webhook.in_clear:
            yield f"webhooks[{at}].insecure_http is on: who is with whom, and when, crosses the network in clear"
    if redis_urls.in_clear(config.records.stream.address):
        yield "records.stream.url is reached without TLS: who is with whom, and when, crosses the network in clear"
    yield from _guessing(config)
    if config.hashing.memory < _MEMORY or config.hashing.time < _TIME:
        yield f"hashing: less than {_MEMORY} KiB or {_TIME} passes makes stolen password hashes cheap to guess"
    for family in config.hashing.legacy:
        yield f"hashing.legacy lists {family}: {WEAKNESSES[family]}"
    yield from _passwords(config.passwords)


def _passwords(policy: PasswordPolicy) -> Iterator[str]:
    if policy.min_length < _LENGTH:
        yield f"passwords.min_length is {policy.min_length}: NIST SP 800-63B has {_LENGTH} as the least"
    if policy.breached is not None:
        try:
            Breached(policy.breached).demand()
        except ConfigError as fault:
            yield f"{fault}; until that is mended, no password can be set"


def _sources(config: "Config") -> Iterator[str]:
    order = in_order(config.users, config.user_sources)
    for at, each in enumerate(config.user_sources):
        key = f"user_sources[{at}]"
        url = source_url(each.url.reveal())
        if each.name in order and STORE in order[order.index(each.name) :]:
            yield f"{key} is asked before the store: who can register there may take the name of a user of the store"
        if each.insecure_skip_while_away:
            yield f"{key}.insecure_skip_while_away is on: while it is away, users of its names elsewhere are let in"
        if each.adopt == "move":
            yield f"{key}.adopt is move: a user who has been moved stays when the source disables or deletes it"
        if in_clear(url):
            yield f"{key}.url is reached without TLS: password hashes cross the network in clear"
        if not promises(url):
            yield f"{key}.url: sessions there cannot promise only to read; let it log in as somebody who may not write"


def _wcs(config: "Config") -> Iterator[str]:
    for at, each in enumerate(config.wcs):
        if each.in_clear:
            what = "its password crosses" if each.password is not None else "what is asked and ended there crosses"
            yield f"wcs[{at}].url is reached without TLS: {what} the network in clear"
        if each.insecure_skip_tls_verification:
            yield f"wcs[{at}].insecure_skip_tls_verification is on: whoever is in between may answer in its name"


def _guessing(config: "Config") -> Iterator[str]:
    if not any(each.type == "password" for each in config.verifiers):
        return
    options = config.guessing
    for option, most, what in (
        ("per_user_and_address", _GUESSES, "a user's password can be guessed from one address"),
        ("per_user_and_address_a_day", _GUESSES, "a user's password can be guessed from one address"),
        ("per_user", _GUESSES, "a user's password can be guessed from many addresses"),
        ("per_user_a_day", _GUESSES, "a user's password can be guessed from many addresses"),
        ("per_address", None, "one address can guess the passwords of many users"),
    ):
        limit = getattr(options, option)
        if not limit or (most is not None and limit > most):
            yield f"guessing.{option} is {limit or '0, no limit'}: {what}"
    if redis_urls.in_clear(options.storage.reveal()):
        yield "guessing.storage is reached without TLS: whoever is in between may change the counts; write rediss://"


def _shared_keys(config: "Config") -> Iterator[tuple[shape.Path, Secret]]:
    """Each key with which whoever has it can sign, with its place."""
    for at, key in enumerate(config.caller.hmac_keys):
        yield ("caller", "hmac_keys", at), key
    for at, verifier in enumerate(config.verifiers):
        if verifier.type == "token":
            for place, key in verifier.secrets():
                yield ("verifiers", at, *place), key
        elif verifier.type == "issued":
            for number, key in enumerate(verifier.master_keys):
                yield ("verifiers", at, "master_keys", number), key


def _one_key_for_several(config: "Config") -> Iterator[str]:
    """Each key that stands for somebody else too: whoever has it speaks for both."""
    first: dict[str, shape.Path] = {}
    for path, key in _shared_keys(config):
        other = first.setdefault(key.reveal().strip(), path)
        if other[:2] != path[:2]:
            yield f"{shape.key(path)} is {shape.key(other)} too: whoever has one can sign for both"


def _file(config: "Config") -> Iterator[str]:
    path = config.source
    if path is not None and sources.exposed(path):
        yield f"{path} can be read by others than its owner; run: chmod 600 {path}"
    for secret in config.secret_files:
        if sources.is_public(secret):
            yield f"{secret} holds a secret and can be read by everybody on this machine; run: chmod o= {secret}"


def _caller(config: "Config") -> Iterator[str]:
    caller, server = config.caller, config.server
    if caller.insecure_accept_any_caller:
        yield "caller.insecure_accept_any_caller is on: whoever reaches the listener may speak as the media server"
    for at, key in enumerate(caller.hmac_keys):
        if len(key.reveal()) < _HMAC_CHARACTERS:
            yield f"caller.hmac_keys[{at}] has less than {_HMAC_CHARACTERS} characters: one hook is enough to guess it"
    if caller.hmac_keys and caller.basic:
        yield "caller.hmac_keys and caller.basic are both on: the media server must send both, in one header each"
    for option in ("addresses", "trusted_proxies"):
        if any(network.prefixlen == 0 for network in getattr(caller, option)):
            yield f"caller.{option} holds a network of every address there is: {_EVERYWHERE[option]}"
    if not server.loopback and server.tls_certificate is None:
        yield f"server.host {server.host} is reached without TLS: credentials in hooks cross the network in clear"


def _policies(config: "Config") -> Iterator[str]:
    for key in config.lets_in_anonymous():
        policy = "allow" if key.startswith("rules[") else "allow_anonymous"
        yield f"{key} is {policy}: a client that offers no credentials is let in"
    sections: list[tuple[str, PolicyOptions | AppPolicies]] = [("policies", config.policies)]
    sections += [(shape.key(("apps", name, "policies")), app.policies) for name, app in config.apps.items()]
    yield from _rules(config)
    for key, policies in sections:
        for kind in ("call", "incoming"):
            if getattr(policies, kind) == "allow":
                yield f"{key}.{kind} is allow: clients need not be authenticated for it"
        for method, policy in policies.methods.items():
            if policy == "allow":
                yield f"{key}.methods.{method} is allow: clients need not be authenticated for it"


def _rules(config: "Config") -> Iterator[str]:
    for key in config.vouching():
        yield f"{key}: another back end says who is let in"
    guarded: set[str] = set()
    for at, rule in enumerate(config.rules):
        guarded |= {each.name for each in selected(rule) if rule.policy.refuses}
        if rule.lets_in_anybody and not rule.insecure_trust_address and "connect" not in (*rule.methods, *rule.kinds):
            yield f"rules[{at}].policy is allow: clients need not be authenticated for it"
        named = rule.apps and rule.policy.refuses and (rule.methods or rule.actions)
        if named and any(each.sessionless for each in selected(rule)):
            yield f"rules[{at}].apps: a player of HLS or RTSP may name another application, and this rule is not asked"
        if rule.insecure_trust_address and rule.lets_in_anybody and (rule.addresses or rule.origins):
            yield f"rules[{at}].insecure_trust_address is on: an address or an origin alone lets somebody in"
        silent = [each.name for each in selected(rule) if each.name in _SILENT] if rule.policy.type == "token" else []
        if silent:
            yield f"rules[{at}].policy is token: {', '.join(silent)} bring none, as far as is known, so all are refused"
        if rule.times and all(over(text, time.time(), zone(rule.timezone)) for text in rule.times):
            yield f"rules[{at}].times: all of them are past, so the rule has no effect any more"
    if config.rules and "playStream" in guarded and (left := sorted({*ACTIONS["play"]} - guarded - _HARMLESS)):
        yield f'rules: playStream is guarded, and {", ".join(left)} show the same streams; write actions = ["play"]'
    for name, target in config.targets.items():
        if target.insecure_fail_open:
            yield f"targets.{name}.insecure_fail_open is on: while it does not answer, what it would refuse is allowed"
        if target.send_credentials:
            yield f"targets.{name}.send_credentials is on: observed hooks keep clients' credentials, on the disk too"
        if target.in_clear:
            yield f"targets.{name}.url is reached without TLS: credentials in hooks cross the network in clear"
        if target.insecure_skip_tls_verification:
            yield f"targets.{name}.insecure_skip_tls_verification is on: whoever is in between may answer in its name"
