"""Empties a field."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from authgate.hooks.fields import cannot_change
from authgate.model import Asks, Case
from authgate.rewrites.rewrite import Change


@dataclasses.dataclass(frozen=True, slots=True)
class Drop:
    """Puts an empty value of the same type in place of what a hook brings: "", 0, false, {} or [].

    What the media server makes of a field that is missing from an answer is not documented; what is empty
    it takes for unset.
    """

    refuses: ClassVar[bool] = False
    asks: ClassVar[Asks] = Asks.NOTHING
    claims: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ()
    field: str
    type: Literal["drop"] = "drop"
    hide: bool = True  # the client is not shown the field any more
    undocumented: bool = False  # True: also a field that authgate does not know

    def __post_init__(self) -> None:
        if fault := cannot_change(self.field):
            raise ValueError(f"field: {fault}")

    def lacks(self, _case: Case, _fields: Mapping[str, Any]) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def looks_up(self, _case: Case, _fields: Mapping[str, Any]) -> None:
        """Nothing."""
        return

    def apply(self, _case: Case, fields: Mapping[str, Any], _found: str | None) -> Change | None:
        """The change, or None where there is nothing."""
        value = fields.get(self.field)
        return None if value is None else Change(self.field, type(value)())
