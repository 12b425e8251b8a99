"""Alias tables: what rewrites put in place of names."""

from typing import TYPE_CHECKING

from authgate.errors import Refused
from authgate.model import Alias

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.store import Store

_PAGE = 500  # rows of a list that are read at once


async def add_alias(store: "Store", table: str, name: str, value: str, *, replace: bool = False) -> None:
    """Put a value under a name of a table, which is there as soon as something is in it.

    Raises:
        Refused: there is one already and it is not to be replaced, or it cannot be stored.
        StoreError: the store is away or too slow.
    """
    await store.aliases.add(Alias(table, name, value), replace=replace)


async def aliases(store: "Store", table: str | None = None) -> list[Alias]:
    """All aliases, or those of one table, by table and name.

    Raises:
        StoreError: the store is away or too slow.
    """
    found: list[Alias] = []
    while page := await store.aliases.list(
        table=table, after=(found[-1].table, found[-1].name) if found else ("", ""), limit=_PAGE
    ):
        found += page
    return found


async def remove_alias(store: "Store", table: str, name: str) -> None:
    """Take a name out of a table.

    Raises:
        Refused: it is not in there.
        StoreError: the store is away or too slow.
    """
    if not await store.aliases.remove(table, name):
        raise Refused(f"there is no {name!r} in table {table!r}")
