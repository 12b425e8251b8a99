"""Rules that can never do what they say: told at start, each with why."""

from collections.abc import Iterator, Sequence

from authgate.errors import BadName
from authgate.hooks.fields import main_field
from authgate.hooks.methods import METHODS
from authgate.model import Method
from authgate.names import canonical
from authgate.patterns import Pattern
from authgate.rules.options import RuleOptions
from authgate.rules.origins import Origin
from authgate.rules.table import missing, selected, speaks_for, unknown_fields
from authgate.rules.times import within


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
        if not own and (earlier := _shadow(rule, rules[:at])):
            told = " and ".join(f"rules[{each}] ({rules[each].name!r})" for each in earlier)
            speak = "speaks" if len(earlier) == 1 else "together speak"
            faults.append(
                f"{key}: can never match, since {told} {speak} for all its hooks before it; put it first, or remove it"
            )
    return faults


def _never(rule: RuleOptions) -> Iterator[str]:
    """Methods that a rule names and cannot match; where it names none, there must be one left that it can match."""
    if rule.policy.type == "deny" and rule.rewrites:
        yield "rewrites: are never carried out beside policy 'deny'; remove them"
    named = bool(rule.methods or rule.actions)
    if not named and rule.kinds != ("connect",):
        for option in ["rewrites"] * bool(rule.rewrites) + ["policy.overwrite"] * bool(rule.policy.overwrites):
            yield f"{option}: needs methods (or actions) that say in which hooks to change something"
            return
    why = {method.name: fault for method in selected(rule) if (fault := missing(rule, method))}
    if named:
        yield from dict.fromkeys(why.values())
    elif not any(speaks_for(rule, method) for method in METHODS.values()):
        yield next(iter(why.values()), "kinds: there is no hook that it could match")
    if not why:
        yield from dict.fromkeys(fault for method in selected(rule) for fault in unknown_fields(rule, method))


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
    if rule.policy.type != "deny":
        for name, patterns in rule.patterns.items():
            if patterns and not any(each.sure for each in patterns):
                yield (
                    f"names{f'.{name}' if name else ''}: each name that matches can be read otherwise too, so the rule "
                    "could only reject; write it without %, ?, #, ;, backslashes and slashes at its ends"
                )
    for group in rule.groups:
        try:
            canonical(group)
        except BadName as fault:
            yield f"groups: {fault}"


def _shadow(rule: RuleOptions, earlier: Sequence[RuleOptions]) -> list[int]:
    """The places of earlier rules that leave it nothing together; none where something is left."""
    found: set[int] = set()
    for app in rule.apps or ("",):
        for method in METHODS.values():
            if not speaks_for(rule, method):
                continue
            for at, other in enumerate(earlier):
                here = not other.apps or app in other.apps
                if here and speaks_for(other, method) and _covers(other, rule, method):
                    found.add(at)
                    break
            else:
                return []
    return sorted(found)


def _covers(wide: RuleOptions, narrow: RuleOptions, method: Method) -> bool:
    """Whether each hook of a method that fulfils one rule's conditions fulfils the other's; False where unsure."""
    mine, theirs = _by_field(wide, method), _by_field(narrow, method)
    return (
        all(name in theirs and _all_in(theirs[name], patterns) for name, patterns in mine.items())
        and (not wide.users or bool(narrow.users and _all_in(_patterns(narrow.users), _patterns(wide.users))))
        and (not wide.groups or bool(narrow.groups and set(narrow.groups) <= set(wide.groups)))
        and (not wide.origins or bool(narrow.origins and _origins_in(narrow.origins, wide.origins)))
        and (not wide.addresses or bool(narrow.addresses and _networks_in(narrow, wide)))
        and (not wide.times or bool(narrow.times and within(narrow.times, wide.times)))
        and (not wide.times or wide.timezone == narrow.timezone)
    )


def _by_field(rule: RuleOptions, method: Method) -> dict[str, tuple[Pattern, ...]]:
    """The patterns by field, a plain list under the field that it means for hooks of this method."""
    found: dict[str, tuple[Pattern, ...]] = {}
    for name, patterns in rule.patterns.items():
        field = name or main_field(method)
        if field in found:  # it is asked for twice, and both must match: the one that is sure to cover less
            return {**rule.patterns}
        found[field] = patterns
    return found


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
