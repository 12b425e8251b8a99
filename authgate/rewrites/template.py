"""A text with placeholders, filled in for one hook."""

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from authgate.model import Asks, Case, Principal
from authgate.rewrites.rewrite import MAX_LENGTH, usable

_CLAIM = "claim."
_RANDOM_BYTES = 16  # 128 bits: nobody guesses it
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_PLACEHOLDER = re.compile(r"(?!(?:user|app|random)\.)(?!claim$)[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
_UP = re.compile(r"(?:^|/)\s*\.\.\s*(?:/|$)")
_DECODED = 4  # times that a value is percent-decoded
PLACEHOLDERS = ("user", "app", "random")  # beside claims and the hook's own fields
_SHOWN = 40  # characters of a placeholder that an error repeats


@dataclass(frozen=True, slots=True)
class Template:
    """A text in which ``{user}``, ``{app}``, ``{random}``, ``{claim.NAME}`` and ``{FIELD}`` are filled in.

    ``FIELD`` is a field of the hook, with dots into ``custom``. ``{{`` and ``}}`` are braces themselves. What
    is filled in is never looked at again, so no client can bring placeholders of its own.
    """

    text: str = field(repr=False)
    _parts: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)  # text, and what follows it

    def __post_init__(self) -> None:
        """Raises ValueError for braces that are no placeholder, and for what can never be put anywhere."""
        parts = tuple(_parts(self.text))
        least = "".join(text + ("x" * 2 * _RANDOM_BYTES if name == "random" else "") for text, name in parts)
        if len(least) > MAX_LENGTH:
            raise ValueError(f"has more than {MAX_LENGTH:,} characters")
        if not usable("x" + least):
            raise ValueError("holds characters that cannot be seen")
        if not self.text:
            raise ValueError("is empty")
        object.__setattr__(self, "_parts", parts)

    @property
    def names(self) -> tuple[str, ...]:
        """What is filled in, in order."""
        return tuple(name for _, name in self._parts if name)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the hook that are filled in, by dotted paths."""
        return tuple(name for name in self.names if name not in PLACEHOLDERS and not name.startswith(_CLAIM))

    @property
    def may_fail(self) -> bool:
        """Whether there can be a hook that it cannot be filled in for."""
        return any(name != "random" for name in self.names)

    @property
    def claims(self) -> tuple[str, ...]:
        """The names of the claims that it needs."""
        return tuple(name.removeprefix(_CLAIM) for name in self.names if name.startswith(_CLAIM))

    @property
    def asks(self) -> Asks:
        """What must be known to fill it in."""
        return Asks.CLIENT if self.claims or "user" in self.names else Asks.NOTHING

    def fill(self, case: Case, fields: Mapping[str, Any]) -> str | None:
        """The text for a hook with these fields; None where something is missing or cannot be put there."""
        filled: list[str] = []
        for text, name in self._parts:
            value = _value(name, case, fields) if name else ""
            if value is None or _climbs(value):
                return None
            filled += (text, value)
        whole = "".join(filled)
        return whole if usable(whole) else None

    def lacks(self, case: Case, fields: Mapping[str, Any]) -> tuple[str, ...]:
        """The placeholders that have no value for a hook with these fields, or one that can be put nowhere."""
        values = {name: _value(name, case, fields) for name in self.names}
        return tuple(name for name, value in values.items() if value is None or _climbs(value) or not usable(value))


def text_at(fields: Mapping[str, Any], path: str) -> str | None:
    """A field as text, by its dotted path, where it is text or an integer; else, and where it is empty, None."""
    value: Any = fields
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value or None if isinstance(value, str) else None


def _climbs(value: str) -> bool:
    """Whether somebody may be led to another folder by this: what is put before it must stay before it."""
    for _ in range(_DECODED):
        if _UP.search(value.replace("\\", "/")):
            return True
        value = unquote(value)
    return False


def _parts(text: str) -> Iterator[tuple[str, str]]:
    plain, at = "", 0
    for found in _BRACES.finditer(text):
        plain += text[at : found.start()]
        at = found.end()
        if found[0] in ("{{", "}}"):
            plain += found[0][0]
        elif found[1] is None:
            raise ValueError(f"has a {found[0]!r} without its other half; write it twice for a brace itself")
        elif not _PLACEHOLDER.fullmatch(found[1]):
            raise ValueError(f"{found[0][:_SHOWN]!a} is no placeholder such as {{user}}, {{claim.room}} or {{name}}")
        else:
            yield plain, found[1]
            plain = ""
    yield plain + text[at:], ""


def _value(name: str, case: Case, fields: Mapping[str, Any]) -> str | None:
    """What a placeholder stands for, or None where that is missing, empty or no text."""
    if name == "random":
        return secrets.token_hex(_RANDOM_BYTES)
    if name == "app":
        return case.hook.app_key
    if name != "user" and not name.startswith(_CLAIM):
        return text_at(fields, name)
    client = case.client
    if not isinstance(client, Principal):
        return None
    return client.user if name == "user" else client.claims.get(name.removeprefix(_CLAIM))
