"""A part of JSON Schema: what the document says of a request is what a request is held to."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

Schema = Mapping[str, Any]

MAX_INT = 2**53 - 1  # the largest that every reader of JSON keeps exact
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,16}")


def text(description: str = "", least: int = 1, most: int = 190, **more: Any) -> dict[str, Any]:
    """A text of so many characters."""
    return _described({"type": "string", "minLength": least, "maxLength": most, **more}, description)


def one_of(values: Sequence[str], description: str = "") -> dict[str, Any]:
    """One of these texts."""
    return _described({"type": "string", "enum": list(values)}, description)


def whole(description: str = "", least: int = 0, most: int = MAX_INT) -> dict[str, Any]:
    """A whole number."""
    return _described({"type": "integer", "minimum": least, "maximum": most}, description)


def yes_or_no(description: str = "") -> dict[str, Any]:
    """True or false."""
    return _described({"type": "boolean"}, description)


def moment(description: str = "") -> dict[str, Any]:
    """A time as RFC 3339 has it; ``seconds`` reads it."""
    return _described({"type": "string", "format": "date-time", "minLength": 20, "maxLength": 40}, description)


def texts(description: str = "", least: int = 0, most: int = 100, longest: int = 1000) -> dict[str, Any]:
    """A list of texts."""
    items = {"type": "string", "minLength": 1, "maxLength": longest}
    return _described({"type": "array", "items": items, "minItems": least, "maxItems": most}, description)


def anything(description: str = "") -> dict[str, Any]:
    """Any JSON value."""
    return {"description": description}


def or_null(schema: Schema) -> dict[str, Any]:
    """The same, or null."""
    found = {**schema, "type": [schema["type"], "null"]}
    return {**found, "enum": [*found["enum"], None]} if "enum" in found else found


def members(properties: Mapping[str, Schema], required: Sequence[str] = ()) -> dict[str, Any]:
    """An object of these members and no others."""
    found: dict[str, Any] = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**found, "required": list(required)} if required else found


def shown(properties: Mapping[str, Schema]) -> dict[str, Any]:
    """An object of an answer: all of these members are there; a later version may add others."""
    return {"type": "object", "properties": dict(properties), "required": list(properties)}


def checked(schema: Schema, value: Any, name: str) -> Any:
    """The value, if it is as the schema says.

    Raises:
        ValueError: it is not; as ``name: why``.
    """
    if "type" not in schema:
        return value
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if value is None and "null" in kinds:
        return None
    kind = kinds[0]
    if not _is(kind, value):
        raise ValueError(f"{name}: must be {_KINDS[kind][1]}" + (" or null" if "null" in kinds else ""))
    if "enum" in schema and value not in schema["enum"]:
        raise ValueError(f"{name}: must be one of {', '.join(map(str, schema['enum']))}")
    if kind == "string":
        _demand_text(schema, value, name)
    elif kind == "integer":
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            raise ValueError(f"{name}: must be {schema.get('minimum', '')} to {schema.get('maximum', '')}")
    elif kind == "array":
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            raise ValueError(f"{name}: must have {schema.get('minItems', 0)} to {schema.get('maxItems')} entries")
        for place, each in enumerate(value):
            checked(schema["items"], each, f"{name}[{place}]")
    elif kind == "object":
        _demand_members(schema, value, name)
    return value


def from_query(schema: Schema, text: str, name: str) -> Any:
    """The value that a parameter of the address has.

    Raises:
        ValueError: it has none such; as ``name: why``.
    """
    value: Any = text
    if schema["type"] == "integer" and _WHOLE.fullmatch(text):
        value = int(text)
    elif schema["type"] == "boolean" and text in ("true", "false"):
        value = text == "true"
    return checked(schema, value, name)


def seconds(text: str) -> float:
    """Seconds since the epoch, of a time that was ``checked``."""
    return datetime.fromisoformat(text.upper()).timestamp()


def _demand_text(schema: Schema, value: str, name: str) -> None:
    least, most = schema.get("minLength", 0), schema.get("maxLength", len(value))
    if not least <= len(value) <= most:
        raise ValueError(f"{name}: must have {least} to {most} characters")
    if "\0" in value:
        raise ValueError(f"{name}: holds a character that no text here has (NUL)")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        raise ValueError(f"{name}: must match {schema['pattern']}")
    if schema.get("format") == "date-time":
        try:
            if not _TIME.fullmatch(value):
                raise ValueError
            seconds(value)
        except (ValueError, OverflowError):
            raise ValueError(f"{name}: must be a time such as 2026-01-31T12:00:00Z (RFC 3339)") from None


def _demand_members(schema: Schema, value: Mapping[str, Any], name: str) -> None:
    before = f"{name}." if name else ""
    known = schema["properties"]
    for key in value:
        if key not in known:
            there = ", ".join(known) or "none"
            raise ValueError(f"{before}{key[:40]!a}: there is no such member; there are: {there}")
    for key in schema.get("required", ()):
        if key not in value:
            raise ValueError(f"{before}{key}: is missing")
    for key, each in value.items():
        checked(known[key], each, f"{before}{key}")


def _is(kind: str, value: Any) -> bool:
    return type(value) is _KINDS[kind][0]


def _described(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {**schema, "description": description} if description else schema


_KINDS: Mapping[str, tuple[type, str]] = {
    "string": (str, "text"),
    "integer": (int, "a whole number"),
    "boolean": (bool, "true or false"),
    "array": (list, "a list"),
    "object": (dict, "an object"),
}
