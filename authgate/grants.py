"""What a client is granted: to do an action on names that match a pattern.

``publish:room-*`` allows, ``!play:secret-*`` denies, and a denial wins over all that allows. ``*`` is every action.
``{user}`` stands for the client's canonical name and ``{claim.NAME}`` for a claim of its token, and wildcards in
those are none.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache

from authgate.model import Authority, Principal, Reason
from authgate.patterns import Match, Name, Pattern, escaped

ACTIONS = ("publish", "play", "call", "message", "data", "receive")
EVERY = "*"
MAX_TEXT = 1_024  # characters of a grant
_CLAIM = "claim."


@dataclass(frozen=True, slots=True)
class Grant:
    """One entry of a list of grants."""

    action: str  # one of ACTIONS, or EVERY
    pattern: str  # with its placeholders
    denies: bool = False
    _parts: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)
    _fixed: Pattern | None = field(init=False, repr=False, compare=False)  # where nothing is to be filled in

    def __post_init__(self) -> None:
        if self.action not in (*ACTIONS, EVERY):
            near = get_close_matches(self.action.strip().lower(), ACTIONS, 1)
            raise ValueError(f"no such action; {f'did you mean {near[0]!r}?' if near else f'there are {_KNOWN}'}")
        if self.pattern != self.pattern.strip():
            raise ValueError("the pattern begins or ends with white space")
        parts = tuple(_parts(self.pattern))
        sample = _filled(parts, tuple("x" for _ in parts))
        if not self.denies and not sample.sure:
            raise ValueError(
                f"{self.pattern!r} could never allow anything, since each name that it matches can be read otherwise "
                "too; write it without slashes at its ends, empty or dotted path segments, %, ?, #, ; and backslashes"
            )
        object.__setattr__(self, "_parts", parts)
        object.__setattr__(self, "_fixed", None if any(name for _, name in parts) else sample)

    def pattern_for(self, principal: Principal) -> Pattern | None:
        """The pattern with what is known of a client filled in; None where that is missing or makes no pattern."""
        return self._fixed or _pattern(self._parts, tuple(_value(name, principal) for _, name in self._parts))


def parse(text: str) -> Grant:
    """``ACTION:PATTERN``, or ``!ACTION:PATTERN`` to deny.

    Raises:
        ValueError: it is no grant; with why.
    """
    if not isinstance(text, str):
        raise ValueError("a grant is text")  # noqa: TRY004 - a list from a token or the store may hold anything
    if len(text) > MAX_TEXT:
        raise ValueError(f"a grant has at most {MAX_TEXT} characters")
    action, colon, pattern = text.removeprefix("!").partition(":")
    if not colon:
        raise ValueError("a grant is ACTION:PATTERN, or !ACTION:PATTERN to deny")
    return Grant(action, pattern, text.startswith("!"))


def judge(action: str, name: Name, authority: Authority, principal: Principal) -> Reason | None:
    """Whether a client may do an action on a name: ``OK``, ``GRANT_DENIED`` or ``GRANT_MISSING``.

    The store's list and the token's must both allow it, so a token can only narrow. None where the store has no
    list and the token does not forbid it: the default policy is to say.
    """
    lists = [_list(_texts(each), action) for each in (authority.grants, principal.grants) if each is not None]
    if any(_hits(grant, name, principal) for denials, _ in lists for grant in denials):
        return Reason.GRANT_DENIED
    if not all(any(_meant(grant, name, principal) for grant in allowances) for _, allowances in lists):
        return Reason.GRANT_MISSING
    return None if authority.grants is None else Reason.OK


def _meant(grant: Grant, name: Name, principal: Principal) -> bool:
    """Whether a grant that allows is for this name, whichever way it is read."""
    pattern = grant.pattern_for(principal)
    return pattern is not None and pattern.match(name) is Match.YES


def _hits(grant: Grant, name: Name, principal: Principal) -> bool:
    """Whether a grant that denies may be for this name; it is for every one where nobody knows for which."""
    pattern = grant.pattern_for(principal)
    return pattern is None or pattern.match(name) is not Match.NO


def _texts(grants: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text if isinstance(text, str) else "!" for text in grants)


@lru_cache(maxsize=1_024)
def _list(texts: tuple[str, ...], action: str) -> tuple[tuple[Grant, ...], tuple[Grant, ...]]:
    """The grants of a list that are about an action: those that deny and those that allow."""
    grants = [grant for text in texts if (grant := _read(text)) and grant.action in (action, EVERY)]
    return tuple(each for each in grants if each.denies), tuple(each for each in grants if not each.denies)


def _read(text: str) -> Grant | None:
    """A grant. Of text that is none: everything is denied where it begins like a denial, else nothing is allowed."""
    try:
        return parse(text)
    except ValueError:
        seen = "".join(filter(str.isprintable, unicodedata.normalize("NFKC", text[:MAX_TEXT])))
        return Grant(EVERY, "*", denies=True) if seen.lstrip().startswith("!") else None


def _value(name: str, principal: Principal) -> str:
    """What a placeholder stands for; "" where it is not known."""
    if name == "user":
        return principal.user
    value = principal.claims.get(name.removeprefix(_CLAIM))
    return value if isinstance(value, str) else ""


@lru_cache(maxsize=1_024)
def _pattern(parts: tuple[tuple[str, str], ...], values: tuple[str, ...]) -> Pattern | None:
    if any(name and not value for (_, name), value in zip(parts, values, strict=True)):
        return None
    try:
        return _filled(parts, values)
    except ValueError:
        return None


def _filled(parts: tuple[tuple[str, str], ...], values: tuple[str, ...]) -> Pattern:
    return Pattern(
        "".join(text + (escaped(value) if name else "") for (text, name), value in zip(parts, values, strict=True))
    )


def _parts(pattern: str) -> Iterator[tuple[str, str]]:
    """The text of a pattern before each placeholder, and that placeholder; the last has none, "".

    Raises:
        ValueError: a brace that is neither of a placeholder nor doubled.
    """
    text, at = "", 0
    for found in _BRACES.finditer(pattern):
        mark, name = found[0], found["name"]
        text += pattern[at : found.start()]
        at = found.end()
        if name is None:
            if mark in ("{", "}", r"\{", r"\}"):
                raise ValueError(f"there is a single {mark[-1]!r}; write {mark[-1] * 2!r} for the character itself")
            text += mark[0] if mark in ("{{", "}}") else mark
        elif name == "user" or (name.startswith(_CLAIM) and name != _CLAIM):
            yield text, name
            text = ""
        else:
            raise ValueError(f"no such placeholder {mark!r}; there are '{{user}}' and '{{claim.NAME}}'")
    yield text + pattern[at:], ""


_KNOWN = ", ".join((*ACTIONS, EVERY))
_BRACES = re.compile(r"\\.?|\{\{|\}\}|\{(?P<name>[^{}]*)\}|[{}]", re.DOTALL)
