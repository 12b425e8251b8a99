"""Which rules speak for which hook."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from authgate.hooks.documented import no_such_field
from authgate.hooks.fields import ACTIONS, NAMES, may_name, rewritable
from authgate.hooks.methods import METHODS
from authgate.hooks.reply import Guard
from authgate.model import Asks, Hook, Kind, Method
from authgate.names import canonical
from authgate.patterns import Pattern
from authgate.policies import POLICIES
from authgate.policies.policy import Policy
from authgate.rewrites.template import PLACEHOLDERS
from authgate.rules.conditions import AtTime, ByUser, Condition, FromAddress, FromOrigin, InGroup, Named
from authgate.rules.narrow import Lot, Narrow
from authgate.rules.options import AppPolicies, Connect, PolicyOptions, RuleOptions
from authgate.rules.origins import Origin
from authgate.rules.rule import Rule
from authgate.rules.times import window, zone

_CONNECT: Mapping[Connect, str] = {"authenticate": "session", "allow_anonymous": "allow", "deny": "deny"}


class Rules:
    """Finds the rules for a hook, in order; the last one is the default policy and speaks for all that are left.

    The default policy is that of the application's method, the application, the method, or the default.
    """

    def __init__(
        self,
        rules: Sequence[RuleOptions],
        options: PolicyOptions,
        apps: Mapping[str, AppPolicies],
        signalling: Sequence[str] = (),
        also: Callable[[str, Method], bool] = lambda _app_key, _method: False,
    ) -> None:
        """``signalling`` are the applications whose clients' data is looked at beside the rules; "" is every one.

        ``also`` says what may be rejected for another reason than the rules, by application and method.
        """
        self._also = also
        self._options = options
        self._signalling = frozenset(signalling)
        self._policies = apps
        self._rules = [(each, rule) for at, each in enumerate(rules) for rule in (compiled(each, at),)]
        named = {app for each in rules for app in each.apps} | self._signalling
        self.apps = frozenset(apps) | named - {""}  # that differ from all others
        self._found = {
            (app_key, method.name): self._find(app_key, method)
            for app_key in ("", *self.apps)
            for method in METHODS.values()
        }
        self._unknown = {
            (app_key, kind): self._find(app_key, Method("", kind, kind is Kind.CALL, known=False))
            for app_key in ("", *self.apps)
            for kind in (Kind.CALL, Kind.EVENT)
        }
        self._narrow = {key: Narrow(rules) for key, rules in self._found.items()}
        self._narrow_unknown = {key: Narrow(rules) for key, rules in self._unknown.items()}

    def of(self, app_key: str, method: Method) -> tuple[Rule, ...]:
        """The rules for a method of an application, in order; the last one is the default policy."""
        app_key = app_key if app_key in self.apps else ""
        return self._found.get((app_key, method.name)) or self._unknown[app_key, method.kind]

    def about(self, hook: Hook) -> Lot:
        """The rules for a hook, in order, less those that what it says cannot match; the last is the default policy."""
        app_key = hook.app_key if hook.app_key in self.apps else ""
        narrow = self._narrow.get((app_key, hook.method.name)) or self._narrow_unknown[app_key, hook.method.kind]
        return narrow.of(hook)

    def default(self, app_key: str, method: Method) -> Rule:
        """The default policy for a method of an application."""
        return self.of(app_key, method)[-1]

    def refuses(self, app_key: str, method: Method) -> bool:
        """Whether anything can reject this method of an application."""
        if method.name == "OnDataEvent" and not self._signalling.isdisjoint(("", app_key)):
            return True
        by_rule = any(rule.refuses for rule in self.of(app_key, method))
        return method.refusable and (by_rule or self._also(app_key, method))

    def ever_refuses(self, method: Method) -> bool:
        """Whether anything can reject this method of any application."""
        return any(self.refuses(app_key, method) for app_key in ("", *self.apps))

    def fallback(self, app_key: str) -> str | None:
        """The target that is asked about credentials which no verifier recognises."""
        app = self._policies.get(app_key)
        return (app.fallback if app else None) or self._options.fallback

    def guard(self, app_key: str, method: Method) -> Guard:
        """What the media server must be told of a method so that what the rules say comes about."""
        rules = self.of(app_key, method)
        changed = [name for rule in rules for name in rule.policy.overwrites]
        changed += [each.field for rule in rules for each in rule.rewrites]
        hidden = [name for rule in rules for name in rule.policy.overwrites]
        hidden += [each.field for rule in rules for each in rule.rewrites if each.hide]
        return Guard(self.refuses(app_key, method), tuple(dict.fromkeys(changed)), tuple(dict.fromkeys(hidden)))

    def guards(self, app_key: str) -> dict[str, Guard]:
        """The guard of each method of an application, by its name."""
        return {method.name: self.guard(app_key, method) for method in METHODS.values()}

    def _find(self, app_key: str, method: Method) -> tuple[Rule, ...]:
        spoken = [
            rule
            for options, rule in self._rules
            if (not options.apps or app_key in options.apps) and speaks_for(options, method)
        ]
        return (*spoken, self._default(app_key, method))

    def _default(self, app_key: str, method: Method) -> Rule:
        app = self._policies.get(app_key) or AppPolicies()
        own = f"apps.{app_key}.policies"
        for where, options in ((own, app), ("policies", self._options)):
            policy: str | None = options.methods.get(method.name)
            if policy is not None:
                return _plain(f"{where}.methods.{method.name}", policy, method)
            of_kind = None if method.kind is Kind.EVENT else getattr(options, method.kind)
            if of_kind is not None:
                policy = _CONNECT[of_kind] if method.kind is Kind.CONNECT else of_kind
                return _plain(f"{where}.{method.kind}", policy, method)
        return _plain("policies.event", "allow", method)


def _plain(key: str, policy: str, method: Method) -> Rule:
    made: Policy = POLICIES[policy]()
    if made.cannot_judge([method]):  # a grant needs a name to judge
        made = POLICIES["session"]()
    return Rule(key, key, made)


def speaks_for(options: RuleOptions, method: Method) -> bool:
    """Whether a rule speaks for hooks of this method at all."""
    if options.methods:
        return method.name in options.methods
    if options.actions:
        return any(method.name in ACTIONS[action] for action in options.actions)
    kinds: tuple[str, ...] = options.kinds or (Kind.CALL, Kind.INCOMING)
    return method.kind in kinds and not missing(options, method)


def missing(options: RuleOptions, method: Method) -> str:
    """Why a rule could never match a hook of this method, or ""."""
    for name in options.patterns:
        if not name and method.name not in NAMES and method.name != "OnDataEvent" and method.known:
            return f"names: {method.name} names nothing that a plain list could match; say which field"
        if name and not may_name(method, name):
            known = NAMES.get(method.name, ())
            return f"names.{name}: {method.name} has no such field; it has: {', '.join((*known, 'custom.NAME'))}"
    if options.origins and method.sessionless:
        return f"origins: {method.name} comes from a player without a session, so no origin is known of it"
    if options.rewrites and not rewritable(method):
        return f"rewrites: of the answer to {method.name} the media server takes over nothing"
    return options.policy.cannot_judge([method])


def unknown_fields(options: RuleOptions, method: Method) -> Iterator[str]:
    """Each field that a rule changes or puts in, and hooks of this method do not have as far as is known."""
    for at, each in enumerate(options.rewrites):
        if each.undocumented:
            continue
        if fault := no_such_field(method, each.field):
            yield f"rewrites[{at}].field: {fault}"
        for name in each.reads:
            if name != each.field and (fault := no_such_field(method, name)):
                near = get_close_matches(name, PLACEHOLDERS, 1)
                lacks, _, meant = fault.partition("; ")
                meant = f"did you mean {{{near[0]}}}?" if near else meant
                yield f"rewrites[{at}]: {{{name}}} is no placeholder, and {lacks}" + (f"; {meant}" if meant else "")
    if not getattr(options.policy, "undocumented", False):
        for name in options.policy.overwrites:
            if fault := no_such_field(method, name):
                yield f"policy.overwrite: {fault}"


def selected(options: RuleOptions) -> Iterator[Method]:
    """The methods that a rule names, or may speak for where it names none; whether it can match them or not."""
    for method in METHODS.values():
        by_name = bool(options.methods or options.actions)
        if speaks_for(options, method) or (not by_name and method.kind in (options.kinds or ("call", "incoming"))):
            yield method


def compiled(options: RuleOptions, at: int) -> Rule:
    """A rule made of its options, which stand at this place in the configuration."""
    conditions: list[Condition] = [Named(name, patterns) for name, patterns in options.patterns.items() if patterns]
    if options.addresses:
        conditions.append(FromAddress(options.addresses))
    if options.times:
        conditions.append(AtTime(tuple(map(window, options.times)), zone(options.timezone)))
    if options.users:
        conditions.append(ByUser(tuple(map(Pattern, options.users))))
    if options.origins:
        conditions.append(FromOrigin(tuple(map(Origin, options.origins))))
    if options.groups:
        conditions.append(InGroup(frozenset(map(canonical, options.groups))))
    policy: Any = options.policy
    rewrites: Any = options.rewrites
    return Rule(options.name, f"rules[{at}]", policy, tuple(sorted(conditions, key=_need)), tuple(rewrites))


def _need(condition: Condition) -> Asks:
    return condition.asks
