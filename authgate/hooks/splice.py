"""Changes members of a JSON object in its bytes, so that everything else stays as it was received."""

import json
from collections.abc import Container, Mapping
from functools import lru_cache
from json.decoder import scanstring  # type: ignore[attr-defined]  # public name, missing from typeshed


def splice(body: bytes, names: Container[str], changes: Mapping[str, bytes]) -> bytes:
    """The object in ``body`` with each member of ``changes`` (its value: JSON) replaced, or added at the end.

    ``body`` is one valid JSON object in UTF-8 and ``names`` are those of its members. Order, white space,
    numbers and strings of the other members are not touched: ``1e2`` or thirty digits leave as they came.
    """
    added = [name for name in changes if name not in names]
    if len(added) < len(changes):
        text = body.decode()
        spans = member_spans(text)
        for name in sorted(spans.keys() & changes.keys(), key=lambda name: spans[name], reverse=True):
            start, end = spans[name]
            text = f"{text[:start]}{changes[name].decode()}{text[end:]}"
        body = text.encode()
    if not added:
        return body
    end = body.rindex(b"}")
    before = body[:end].rstrip(b" \t\r\n")
    members = b",".join([_quoted(name) + b":" + changes[name] for name in added])
    return b"".join((before, b"" if before.endswith(b"{") else b",", members, body[end:]))


def member_spans(text: str) -> dict[str, tuple[int, int]]:
    """Where the value of each member of the object in ``text`` starts and ends, in characters."""
    spans: dict[str, tuple[int, int]] = {}
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        name, at = scanstring(text, at + 1, True)
        start = _skip(text, _skip(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        spans[name] = (start, end)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return spans


@lru_cache(maxsize=64)
def _quoted(name: str) -> bytes:
    return json.dumps(name).encode()


_DECODER = json.JSONDecoder()


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\n\r":
        at += 1
    return at
