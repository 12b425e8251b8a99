"""What settings make authgate weaker than it could be: one line each, for the log at start."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from authgate.config import shape, sources
from authgate.rules import AppPolicies, PolicyOptions

if TYPE_CHECKING:
    from authgate.config.settings import Config

_HMAC_CHARACTERS = 16  # 128 bits at the very best: what MD5 makes of a key at most
_MEMORY, _TIME = 19456, 2  # KiB and passes: the least that OWASP's Password Storage Cheat Sheet names for argon2id


def weaknesses(config: "Config") -> Iterator[str]:
    """Each weaker setting, by key, with what it means."""
    yield from _file(config)
    yield from _caller(config)
    yield from _policies(config)
    for at, verifier in enumerate(config.verifiers):
        if verifier.type == "token" and verifier.users == "optional":
            yield f"verifiers[{at}].users is optional: whom a token names is let in without being in the store"
    if config.sessions.insecure_outlive_token:
        yield "sessions.insecure_outlive_token is on: a session goes on after its token has expired"
    if config.hashing.memory < _MEMORY or config.hashing.time < _TIME:
        yield f"hashing: less than {_MEMORY} KiB or {_TIME} passes makes stolen password hashes cheap to guess"


def _file(config: "Config") -> Iterator[str]:
    path = config.source
    if path is not None and sources.exposed(path):
        yield f"{path} can be read by others than its owner; run: chmod 600 {path}"


def _caller(config: "Config") -> Iterator[str]:
    caller, server = config.caller, config.server
    if caller.insecure_accept_any_caller:
        yield "caller.insecure_accept_any_caller is on: whoever reaches the listener may speak as the media server"
    for at, key in enumerate(caller.hmac_keys):
        if len(key.reveal().strip()) < _HMAC_CHARACTERS:
            yield f"caller.hmac_keys[{at}] has less than {_HMAC_CHARACTERS} characters: one hook is enough to guess it"
    if caller.hmac_keys and caller.basic:
        yield "caller.hmac_keys and caller.basic are both on: the media server must send both, in one header each"
    if not server.loopback and server.tls_certificate is None:
        yield f"server.host {server.host} is reached without TLS: credentials in hooks cross the network in clear"


def _policies(config: "Config") -> Iterator[str]:
    for key in config.lets_in_anonymous():
        yield f"{key} is allow_anonymous: a client that offers no credentials is let in"
    sections: list[tuple[str, PolicyOptions | AppPolicies]] = [("policies", config.policies)]
    sections += [(shape.key(("apps", name, "policies")), app.policies) for name, app in config.apps.items()]
    for key, policies in sections:
        for kind in ("call", "incoming"):
            if getattr(policies, kind) == "allow":
                yield f"{key}.{kind} is allow: clients need not be authenticated for it"
        for method, policy in policies.methods.items():
            if policy == "allow":
                yield f"{key}.methods.{method} is allow: clients need not be authenticated for it"
