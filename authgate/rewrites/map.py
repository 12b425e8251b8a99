"""Puts into a field what a table has for it."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from authgate.hooks.fields import cannot_change
from authgate.model import Asks, Case, Reason, Secret
from authgate.rewrites.rewrite import Change, is_unicode, usable
from authgate.rewrites.template import Template, text_at

_MAX_TABLE = 64  # characters of the name of a table in the store


@dataclasses.dataclass(frozen=True, slots=True)
class Map:
    """Puts into a field what a table has under the field's own value, or under another key.

    The table stands here, or in the store (``authgate alias add TABLE NAME VALUE``). Its values may be addresses
    with passwords, so they are shown nowhere. A hook whose key is not in the table is rejected, unless
    ``otherwise`` says to keep what it brings.
    """

    field: str
    table: Mapping[str, Secret] = dataclasses.field(default_factory=dict, repr=False)
    store: str | None = None  # name of an alias table
    key: str = ""  # a text with placeholders; "": the field's own value
    otherwise: Literal["reject", "keep"] = "reject"
    type: Literal["map"] = "map"
    hide: bool = True  # the client is not shown the field any more
    undocumented: bool = False  # True: also fields that authgate does not know
    _key: Template | None = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        faults = list(self._faults())
        object.__setattr__(self, "_key", None)
        if self.key:
            try:
                object.__setattr__(self, "_key", Template(self.key))
            except ValueError as fault:
                faults.append(f"key: {fault}")
        if faults:
            raise ValueError("\n".join(faults))

    def _faults(self) -> Iterator[str]:
        if fault := cannot_change(self.field):
            yield f"field: {fault}"
        if self.table and self.store is not None:
            yield "store: is given beside table; remove one"
        elif not self.table and self.store is None:
            yield "table: is missing or empty; give a table with entries, or the name of one in store"
        if self.store is not None and not (self.store.strip() and self.store.isprintable()):
            yield "store: must be the name of an alias table"
        elif self.store is not None and len(self.store) > _MAX_TABLE:
            yield f"store: has more than {_MAX_TABLE} characters"
        if any(not is_unicode(value.reveal()) for value in self.table.values()):
            yield "table: has a value that is not Unicode text"

    @property
    def refuses(self) -> bool:
        """Whether a hook can be rejected: its key is in no table, or the client that is asked for is a wrong one."""
        return self.otherwise == "reject" or self.store is not None or self.asks > Asks.NOTHING

    @property
    def asks(self) -> Asks:
        """The client, where its key needs that."""
        return self._key.asks if self._key else Asks.NOTHING

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields that its key is made of."""
        return self._key.fields if self._key else (self.field,)

    @property
    def claims(self) -> tuple[str, ...]:
        """The claims that its key needs."""
        return self._key.claims if self._key else ()

    def lacks(self, case: Case, fields: Mapping[str, Any]) -> tuple[str, ...]:
        """The placeholders of its key that have no value."""
        return self._key.lacks(case, fields) if self._key else ()

    def looks_up(self, case: Case, fields: Mapping[str, Any]) -> tuple[str, str] | None:
        """The table of the store and the name in it."""
        name = self._name(case, fields) if self.store is not None else None
        return None if self.store is None or name is None else (self.store, name)

    def apply(self, case: Case, fields: Mapping[str, Any], found: str | None) -> Change | Reason | None:
        """The change, or why the hook must be rejected, or None where it is kept."""
        if self.store is None:
            name = self._name(case, fields)
            value = self.table.get(name) if name is not None else None
            found = value.reveal() if value is not None else None
        if found is not None:
            return Change(self.field, found)
        return Reason.ALIAS_UNKNOWN if self.otherwise == "reject" else None

    def _name(self, case: Case, fields: Mapping[str, Any]) -> str | None:
        """The name that is looked for; None where there is none, or one that no table can have."""
        if self._key is not None:
            return self._key.fill(case, fields)
        own = text_at(fields, self.field)
        return own if own is not None and usable(own) else None
