"""Rules that can never do what they say: told at start, each with why."""

from collections.abc import Iterator, Sequence

from authgate.errors import BadName
from authgate.hooks.methods import METHODS
from authgate.names import canonical
from authgate.patterns import Pattern
from authgate.rules.options import RuleOptions
from authgate.rules.origins import Origin
from authgate.rules.table import missing, selected, speaks_for


def check(rules: Sequence[RuleOptions], targets: Sequence[str] = (), claims: Sequence[str] = ()) -> list[str]:
    """What is wrong with these rules, each as ``key: fault``.

    ``targets`` are the names of section [targets]; ``claims`` those that some verifier keeps.
    """
    faults: list[str] = []
    names: dict[str, int] = {}
    for at, rule in enumerate(rules):
        key = f"rules[{at}]"
        if rule.name in names:
            faults.append(f"{key}.name: rules[{names[rule.name]}] is called {rule.name!r} too")
        names.setdefault(rule.name, at)
        own = [*_never(rule), *_unknown(rule, targets, claims)]
        faults += [f"{key}.{fault}" for fault in own]
        if not own and (earlier := _shadow(rule, rules[:at])) is not None:
            faults.append(
                f"{key}: can never match, since rules[{earlier}] ({rules[earlier].name!r}) speaks for all its hooks "
                "before it; put it first, or remove it"
            )
    return faults


def _never(rule: RuleOptions) -> Iterator[str]:
    """Methods that a rule names and cannot match; where it names none, there must be one left that it can match."""
    why = {method.name: fault for method in selected(rule) if (fault := missing(rule, method))}
    if rule.methods or rule.actions:
        yield from dict.fromkeys(why.values())
    elif not any(speaks_for(rule, method) for method in METHODS.values()):
        yield next(iter(why.values()), "kinds: there is no hook that it could match")
    if rule.rewrites and not (rule.methods or rule.actions or rule.kinds == ("connect",)):
        yield "rewrites: need methods (or actions) that say in which hooks to change something"


def _unknown(rule: RuleOptions, targets: Sequence[str], claims: Sequence[str]) -> Iterator[str]:
    target = getattr(rule.policy, "target", None)
    if target is not None and target not in targets:
        known = ", ".join(sorted(targets))
        yield f"policy.target: there is no [targets.{target}]" + (f"; there are: {known}" if known else "")
    for at, rewrite in enumerate(rule.rewrites):
        for claim in rewrite.claims:
            if claim not in claims:
                yield (
                    f"rewrites[{at}]: no verifier keeps the claim {claim!r}; add it to the option claims of the "
                    "verifier whose tokens have it"
                )
    if rule.policy.type == "allow" or rule.rewrites:
        for name, patterns in rule.patterns.items():
            if patterns and not any(each.sure for each in patterns):
                yield (
                    f"names{f'.{name}' if name else ''}: each name that matches can be read otherwise too, so the rule "
                    "could never allow one; write it without %, ?, #, ;, backslashes and slashes at its ends"
                )
    for group in rule.groups:
        try:
            canonical(group)
        except BadName as fault:
            yield f"groups: {fault}"


def _shadow(rule: RuleOptions, earlier: Sequence[RuleOptions]) -> int | None:
    """The place of an earlier rule, the last one of those that leave it nothing; None where something is left."""
    last = None
    for app in rule.apps or ("",):
        for method in METHODS.values():
            if not speaks_for(rule, method):
                continue
            for at, other in enumerate(earlier):
                here = not other.apps or app in other.apps
                if here and speaks_for(other, method) and _covers(other, rule):
                    last = at if last is None else max(last, at)
                    break
            else:
                return None
    return last


def _covers(wide: RuleOptions, narrow: RuleOptions) -> bool:
    """Whether each hook that fulfils the conditions of one rule fulfils those of the other; False where unsure."""
    mine, theirs = wide.patterns, narrow.patterns
    return (
        all(name in theirs and _all_in(theirs[name], patterns) for name, patterns in mine.items() if patterns)
        and (not wide.users or bool(narrow.users and _all_in(_patterns(narrow.users), _patterns(wide.users))))
        and (not wide.groups or bool(narrow.groups and set(narrow.groups) <= set(wide.groups)))
        and (not wide.origins or bool(narrow.origins and _origins_in(narrow.origins, wide.origins)))
        and (not wide.addresses or bool(narrow.addresses and _networks_in(narrow, wide)))
        and (not wide.times or bool(narrow.times and set(narrow.times) <= set(wide.times)))
        and (not wide.times or wide.timezone == narrow.timezone)
    )


def _patterns(texts: Sequence[str]) -> tuple[Pattern, ...]:
    return tuple(map(Pattern, texts))


def _all_in(narrow: Sequence[Pattern], wide: Sequence[Pattern]) -> bool:
    return bool(narrow) and all(any(each.covers(other) for each in wide) for other in narrow)


def _origins_in(narrow: Sequence[str], wide: Sequence[str]) -> bool:
    return all(any(Origin(each).includes(Origin(other)) for each in wide) for other in narrow)


def _networks_in(narrow: RuleOptions, wide: RuleOptions) -> bool:
    return all(
        any(net.version == other.version and other.supernet_of(net) for other in wide.addresses)  # type: ignore[arg-type]
        for net in narrow.addresses
    )
