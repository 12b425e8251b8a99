"""The operator's configuration -> one that harms nothing: a store of its own, and nobody else is asked or told."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from pathlib import Path

from authgate.config import AdminOptions, AppOptions, Config
from authgate.feed import StreamOptions
from authgate.guessing import MEMORY, STORE
from authgate.model import Secret
from authgate.sources import UsersOptions
from authgate.verifiers import AnyVerifier
from authgate.verifiers.token import TokenVerifier

NAME = "authgate-bench"  # of a verifier of its own
_HERE = ip_address("127.0.0.1")


@dataclass(frozen=True, slots=True)
class Given:
    """What a configuration for measuring has in place of the operator's."""

    url: Secret  # of the store
    spool: Path
    workers: int
    token_key: Secret = field(default_factory=lambda: Secret(secrets.token_hex(32)))  # of a verifier of its own


@dataclass(frozen=True, slots=True)
class Own:
    """A configuration for measuring."""

    config: Config
    notes: Sequence[str]  # in which way it differs from the operator's, for people
    verifier: str  # the name of the one whose tokens are measured


def own(config: Config, given: Given) -> Own:
    """What is measured in place of an operator's configuration."""
    notes: list[str] = []
    verifiers, verifier = _verifiers(config, given, notes)
    guessing, caller = config.guessing, config.caller
    if guessing.redis or (guessing.storage.reveal() == MEMORY and given.workers > 1):
        guessing = replace(guessing, storage=Secret(STORE))
        notes.append("wrong passwords are counted in its own store, not as guessing.storage says")
    if caller.addresses and not any(_HERE in network for network in caller.addresses):
        caller = replace(caller, addresses=(*caller.addresses, ip_network(f"{_HERE}/32")))
        notes.append("127.0.0.1 may call too, beside caller.addresses")
    rules = tuple(each for each in config.rules if each.policy.type != "forward")
    if len(rules) < len(config.rules) or config.targets:
        notes.append("left out: [targets], and rules and policies that forward to them")
    for section in ("user_sources", "wcs", "signals", "webhooks"):
        if getattr(config, section):
            notes.append(f"left out: [[{section}]]")
    if config.records.stream.url is not None:
        notes.append("left out: [records.stream]")
    if config.server.tls_certificate:
        notes.append("without TLS, which costs something at the start of each connection")
    server = replace(config.server, host=str(_HERE), port=0, workers=given.workers, tls_certificate=None, tls_key=None)
    changed = {
        "server": server,
        "caller": caller,
        "records": replace(config.records, stream=StreamOptions()),
        "store": replace(config.store, url=given.url, spool=given.spool),
        "users": UsersOptions() if config.user_sources else config.users,
        "user_sources": (),
        "guessing": guessing,
        "verifiers": verifiers,
        "rules": rules,
        "policies": replace(config.policies, fallback=None),
        "targets": {},
        "apps": {name: _alone(app) for name, app in config.apps.items()},
        "signals": (),
        "wcs": (),
        "webhooks": (),
        "admin": AdminOptions(),
    }
    return Own(config.model_copy(update=changed), notes, verifier)


def can_sign(verifier: AnyVerifier, now: float) -> bool:
    """Whether tokens can be made that it takes, with what the configuration holds."""
    return verifier.type == "issued" or (verifier.type == "token" and verifier.signing_secret(now) is not None)


def _verifiers(config: Config, given: Given, notes: list[str]) -> tuple[tuple[AnyVerifier, ...], str]:
    kept = [each for each in config.verifiers if each.type != "token" or each.jwks is None]
    if len(kept) < len(config.verifiers):
        notes.append("left out: verifiers whose keys are fetched from elsewhere (jwks)")
    able = [each for each in kept if can_sign(each, time.time())]
    if not able:
        others = any(each.type != "password" for each in kept)
        scratch = TokenVerifier(key=given.token_key, name=NAME, issuer=NAME if others else None)
        kept.insert(0, scratch)
        able.append(scratch)
        notes.append("tokens are of a verifier of its own (HS256): no configured one has a key that can sign")
    return tuple(kept), able[0].name


def _alone(app: AppOptions) -> AppOptions:
    return replace(app, policies=replace(app.policies, fallback=None))
