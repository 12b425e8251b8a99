"""What is wrong with settings -> one line each, by key, never with a value in it."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic import ValidationError

from authgate.config import shape
from authgate.config.shape import Path


class Fault(NamedTuple):
    """One thing that is wrong."""

    path: Path
    text: str  # what is wrong and what to do
    named: str = ""  # what to call it by, where it is not the path: a variable

    @property
    def line(self) -> str:
        return f"{self.named or shape.key(self.path)}: {self.text}"


def no_such_option(name: str, known: Iterable[str], what: str = "option") -> str:
    """What to say about an option that is not there."""
    names = sorted(known)
    near = get_close_matches(name, names, 1) or get_close_matches(name.lower(), names, 1)
    if near:
        return f"no such {what}; did you mean '{near[0]}'?"
    return f"no such {what}; there are: {', '.join(names)}" if names else f"no such {what}; remove it"


def explain(error: ValidationError, tree: dict[str, Any], model: Any) -> list[Fault]:
    """Every fault that pydantic found, in our own words."""
    found = [
        fault
        for each in error.errors(include_url=False)
        for fault in _explain(each["type"], each["loc"], each["msg"], each.get("ctx", {}), each["input"], tree, model)
    ]
    return list(dict.fromkeys(_one_per_choice(found)))


TEXTS = {
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "path_type": "must be a path",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "frozen_set_type": "must be a list",
    "dict_type": "must be a table",
    "mapping_type": "must be a table",
    "dataclass_type": "must be a table",
    "model_attributes_type": "must be a table",
    "missing": "is missing; it has no default",
    "ip_v4_network": "must be an address or a network such as '192.0.2.0/24', with no bit set after its prefix",
    "ip_v6_network": "must be an address or a network such as '192.0.2.0/24', with no bit set after its prefix",
}
NAMES = "a name is 1 to 64 letters, digits, '.', '_' and '-', and begins with a letter or a digit"
_WORDS = {
    "Input should": "must",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "greater than": "more than",
}
_BOUNDS = re.compile("|".join(_WORDS))


def _explain(
    kind: str, loc: Path, message: str, context: dict[str, Any], value: Any, tree: Any, model: Any
) -> list[Fault]:
    path, node = _real(loc, tree, missing=kind == "missing")
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        known = shape.options(shape.annotation_at(model, path[:-1], tree), shape.value_at(tree, path[:-1]))
        return [Fault(path, no_such_option(str(path[-1]), known))]
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        kinds = shape.kinds(shape.annotation_at(model, path, tree))
        given = node.get("type") if isinstance(node, dict) else None
        what = "is missing; it must be " if kind == "union_tag_not_found" else "must be "
        return [Fault((*path, "type"), what + _one_of(kinds, given))]
    if kind in ("literal_error", "enum"):
        expected = [part.strip("' ") for part in str(context["expected"]).replace(" or ", ", ").split(",")]
        return [Fault(path, "must be " + _one_of(expected, value))]
    if kind == "value_error":
        own = shape.options(shape.annotation_at(model, path, tree), node)
        return [_told(path, line, own, node) for line in str(context["error"]).splitlines()]
    if kind in ("tuple_type", "list_type") and shape.options(shape.entry(shape.annotation_at(model, path, tree), 0)):
        how = f"[[{path[0]}]]" if len(path) == 1 else f"{path[-1]} = [{{ ... }}]"
        return [Fault(path, f"must be a list of tables; write {how}")]
    if kind == "string_pattern_mismatch":
        return [Fault(path[:-1] if path[-1:] == ("[key]",) else path, NAMES)]
    return [Fault(path, TEXTS.get(kind) or _BOUNDS.sub(lambda found: _WORDS[found[0]], message))]


def _told(path: Path, text: str, own: dict[str, Any], node: Any) -> Fault:
    """What an option class said itself: ``text``, or ``name: text`` for one of its options or a name in one.

    ``option.name: text`` is for one of the options of a table in it, whether it was given or not.
    """
    name, colon, rest = text.partition(": ")
    table, dot, inner = name.partition(".")
    if colon and dot and table in own:
        return Fault((*path, table, inner), rest)
    for option in own:
        if colon and isinstance(node, dict) and isinstance(node.get(option), dict) and name in node[option]:
            return Fault((*path, option, name), rest)
    if colon and name in own:
        return Fault((*path, name), rest)
    if isinstance(node, str) and node:
        text = text.replace(repr(node), "it")  # the standard library's errors quote what they were given
    return Fault(path, text)


def _one_of(names: Iterable[str], given: Any) -> str:
    quoted = [f"'{name}'" for name in names]
    text = " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
    near = get_close_matches(given.lower(), names, 1) if isinstance(given, str) else []
    return f"{text}; did you mean '{near[0]}'?" if near else text


def _real(loc: Path, tree: Any, *, missing: bool) -> tuple[Path, Any]:
    """The path as it stands in the settings: pydantic names the choices of a union on the way."""
    path: list[shape.Part] = []
    node = tree
    for at, part in enumerate(loc):
        if isinstance(node, dict) and (part in node or (missing and at == len(loc) - 1)):
            node = node.get(part)
        elif isinstance(node, list) and isinstance(part, int):
            node = node[part]
        else:
            continue
        path.append(part)
    return tuple(path), node


def _one_per_choice(found: list[Fault]) -> list[Fault]:
    """Where a union was tried choice by choice, its faults joined: ``must be text or a list``."""
    joined: dict[Path, Fault] = {}
    others: list[Fault] = []
    for fault in found:
        before = joined.get(fault.path)
        if before is None or not fault.text.startswith("must be ") or not before.text.startswith("must be "):
            joined.setdefault(fault.path, fault)
            if before is not None:
                others.append(fault)
        elif fault.text.removeprefix("must be ") not in before.text:
            joined[fault.path] = before._replace(text=f"{before.text} or {fault.text.removeprefix('must be ')}")
    return [*joined.values(), *others]
