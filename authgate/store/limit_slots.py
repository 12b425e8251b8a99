"""Whoever adds to what is limited does so alone: a row of a small table is locked for each user, token, app or name."""

import hashlib
from collections.abc import Collection

from sqlalchemy import select

from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.engine import SQLITE
from authgate.store.padded import Padded
from authgate.store.tables import limit_slots

SLOTS = 4096  # rows that there are at most; two that share one wait for each other, and no more comes of it


class Slots:
    """The rows that are locked, for the ledger's transactions: before any other, and in the order of their numbers.

    They are made when they are first wanted, and stay.
    """

    def __init__(self, database: Database) -> None:
        self._needless = database.is_a(SQLITE)  # it has one writer at a time
        self._known: set[int] = set()
        number = limit_slots.c.number
        self._insert = database.text(database.insert_unless_there(limit_slots))
        self._locks: Padded[int] = Padded(
            lambda size: database.text(select(number).where(number.in_([0] * size)).order_by(number).with_for_update())
        )

    def take(self, connection: Direct, names: Collection[str]) -> None:
        """Come back when nobody else has any of these, until the transaction is over."""
        if self._needless or not names:
            return
        numbers = sorted({_slot(name) for name in names})
        # All are put there before any is locked: who did both in turn could wait for one who does too. MariaDB locks
        # those that are there already as it goes, so all of them come, in their order, wherever one is not known.
        if not self._known.issuperset(numbers):
            self._make(connection, numbers)
        if self._lock(connection, numbers) < len(numbers):  # they were there once, in a transaction that failed
            self._make(connection, numbers)
            self._lock(connection, numbers)
        self._known.update(numbers)

    def _make(self, connection: Direct, numbers: list[int]) -> None:
        connection.exec_driver_sql(self._insert, [(number,) for number in numbers])

    def _lock(self, connection: Direct, numbers: list[int]) -> int:
        text, asked = self._locks.of(numbers)
        return len({number for (number,) in connection.exec_driver_sql(text, tuple(asked)).fetchall()})


def _slot(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:4]) % SLOTS
