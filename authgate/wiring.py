"""Config -> live objects; the one place that builds them."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from authgate.config import Config
from authgate.delivery import Deliverer
from authgate.errors import StoreError
from authgate.feed import Feed, RecordStream, Webhooks
from authgate.gateway import AppWire, Gateway, InForce
from authgate.guessing import MEMORY, Counting, Guard, MemoryStorage
from authgate.guessing.storage import LeasingStorage
from authgate.hooks.caller import Caller
from authgate.hooks.reply import digest, method_configs, rest_client_config
from authgate.judge import Judge, Outside, Setup
from authgate.key_sets import KeySets
from authgate.limits import Limits
from authgate.live import Live
from authgate.live import Means as LiveMeans
from authgate.metrics import APPS, MeasuredVerdicts, Meter
from authgate.metrics.table import HASHING
from authgate.model import Where
from authgate.passwords import Hasher, Remembering, fitting, this_machine
from authgate.ports import Hasher as AnyHasher
from authgate.ports import KeySource, Means, Users, VerdictLog, VerifyingKey
from authgate.rules import Rules
from authgate.signals import Signals, applications
from authgate.signing import Issuer, Ring
from authgate.sources import Directory
from authgate.store import Store, key_sets, signing_keys
from authgate.store.watch import Watch
from authgate.targets import HttpTargets
from authgate.targets.masked import masked
from authgate.turn import Turn
from authgate.verifiers.credentials import CredentialPaths
from authgate.verifiers.issued import IssuedVerifier
from authgate.verifiers.token import TokenVerifier
from authgate.wcs import WcsNodes


class LiveKeys:
    """The keys that are not in the configuration: other issuers' and our own. Obeys ``ports.Keys``."""

    def __init__(self, key_sets: KeySets, ring: Ring, watch: Watch) -> None:
        self.key_sets = key_sets
        self.ring = ring
        self._watch = watch
        self._told = False

    def take_over(self) -> None:
        """Be the one who hears of changes in the store."""
        self._watch.when_changed(signing_keys.NAME, self.ring.reload)
        self._watch.when_changed(key_sets.NAME, self._refresh)

    def states(self) -> list[dict[str, Any]]:
        """How it stands with the keys of each other issuer, for everybody to see."""
        return [
            {
                "issuer": each.issuer,
                "state": each.state.value,
                "keys": len(each.keys),
                "fetched_at": each.fetched_at,
                "fault": each.fault,
                "unknown": each.unknown,
            }
            for each in self.key_sets.states()
        ]

    def start(self) -> None:
        """Keep the keys of other issuers fresh from now on."""
        self.key_sets.start()

    async def close(self) -> None:
        """Fetch nothing more."""
        await self.key_sets.close()

    async def find(self, source: KeySource, key_id: str | None, algorithm: str) -> Sequence[VerifyingKey]:
        """See ``ports.Keys``."""
        return await self.key_sets.find(source, key_id, algorithm)

    def known(self, source: KeySource, key_id: str | None, algorithm: str) -> Sequence[VerifyingKey]:
        """See ``ports.Keys``."""
        return self.key_sets.known(source, key_id, algorithm)

    async def find_own(self, key_id: str, algorithm: str) -> VerifyingKey | None:
        """See ``ports.Keys``."""
        return await self.ring.find(key_id, algorithm, self._watch.look_again)

    def known_own(self, key_id: str, algorithm: str) -> VerifyingKey | None:
        """See ``ports.Keys``."""
        return self.ring.known(key_id, algorithm)

    async def _refresh(self) -> None:
        """Somebody wants the keys fetched again; what is found at the start was there before."""
        if self._told:
            await self.key_sets.reload()
        self._told = True


@dataclass(frozen=True, slots=True)
class Prepared:
    """What another configuration comes to, ready to be taken over."""

    config: Config
    in_force: InForce
    caller: Caller
    targets: HttpTargets
    keys: LiveKeys
    directory: Directory
    wcs: WcsNodes

    async def close(self) -> None:
        """Let go of what was built and not taken over."""
        await self.targets.close()
        await self.keys.close()
        await self.directory.close()
        await self.wcs.close()


@dataclass(slots=True)
class Service:
    """Everything that one worker runs on. What a configuration decides is replaced as a whole, between two hooks."""

    config: Config
    store: Store
    hasher: Remembering
    gateway: Gateway
    caller: Caller
    targets: HttpTargets
    keys: LiveKeys
    directory: Directory
    guard: Guard
    wcs: WcsNodes
    meter: Meter
    verdicts: MeasuredVerdicts
    live: Live = field(init=False)
    deliverer: Deliverer = field(init=False)
    feed: Feed = field(init=False)
    webhooks: Webhooks = field(init=False)
    record_stream: RecordStream = field(init=False)

    def __post_init__(self) -> None:
        self.live = Live(self.store, self._for_live, self.meter.tally)
        self.deliverer = Deliverer(self.store, lambda: self.wcs, lambda: self.config.signalling, self.gateway.tally)
        self.gateway.post = self.deliverer
        self.feed = Feed(self.store.records, self.config.feed.window)
        self.store.ledger.when_written(self.feed.wake)
        store, stream = self.store, self.config.records.stream
        self.webhooks = Webhooks(self.config.webhooks, self.feed, store.webhooks, store.duties)
        self.record_stream = RecordStream(stream, store.records, store.record_streams, store.duties)

    @property
    def issuer(self) -> Issuer | None:
        """Who issues tokens; None where no verifier of the configuration has a key that can sign."""
        return issuer_of(self.config, self.directory.users, self.keys, self.store)

    def means(self, now: float, until: float, where: Callable[[], Where] | None = None) -> Means:
        """What verifiers may use for credentials from there, at a time in seconds since the epoch.

        ``until`` is the loop's time of a deadline.
        """
        return self.gateway.in_force.judge.outside.means(now, where, turn=Turn(until=until))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """In it, hooks can be answered; left, everything that was handed in is written or spooled."""
        await self.store.start()
        self.targets.start()
        self.keys.start()
        self.hasher.start(self.config.server.deadline)
        self.live.start()
        self.deliverer.start()
        self.webhooks.start()
        self.record_stream.start()
        self.store.record_upkeep.start(lambda: self.config.records, self.record_stream.sent)
        self.store.statistics.start()
        try:
            yield
        finally:
            await self.live.close()
            await self.deliverer.close()
            await self.webhooks.close()
            await self.record_stream.close()
            await self.feed.close()
            await self.store.record_upkeep.close()
            await self.store.statistics.close()
            with suppress(StoreError):
                await self.store.duties.lay_down()
            self.hasher.close()
            await self.guard.close()
            await self.targets.close()
            await self.keys.close()
            await self.directory.close()
            await self.wcs.close()
            await self.store.close()

    def prepare(self, config: Config) -> Prepared:
        """What ``adopt`` takes over, built beside what is in force.

        Raises:
            ConfigError: it cannot be built.
        """
        tally = self.meter.tally
        targets = targets_of(config, tally)
        targets.check()
        keys = keys_of(config, self.store, tally)
        directory = directory_of(config, self.store, tally)
        outside = outside_of(self.store, directory, self.hasher, targets, keys, self.guard)
        force, caller = in_force(config, outside, self.store), Caller(config.caller)
        return Prepared(config, force, caller, targets, keys, directory, WcsNodes(config.wcs))

    def adopt(self, prepared: Prepared) -> Prepared:
        """Answer by another configuration from the next hook on; what was in force before is the caller's to close.

        It never waits, so no hook is answered by a mixture; those on their way are answered by what was in
        force when they came.
        """
        in_force = self.gateway.in_force
        before = Prepared(self.config, in_force, self.caller, self.targets, self.keys, self.directory, self.wcs)
        self.config, self.caller = prepared.config, prepared.caller
        self.targets, self.keys, self.directory = prepared.targets, prepared.keys, prepared.directory
        self.wcs = prepared.wcs
        self.keys.take_over()
        self.guard.adopt(prepared.config.guessing)
        self.gateway.in_force, self.gateway.targets = prepared.in_force, prepared.targets
        self.verdicts.apps = named_apps(prepared.config)
        self.webhooks.adopt(prepared.config.webhooks)
        self.record_stream.adopt(prepared.config.records.stream)
        return before

    def _for_live(self) -> LiveMeans:
        """What is in force, for what is done in the background."""
        outside, config = self.gateway.in_force.judge.outside, self.config
        as_of_now = self.directory.sessions.as_of_now
        revocations, guessing, limits = outside.revocations, outside.guessing, self.gateway.in_force.limits
        return LiveMeans(self.wcs, config.sessions, revocations, guessing, as_of_now, config.server.deadline, limits)

    async def faults(self) -> list[str]:
        """What keeps this worker from letting anybody in; empty where it is ready."""
        faults = list(self.config.unready())
        try:
            await self.store.check()
            await self.store.ping()
            if self.config.needs_stored_users() and not await self.store.users.any():
                faults.append("no user can log in: the store has none that is let in now; run: authgate user add NAME")
        except StoreError as error:
            faults.append(str(error))
        return faults


def build(config: Config, verdicts: VerdictLog, meter: Meter | None = None) -> Service:
    """The service that a configuration describes, not running yet; without a ``meter`` it counts for itself.

    Raises:
        ConfigError: it cannot be built, or hashing does not fit into this machine.
    """
    meter = meter or Meter()
    store, tally = Store(config.store), meter.tally
    size = fitting(config.hashing, config.server.workers, this_machine())
    hasher = Remembering(Hasher(config.hashing, size, partial(_hashed, meter)), config.hashing.remember, tally)
    targets = targets_of(config, tally)
    keys = keys_of(config, store, tally)
    keys.take_over()
    directory = directory_of(config, store, tally)
    guard = guard_of(config, store, tally)
    outside = outside_of(store, directory, hasher, targets, keys, guard)
    measured = MeasuredVerdicts(meter, verdicts, named_apps(config))
    gateway = Gateway(
        in_force=in_force(config, outside, store),
        ledger=store.ledger,
        targets=targets,
        verdicts=measured,
        new_id=store.new_id,
        tally=tally,
    )
    caller, wcs = Caller(config.caller), WcsNodes(config.wcs)
    return Service(config, store, hasher, gateway, caller, targets, keys, directory, guard, wcs, meter, measured)


def _hashed(meter: Meter, algorithm: str, seconds: float) -> None:
    meter.histogram(HASHING, (algorithm,)).observe(seconds)


def named_apps(config: Config) -> frozenset[str]:
    """The applications that are counted by their names: the media server's own, and what the configuration names."""
    return frozenset((*APPS, *config.apps, *(app for rule in config.rules for app in rule.apps)))


def guard_of(config: Config, store: Store, tally: Counter[str]) -> Guard:
    """Who counts wrong passwords, and who is banned."""
    options = config.guessing
    storage: LeasingStorage = store.guesses
    if options.redis:
        from authgate.guessing.redis import RedisStorage  # here, for few need it, and it takes long to import

        storage = RedisStorage(options.storage.reveal())
    elif options.storage.reveal() == MEMORY:
        storage = MemoryStorage()
    return Guard(options, Counting(storage), store.blocks, store.known, tally, config.server.deadline)


def outside_of(
    store: Store, directory: Directory, hasher: AnyHasher, targets: HttpTargets, keys: LiveKeys, guard: Guard
) -> Outside:
    """What the judge asks of the outside."""
    return Outside(
        directory.users,
        hasher,
        directory.sessions,
        directory.authorities,
        targets,
        keys,
        store.revocations,
        store.one_time,
        store.stream_keys,
        guard,
    )


def directory_of(config: Config, store: Store, tally: Counter[str] | None = None) -> Directory:
    """The users of the store and of the sources of a configuration.

    Raises:
        ConfigError: a file that the address of a source names cannot be used.
    """
    return Directory(store, config.users, config.user_sources, tally)


def keys_of(config: Config, store: Store, tally: Counter[str] | None = None) -> LiveKeys:
    """The keys that are not in the configuration, not kept fresh yet."""
    sources = {
        each.key_source: each.jwks
        for each in config.verifiers
        if isinstance(each, TokenVerifier) and each.key_source is not None and each.jwks is not None
    }
    masters = [key for each in config.verifiers if isinstance(each, IssuedVerifier) for key in each.master_keys]
    return LiveKeys(KeySets(sources, store.key_sets, tally=tally), Ring(store.signing_keys, masters), store.watch)


def issuer_of(config: Config, users: Users, keys: LiveKeys, store: Store, name: str | None = None) -> Issuer | None:
    """Who issues tokens for the verifier of this name; by default what takes our own, else one with a secret."""
    meant = [each for each in config.verifiers if name in (None, each.name)]
    able: list[IssuedVerifier | TokenVerifier] = [each for each in meant if isinstance(each, IssuedVerifier)]
    able += [each for each in meant if isinstance(each, TokenVerifier) and each.signing_secret(time.time())]
    return Issuer(able[0], users, keys.ring, store.watch.look) if able else None


def in_force(config: Config, outside: Outside, store: Store) -> InForce:
    """What hooks are answered by under a configuration."""
    rules = rules_of(config)
    signals = Signals(config.signals, config.signalling)
    setup = Setup(rules, config.verifiers, config.credentials, _own_credentials(config), config.sessions, signals)
    judge, any_app = Judge(setup, outside, store.aliases), wire(rules, "", config.credentials)
    return InForce(judge, wires(config, rules), any_app, limits_of(config))


def limits_of(config: Config) -> Limits:
    """How many sessions and publishers there may be."""
    return Limits(config.limits, {name: app.limits for name, app in config.apps.items()})


def rules_of(config: Config) -> Rules:
    """The rules and default policies of a configuration."""
    apps = {name: app.policies for name, app in config.apps.items()}
    return Rules(config.rules, config.policies, apps, applications(config.signals), limits_of(config).reject)


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


def targets_of(config: Config, tally: Counter[str] | None = None) -> HttpTargets:
    """The other back ends of a configuration."""
    mask = partial(masked, _own_credentials(config), config.credentials)
    return HttpTargets(config.targets, config.store.spool, mask, tally)


def _own_credentials(config: Config) -> dict[str, CredentialPaths]:
    return {name: app.credentials for name, app in config.apps.items() if app.credentials is not None}
