"""Recorded hooks, judged by the rules in force and by others: which verdicts would change."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from authgate.explain.dry import NotAskedError
from authgate.explain.kept import NOT_ASKED, NOT_KEPT, TARGET, NotKeptError, Recalled, lacks, recall
from authgate.gateway import InForce
from authgate.judge import Unknowable
from authgate.limits import EXCEEDED
from authgate.model import Authority, Decision, Reason, Record
from authgate.ports import Aliases, Authorities

MAX_GROUPS = 5_000  # of changes that are told apart; of later ones only the rules are
_MAX_REMEMBERED = 10_000  # answers of the store


# Verdicts of nobody: something failed, and rules could not have said otherwise.
TROUBLE = {
    Reason.STORE_UNAVAILABLE,
    Reason.TARGET_UNAVAILABLE,
    Reason.DEADLINE,
    Reason.OVERLOADED,
    Reason.INTERNAL,
}


# And those that were given after the rules had allowed.
BEYOND_RULES = TROUBLE | {*EXCEEDED.values()}


class Verdict(NamedTuple):
    """What a hook comes to."""

    allowed: bool
    reason: str
    rule: str
    changed: tuple[str, ...] = ()  # fields of the answer
    otherwise: tuple[str, ...] = ()  # those of them that both change, each to something else


class Change(NamedTuple):
    """A kind of hook whose verdict would change."""

    method: str
    app_key: str
    user: str
    subject: str
    before: Verdict
    after: Verdict


@dataclass(slots=True)
class Replay:
    """What judging recorded hooks again has come to so far."""

    before: InForce  # both dry
    after: InForce
    judged: int = 0  # by both
    changes: Counter[Change] = field(default_factory=Counter)
    other_rule: int = 0  # the same verdict, by another rule
    unknown: Counter[str] = field(default_factory=Counter)  # why a verdict cannot be told
    not_reproduced: int = 0  # verdicts of the records that the rules in force would not give today

    def __post_init__(self) -> None:
        self.before, self.after = _remembering(self.before), _remembering(self.after)

    async def add(self, record: Record) -> None:
        """Judge one more hook twice.

        Raises:
            StoreError: the store is away or too slow.
        """
        recalled = recall(record)
        if not recalled.hook.method.refusable:
            return
        before, after = await decide(recalled, self.before), await decide(recalled, self.after)
        for said in (before, after):
            if isinstance(said, str):
                self.unknown[said] += 1
                return
        assert isinstance(before, Decision)  # noqa: S101 - the loop looked
        assert isinstance(after, Decision)  # noqa: S101
        self.judged += 1
        if record.reason not in BEYOND_RULES and record.reason is not before.reason:
            self.not_reproduced += 1
        was, becomes = _verdict(before), _verdict(after)
        if differing := [name for name in was.changed if _value(before, name) != _value(after, name)]:
            # Two values of a placeholder that is another one each time say nothing.
            again = await decide(recalled, self.before)
            sure = again if isinstance(again, Decision) else before
            same = [name for name in differing if _value(sure, name) == _value(before, name)]
            becomes = becomes._replace(otherwise=tuple(name for name in same if name in becomes.changed))
        if was._replace(rule="") != becomes._replace(rule=""):
            self._count(Change(record.method, record.app_key, record.user or "", record.subject, was, becomes))
        elif was.rule != becomes.rule:
            self.other_rule += 1

    def _count(self, change: Change) -> None:
        if change not in self.changes and len(self.changes) >= MAX_GROUPS:
            change = change._replace(user="...", subject="...")
        self.changes[change] += 1


async def decide(recalled: Recalled, in_force: InForce) -> Decision | str:
    """The verdict on a recorded hook at the time of its record; or why it cannot be told. ``in_force`` is to be dry.

    Raises:
        StoreError: the store is away or too slow.
    """
    hook = recalled.hook
    try:
        decision = (await in_force.judge.judge(hook, recalled.record.at / 1000, given=recalled.given)).decision
    except Unknowable:
        return NOT_ASKED
    except NotKeptError:
        return NOT_KEPT
    except NotAskedError:
        return TARGET
    return NOT_KEPT if lacks(recalled, decision, in_force) else decision


def _value(decision: Decision, name: str) -> object:
    return decision.changes.get(name)


def _verdict(decision: Decision) -> Verdict:
    return Verdict(decision.allowed, decision.reason.value, decision.rule, tuple(sorted(decision.changes)))


@dataclass(slots=True)
class _Remembered:
    """What the store says, asked once for each: obeys ``ports.Authorities`` and ``ports.Aliases``."""

    authorities: Authorities
    aliases: Aliases
    _users: dict[str, Authority] = field(default_factory=dict)
    _values: dict[tuple[str, str], str | None] = field(default_factory=dict)

    async def of(self, user: str) -> Authority:
        if len(self._users) >= _MAX_REMEMBERED:
            self._users.clear()
        if user not in self._users:
            self._users[user] = await self.authorities.of(user)
        return self._users[user]

    async def find(self, table: str, name: str) -> str | None:
        if len(self._values) >= _MAX_REMEMBERED:
            self._values.clear()
        if (table, name) not in self._values:
            self._values[table, name] = await self.aliases.find(table, name)
        return self._values[table, name]


def _remembering(in_force: InForce) -> InForce:
    judge = in_force.judge
    kept = _Remembered(judge.outside.authorities, judge.aliases)
    return replace(in_force, judge=replace(judge, outside=replace(judge.outside, authorities=kept), aliases=kept))
