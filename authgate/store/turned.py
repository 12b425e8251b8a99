"""What is to be added, and how full it is -> who is turned away, and who is put out: as if they came one by one."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from authgate.model import Per, Reason

Key = tuple[str, ...]  # of a session or a stream


class Scope(NamedTuple):
    """What is counted together."""

    per: Per
    value: str
    app_key: str  # "": in all applications

    @property
    def name(self) -> str:
        """By which it is locked."""
        return f"{self.per}\n{self.value}\n{self.app_key}"


class Bound(NamedTuple):
    """How many there may be, and what becomes of one more."""

    most: int
    ends_oldest: bool
    reason: Reason


class Row(NamedTuple):
    """A session or a stream, as far as limits ask for it."""

    key: Key
    since: int  # milliseconds since the epoch
    scopes: tuple[Scope, ...]  # that it is counted in, narrow ones first


Bounds = Mapping[Scope, Bound]


@dataclass(frozen=True, slots=True)
class Turned:
    """What limits make of what is to be added."""

    away: dict[Key, Reason] = field(default_factory=dict)  # of that: it is not added after all
    out: dict[Key, tuple[int, Reason]] = field(default_factory=dict)  # of what was there, since then: it is to end


def turned(
    added: Sequence[Row], bounds: Bounds, counts: Counter[Scope], oldest: Callable[[Scope], Sequence[Row]]
) -> Turned:
    """Let one after the other in, the oldest first.

    ``counts`` are those who hold places already and keep them, and become those who do then; ``oldest`` gives as many
    of them as could have to go, in their order. Whoever is new outlives whoever was there before.
    """
    found, waiting = Turned(), _Waiting(oldest)
    for row in sorted(added, key=lambda each: (each.since, each.key)):
        scopes = within(row, bounds)
        reason, going = _room(scopes, bounds, counts, waiting)
        if reason is not None:
            found.away[row.key] = reason
            continue
        for each, why in going.items():
            counts.subtract(within(each, bounds))
            if waiting.gone(each):
                found.away[each.key] = why
            else:
                found.out[each.key] = each.since, why
        counts.update(scopes)
        waiting.let_in(row, scopes)
    return found


def within(row: Row, bounds: Bounds) -> list[Scope]:
    """Those scopes of a row that are bounded."""
    return [scope for scope in row.scopes if scope in bounds]


class _Waiting:
    """Who may have to go next."""

    def __init__(self, oldest: Callable[[Scope], Sequence[Row]]) -> None:
        self._oldest = oldest
        self._rows: dict[Scope, list[Row]] = {}
        self._new: dict[Scope, list[Row]] = {}
        self._let_in: set[Key] = set()
        self._gone: set[Key] = set()

    def next(self, scope: Scope, number: int, going: Mapping[Row, Reason]) -> list[Row]:
        """So many of those who are left; fewer where there are no more."""
        if scope not in self._rows:
            self._rows[scope] = list(self._oldest(scope))
        queues = self._rows[scope], self._new.get(scope, [])
        for rows in queues:
            while rows and rows[0].key in self._gone:
                rows.pop(0)
        found: list[Row] = []
        for row in (row for rows in queues for row in rows):
            if len(found) == number:
                break
            if row.key not in self._gone and row not in going:
                found.append(row)
        return found

    def let_in(self, row: Row, scopes: Sequence[Scope]) -> None:
        self._let_in.add(row.key)
        for scope in scopes:
            self._new.setdefault(scope, []).append(row)

    def gone(self, row: Row) -> bool:
        """Take note; whether it has only just been let in."""
        self._gone.add(row.key)
        return row.key in self._let_in


def _room(
    scopes: Sequence[Scope], bounds: Bounds, counts: Counter[Scope], waiting: _Waiting
) -> tuple[Reason | None, dict[Row, Reason]]:
    """Why there is no room for one more, or who goes for it."""
    going: dict[Row, Reason] = {}
    for scope in scopes:
        bound = bounds[scope]
        lacking = counts[scope] + 1 - bound.most - sum(scope in row.scopes for row in going)
        if not bound.ends_oldest or lacking <= 0:
            continue
        rows = waiting.next(scope, lacking, going)
        if len(rows) < lacking:  # not one may be there
            return bound.reason, {}
        going.update((row, bound.reason) for row in rows)
    for scope in scopes:
        bound = bounds[scope]
        if not bound.ends_oldest and counts[scope] + 1 - sum(scope in row.scopes for row in going) > bound.most:
            return bound.reason, {}
    return None, going
