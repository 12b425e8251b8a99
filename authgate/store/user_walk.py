"""The ways through the users, one for each order: ranges of an index, so that a page costs the same wherever it begins.

An order by another column than the name is one by that column and then the name. A range names either one value of the
column, null included, or what lies between two: each of them is read off an index on every engine, which a comparison
of pairs is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, FromClause, Select, and_, func, select, true

from authgate.model import User, UserQuery
from authgate.names import Wild, pattern
from authgate.store.tables import user_group_members, users

_ESCAPE = "!"
_LAST = "\U0010ffff"  # no character follows it
_FIRST = -(2**62)  # no time comes before it


class Place(NamedTuple):
    """Where a user stands in an order."""

    value: int | None  # in the column; of an order by name: None
    name: str


@dataclass(frozen=True, slots=True)
class Range:
    """A part of the way, in order."""

    where: ColumnElement[bool]
    between: bool = False  # whether it has several values of the column
    null: bool = False  # whether it has none of them


class Walk:
    """The users that are asked for, in the order that is asked for."""

    def __init__(self, query: UserQuery, now: int, *, sorts_nulls: bool = False) -> None:
        """``now`` in seconds since the epoch is when somebody has expired or not.

        ``sorts_nulls``: an engine that is asked for rows by a column that is null in all of them sorts them (MariaDB).
        """
        self._down = query.reverse
        self._sorts_nulls = sorts_nulls
        by_group = query.by == "name" and query.group is not None
        self.source: FromClause = users
        self._name: Column[Any] = users.c.name
        if by_group:  # the members, who are in order, and not all users
            self._name = user_group_members.c.user_name
            self.source = user_group_members.join(users, users.c.name == self._name)
        self._column: Column[Any] | None = _COLUMNS[query.by]
        self._base = _base(query, now, self._name)
        self.filters = _filters(query, now)

    def place(self, user: User) -> Place:
        """Where a user stands, whether it is asked for or not."""
        if self._column is None:
            return Place(None, user.name)
        value: int | None = getattr(user, self._column.name)
        return Place(value, user.name)

    def ranges(self, after: Place | None) -> Sequence[Range]:
        """What is left of the way behind a place, in order; None: all of it."""
        column = self._column
        if column is None:
            return [self._range(self._beyond(after.name))] if after is not None else [self._range()]
        nulls = [self._range(column.is_(None), null=True)] if column.nullable else []
        values = [self._range(column >= _FIRST, between=True)]  # not "is not null": MariaDB would sort the table
        if after is None:
            return [*nulls, *values] if self._down else [*values, *nulls]
        if after.value is None:
            rest = self._range(column.is_(None), self._beyond(after.name), null=True)
            return [rest, *(values if self._down else [])]
        beyond = column < after.value if self._down else column > after.value
        same = self._range(column == after.value, self._beyond(after.name))
        return [same, self._range(beyond, between=True), *([] if self._down else nulls)]

    def until(self, part: Range, last: Place) -> Sequence[Range]:
        """A range as far as a place in it, which is included."""
        name = self._name >= last.name if self._down else self._name <= last.name
        column = self._column
        if not part.between or column is None:
            return [replace(part, where=part.where & name)]
        before = column > last.value if self._down else column < last.value
        return [Range(part.where & before, between=True), Range(part.where & (column == last.value) & name)]

    def places(self, part: Range, offset: int) -> Select[Any]:
        """The place of the one user in a range who has so many before it there."""
        columns = (self._name,) if self._column is None else (self._name, self._column)
        chosen = select(*columns).select_from(self.source if self._name is users.c.name else user_group_members)
        return self._ordered(chosen.where(part.where), part).offset(offset).limit(1)

    def users(self, part: Range, columns: Sequence[Column[Any]], limit: int) -> Select[Any]:
        """The users in a range."""
        chosen = select(*columns).select_from(self.source).where(part.where, *self.filters)
        return self._ordered(chosen, part).limit(limit)

    def _range(self, *where: ColumnElement[bool], between: bool = False, null: bool = False) -> Range:
        return Range(and_(true(), *self._base, *where), between, null)

    def _beyond(self, name: str) -> ColumnElement[bool]:
        return self._name < name if self._down else self._name > name

    def _ordered(self, chosen: Select[Any], part: Range) -> Select[Any]:
        columns = [self._name]
        if self._column is not None and not (part.null and self._sorts_nulls):
            columns = [self._column, self._name]
        return chosen.order_by(*(each.desc() if self._down else each for each in columns))


_COLUMNS: dict[str, Column[Any] | None] = {
    "name": None,
    "created": users.c.created_at,
    "updated": users.c.updated_at,
    "expires": users.c.expires_at,
}


def _base(query: UserQuery, now: int, name: Column[Any]) -> list[ColumnElement[bool]]:
    """What is asked for of the columns that the way goes along."""
    made: list[ColumnElement[bool]] = []
    if query.by == "name" and query.group is not None:
        made.append(user_group_members.c.group_name == query.group)
    if query.by == "name" and query.name is not None:
        prefix = _prefix(query.name)
        made += [name >= prefix, name < prefix + _LAST] if prefix else []
    if query.by == "expires" and query.expired:
        made.append(users.c.expires_at <= now)
    return made


def _filters(query: UserQuery, now: int) -> list[ColumnElement[bool]]:
    """What is asked for of all other columns."""
    made: list[ColumnElement[bool]] = []
    if query.enabled is not None:
        made.append(users.c.enabled.is_(query.enabled))
    if query.without_password:
        made += [users.c.hash.is_(None), users.c.source.is_(None)]  # who is of a source has the password of there
    if query.expired and query.by != "expires":
        made.append(users.c.expires_at <= now)
    if query.name is not None:
        made.append(users.c.name.like(_like(query.name), escape=_ESCAPE))
    if query.group is not None and query.by != "name":
        own = (user_group_members.c.user_name == users.c.name) & (user_group_members.c.group_name == query.group)
        # Counted, so that no engine begins with all the members and sorts them.
        made.append(select(func.count()).select_from(user_group_members).where(own).scalar_subquery() == 1)
    return made


def _prefix(text: str) -> str:
    """What every name begins with that is meant."""
    first = pattern(text)[:1]
    return "".join(each for each in first if isinstance(each, str))


def _like(text: str) -> str:
    marks = str.maketrans({each: _ESCAPE + each for each in f"{_ESCAPE}%_"})
    return "".join(each.translate(marks) if isinstance(each, str) else _WILD[each] for each in pattern(text))


_WILD = {Wild.ANY: "%", Wild.ONE: "_"}
