"""Two configurations -> the options in which they differ, and what the media server would be told otherwise."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, NamedTuple

from authgate.config import Config, shape
from authgate.gateway import AppWire, InForce

_MISSING = object()


class Differs(NamedTuple):
    """An option that the other configuration has otherwise; its values may be secrets and are not in it."""

    key: str
    how: str  # changed, added, removed or moved


class ToldOtherwise(NamedTuple):
    """One setting of one method in ``restClientConfig`` that new sessions of an application get otherwise."""

    app_key: str  # "": every application that neither configuration names
    method: str
    setting: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class SessionsTold:
    """Live sessions, by what was in force when they were opened."""

    live: int
    older_now: int  # opened with another restClientConfig than the one in force
    older_then: int  # opened with another than the other configuration's


def sessions_told(opened: Mapping[tuple[str, str], int], before: InForce, after: InForce) -> SessionsTold:
    """How many live sessions have an older configuration; ``opened`` counts them by appKey and digest."""

    def older(in_force: InForce) -> int:
        return sum(count for (app_key, digest), count in opened.items() if digest != in_force.wire(app_key).digest)

    return SessionsTold(sum(opened.values()), older(before), older(after))


def differing(before: Config, after: Config) -> list[Differs]:
    """The options that differ, each by its key; of rules and verifiers by their names."""
    found: list[Differs] = []
    for section in shape.options(type(before)):
        found += _walk(section, getattr(before, section), getattr(after, section))
    return found


def told_otherwise(before: InForce, after: InForce) -> list[ToldOtherwise]:
    """What sessions opened under the other configuration are told otherwise, by application and method."""
    return [
        row
        for app_key in ("", *sorted(before.apps.keys() | after.apps.keys()))
        for row in _wires(app_key, before.wire(app_key), after.wire(app_key))
    ]


def _wires(app_key: str, before: AppWire, after: AppWire) -> Iterator[ToldOtherwise]:
    if before.digest == after.digest:
        return
    old, new = json.loads(before.rest_client_config), json.loads(after.rest_client_config)
    for method in dict.fromkeys((*old, *new)):
        was, becomes = old.get(method, {}), new.get(method, {})
        for setting in dict.fromkeys((*was, *becomes)):
            if was.get(setting) != becomes.get(setting):
                yield ToldOtherwise(app_key, method, setting, was.get(setting, ""), becomes.get(setting, ""))


def _walk(key: str, before: Any, after: Any) -> Iterator[Differs]:
    if before is _MISSING or after is _MISSING:
        yield Differs(key, "added" if before is _MISSING else "removed")
    elif before == after and type(before) is type(after):
        return
    elif is_dataclass(before) and type(before) is type(after):
        for each in fields(before):
            if each.init:
                yield from _walk(f"{key}.{each.name}", getattr(before, each.name), getattr(after, each.name))
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            yield from _walk(f"{key}.{name}", before.get(name, _MISSING), after.get(name, _MISSING))
    elif _named(before) and _named(after):
        yield from _by_name(key, before, after)
    else:
        yield Differs(key, "changed")


def _named(value: Any) -> bool:
    """Whether a value lists sections that have names."""
    return isinstance(value, tuple) and all(is_dataclass(each) and hasattr(each, "name") for each in value)


def _by_name(key: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Differs]:
    old, new = {each.name: each for each in before}, {each.name: each for each in after}
    for name in dict.fromkeys((*old, *new)):
        yield from _walk(f"{key}[{name!r}]", old.get(name, _MISSING), new.get(name, _MISSING))
    if [name for name in old if name in new] != [name for name in new if name in old]:
        yield Differs(key, "moved")
