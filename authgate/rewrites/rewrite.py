"""What a rewrite is."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

from authgate.model import Asks, Case, Reason

MAX_LENGTH = 1_024  # characters of a text that is put in place of another


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One field of an allowed hook that the media server is to take from the answer."""

    field: str
    value: Any = dataclasses.field(repr=False)  # as JSON can hold it; it may be a secret


def usable(text: str) -> bool:
    """Whether a text can be put into a field: not too long, and nothing in it that cannot be seen.

    Joiners, which are written in Persian and Indic words and user names may hold, are all right.
    """
    seen = text if text.isprintable() else text.translate(_JOINERS)
    return bool(seen) and len(text) <= MAX_LENGTH and seen.isprintable()


def is_unicode(text: str) -> bool:
    """Whether a text has only whole characters; a variable of bytes that are no UTF-8 is read as halves."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


_JOINERS = {0x200C: None, 0x200D: None}


class Rewrite(Protocol):
    """One change of the answer to an allowed hook. Its fields are its options, told from others by ``type``."""

    @property
    def type(self) -> str:
        """What the configuration calls it."""
        ...

    @property
    def field(self) -> str:
        """The field that it changes."""
        ...

    @property
    def hide(self) -> bool:
        """Whether the media server is told to keep the field from the client from then on."""
        ...

    @property
    def refuses(self) -> bool:
        """Whether a hook is ever rejected because of it: also one whose client it asks for, who is a wrong one."""
        ...

    @property
    def asks(self) -> Asks:
        """What it must know: the client, where it puts in who that is, or what the client's token claims."""
        ...

    @property
    def undocumented(self) -> bool:
        """Whether its fields need not be among those that are known of the method."""
        ...

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields of the hook that its value depends on, by dotted paths."""
        ...

    @property
    def claims(self) -> tuple[str, ...]:
        """The names of the claims that it puts into its value."""
        ...

    def lacks(self, case: Case, fields: Mapping[str, Any]) -> tuple[str, ...]:
        """What keeps it from being carried out: the placeholders that have no value."""
        ...

    def looks_up(self, case: Case, fields: Mapping[str, Any]) -> tuple[str, str] | None:
        """The alias table of the store and the name in it that ``apply`` needs, or None."""
        ...

    def apply(self, case: Case, fields: Mapping[str, Any], found: str | None) -> Change | Reason | None:
        """The change; or why the hook must be rejected; or None where nothing is to change.

        ``fields`` are the hook's, with what rewrites before this one changed; ``found`` is what
        ``looks_up`` led to.
        """
        ...
