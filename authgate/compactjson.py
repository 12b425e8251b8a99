"""Values -> JSON without blanks, for what each hook writes."""

import json
from typing import Any

import orjson


def dumps(value: Any) -> str:
    """The value as JSON: beyond ASCII as it is, but for half a character, which is escaped with all the rest."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # half a character, or a number of more than 64 bits
        return _encode(value)


_encode = json.JSONEncoder(separators=(",", ":")).encode
