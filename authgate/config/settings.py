"""All settings, read once and checked as a whole."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from authgate.config import faults, shape, show, sources, variables, weak
from authgate.config.faults import Fault
from authgate.config.options import AdminOptions, Apps, IssuingOptions, LogOptions, RecordsOptions, ServerOptions
from authgate.errors import ConfigError
from authgate.feed import FeedOptions, WebhookOptions
from authgate.feed.webhook import check as check_webhooks
from authgate.guessing import MEMORY, GuessingOptions
from authgate.hooks.caller import CallerOptions
from authgate.hooks.subject import SHOWN
from authgate.limits import LimitOptions
from authgate.model import Secret
from authgate.passwords import Hashing, PasswordPolicy
from authgate.rules import CONDITIONS, AppPolicies, PolicyOptions, RuleOptions
from authgate.rules import check as check_rules
from authgate.sessions import SessionOptions
from authgate.signals import SignallingOptions, SignalOptions
from authgate.sources import SourceOptions, UsersOptions
from authgate.sources.options import STORE, in_order
from authgate.sources.options import check as check_sources
from authgate.store.engine import StoreOptions, store_url
from authgate.targets import TargetOptions
from authgate.verifiers import AnyVerifier
from authgate.verifiers import check as check_verifiers
from authgate.verifiers.credentials import CredentialPaths
from authgate.wcs.options import WcsOptions
from authgate.wcs.options import check as check_wcs

Targets = Mapping[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")], TargetOptions]
Verifiers = tuple[Annotated[AnyVerifier, Field(discriminator="type")], ...]


class Config(BaseModel):
    """Every option, each with its default. Sections stand in the files of those who use them."""

    # Classes of options forbid what they do not know, and no error shows what it was given.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    server: ServerOptions = Field(default_factory=ServerOptions)
    caller: CallerOptions = Field(default_factory=CallerOptions)
    store: StoreOptions = Field(default_factory=StoreOptions)
    records: RecordsOptions = Field(default_factory=RecordsOptions)
    users: UsersOptions = Field(default_factory=UsersOptions)
    user_sources: tuple[SourceOptions, ...] = ()
    hashing: Hashing = Field(default_factory=Hashing)
    passwords: PasswordPolicy = Field(default_factory=PasswordPolicy)
    guessing: GuessingOptions = Field(default_factory=GuessingOptions)
    credentials: CredentialPaths = Field(default_factory=CredentialPaths)
    verifiers: Verifiers = ()
    rules: tuple[RuleOptions, ...] = ()
    policies: PolicyOptions = Field(default_factory=PolicyOptions)
    targets: Targets = Field(default_factory=dict)
    apps: Apps = Field(default_factory=dict)
    signals: tuple[SignalOptions, ...] = ()
    signalling: SignallingOptions = Field(default_factory=SignallingOptions)
    sessions: SessionOptions = Field(default_factory=SessionOptions)
    wcs: tuple[WcsOptions, ...] = ()
    limits: LimitOptions = Field(default_factory=LimitOptions)
    feed: FeedOptions = Field(default_factory=FeedOptions)
    webhooks: tuple[WebhookOptions, ...] = ()
    issuing: IssuingOptions = Field(default_factory=IssuingOptions)
    admin: AdminOptions = Field(default_factory=AdminOptions)
    log: LogOptions = Field(default_factory=LogOptions)

    _source: Path | None = PrivateAttr(default=None)
    _revision: str = PrivateAttr(default="")
    _secret_files: tuple[Path, ...] = PrivateAttr(default=())

    @property
    def source(self) -> Path | None:
        """The file that was read."""
        return self._source

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """The files that secrets were read from."""
        return self._secret_files

    @property
    def revision(self) -> str:
        """Eight hexadecimal digits that change with any setting, also with a secret; to compare in one process."""
        return self._revision

    def lets_in_anonymous(self) -> tuple[str, ...]:
        """The keys of the policies under which a client that offers nothing is let in."""
        keys = ["policies.connect"] if self.policies.connect == "allow_anonymous" else []
        for name, app in self.apps.items():
            if app.policies.connect == "allow_anonymous":
                keys.append(shape.key(("apps", name, "policies", "connect")))
        for at, rule in enumerate(self.rules):
            if rule.lets_in_anybody and "connect" in (*rule.methods, *rule.kinds):
                keys.append(f"rules[{at}].policy")
        return tuple(keys)

    def vouching(self) -> tuple[str, ...]:
        """The keys of what lets another back end say who is let in."""
        keys = ["policies.fallback"] if self.policies.fallback else []
        apps = [name for name, app in self.apps.items() if app.policies.fallback]
        keys += [shape.key(("apps", name, "policies", "fallback")) for name in apps]
        for at, rule in enumerate(self.rules):
            if rule.policy.type == "forward" and "connect" in (*rule.methods, *rule.kinds):
                keys.append(f"rules[{at}].policy")
        return tuple(keys)

    def asks_for_grants(self) -> bool:
        """Whether any rule or policy judges by grants; where none does, what a token lists narrows nothing."""
        if any(rule.policy.type == "grant" for rule in self.rules):
            return True
        sections: list[PolicyOptions | AppPolicies] = [self.policies, *(each.policies for each in self.apps.values())]
        return any("grant" in (each.call, each.incoming, *each.methods.values()) for each in sections)

    def unready(self) -> list[str]:
        """What keeps everybody out, whatever the store says."""
        if self.verifiers or self.lets_in_anonymous() or self.vouching():
            return []
        return ["nobody can be let in: there is no [[verifiers]] section, and no policy allows anonymous clients"]

    def needs_stored_users(self) -> bool:
        """Whether nobody can be let in while the store holds no user."""
        return not (self.lets_in_anonymous() or self.vouching() or self.user_sources) and all(
            each.type == "password" or each.users == "required" for each in self.verifiers
        )

    def warnings(self) -> tuple[str, ...]:
        """What is weaker than it could be, for the log at start."""
        return (*self.unready(), *weak.weaknesses(self))


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The settings of a file and of variables; without a path, ``AUTHGATE_CONFIG`` or the first default there is.

    Raises:
        ConfigError: they cannot be used; it holds every fault.
    """
    source = sources.find(path, environ).absolute()
    try:
        config, found = _read(source, environ)
    except RecursionError:
        raise ConfigError([f"{source}: is nested too deep, or a variable is"]) from None
    if found:
        raise ConfigError(list(dict.fromkeys(fault.line for fault in found)))
    config._source = source
    config._revision = show.digest(config)
    return config


def _read(source: Path, environ: Mapping[str, str]) -> tuple[Config, list[Fault]]:
    """The settings as far as they have no faults, and the faults."""
    tree = sources.read(source)
    found = variables.overlay(tree, Config, environ)
    resolver = sources.Resolver(source.parent, environ)
    tree = resolver.resolve(tree, Config)
    found += resolver.faults
    found += _unknown_sections(tree)
    found += _emptied(tree)
    found += _place_store(tree, source.parent)
    _place_sources(tree, source.parent)
    config = _inherited(_validated(tree, found), tree)
    config._secret_files = tuple(dict.fromkeys(resolver.files))
    found += _inconsistent(config, {str(fault.path[0]) for fault in found if fault.path})
    return config, found


def _emptied(tree: dict[str, Any]) -> list[Fault]:
    """Conditions of rules without an entry: a list that lost its last one must not make a rule speak for everybody."""
    found = []
    for section, conditions in (("rules", CONDITIONS), ("signals", ("apps", "users", "groups"))):
        rules = tree.get(section)
        for at, rule in enumerate(rules if isinstance(rules, list) else []):
            for option in conditions:
                if isinstance(rule, dict) and rule.get(option) in ([], {}):
                    text = "is empty, and an empty condition would hold for everything; remove it to mean that"
                    found.append(Fault((section, at, option), text))
    return found


def _unknown_sections(tree: dict[str, Any]) -> list[Fault]:
    """Taken out of the tree before it is validated, with a line that names the section meant."""
    known = shape.options(Config)
    unknown = [name for name in tree if name not in known]
    for name in unknown:
        del tree[name]
    return [Fault((name,), faults.no_such_option(name, known, "section")) for name in unknown]


def _place_store(tree: dict[str, Any], folder: Path) -> list[Fault]:
    """A SQLite file and the spool, given or by default, stand beside the configuration."""
    store = tree.setdefault("store", {})
    if not isinstance(store, dict):
        return []
    store.setdefault("spool", folder / StoreOptions().spool)
    url = store.setdefault("url", StoreOptions().url)
    text = url.reveal() if isinstance(url, Secret) else url
    if not isinstance(text, str) or not text:
        return []
    store["url"] = Secret(sources.beside(text, folder))
    try:
        store_url(text)
    except ValueError as fault:
        del store["url"]
        return [Fault(("store", "url"), str(fault))]
    return []


def _place_sources(tree: dict[str, Any], folder: Path) -> None:
    """SQLite files of sources of users stand beside the configuration."""
    listed = tree.get("user_sources")
    for source in listed if isinstance(listed, list) else []:
        url = source.get("url") if isinstance(source, dict) else None
        text = url.reveal() if isinstance(url, Secret) else url
        if isinstance(text, str) and text:
            source["url"] = Secret(sources.beside(text, folder))


def _validated(tree: dict[str, Any], found: list[Fault]) -> Config:
    """The settings without what is at fault, so that what remains is still looked at; the faults are added."""
    while True:
        try:
            return Config(**tree)
        except ValidationError as error:
            told = faults.explain(error, tree, Config)
        known = {fault.path for fault in found}
        # What lies below a fault, or is missing since what lay in it was at fault, is told already.
        above = {path[:at] for path in known for at in range(1, len(path))}
        found += [
            fault
            for fault in told
            if not any(fault.path[: at + 1] in known for at in range(len(fault.path)))
            and not (fault.path in above and fault.text.startswith("is missing"))
        ]
        paths = [fault.path for fault in told]
        while any(paths) and not sum(_pruned(tree, path) for path in paths):
            paths = [path[:-1] for path in paths]  # it is missing, or one of a list: then what it stands in goes


def _pruned(tree: dict[str, Any], path: shape.Path) -> bool:
    """Whether the option at the end of a path was taken out; an entry of a list stays, for its neighbours."""
    parent = shape.value_at(tree, path[:-1])
    if not path or not isinstance(path[-1], str) or not isinstance(parent, dict) or path[-1] not in parent:
        return False
    del parent[path[-1]]
    return True


def _inherited(config: Config, tree: dict[str, Any]) -> Config:
    """The settings with what an application's credentials leave out taken from [credentials], not from the defaults."""
    apps = {}
    for name, app in config.apps.items():
        if app.credentials is not None:
            own = shape.value_at(tree, ("apps", name, "credentials"))
            left_out = shape.options(CredentialPaths).keys() - own.keys()
            whole = replace(app.credentials, **{part: getattr(config.credentials, part) for part in left_out})
            app = replace(app, credentials=whole)
        apps[name] = app
    return config.model_copy(update={"apps": apps})


def _inconsistent(config: Config, faulty: set[str]) -> list[Fault]:
    """What is wrong between sections, as far as they have no faults of their own."""
    found = []
    server, caller = config.server, config.caller
    if not faulty & {"server", "caller"} and not (
        server.loopback or caller.checks or caller.insecure_accept_any_caller
    ):
        text = (
            "others than this machine can reach this address, and [caller] does not say how the media server is "
            "known; set caller.hmac_keys, or listen on '127.0.0.1', or set caller.insecure_accept_any_caller = true"
        )
        found.append(Fault(("server", "host"), text))
    if not faulty & {"server", "store"} and server.deadline <= config.store.timeout:
        text = f"must be more than store.timeout ({config.store.timeout:g} seconds), so that a hook outlasts the store"
        found.append(Fault(("server", "deadline"), text))
    if not faulty & {"hashing", "passwords"} and config.passwords.min_length > config.hashing.max_length:
        text = f"must be at most hashing.max_length ({config.hashing.max_length} characters), or nobody gets a password"
        found.append(Fault(("passwords", "min_length"), text))
    if not faulty & {"users", "user_sources", "server", "verifiers"}:
        found += _of_sources(config)
    if not faulty & {"server", "guessing"} and config.guessing.storage.reveal() == MEMORY and server.workers > 1:
        text = f'cannot be "memory" with server.workers = {server.workers}: each would count by itself; write "store"'
        found.append(Fault(("guessing", "storage"), text))
    by_password = any(each.type == "password" for each in config.verifiers)
    if config.issuing.login and not by_password and not faulty & {"issuing", "verifiers"}:
        text = 'needs a verifier of passwords; add [[verifiers]] with type = "password", or remove it'
        found.append(Fault(("issuing", "login"), text))
    found += weak.examples(config)
    if not faulty & {"credentials", "apps"}:
        found += _shown_credentials(config)
    found += _of_targets(config, faulty)
    if config.signals and not config.wcs and not faulty & {"signals", "wcs"}:
        text = "nothing could be delivered, for there is no [[wcs]] section; add one for each node"
        found.append(Fault(("signals",), text))
    if "webhooks" not in faulty:
        found += [Fault(("webhooks", at, "name"), text) for at, text in check_webhooks(config.webhooks)]
    if "wcs" not in faulty:
        found += [Fault(path, text) for path, text in check_wcs(config.wcs)]
    if not faulty & {"rules", "targets", "verifiers"}:
        claims = [claim for each in config.verifiers if each.type != "password" for claim in each.claims]
        for line in check_rules(config.rules, tuple(config.targets), claims):
            key, _, text = line.partition(": ")
            found.append(Fault((), text, named=key))
    if not faulty & {"verifiers", "server"}:
        for at, each in enumerate(config.verifiers):
            if each.type == "token" and each.jwks is not None and each.jwks.timeout >= server.deadline:
                text = f"must be less than server.deadline ({server.deadline:g} seconds)"
                found.append(Fault(("verifiers", at, "jwks", "timeout"), text))
    if "verifiers" not in faulty:
        for line in check_verifiers(config.verifiers):
            key, _, text = line.partition(": ")
            found.append(Fault((), text, named=key))
    return found


def _of_sources(config: Config) -> list[Fault]:
    """What is wrong between the sources of users, their order and who asks them."""
    found = [Fault(path, text) for path, text in check_sources(config.users, config.user_sources)]
    for at, each in enumerate(config.user_sources):
        if each.timeout >= config.server.deadline:
            text = f"must be less than server.deadline ({config.server.deadline:g} seconds)"
            found.append(Fault(("user_sources", at, "timeout"), text))
    for at, verifier in enumerate(config.verifiers):
        creates = verifier.type == "token" and verifier.users == "create"
        if creates and STORE not in in_order(config.users, config.user_sources):
            text = f"'create' adds users to the store, where nobody would look for them; put {STORE!r} into users.order"
            found.append(Fault(("verifiers", at, "users"), text))
    return found


def _of_targets(config: Config, faulty: set[str]) -> list[Fault]:
    """What is wrong between the targets and who uses them."""
    if faulty & {"targets", "policies", "apps", "server"}:
        return []
    found = []
    for name, target in config.targets.items():
        if target.timeout >= config.server.deadline:
            text = f"must be less than server.deadline ({config.server.deadline:g} seconds)"
            found.append(Fault(("targets", name, "timeout"), text))
    used: dict[shape.Path, str | None] = {("policies", "fallback"): config.policies.fallback}
    used |= {("apps", name, "policies", "fallback"): app.policies.fallback for name, app in config.apps.items()}
    for path, target_name in used.items():
        if target_name is not None and target_name not in config.targets:
            found.append(Fault(path, f"there is no [targets.{target_name}]"))
    return found


def _shown_credentials(config: Config) -> list[Fault]:
    """Credentials in a field that records and logs show, such as the name of a stream."""
    found = []
    sections: list[tuple[shape.Path, CredentialPaths]] = [(("credentials",), config.credentials)]
    sections += [
        (("apps", name, "credentials"), app.credentials) for name, app in config.apps.items() if app.credentials
    ]
    for path, paths in sections:
        secrets = {"tokens": paths.tokens, "passwords": tuple(pair.password for pair in paths.passwords)}
        for option, texts in secrets.items():
            for text in texts:
                if text.partition(".")[0] in SHOWN:
                    told = f"{text!r} stands in records and in the log; have clients put it into custom"
                    found.append(Fault((*path, option), told))
    return found
