"""A hook's body without the client's credentials; everything else stays as it was received."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from authgate.hooks.splice import member_spans, splice
from authgate.model import Hook
from authgate.verifiers.credentials import CredentialPaths

MASK = b'"***"'

_Path = tuple[str, ...]

# Never for others, wherever clients are told to put their credentials: the second one lets a client back in.
_ALWAYS: tuple[_Path, ...] = (("sipPassword",), ("authToken",))
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")


def masked(own: Mapping[str, CredentialPaths], paths: CredentialPaths, hook: Hook) -> bytes:
    """The body with ``***`` in place of each token and password, and addresses without user and query.

    ``own`` are the paths of applications, ``paths`` those of all others. All of them are looked at, for a player of
    HLS or RTSP names whatever application it likes.
    """
    secret = set(_ALWAYS)
    for each in (paths, *own.values()):
        secret.update(tuple(path.split(".")) for path in each.tokens)
        secret.update(tuple(pair.password.split(".")) for pair in each.passwords)
    changes = dict(_addresses(hook.fields)) | dict(_secrets(hook.body, hook.fields, secret))
    return splice(hook.body, hook.fields, changes)


def _secrets(body: bytes, fields: Mapping[str, Any], secret: set[_Path]) -> Iterator[tuple[str, bytes]]:
    """The members of an object that hold secrets, each with what to put in its place."""
    for name in {path[0] for path in secret}:
        value = fields.get(name)
        if value is None:
            continue
        if (name,) in secret or not isinstance(value, dict):  # what stands in the way of a path may be meant for it
            yield name, MASK
        else:
            text = body.decode()
            start, end = member_spans(text)[name]
            inner = text[start:end].encode()
            below = {path[1:] for path in secret if path[0] == name}
            yield name, splice(inner, value, dict(_secrets(inner, value, below)))


def _addresses(fields: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """The members that are addresses with a user, a password or a query, where a token may stand; without those."""
    for name, value in fields.items():
        if isinstance(value, str) and (plain := _plain(value, name)) != value:
            yield name, json.dumps(plain).encode()


def _plain(text: str, name: str) -> str:
    scheme, slashes, rest = text.partition("://")
    if not slashes or not _SCHEME.fullmatch(scheme) or len(text.split()) > 1:
        return text.partition("?")[0] if name == "name" else text
    path, _, query = rest.replace("#", "?", 1).partition("?")
    if "@" in query:  # or else that is still the password
        return f"{scheme}://***"
    return f"{scheme}://{path.rpartition('@')[2]}"
