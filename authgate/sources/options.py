"""Sections ``[[user_sources]]`` and ``[users]``: which users there are beside those of the store, and who is asked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from sqlalchemy import URL

from authgate.model import Secret
from authgate.sources.engine import backend, source_url
from authgate.sources.query import Query, read_query

STORE = "store"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

Adopt = Literal["no", "link", "move"]


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a query's answer mean, by their names; None: it has none for that."""

    name: str = "name"  # of the user, as the source writes it: it must be the name that was asked for
    hash: str = "hash"  # of the password; null: no password login
    enabled: str | None = None  # true or false
    enabled_values: tuple[str, ...] = ()  # as text: what means enabled there, in place of true
    disabled: str | None = None  # true, or anything else that is not null, false or 0: a time of a ban too
    display: str | None = None  # None: the name as the source writes it
    grants: str | None = None  # a JSON list, or text with spaces or commas in between; null: no list
    groups: str | None = None  # the same
    not_before: str | None = None  # a time, or seconds since the epoch; null: no limit
    expires_at: str | None = None  # the same

    def __post_init__(self) -> None:
        if self.enabled_values and self.enabled is None:
            raise ValueError("enabled_values: are those of the column enabled, which is not given")

    def given(self) -> Iterator[tuple[str, str]]:
        """Each meaning that has a column, with that column."""
        for each in fields(self):
            column = getattr(self, each.name)
            if each.name != "enabled_values" and column is not None:
                yield each.name, column


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """Section ``[[user_sources]]``: a table of users that belongs to somebody else, and is only read."""

    name: str
    url: Secret
    query: str  # one SELECT; ``:name`` in it is the name of the user
    columns: Columns = field(default_factory=Columns)
    parameter: Literal["canonical", "typed"] = "canonical"
    adopt: Adopt = "no"
    recheck: Annotated[int, Ge(0), Le(3600)] = 60  # seconds for which a look at a user serves sessions and tokens
    timeout: Annotated[float, Gt(0), Le(15)] = 1.0  # seconds that one look may take, and wait for its turn
    pool: Annotated[int, Ge(1), Le(256)] = 5  # looks at once, each on a connection of its own, in each process
    retry_after: Annotated[float, Gt(0)] = 0.5  # seconds between two probes of a source that is away
    insecure_skip_while_away: bool = False  # True: while it is away, whoever comes after it in the order is asked

    def __post_init__(self) -> None:
        faults = []
        if not _NAME.fullmatch(self.name):
            faults.append("name: is 1 to 64 letters, digits, '.', '_' and '-', and begins with a letter or a digit")
        if self.name == STORE:
            faults.append(f"name: {STORE!r} is what the store itself is called in users.order; choose another")
        if self.parameter == "typed" and self.adopt == "no":
            faults.append(
                'parameter: \'typed\' needs adopt = "link" or "move": whoever does not type a name, such as a token '
                "or a session, is found by what the store has kept of it"
            )
        try:
            url = source_url(self.url.reveal())
        except ValueError as fault:
            faults.append(f"url: {fault}")
        else:
            faults += self._faults_of_query(url)
        if faults:
            raise ValueError("\n".join(faults))

    def read(self) -> Query:
        """The query, looked at.

        Raises:
            ValueError: it is none.
        """
        return read_query(self.query, backend(source_url(self.url.reveal())))

    def _faults_of_query(self, url: URL) -> list[str]:
        try:
            query = read_query(self.query, backend(url))
        except ValueError as fault:
            return [f"query: {fault}"]
        return [
            f"columns.{meaning}: the query gives no column {column!r}{_near(column, sorted(query.names), 0.7)}"
            for meaning, column in self.columns.given()
            if not query.names_column(column)
        ]


@dataclass(frozen=True, slots=True)
class UsersOptions:
    """Section ``[users]``: where users are looked for, in this order; the first that has one of that name decides."""

    order: tuple[str, ...] = ()  # none: the store, then the sources as they are written


def in_order(users: UsersOptions, sources: Sequence[SourceOptions]) -> tuple[str, ...]:
    """Where users are looked for."""
    return users.order or (STORE, *(each.name for each in sources))


def check(users: UsersOptions, sources: Sequence[SourceOptions]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong between the sources and their order: the place of an option, and what to do."""
    names = [each.name for each in sources]
    for at, name in enumerate(names):
        if name in names[:at]:
            yield ("user_sources", at, "name"), f"there is another source {name!r}; choose another name"
    order = in_order(users, sources)
    for at, name in enumerate(users.order):
        if name not in (STORE, *names):
            yield ("users", "order", at), f"there is no source {name!r}{_near(name, [STORE, *names])}"
        elif name in users.order[:at]:
            yield ("users", "order", at), f"{name!r} stands there twice"
    for at, source in enumerate(sources):
        if source.name not in order:
            yield ("user_sources", at, "name"), f"{source.name!r} is not in users.order, so nobody would ask it"
        elif source.adopt == "move" and STORE not in order[: order.index(source.name)]:
            text = f"'move' needs {STORE!r} before {source.name!r} in users.order: who was moved is the store's"
            yield ("user_sources", at, "adopt"), text


def _near(name: str, names: list[str], least: float = 0.6) -> str:
    near = get_close_matches(name, names, 1, least)
    return f"; did you mean {near[0]!r}?" if near else ""
