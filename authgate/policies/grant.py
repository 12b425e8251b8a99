"""The policy that asks what the client is granted."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from authgate.grants import judge
from authgate.hooks.fields import ACTION_OF, ACTIONS, NAMES, name_of
from authgate.model import Asks, Case, Method, Principal, Reason
from authgate.patterns import read_name


@dataclass(frozen=True, slots=True)
class Grant:
    """Allows the hook of a client that is granted its action on what it names.

    A client whose user has no list of grants, nor any of its groups, is left to the default policy, unless its
    token has a list and that does not allow the hook. An empty list allows nothing.
    """

    refuses: ClassVar[bool] = True
    asks: ClassVar[Asks] = Asks.AUTHORITY
    overwrites: ClassVar[tuple[str, ...]] = ()
    type: Literal["grant"] = "grant"
    action: str | None = None  # publish, play, call, message, data or receive; None: the method's own

    def __post_init__(self) -> None:
        if self.action is not None and self.action not in ACTIONS:
            raise ValueError(f"action: there is no {self.action!r}; there are {', '.join(ACTIONS)}")

    def cannot_judge(self, methods: Iterable[Method]) -> str:
        """Those that name nothing a grant could be about, that are of no action, or of another than is asked for."""
        return next(filter(None, map(self._fault, methods)), "")

    def judge(self, case: Case) -> Reason | None:
        """``Reason.OK`` where grants allow it, else why not; None where there are none."""
        if not isinstance(case.client, Principal):
            return case.client
        action = self.action or ACTION_OF.get(case.hook.method.name)
        if action is None:
            return Reason.GRANT_MISSING
        return judge(action, read_name(name_of(case.hook)), case.authority, case.client)

    def _fault(self, method: Method) -> str:
        own = ACTION_OF.get(method.name)
        if own is None and method.name not in NAMES:
            return f"policy: {method.name} names nothing that a grant could be about; use 'session'"
        if own is None and self.action is None:
            return f"policy.action: {method.name} is no action of its own; say which of {', '.join(ACTIONS)} it is"
        if self.action is not None and own not in (None, self.action):
            return f"policy.action: {method.name} is {own!r}, not {self.action!r}"
        return ""
