"""What options there are: the annotations of the option classes, read as a tree."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

Part = str | int
Path = tuple[Part, ...]


def choices(annotation: Any) -> tuple[Any, ...]:
    """Each type that an option may have, without None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return choices(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return tuple(choice for member in get_args(annotation) for choice in choices(member))
    return () if annotation is NoneType else (annotation,)


def may_be_none(annotation: Any) -> bool:
    """Whether an option may be left without a value."""
    return NoneType in get_args(annotation)


def options(annotation: Any, table: Any = None) -> dict[str, Any]:
    """The options of a table, each with its annotation; of a family, those of the member that ``type`` names."""
    members = [choice for choice in choices(annotation) if _is_table(choice)]
    kind = table.get("type") if isinstance(table, dict) else None
    named = [member for member in members if kind in get_args(_hints(member).get("type"))]
    found: dict[str, Any] = {}
    for member in named or members:
        found |= _hints(member)
    return found


def kinds(annotation: Any) -> tuple[str, ...]:
    """What ``type`` may be in a family."""
    return tuple(kind for choice in choices(annotation) for kind in get_args(_hints(choice).get("type")))


def entry(annotation: Any, part: Part | None = None) -> Any:
    """The annotation of each entry of a list, or of a table with free keys; None where it is neither.

    Where it may be both, ``part`` tells which: a place in a list, or a name.
    """
    for choice in choices(annotation):
        arguments = get_args(choice)
        if arguments and get_origin(choice) is not Literal:
            if part is not None and isinstance(part, str) != free_keys(choice):
                continue
            return arguments[1] if free_keys(choice) else arguments[0]
    return None


def free_keys(annotation: Any) -> bool:
    """Whether it is a table whose keys are names, such as ``[apps]``."""
    return any(isinstance(get_origin(c), type) and issubclass(get_origin(c), Mapping) for c in choices(annotation))


def is_list(annotation: Any) -> bool:
    """Whether a list may stand here."""
    return any(get_origin(choice) in (tuple, list, set, frozenset) for choice in choices(annotation))


def reads_text(annotation: Any) -> bool:
    """Whether it is made from a secret text, so that a file or a variable may hold it."""
    return any(
        (hasattr(c, "__get_pydantic_core_schema__") or hasattr(c, "from_text")) and not _is_model(c)
        for c in choices(annotation)
    )


def child(annotation: Any, part: Part, table: Any = None) -> Any:
    """The annotation one step down, or None where no such option is."""
    return options(annotation, table).get(str(part)) or entry(annotation, part)


def annotation_at(annotation: Any, path: Path, node: Any) -> Any:
    """The annotation at the end of a path through the settings."""
    for part in path:
        annotation = child(annotation, part, node)
        node = get(node, part)
    return annotation


def get(node: Any, part: Part) -> Any:
    """The value one step down in the settings, or None."""
    if isinstance(node, dict):
        return node.get(part)
    return node[part] if isinstance(node, list) and isinstance(part, int) and part < len(node) else None


def value_at(node: Any, path: Path) -> Any:
    """The value at the end of a path through the settings, or None."""
    for part in path:
        node = get(node, part)
    return node


def leaves(annotation: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each option, with its path; a list or a table with free keys is one option."""
    for name, inner in options(annotation).items():
        if options(inner) and not entry(inner):
            yield from leaves(inner, (*path, name))
        else:
            yield (*path, name), inner


def key(path: Path) -> str:
    """A path as people write it: ``verifiers[0].key``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part.replace("_", "").replace("-", "")
            name = part if plain.isascii() and plain.isalnum() else ascii(part).replace("'", '"')
            text += f".{name}" if text else name
    return text


@cache
def _hints(table: Any) -> dict[str, Any]:
    """The options of one class: its fields, as far as they can be given."""
    if _is_model(table):
        return {name: each.annotation for name, each in table.model_fields.items()}
    if not is_dataclass(table):
        return {}
    hints = get_type_hints(table, include_extras=True)
    return {each.name: hints[each.name] for each in fields(table) if each.init}


def _is_model(choice: Any) -> bool:
    return isinstance(choice, type) and issubclass(choice, BaseModel)


def _is_table(choice: Any) -> bool:
    return _is_model(choice) or is_dataclass(choice)
