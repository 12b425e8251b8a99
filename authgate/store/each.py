"""One change of many rows, each by its key: on SQLite, which lets nobody else write meanwhile, in one go."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, bindparam
from sqlalchemy.sql.dml import Update

from authgate.store.engine import SQLITE


def change_each(
    connection: Connection,
    change: Update,
    keys: Sequence[Sequence[object]],
    columns: Sequence[Column[Any]],
    until: Column[Any] | None = None,
) -> int:
    """Change the rows under these keys, in their order; how many were.

    ``columns`` are those of the keys; where ``until`` is given, each key ends with the most that it may be.
    """
    if not keys:
        return 0
    names = [f"key_{place}" for place in range(len(keys[0]))]
    change = change.where(*(column == bindparam(name) for column, name in zip(columns, names, strict=False)))
    if until is not None:
        change = change.where(until <= bindparam(names[-1]))
    rows = [dict(zip(names, key, strict=True)) for key in keys]
    if connection.dialect.name == SQLITE:
        return connection.execute(change, rows).rowcount
    return sum(connection.execute(change, row).rowcount for row in rows)
