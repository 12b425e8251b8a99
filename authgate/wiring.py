"""Config -> live objects; the one place that builds them."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from authgate.config import Config
from authgate.errors import StoreError
from authgate.gateway import AppWire, Gateway, InForce
from authgate.hooks.caller import Caller
from authgate.hooks.reply import digest, method_configs, rest_client_config
from authgate.judge import Judge, Outside, Setup
from authgate.passwords import Hasher
from authgate.ports import VerdictLog
from authgate.rules import Rules
from authgate.store import Store
from authgate.targets import HttpTargets
from authgate.targets.masked import masked
from authgate.verifiers.credentials import CredentialPaths


@dataclass(frozen=True, slots=True)
class Prepared:
    """What another configuration comes to, ready to be taken over."""

    config: Config
    in_force: InForce
    caller: Caller
    targets: HttpTargets


@dataclass(slots=True)
class Service:
    """Everything that one worker runs on. What a configuration decides is replaced as a whole, between two hooks."""

    config: Config
    store: Store
    hasher: Hasher
    gateway: Gateway
    caller: Caller
    targets: HttpTargets

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """In it, hooks can be answered; left, everything that was handed in is written or spooled."""
        await self.store.start()
        self.targets.start()
        try:
            yield
        finally:
            self.hasher.close()
            await self.targets.close()
            await self.store.close()

    def prepare(self, config: Config) -> Prepared:
        """What ``adopt`` takes over, built beside what is in force.

        Raises:
            ConfigError: it cannot be built.
        """
        targets = targets_of(config)
        targets.check()
        outside = Outside(self.store.users, self.hasher, self.store.sessions, self.store.authorities, targets)
        return Prepared(config, in_force(config, outside, self.store), Caller(config.caller), targets)

    def adopt(self, prepared: Prepared) -> HttpTargets:
        """Answer by another configuration from the next hook on; the targets of before are the caller's to close.

        It never waits, so no hook is answered by a mixture; those on their way are answered by what was in
        force when they came.
        """
        before, self.targets = self.targets, prepared.targets
        self.config, self.caller = prepared.config, prepared.caller
        self.gateway.in_force, self.gateway.targets = prepared.in_force, prepared.targets
        return before

    async def faults(self) -> list[str]:
        """What keeps this worker from letting anybody in; empty where it is ready."""
        faults = list(self.config.unready())
        try:
            await self.store.check()
            await self.store.ping()
            if self.config.needs_stored_users() and not await self.store.users.any():
                faults.append("no user can log in: the store has none that is enabled; run: authgate user add NAME")
        except StoreError as error:
            faults.append(str(error))
        return faults


def build(config: Config, verdicts: VerdictLog) -> Service:
    """The service that a configuration describes, not running yet."""
    store = Store(config.store)
    hasher = Hasher(config.hashing)
    targets = targets_of(config)
    outside = Outside(store.users, hasher, store.sessions, store.authorities, targets)
    gateway = Gateway(
        in_force=in_force(config, outside, store),
        ledger=store.ledger,
        targets=targets,
        verdicts=verdicts,
        new_id=store.new_id,
        tally=Counter(),
    )
    return Service(config, store, hasher, gateway, Caller(config.caller), targets)


def in_force(config: Config, outside: Outside, store: Store) -> InForce:
    """What hooks are answered by under a configuration."""
    rules = rules_of(config)
    setup = Setup(rules, config.verifiers, config.credentials, _own_credentials(config), config.sessions)
    return InForce(Judge(setup, outside, store.aliases), wires(config, rules), wire(rules, "", config.credentials))


def rules_of(config: Config) -> Rules:
    """The rules and default policies of a configuration."""
    return Rules(config.rules, config.policies, {name: app.policies for name, app in config.apps.items()})


def wires(config: Config, rules: Rules) -> dict[str, AppWire]:
    """What the clients of each application are let in with that differs from others."""
    own = _own_credentials(config)
    return {name: wire(rules, name, own.get(name, config.credentials)) for name in {*rules.apps, *own}}


def is_current(config: Config) -> Callable[[str, str], bool]:
    """Tells of a session, by its appKey and the digest it was opened with, whether that is what it would get now."""
    rules = rules_of(config)
    known, any_app = wires(config, rules), wire(rules, "", config.credentials)
    return lambda app_key, digest: known.get(app_key, any_app).digest == digest


def wire(rules: Rules, app_key: str, credentials: CredentialPaths) -> AppWire:
    """What an application's clients are let in with: FAIL where its rules may refuse, OVERWRITE where they change."""
    config = rest_client_config(method_configs(rules.guards(app_key), credentials.roots()))
    return AppWire(config, digest(config))


def targets_of(config: Config) -> HttpTargets:
    """The other back ends of a configuration."""
    mask = partial(masked, _own_credentials(config), config.credentials)
    return HttpTargets(config.targets, config.store.spool, mask)


def _own_credentials(config: Config) -> dict[str, CredentialPaths]:
    return {name: app.credentials for name, app in config.apps.items() if app.credentials is not None}
