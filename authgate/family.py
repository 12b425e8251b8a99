"""A family of option classes: a module for each member, and one word in the family's list that names it."""

import importlib
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_type_hints


def members(package: str, modules: Iterable[str]) -> dict[str, type[Any]]:
    """The classes in these modules that have an option ``type``, by what it may be.

    Raises:
        ValueError: two of them would be told apart by nothing.
    """
    found: dict[str, type[Any]] = {}
    for name in modules:
        for each in vars(importlib.import_module(f"{package}.{name}")).values():
            if isinstance(each, type) and each.__module__ == f"{package}.{name}":
                for kind in _types(each):
                    if found.setdefault(kind, each) is not each:
                        raise ValueError(f"{package}: {kind!r} is both {found[kind].__name__} and {each.__name__}")
    return found


def union(classes: Iterable[type[Any]]) -> Any:
    """What an option may be that takes any of these, for whoever reads annotations."""
    return Union[tuple(dict.fromkeys(classes))]  # noqa: UP007 - made while running


def _types(of: type[Any]) -> tuple[str, ...]:
    """What ``type`` may be of a class of options; nothing where it has no such option."""
    if not is_dataclass(of) or not any(each.name == "type" for each in fields(of)):
        return ()
    return get_args(get_type_hints(of)["type"])
