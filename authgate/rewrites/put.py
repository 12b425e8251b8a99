"""Puts a value into a field."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from authgate.hooks.fields import SECRET_FIELDS, cannot_change
from authgate.model import Asks, Case, Reason, Secret
from authgate.rewrites.rewrite import Change, is_unicode
from authgate.rewrites.template import Template


@dataclasses.dataclass(frozen=True, slots=True)
class Put:
    """Puts a value into a field: a text in which placeholders are filled in, a number, true or false, or a secret.

    A hook for which a placeholder has no value is rejected.
    """

    field: str
    value: str | int | float | bool | None = None
    secret: Secret | None = None  # a text as it is, shown nowhere
    type: Literal["put"] = "put"
    hide: bool = True  # the client is not shown the field any more
    undocumented: bool = False  # True: also fields that authgate does not know
    _template: Template | None = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        faults = list(self._faults())
        object.__setattr__(self, "_template", None)
        if isinstance(self.value, str) and not faults:
            try:
                object.__setattr__(self, "_template", Template(self.value))
            except ValueError as fault:
                faults.append(f"value: {fault}")
        if faults:
            raise ValueError("\n".join(faults))

    def _faults(self) -> Iterator[str]:
        if fault := cannot_change(self.field):
            yield f"field: {fault}"
        if self.value is None and self.secret is None:
            yield "value: is missing; give a value, or secret = { file = ... }"
        elif self.value is not None and self.secret is not None:
            yield "secret: is given beside value; remove one"
        elif self.field in SECRET_FIELDS and self.secret is None:
            yield f"value: {self.field} is a secret; use secret = {{ file = ... }} in its place"
        elif self.value == "":
            yield 'value: is empty; to empty a field use type = "drop"'
        elif isinstance(self.value, float) and not math.isfinite(self.value):
            yield "value: must be a number that JSON can hold"
        elif self.secret is not None and not is_unicode(self.secret.reveal()):
            yield "secret: is not Unicode text"

    @property
    def refuses(self) -> bool:
        """Whether a placeholder can be without a value."""
        return self._template is not None and self._template.may_fail

    @property
    def asks(self) -> Asks:
        """The client, where its value needs that."""
        return self._template.asks if self._template else Asks.NOTHING

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields that are filled in."""
        return self._template.fields if self._template else ()

    @property
    def claims(self) -> tuple[str, ...]:
        """The claims that its value needs."""
        return self._template.claims if self._template else ()

    def lacks(self, case: Case, fields: Mapping[str, Any]) -> tuple[str, ...]:
        """The placeholders that have no value."""
        return self._template.lacks(case, fields) if self._template else ()

    def looks_up(self, _case: Case, _fields: Mapping[str, Any]) -> None:
        """Nothing."""
        return

    def apply(self, case: Case, fields: Mapping[str, Any], _found: str | None) -> Change | Reason:
        """The change, or why the hook must be rejected."""
        if self.secret is not None:
            return Change(self.field, self.secret.reveal())
        if self._template is None:
            return Change(self.field, self.value)
        text = self._template.fill(case, fields)
        return Reason.REWRITE_IMPOSSIBLE if text is None else Change(self.field, text)
