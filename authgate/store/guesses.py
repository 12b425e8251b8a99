"""Wrong passwords counted in SQL: a storage of the ``limits`` library over the store's own database."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import delete, func, select

from authgate.errors import StoreError
from authgate.guessing import windows
from authgate.guessing.storage import Change, Row, WindowStorage
from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.engine import SQLITE
from authgate.store.padded import Padded
from authgate.store.tables import guesses, versions

_TURN = "guesses"  # among the versions: whoever counts holds this row until its changes are committed
_MOST = 32  # changes at once, of some four for each guess: they are dear, and the records of hooks wait behind them
_PRUNED = 60.0  # seconds between two times that what is over is forgotten

_Item = tuple[tuple[str, ...], Change]


class SqlGuesses(WindowStorage):
    """Counts that every worker on every machine shares which has the same store.

    All who count take turns, so what one reads is what it changes: two processes that count together count right, and
    neither waits for a row that the other holds. Changes that wait together share one turn and one commit.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._database = database
        self._clock = clock
        self._changes = database.shared_writes(self._carry_out, _MOST)
        table = guesses
        self._selects: Padded[str] = Padded(
            lambda size: database.text(select(table.c.id, table.c.entries, table.c.expires_at).where(_ids(size)))
        )
        self._put = database.text(database.insert_or_replace(table))
        self._delete = database.text(delete(table).where(table.c.id == ""))
        self._prune = database.text(delete(table).where(table.c.expires_at < 0))
        self._turn = database.text(select(versions.c.number).where(versions.c.name == "").with_for_update())
        self._first_turn = database.text(database.insert_unless_there(versions))
        self._pruned_at = time.monotonic()

    @property
    def base_exceptions(self) -> type[Exception]:
        """See ``limits``."""
        return StoreError

    async def carry_out(self, keys: tuple[str, ...], change: Change) -> Any:
        """See ``WindowStorage``.

        Raises:
            StoreError: the store is away or too slow.
        """
        return await self._changes.ask((keys, change))

    async def check(self) -> bool:
        """See ``limits``."""
        try:
            await self._database.ping()
        except StoreError:
            return False
        return True

    async def reset(self) -> int:
        """See ``limits``."""

        def work(connection: Any) -> int:
            count = connection.execute(select(func.count()).select_from(guesses)).scalar_one()
            connection.execute(delete(guesses))
            return int(count)

        return await self._database.write(work)

    async def close(self) -> None:
        """Finish what waits."""
        await self._changes.close()

    def _carry_out(self, connection: Direct, items: Sequence[_Item]) -> Sequence[Any]:
        self._take_turn(connection)
        now = int(self._clock() * 1000)
        if time.monotonic() - self._pruned_at > _PRUNED:
            self._pruned_at = time.monotonic()
            connection.exec_driver_sql(self._prune, (now,))
        text, asked = self._selects.of([key for keys, _ in items for key in keys])
        found = connection.exec_driver_sql(text, tuple(asked))
        before = {row[0]: Row(windows.load(row[1]), int(row[2])) for row in found}
        rows = dict(before)
        answers = [change(rows, now) for _, change in items]
        if put := [_values(key, row) for key, row in sorted(rows.items()) if before.get(key) != row]:
            connection.exec_driver_sql(self._put, put)
        if gone := [(key,) for key in sorted(before.keys() - rows.keys())]:
            connection.exec_driver_sql(self._delete, gone)
        return answers

    def _take_turn(self, connection: Direct) -> None:
        """Wait until nobody else counts. SQLite has one writer anyway, and that is us."""
        if self._database.is_a(SQLITE):
            return
        if connection.exec_driver_sql(self._turn, (_TURN,)).fetchone() is None:
            connection.exec_driver_sql(self._first_turn, (_TURN, 0))
            connection.exec_driver_sql(self._turn, (_TURN,)).fetchone()


def _ids(size: int) -> Any:
    return guesses.c.id.in_([""] * size)


def _values(key: str, row: Row) -> tuple[object, ...]:
    return key, windows.dump(row.window), row.expires_at
