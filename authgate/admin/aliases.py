"""Alias tables: what rewrites put in place of names."""

from functools import partial
from typing import TYPE_CHECKING

from authgate.admin.pages import all_of
from authgate.errors import Refused
from authgate.model import Alias

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.store import Store


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
    return await all_of(partial(store.aliases.list, table=table), lambda alias: (alias.table, alias.name))


async def remove_alias(store: "Store", table: str, name: str) -> None:
    """Take a name out of a table.

    Raises:
        Refused: it is not in there.
        StoreError: the store is away or too slow.
    """
    if not await store.aliases.remove(table, name):
        raise Refused(f"there is no {name!r} in table {table!r}")
