"""The options of rules and of the default policies."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import Field

from authgate.hooks.caller import PlainNetwork
from authgate.hooks.fields import ACTIONS
from authgate.hooks.methods import METHODS
from authgate.model import Kind
from authgate.patterns import Pattern
from authgate.policies import AnyPolicy
from authgate.rewrites import AnyRewrite
from authgate.rules.origins import Origin
from authgate.rules.times import window, zone

Plain = Literal["allow", "deny", "session", "token", "grant"]
Connect = Literal["authenticate", "allow_anonymous", "deny"]
Names = tuple[str, ...] | Mapping[str, tuple[str, ...]]

_PLACEHOLDER = re.compile(r"(?<!\\)\{(?:user|app|random|claim\.[^{}]*)\}")
CONDITIONS = ("apps", "methods", "kinds", "actions", "names", "users", "groups", "origins", "addresses", "times")
MAX_NAME = 190  # characters; what a record can hold
_OURS = ("policies.", "apps.", "verifiers.", "signals.")  # how records name what is no rule


@dataclass(frozen=True, slots=True)
class RuleOptions:
    """A ``[[rules]]`` section: which hooks it speaks for, one policy, and what to change in those it allows.

    Each condition that is given must hold; of a list, one entry is enough. Without ``methods``, ``kinds`` and
    ``actions`` it speaks for everything that a client asks for and that arrives from the SIP side, as far as
    it carries the names that are asked for; for ``connect`` and ``StreamKeepAliveEvent`` only where they are named.
    """

    name: str  # what records say
    policy: Annotated[AnyPolicy, Field(discriminator="type")]
    apps: tuple[str, ...] = ()  # appKeys; (): every one
    methods: tuple[str, ...] = ()
    kinds: tuple[Literal["connect", "call", "incoming"], ...] = ()
    actions: tuple[str, ...] = ()  # every method that does it, see hooks.fields.ACTIONS
    names: Names = ()  # patterns by field; a plain list: of what the hook is about
    users: tuple[str, ...] = ()  # patterns of canonical names
    groups: tuple[str, ...] = ()  # of the store, or of the token
    origins: tuple[str, ...] = ()  # as a browser gives them at connect; "https://*.example.com" for what is below
    addresses: tuple[PlainNetwork, ...] = ()  # of the client, as sessionId tells it
    times: tuple[str, ...] = ()  # "mon-fri 08:00-18:00", or "2026-12-24T00:00/2026-12-26T00:00"
    timezone: str = "UTC"
    rewrites: tuple[Annotated[AnyRewrite, Field(discriminator="type")], ...] = ()
    insecure_trust_address: bool = False  # True: an address or an origin alone may let somebody in

    def __post_init__(self) -> None:
        faults = [*_name_faults(self.name), *self._selection_faults(), *self._condition_faults()]
        if faults:
            raise ValueError("\n".join(faults))

    @property
    def lets_in_anybody(self) -> bool:
        """Whether it allows clients of whom nothing is proven."""
        return self.policy.type == "allow" and not (self.users or self.groups)

    @property
    def patterns(self) -> dict[str, tuple[Pattern, ...]]:
        """The patterns by field; under "" those of what the hook is about."""
        names = self.names if isinstance(self.names, Mapping) else ({"": self.names} if self.names else {})
        return {name: tuple(map(Pattern, texts)) for name, texts in names.items()}

    def _selection_faults(self) -> Iterable[str]:
        for name in self.methods:
            if name not in METHODS:
                yield f"methods: {_none('method', name, METHODS)}"
            elif fault := method_fault(name, connect=True):
                yield f"methods: '{name}' {fault}"
        for action in self.actions:
            if action not in ACTIONS:
                yield f"actions: {_none('action', action, ACTIONS)}"
        given = [option for option in ("methods", "kinds", "actions") if getattr(self, option)]
        if len(given) > 1:
            yield f"{given[1]}: cannot be given beside {given[0]}; write one of them"

    def _condition_faults(self) -> Iterable[str]:
        tables: Mapping[str, tuple[str, ...]] = self.names if isinstance(self.names, Mapping) else {"": self.names}
        for name, texts in tables.items():
            if name and not texts:
                yield f"names: {name} has no pattern, so the rule could never match; take it out"
            yield from _each("names", texts, Pattern)
        yield from _each("users", self.users, Pattern)
        yield from _each("origins", self.origins, Origin)
        yield from _each("times", self.times, window)
        yield from _each("timezone", (self.timezone,), zone)
        if self.timezone != "UTC" and not self.times:
            yield "timezone: is given without times; remove it"
        for option, texts in (*(("names", texts) for texts in tables.values()), ("users", self.users)):
            for text in texts:
                if found := _PLACEHOLDER.search(text):
                    yield f"{option}: {found[0]!r} is filled in by grants and rewrites alone; use policy 'grant'"
        for option in ("apps", "groups"):
            for text in getattr(self, option):
                if not text.strip():
                    yield f"{option}: has an empty entry"
                elif {*"*?"} & {*text}:
                    yield f"{option}: {text!r} would be one of this very name; patterns are for names and users alone"
        if self.policy.type == "allow" and (self.addresses or self.origins) and not self.insecure_trust_address:
            yield (
                "policy: 'allow' would let somebody in for an address or an origin alone, and neither proves anything; "
                "use 'session', or set insecure_trust_address = true"
            )


def _name_faults(name: str) -> Iterable[str]:
    if not name.strip() or not name.isprintable() or len(name) > MAX_NAME:
        yield f"name: must be 1 to {MAX_NAME} characters that can be seen"
    elif name.startswith(_OURS):
        yield f"name: begins like a key of the configuration ({', '.join(_OURS)}); records could not tell them apart"


def _each(option: str, texts: Iterable[str], make: object) -> Iterable[str]:
    for text in texts:
        try:
            make(text)  # type: ignore[operator]  # any of our readers of text
        except ValueError as fault:
            yield f"{option}: {fault}"


@dataclass(frozen=True, slots=True)
class AppPolicies:
    """Section ``[apps.NAME.policies]``: what differs from ``[policies]`` for one application."""

    connect: Connect | None = None
    call: Plain | None = None
    incoming: Plain | None = None
    methods: Mapping[str, Plain] = field(default_factory=dict)
    fallback: str | None = None

    def __post_init__(self) -> None:
        _check_methods(self.methods)


@dataclass(frozen=True, slots=True)
class PolicyOptions:
    """Section ``[policies]``: the policies of each application that has none of its own, where no rule speaks.

    Events are always allowed: they have happened. ``StreamKeepAliveEvent`` is the one that a policy may
    be given for, since refusing it ends the stream. ``grant`` needs a name to judge: of a method that has
    none, such as ``hangup``, it asks for a session.
    """

    connect: Connect = "authenticate"  # allow_anonymous lets in who offers nothing; a bad credential never
    call: Plain = "session"  # what a client asks for: publishStream, playStream, call, ...
    incoming: Plain = "session"  # what arrives from the SIP side: OnCallEvent, ...
    methods: Mapping[str, Plain] = field(default_factory=dict)  # for single methods
    fallback: str | None = None  # the target that is asked about credentials which no verifier recognises

    def __post_init__(self) -> None:
        _check_methods(self.methods)


def _check_methods(methods: Mapping[str, str]) -> None:
    faults = [f"{name}: {fault}" for name in methods if (fault := method_fault(name, connect=False))]
    if faults:
        raise ValueError("\n".join(faults))


def method_fault(name: str, *, connect: bool) -> str:
    """Why no policy can speak for a method, or ""; ``connect`` says whether it can be named here."""
    known = METHODS.get(name)
    if known is None:
        return _no_such("method", name, METHODS)
    if known.kind is Kind.CONNECT and not connect:
        return "has an option of its own beside 'methods'"
    return "" if known.refusable else "is an event, which has happened and is always allowed; remove it"


def _no_such(what: str, name: str, known: Iterable[str]) -> str:
    lower = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), lower, 1)
    return f"no such {what}" + (f"; did you mean '{lower[near[0]]}'?" if near else "")


def _none(what: str, name: str, known: Iterable[str]) -> str:
    """That something of a list does not exist, by name."""
    _, _, meant = _no_such(what, name, known).partition("; ")
    few = f"; there are: {', '.join(known)}" if what == "action" else ""
    return f"there is no {what} {name!r}" + (f"; {meant}" if meant else few)
