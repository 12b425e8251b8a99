"""Values of a hook and of its answer as people may see them: without credentials."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from authgate.hooks.subject import without_secrets
from authgate.model import Hook
from authgate.verifiers.credentials import CredentialPaths

MASK = "***"
MAX_SHOWN = 200  # characters of a value
_SECRET = {"sipPassword", "authToken"}


class Mask:
    """Takes credentials out of what is shown of one hook."""

    def __init__(self, hook: Hook, paths: Iterable[CredentialPaths], secrets: Iterable[str] = ()) -> None:
        """``paths`` are those of every application; ``secrets`` are texts that the answer may hold."""
        named = {path for each in paths for path in (*each.tokens, *(pair.password for pair in each.passwords))}
        own = {text for path in named if (text := _at(hook.fields, path))}
        self._fields = {path.partition(".")[0] for path in named} | _SECRET
        self._secrets = sorted({*filter(None, secrets), *own}, key=len, reverse=True)
        self._seen = {repr(text): repr(address(text)) for text in _texts(hook.fields) if address(text) != text}
        self._seen |= {repr(text): repr(MASK) for text in own}

    def value(self, field: str, value: Any) -> str:
        """A field's value as JSON: masked where credentials stand in it, or any of the ``secrets``."""
        text = json.dumps(MASK if field in self._fields else self._masked(value), ensure_ascii=False)
        return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."

    def detail(self, text: str) -> str:
        """What a step says it looked at: the texts of the hook in it stand there as ``repr`` shows them."""
        for seen, masked in self._seen.items():
            text = text.replace(seen, masked)
        return text

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, MASK)
            shown = address(value)
            return without_secrets(value) if shown == value and "@" in value else shown
        if isinstance(value, dict):
            return {name: self._masked(each) for name, each in value.items()}
        return [self._masked(each) for each in value] if isinstance(value, list) else value


def address(text: str) -> str:
    """A name that may be an address, without the user and the query in it."""
    scheme, slashes, rest = text.partition("://")
    before, mark, query = rest.partition("?") if slashes else text.partition("?")
    shown = f"{before}?{MASK}" if mark and query else before + mark
    if not slashes:
        return shown
    if "@" in query:  # or else that is still the password
        return f"{scheme}://{MASK}"
    user, at, _ = before.rpartition("@")
    return f"{scheme}://{MASK}{shown[len(user) :]}" if at else f"{scheme}://{shown}"


def _at(fields: Any, path: str) -> str:
    """What stands under a path, as the conditions of rules read it; "" where that is nothing."""
    for step in path.split("."):
        fields = fields.get(step) if isinstance(fields, dict) else None
    return str(fields) if isinstance(fields, str | int) else ""


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
