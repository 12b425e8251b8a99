"""Which policy speaks for which hook."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from authgate.hooks.methods import METHODS
from authgate.model import Kind, Method
from authgate.policies import POLICIES, Policy

Plain = Literal["allow", "deny", "session"]
Connect = Literal["authenticate", "allow_anonymous", "deny"]


@dataclass(frozen=True, slots=True)
class AppPolicies:
    """Section ``[apps.NAME.policies]``: what differs from ``[policies]`` for one application."""

    connect: Connect | None = None
    call: Plain | None = None
    incoming: Plain | None = None
    methods: Mapping[str, Plain] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_methods(self.methods)


@dataclass(frozen=True, slots=True)
class PolicyOptions:
    """Section ``[policies]``: the policies of each application that has none of its own.

    Events are always allowed: they have happened. ``StreamKeepAliveEvent`` is the one that a policy may
    be given for, since refusing it ends the stream.
    """

    connect: Connect = "authenticate"  # allow_anonymous lets in who offers nothing; a bad credential never
    call: Plain = "session"  # what a client asks for: publishStream, playStream, call, ...
    incoming: Plain = "session"  # what arrives from the SIP side: OnCallEvent, ...
    methods: Mapping[str, Plain] = field(default_factory=dict)  # for single methods

    def __post_init__(self) -> None:
        _check_methods(self.methods)


def _check_methods(methods: Mapping[str, str]) -> None:
    faults = [f"{name}: {fault}" for name in methods if (fault := _fault(name))]
    if faults:
        raise ValueError("\n".join(faults))


def _fault(name: str) -> str:
    """Why a method can have no policy here, or ""."""
    known = METHODS.get(name)
    if known is None:
        lower = {each.lower(): each for each in METHODS}
        near = get_close_matches(name.lower(), lower, 1)
        return "no such method" + (f"; did you mean '{lower[near[0]]}'?" if near else "")
    if known.kind is Kind.CONNECT:
        return "has an option of its own beside 'methods'"
    return "" if known.refusable else "is an event, which has happened and is always allowed; remove it"


@dataclass(frozen=True, slots=True)
class Ruling:
    """The policy that speaks for a hook, and the configuration key that says so."""

    rule: str
    policy: Policy


_EVENTS = Ruling("policies.event", POLICIES["allow"])


class Rules:
    """Finds the ruling for a hook: its application's method, the application, the method, the default."""

    def __init__(self, options: PolicyOptions, apps: Mapping[str, AppPolicies]) -> None:
        self._options = options
        self._apps = apps
        self._found: dict[tuple[str, str], Ruling] = {}
        for app_key in ("", *apps):
            for each in METHODS.values():
                if each.kind is not Kind.CONNECT:
                    self._found[app_key, each.name] = self._find(app_key, each)

    def ruling(self, app_key: str, method: Method) -> Ruling:
        """The ruling for a method of an application; not for ``connect``."""
        app_key = app_key if app_key in self._apps else ""
        return self._found.get((app_key, method.name)) or self._find(app_key, method)

    def ever_refuses(self, method: Method) -> bool:
        """Whether any application's policy for this method can reject."""
        return any(self.ruling(app_key, method).policy.refuses for app_key in ("", *self._apps))

    def connect(self, app_key: str) -> tuple[str, Connect]:
        """How an application lets clients in, and the configuration key that says so."""
        app = self._apps.get(app_key)
        if app is not None and app.connect is not None:
            return f"apps.{app_key}.policies.connect", app.connect
        return "policies.connect", self._options.connect

    def _find(self, app_key: str, method: Method) -> Ruling:
        app = self._apps.get(app_key) or AppPolicies()
        own = f"apps.{app_key}.policies"
        for where, methods in ((own, app.methods), ("policies", self._options.methods)):
            if method.name in methods:
                return Ruling(f"{where}.methods.{method.name}", POLICIES[methods[method.name]])
            if where == own and method.kind is not Kind.EVENT:
                of_kind = app.call if method.kind is Kind.CALL else app.incoming
                if of_kind is not None:
                    return Ruling(f"{own}.{method.kind}", POLICIES[of_kind])
        if method.kind is Kind.EVENT:
            return _EVENTS
        of_kind = self._options.call if method.kind is Kind.CALL else self._options.incoming
        return Ruling(f"policies.{method.kind}", POLICIES[of_kind])
