"""A record -> the hook that it is of, as far as that was kept."""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from authgate.gateway import InForce
from authgate.hooks.fields import NAMES
from authgate.judge import Given, facts
from authgate.model import Decision, Hook, Record

NOT_ASKED = "it was not asked at the time who sent it"
NOT_KEPT = "what the rules look at was not kept"
TARGET = "a target would decide"


class NotKeptError(Exception):
    """A field was asked for that records do not keep."""


class KeptFields(dict[str, Any]):
    """The fields of a recorded hook: what is not in them was not there, or was not kept."""

    def __init__(self, kept: dict[str, Any], known: frozenset[str], cut: Collection[str]) -> None:
        super().__init__(kept)
        self._known = known
        self._cut = cut

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a field.

        Raises:
            NotKeptError: nobody knows it, or not the whole of it.
        """
        if name in self._cut or (name not in self and name not in self._known):
            raise NotKeptError(name)
        return super().get(name, default)


@dataclass(frozen=True, slots=True)
class Recalled:
    """A recorded hook, and who sent it."""

    record: Record
    hook: Hook
    given: Given
    changed: tuple[str, ...]  # the fields that its answer changed
    cut: tuple[str, ...]  # the fields that were kept in part
    known: frozenset[str]  # the fields of which it is known what they were


def recall(record: Record) -> Recalled:
    """What is known of a recorded hook."""
    hook, given = facts.recall(record)
    names = frozenset(NAMES.get(hook.method.name, ()))
    # A record of a version that kept no facts has the name only as people read it.
    known = _KEPT | names if record.facts or not record.subject else _KEPT
    cut = tuple(name for name in _listed(record.facts, "cut") if not _is_whole(hook, hook.fields.get(name)))
    kept = KeptFields(dict(hook.fields), known, cut)
    changed = _listed(record.facts, "changed")
    return Recalled(record, replace(hook, fields=kept), given, changed, cut, known.difference(cut))


def lacks(recalled: Recalled, decision: Decision, in_force: InForce) -> list[str]:
    """The fields by which the rule that decided rewrites and which were not kept, so that its verdict is a guess."""
    hook = recalled.hook
    read = {
        field
        for rule in in_force.judge.setup.rules.of(hook.app_key, hook.method)
        if rule.name == decision.rule
        for each in rule.rewrites
        for field in each.reads
    }
    return sorted(read - recalled.known)


def _is_whole(hook: Hook, kept: Any) -> bool:
    """Whether the name of a stream is whole though its address is not: an RTSP player's, of which the path is left."""
    whole = isinstance(kept, str) and len(kept) < facts.MAX_VALUE and not kept.endswith("://***")
    return whole and hook.method.name == "playRTSP"


def _listed(text: str, name: str) -> tuple[str, ...]:
    """A list of fields in a record's facts; facts that cannot be read list none."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return ()
    listed = found.get(name) if isinstance(found, dict) else None
    return tuple(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else ()


_KEPT = frozenset({"nodeId", "appKey", "sessionId", "status", "rtspUrl"})
