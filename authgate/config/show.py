"""The settings as people may see them: with every secret masked."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from authgate.config import shape
from authgate.model import Secret
from authgate.store import hosts

if TYPE_CHECKING:
    from authgate.config.settings import Config

MASK = "***"
_KEY = secrets.token_bytes(32)  # so that nobody can try passwords by the digest


def shown(config: "Config") -> dict[str, Any]:
    """Every section with every option, defaults too, as JSON can hold them."""
    tree = {name: _plain(getattr(config, name)) for name in shape.options(type(config))}
    tree["store"]["url"] = store_shown(config)
    for shown, source in zip(tree["user_sources"], config.user_sources, strict=True):
        shown["url"] = address_shown(source.url)
    tree["records"]["stream"]["url"] = config.records.stream.shown
    tree["guessing"]["storage"] = config.guessing.storage_shown
    return tree


def digest(config: "Config") -> str:
    """Eight hexadecimal digits over every option, secrets too. Another process has others: they tell nothing."""
    tree = {name: _plain(getattr(config, name), revealed=True) for name in shape.options(type(config))}
    text = json.dumps(tree, sort_keys=True).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=4, key=_KEY).hexdigest()


def store_shown(config: "Config") -> str:
    """The address of the store, without its password."""
    return address_shown(config.store.url)


def address_shown(url: Secret) -> str:
    """The address of a database, without its password."""
    return hosts.parse(url.reveal()).render_as_string(hide_password=True)


def _plain(value: Any, *, revealed: bool = False) -> Any:
    if isinstance(value, Secret):
        return value.reveal() if revealed else MASK
    if is_dataclass(value):
        own = (each.name for each in fields(value) if each.init)
        return {name: _plain(getattr(value, name), revealed=revealed) for name in own}
    if isinstance(value, Mapping):
        return {name: _plain(each, revealed=revealed) for name, each in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [_plain(each, revealed=revealed) for each in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
