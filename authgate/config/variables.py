"""Variables named ``AUTHGATE_SECTION__KEY``, laid over what the file says."""

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from authgate.config import shape
from authgate.config.faults import Fault
from authgate.config.shape import Part, Path

PREFIX = "AUTHGATE_"
_OTHERS = ("AUTHGATE_CONFIG", "AUTHGATE_TEST_")  # variables that are no option
_NUMBERS = (int, float, bool)
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def overlay(tree: dict[str, Any], model: Any, environ: Mapping[str, str]) -> list[Fault]:
    """Put the value of each variable in its place in the tree; what could not be placed comes back."""
    faults: list[Fault] = []
    placed: dict[Path, str] = {}
    names = [name for name in environ if name.startswith(PREFIX) and not name.startswith(_OTHERS)]
    for name in sorted(names, key=_order):
        parts = name.removeprefix(PREFIX).split("__")
        if len(parts) == 1 and parts[0].lower() not in shape.options(model):
            faults += _mistaken(name, model, environ[name])
            continue
        try:
            path, annotation, is_file = _place(parts, model, tree)
            if path in placed:
                raise _Unfit(f"{placed[path]} is set too; unset one of them")
            placed[path] = name
            value = {"file": environ[name]} if is_file else _parsed(environ[name], annotation)
            _put(tree, path, [value] if is_file and shape.is_list(annotation) else value)
        except _Unfit as unfit:
            faults.append(Fault((), str(unfit), named=name))
    return faults


class _Unfit(ValueError):
    """A variable that has no place."""


def _order(name: str) -> tuple[int, list[tuple[int, str]]]:
    """Whole tables before what stands in them, entries of a list in their order."""
    parts = name.removesuffix("_FILE").split("__")
    return len(parts), [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _mistaken(name: str, model: Any, value: str) -> list[Fault]:
    """A variable with single underscores is ours only if it spells an option; container platforms make others
    up from the name of a service, such as ``AUTHGATE_SERVER_PORT=tcp://10.0.0.1:8080``."""
    meant = _meant(name.removeprefix(PREFIX), model)
    if meant is None or value.startswith(("tcp://", "udp://", "sctp://")):
        return []
    return [Fault((), f"no such option; did you mean {PREFIX}{meant}?", named=name)]


def _meant(text: str, annotation: Any) -> str | None:
    """The option below ``annotation`` that this text spells with single underscores, as it should be spelled."""
    for end in (found.start() for found in re.finditer("_|$", text)):
        part, rest = text[:end], text[end + 1 :]
        if part.lower() in shape.options(annotation):
            part = part.upper()
        elif not (part and shape.free_keys(annotation)) and not (part.isdecimal() and shape.is_list(annotation)):
            continue
        inner = shape.child(annotation, int(part) if part.isdecimal() else part.lower())
        if not rest and (not shape.options(inner) or shape.reads_text(inner)):
            return part
        if rest.upper() == "FILE" and _from_file(inner):
            return f"{part}_FILE"
        if rest and (below := _meant(rest, inner)):
            return f"{part}__{below}"
    return None


def _place(parts: list[str], model: Any, tree: Any) -> tuple[Path, Any, bool]:
    """Where a variable belongs, what may stand there, and whether it names a file."""
    path: list[Part] = []
    annotation, node = model, tree
    for at, text in enumerate(parts):
        last = at == len(parts) - 1
        part = _step(text, annotation, node)
        if part is None and last and text.upper().endswith("_FILE"):
            part = _step(text[: -len("_FILE")], annotation, node)
            held = shape.child(annotation, part, node) if part is not None else None
            if part is not None and _from_file(held):
                return (*path, part), held, True
            part = None
        if part is None:
            known = shape.options(annotation, node)
            near = get_close_matches(text.lower(), known, 1)
            proper = "__".join([*parts[:at], near[0].upper(), *parts[at + 1 :]]) if near else ""
            raise _Unfit(
                f"no such option; did you mean {PREFIX}{proper}?"
                if near
                else "no such option; unset it, or see `authgate config show` for the options there are"
            )
        annotation = shape.child(annotation, part, node)
        node = shape.get(node, part)
        path.append(part)
    return tuple(path), annotation, False


def _from_file(annotation: Any) -> bool:
    """Whether a file may hold the option, or the one entry of a list."""
    return shape.reads_text(annotation) or shape.reads_text(shape.entry(annotation))


def _step(text: str, annotation: Any, node: Any) -> Part | None:
    """The option, the name or the place in a list that one part of a variable's name means."""
    if text.lower() in shape.options(annotation, node):
        return text.lower()
    if shape.free_keys(annotation) and text:
        there = [name for name in node if name.lower() == text.lower()] if isinstance(node, dict) else []
        return text if text in there or len(there) != 1 else there[0]
    if shape.is_list(annotation) and text.isdecimal() and text.isascii():
        held = len(node) if isinstance(node, list) else 0
        if int(text) > held:
            raise _Unfit(f"the list has {held} entries, counted from 0, so the next one is {held}")
        return int(text)
    return None


def _parsed(text: str, annotation: Any) -> Any:
    """Text where the option is text; a list as JSON or between commas; else JSON."""
    kinds = shape.choices(annotation)
    if shape.is_list(annotation) and not text.strip():
        raise _Unfit("is empty; unset it, or write [] for an empty list")  # a secret that is missing, more often
    if shape.is_list(annotation) and not text.lstrip().startswith("["):
        if str in kinds:
            return text
        entry = shape.entry(annotation)
        return [_parsed(part.strip(), entry) for part in text.split(",") if part.strip()]
    if kinds == (bool,) and text.strip().lower() in _WORDS:
        return _WORDS[text.strip().lower()]
    if all(kind in _NUMBERS for kind in kinds):
        return _json(text, otherwise=text)
    table = shape.options(annotation) or shape.free_keys(annotation)
    if shape.is_list(annotation) or (table and not (shape.reads_text(annotation) and text[:1] != "{")):
        return _json(text)
    return text


def _json(text: str, otherwise: Any = None) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if otherwise is not None:
            return otherwise
        raise _Unfit("must be JSON") from None


def _put(tree: Any, path: Path, value: Any) -> None:
    """Set the value at a path, with the tables and lists that lead there."""
    for part, following in zip(path, (*path[1:], None), strict=True):
        if following is None:
            fresh = value
        else:
            there, wanted = shape.get(tree, part), list if isinstance(following, int) else dict
            fresh = there if isinstance(there, wanted) else wanted()
        if isinstance(tree, list) and part == len(tree):
            tree.append(fresh)
        else:
            tree[part] = fresh
        tree = fresh
