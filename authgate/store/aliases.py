"""The alias tables in SQL: looked up by many hooks at once, changed by commands."""

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, String, column, delete, insert, select, values
from sqlalchemy.exc import IntegrityError

from authgate.errors import Refused
from authgate.model import Alias
from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.padded import Padded
from authgate.store.tables import ALIAS_TABLE_LENGTH, NAME_LENGTH, aliases, storable

MAX_VALUE = 4_096  # characters

_Key = tuple[str, str]


class SqlAliases:
    """The alias tables: obeys ``ports.Aliases``, and what administration asks of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._finds = database.shared_reads(self._find)
        self._selects: Padded[_Key] = Padded(lambda size: database.text(by_key([("", "")] * size)))

    async def find(self, table: str, name: str) -> str | None:
        """See ``ports.Aliases``."""
        if storable(table, ALIAS_TABLE_LENGTH) and storable(name, NAME_LENGTH):
            return await self._finds.ask((table, name))
        return None

    async def add(self, alias: Alias, *, replace: bool = False) -> None:
        """Add an alias; its time becomes the present.

        Raises:
            Refused: there is one under this name, or it cannot be stored.
            StoreError: the store is away or too slow.
        """
        for text, most, what in (
            (alias.table, ALIAS_TABLE_LENGTH, "the name of a table"),
            (alias.name, NAME_LENGTH, "a name"),
            (alias.value, MAX_VALUE, "a value"),
        ):
            if not _can_be_seen(text) or not storable(text, most):
                raise Refused(f"{what} is 1 to {most} characters that can be seen")
        row = {
            "table_name": alias.table,
            "name": alias.name,
            "value": alias.value,
            "created_at": time.time_ns() // 1_000_000,
        }
        statement = self._database.insert_or_replace(aliases) if replace else insert(aliases)

        def work(connection: Connection) -> None:
            try:
                connection.execute(statement, row)
            except IntegrityError:
                raise Refused(f"{alias.name!r} is in table {alias.table!r} already; --replace replaces it") from None

        await self._database.write(work)

    async def remove(self, table: str, name: str) -> bool:
        """Remove an alias; False where there is none.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not (storable(table, ALIAS_TABLE_LENGTH) and storable(name, NAME_LENGTH)):
            return False
        statement = delete(aliases).where(aliases.c.table_name == table, aliases.c.name == name)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount == 1)

    async def list(
        self, *, table: str | None = None, after: tuple[str, str] = ("", ""), limit: int = 100
    ) -> Sequence[Alias]:
        """Aliases by table and name: at most ``limit``, from the one that follows ``after``.

        Raises:
            StoreError: the store is away or too slow.
        """
        if table is not None and not storable(table, ALIAS_TABLE_LENGTH):
            return []
        later = (aliases.c.table_name == after[0]) & (aliases.c.name > after[1])
        query = select(aliases).where((aliases.c.table_name > after[0]) | later)
        if table is not None:
            query = query.where(aliases.c.table_name == table)
        query = query.order_by(aliases.c.table_name, aliases.c.name).limit(limit)
        return await self._database.read(lambda connection: [Alias(*row) for row in connection.execute(query)])

    async def close(self) -> None:
        """Finish what waits."""
        await self._finds.close()

    def _find(self, connection: Direct, keys: Sequence[_Key]) -> Sequence[str | None]:
        text, asked = self._selects.of(keys)
        rows = connection.exec_driver_sql(text, tuple(part for key in asked for part in key))
        found = {(row[0], row[1]): row[2] for row in rows}
        return [found.get(key) for key in keys]


def _can_be_seen(text: str) -> bool:
    """Whether it is something to see, and nothing else but joiners, which are written in Persian and Indic words."""
    return bool(seen := text.translate(_JOINERS)) and seen.isprintable()


_JOINERS = {0x200C: None, 0x200D: None}


def by_key(keys: Sequence[_Key]) -> Select[Any]:
    """What stands under these names of tables. Joined to a list of them, see ``sessions.by_key``."""
    asked = values(column("table_name", String), column("name", String), name="asked").data(list(keys)).cte("asked")
    same = (aliases.c.table_name == asked.c.table_name) & (aliases.c.name == asked.c.name)
    return select(aliases.c.table_name, aliases.c.name, aliases.c.value).select_from(asked.join(aliases, same))
