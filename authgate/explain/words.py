"""Rules -> what they say in words, and what each has the media server told."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any

from authgate.explain.masks import MASK, address
from authgate.hooks.methods import METHODS
from authgate.model import Kind, Method, Secret
from authgate.rules import RuleOptions, Rules
from authgate.rules.table import compiled, speaks_for


@dataclass(frozen=True, slots=True)
class RuleTold:
    """One rule as people may read it."""

    name: str
    apps: tuple[str, ...]  # (): every one
    hooks: str  # as the rule says it
    methods: tuple[str, ...]  # that it speaks for
    conditions: tuple[str, ...]
    policy: str
    rewrites: tuple[str, ...]
    fail: tuple[str, ...]  # methods for which it has FAIL sent
    overwrite: tuple[str, ...]  # fields for which it has OVERWRITE sent
    hidden: tuple[str, ...]  # fields that it has kept from the client


@dataclass(frozen=True, slots=True)
class DefaultTold:
    """One default policy of an application, and the methods that it is the last word on."""

    key: str
    policy: str
    told: str  # FAIL or LOG; "" where the media server need not be told
    methods: tuple[str, ...]


def rules_told(rules: Iterable[RuleOptions], app_key: str | None = None) -> list[RuleTold]:
    """The rules in their order: all of them, or those for an application."""
    return [
        _told(rule, at) for at, rule in enumerate(rules) if app_key is None or not rule.apps or app_key in rule.apps
    ]


def defaults_told(rules: Rules, app_key: str) -> list[DefaultTold]:
    """The default policies of an application, in the order of the methods."""
    found: dict[str, list[Method]] = {}
    for method in METHODS.values():
        rule = rules.default(app_key, method)
        found.setdefault(f"{rule.key}\0{_policy(rule.policy)}", []).append(method)
    told = []
    for text, methods in found.items():
        key, _, policy = text.partition("\0")
        says = "FAIL" if rules.default(app_key, methods[0]).refuses else "LOG"
        says = "" if methods[0].kind is Kind.CONNECT else says
        told.append(DefaultTold(key, policy, says, tuple(method.name for method in methods)))
    return told


def _told(options: RuleOptions, at: int) -> RuleTold:
    rule = compiled(options, at)
    methods = [method for method in METHODS.values() if speaks_for(options, method)]
    overwrite = (*rule.policy.overwrites, *(each.field for each in rule.rewrites))
    hidden = (*rule.policy.overwrites, *(each.field for each in rule.rewrites if each.hide))
    return RuleTold(
        name=options.name,
        apps=options.apps,
        hooks=_hooks(options),
        methods=tuple(method.name for method in methods),
        conditions=tuple(_conditions(options)),
        policy=_policy(options.policy),
        rewrites=tuple(f"{each.type} {each.field}{_options(each, ('type', 'field'))}" for each in rule.rewrites),
        fail=tuple(method.name for method in methods if rule.refuses and method.kind is not Kind.CONNECT),
        overwrite=tuple(dict.fromkeys(overwrite)),
        hidden=tuple(dict.fromkeys(hidden)),
    )


def _hooks(rule: RuleOptions) -> str:
    if rule.methods:
        return ", ".join(rule.methods)
    if rule.actions:
        return f"what does {_any(rule.actions)}"
    return f"each {_any(rule.kinds or ('call', 'incoming'))}"


def _conditions(rule: RuleOptions) -> Iterator[str]:
    for name, patterns in rule.patterns.items():
        if patterns:
            yield f"{name or 'its name'} is like {_any(each.text for each in patterns)}"
    if rule.users:
        yield f"the user is {_any(rule.users)}"
    if rule.groups:
        yield f"the user is in group {_any(rule.groups)}"
    if rule.origins:
        yield f"the page is of {_any(rule.origins)}"
    if rule.addresses:
        unknown = ", or is not known" if rule.policy.refuses else ""
        yield f"the client's address is in {_any(map(str, rule.addresses))}{unknown}"
    if rule.times:
        yield f"it is {_any(rule.times)} in {rule.timezone}"


def _policy(policy: Any) -> str:
    return f"{policy.type}{_options(policy, ('type',))}"


def _options(member: Any, left_out: tuple[str, ...]) -> str:
    """The options of a policy or a rewrite that are not at their defaults."""
    found = [
        f"{each.name} = {_value(value)}"
        for each in fields(member)
        if each.init and each.name not in left_out and (value := getattr(member, each.name)) != _default(each)
    ]
    return f" ({', '.join(found)})" if found else ""


def _default(option: Field[Any]) -> Any:
    return option.default_factory() if option.default_factory is not MISSING else option.default


def _value(value: Any) -> str:
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, Mapping):
        return f"{len(value)} entr{'y' if len(value) == 1 else 'ies'}"
    if isinstance(value, tuple | list | frozenset):
        return ", ".join(map(str, value))
    return address(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _any(texts: Iterable[str]) -> str:
    return " or ".join(texts)
