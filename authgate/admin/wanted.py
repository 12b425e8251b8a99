"""Row of a file -> what a user is to be, and that beside who is there -> what is to be done."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal, cast

from authgate.admin.user_fields import checked, demand_a_time
from authgate.errors import BadName, Refused
from authgate.grants import parse
from authgate.model import User, UserChanges
from authgate.names import canonical
from authgate.store import Change, RowChanges

HASH_LENGTH = 512  # characters; what the store keeps
_FIELDS: tuple[Literal["enabled", "grants", "not_before", "expires_at", "max_sessions", "notes"], ...] = (
    "enabled",
    "grants",
    "not_before",
    "expires_at",
    "max_sessions",
    "notes",
)


class Existing(StrEnum):
    """What becomes of a user who is there already and is otherwise than the file says."""

    REFUSE = "refuse"
    SKIP = "skip"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a file says of one user, checked; what it does not say is not there."""

    name: str  # canonical
    given: str  # the name as the file has it
    fields: RowChanges = field(default_factory=RowChanges, repr=False)
    groups: Sequence[str] | None = None  # canonical, all of them; None: the file does not say
    password: str | None = field(default=None, repr=False)  # that a hash is to be made of


def wanted(
    members: dict[str, Any],
    groups: Collection[str] | None,
    sources: Collection[str],
    hash_fault: Callable[[str], str],
) -> Wanted:
    """What a row says.

    ``groups`` are those that there are; None: others are to be made. ``sources`` are those of users. ``hash_fault``
    tells why a hash is not taken, "" where it is. No words of a refusal hold a hash, a password or what may be one in
    the wrong column.

    Raises:
        Refused: the row says what cannot be; the first such thing is named.
    """
    fields = RowChanges()
    try:
        name = canonical(members["name"])
    except BadName as fault:
        raise Refused(f"name: {fault}") from None
    password = members.get("password") or None
    hashed = members.get("hash")
    if hashed is not None:
        if password is not None:
            raise Refused("has a password and a hash; one of them is to be left out")
        if why := "it is too long" if len(hashed) > HASH_LENGTH else hash_fault(hashed):
            raise Refused(f"hash: {why}")
    if "hash" in members and password is None:
        fields["hash"] = hashed
    if members.get("display") is not None:
        fields["display"] = members["display"]
    elif not members["name"].isascii():  # it is going to be the display of one who is not there yet
        checked(UserChanges(display=members["name"].strip()))
    for key in _FIELDS:
        if key in members:
            fields[key] = members[key]
    if fields.get("grants"):
        _demand_grants(fields["grants"] or ())
    if "not_before" in fields and "expires_at" in fields:
        demand_a_time(User(name, name, not_before=fields["not_before"], expires_at=fields["expires_at"]))
    fields = cast("RowChanges", checked(fields))
    if members.get("source") is not None or members.get("known_as") is not None:
        if hashed is not None or password is not None:
            raise Refused("has a source and a password or a hash: who is of a source has the password of there")
        fields["adopted"] = _adopted(name, members, sources)
        fields["hash"] = None
    elif "source" in members:
        fields["adopted"] = None
    named = None if "groups" not in members else _groups(members["groups"], groups)
    return Wanted(name, members["name"], fields, named, password)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about one row."""

    change: Change | None = None  # None: nothing
    why: str = ""  # why the row is refused; "": it is not
    skipped: bool = False  # whether the user is there and is left alone, whatever the file says


def plan(asked: Wanted, hashed: str | None, found: User | None, groups: Collection[str], existing: Existing) -> Plan:
    """What is to be done about one row; ``hashed`` is what was made of its password, None where nothing was."""
    fields = asked.fields if hashed is None else asked.fields | RowChanges(hash=hashed)
    join: Sequence[str] = ()
    leave: Sequence[str] = ()
    if asked.groups is not None:
        join, leave = sorted(set(asked.groups) - set(groups)), sorted(set(groups) - set(asked.groups))
    if found is None:
        shown = fields if "display" in fields else fields | RowChanges(display=asked.given.strip())
        return Plan(Change(asked.name, shown, True, join, leave))
    if existing is Existing.SKIP:
        return Plan(skipped=True)
    other: Any = {key: value for key, value in fields.items() if value != getattr(found, key)}
    if other.get("hash") and found.origin is not None and "adopted" not in other:
        return Plan(why=f"was adopted from user source {found.origin.source!r}, and has the password of there")
    if not other and not join and not leave:
        return Plan()
    if existing is Existing.REFUSE:
        named = [_SHOWN.get(key, key) for key in other]
        names = ", ".join([*named, *(["groups"] if join or leave else [])])
        return Plan(why=f"there is such a user already, who is otherwise: {names}")
    if _TIMES & other.keys():
        try:
            demand_a_time(replace(found, **{key: other[key] for key in _TIMES & other.keys()}))
        except Refused as fault:
            return Plan(why=str(fault))
    return Plan(Change(asked.name, other, False, join, leave))


def _adopted(name: str, members: dict[str, Any], sources: Collection[str]) -> tuple[str, str]:
    """The source of users that a row names, and what the user is called there: as here, where it does not say."""
    source = members.get("source")
    if source is None:
        raise Refused("known_as: is what a source calls the user, and the row names none")
    if source not in sources:
        raise Refused("source: there is no such user source")
    known_as: str = members.get("known_as") or members["name"].strip()
    try:
        same = canonical(known_as) == name
    except BadName as fault:
        raise Refused(f"known_as: {fault}") from None
    if not same:
        raise Refused("known_as: is another user's name")
    return source, known_as


_TIMES = {"not_before", "expires_at"}
_SHOWN = {"adopted": "source"}  # as a file calls it


def _demand_grants(grants: Sequence[str]) -> None:
    for place, text in enumerate(grants, 1):
        try:
            parse(text)
        except ValueError as fault:
            raise Refused(f"grants: number {place}: {fault}") from None


def _groups(names: Sequence[str], there: Collection[str] | None) -> tuple[str, ...]:
    found = []
    for place, name in enumerate(names, 1):
        try:
            group = canonical(name)
        except BadName as fault:
            raise Refused(f"groups: number {place}: {fault}") from None
        if there is not None and group not in there:
            raise Refused(f"groups: number {place}: there is no such group")
        found.append(group)
    return tuple(sorted(set(found)))
