"""The policy that lets another back end judge."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from authgate.hooks.fields import cannot_change, rewritable
from authgate.model import Ask, Asks, Case, Method, Principal, Reason


@dataclass(frozen=True, slots=True)
class Forward:
    """Asks a target and says what it says: a 200 allows the hook, and may change the fields it is let change.

    Where the target gives no answer the hook is rejected, unless the target is configured to be passed over then.
    """

    refuses: ClassVar[bool] = True
    target: str  # the name of a section [targets.NAME]
    type: Literal["forward"] = "forward"
    overwrite: tuple[str, ...] = ()  # fields that its answer may change
    session: bool = False  # whether the client must be authenticated before the target is asked
    undocumented: bool = False  # whether overwrite may name fields that authgate does not know

    def __post_init__(self) -> None:
        faults = [] if self.target else ["target: is empty; give the name of a section [targets.NAME]"]
        faults += [f"overwrite: {fault}" for name in self.overwrite if (fault := cannot_change(name))]
        if faults:
            raise ValueError("\n".join(faults))

    @property
    def asks(self) -> Asks:
        """The client, where it must be authenticated."""
        return Asks.CLIENT if self.session else Asks.NOTHING

    @property
    def overwrites(self) -> tuple[str, ...]:
        """The fields that the target may change."""
        return self.overwrite

    def cannot_judge(self, methods: Iterable[Method]) -> str:
        """Methods in whose answers nothing is taken over, where something is to be."""
        fixed = [method.name for method in methods if self.overwrite and not rewritable(method)]
        return f"policy.overwrite: the media server takes nothing over from the answer to {fixed[0]}" if fixed else ""

    def judge(self, case: Case) -> Ask | Reason:
        """Who is to be asked; or why the client is no principal, where it has to be."""
        if self.session and not isinstance(case.client, Principal):
            return case.client
        return Ask(self.target, self.overwrite)
