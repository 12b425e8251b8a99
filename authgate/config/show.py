"""The settings as people may see them: with every secret masked."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import make_url

from authgate.config import shape
from authgate.model import Secret

if TYPE_CHECKING:
    from authgate.config.settings import Config

MASK = "***"


def shown(config: "Config") -> dict[str, Any]:
    """Every section with every option, defaults too, as JSON can hold them."""
    tree = {name: _plain(getattr(config, name)) for name in shape.options(type(config))}
    tree["store"]["url"] = store_shown(config)
    return tree


def store_shown(config: "Config") -> str:
    """The address of the store, without its password."""
    return make_url(config.store.url.reveal()).render_as_string(hide_password=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return MASK
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value) if each.init}
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
