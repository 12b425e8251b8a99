"""Changes of many rows, each by its key, and what is written where something is over or to be ended."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, bindparam
from sqlalchemy.sql.dml import Update

from authgate.model import Over
from authgate.store.engine import SQLITE
from authgate.store.tables import SUBJECT_LENGTH, clipped


def change_each(
    connection: Connection,
    change: Update,
    keys: Sequence[Sequence[object]],
    columns: Sequence[Column[Any]],
    until: Column[Any] | None = None,
) -> int:
    """Change the rows under these keys, in their order; how many were.

    On SQLite, which lets nobody else write meanwhile, it is done in one go.

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


def over(reason: Over, at: int) -> dict[str, Any]:
    """The columns of something that is over since ``at``, in milliseconds since the epoch."""
    return {"over_at": at, "over_reason": reason.value, "end_next_at": None}


def ordered(reason: str, at: int) -> dict[str, Any]:
    """The columns of something that is to be ended from ``at`` on, in milliseconds since the epoch."""
    return {"end_at": at, "end_reason": reason, "end_tries": 0, "end_next_at": at, "end_error": None}


def not_ended(tries: Column[int], error: str, next_at: int) -> dict[str, Any]:
    """The columns of something that could not be ended once more; ``next_at`` in milliseconds since the epoch."""
    return {"end_tries": tries + 1, "end_error": clipped(error, SUBJECT_LENGTH), "end_next_at": next_at}
