"""Rows on their way into the store: in a private file that is gone with the process, so that memory holds a few."""

import marshal
import sqlite3
from collections.abc import Iterator
from typing import Any

_CACHE = 32 * 1024  # KiB
_AT_ONCE = 2_000  # rows that go to the file together


class Staging:
    """Takes rows in any order and gives them back by name.

    SQLite makes a file without a name for it: nobody else can open it, and no crash leaves it behind.
    """

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.execute(f"PRAGMA cache_size = -{_CACHE}")
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            self._rows.execute(f"PRAGMA {pragma}")
        self._rows.execute("CREATE TABLE staged (name TEXT NOT NULL, line INTEGER NOT NULL, row BLOB NOT NULL)")
        self._rows.execute("BEGIN")  # for good: nothing of it is ever to outlive the process
        self._waiting: list[tuple[str, int, bytes]] = []
        self.count = 0

    def put(self, name: str, line: int, row: Any) -> None:
        """Keep a row, made of texts, numbers and lists of them, under the name it is given back by."""
        self._waiting.append((name, line, marshal.dumps(row)))
        self.count += 1
        if len(self._waiting) == _AT_ONCE:
            self._flush()

    def repeated(self) -> Iterator[tuple[int, int]]:
        """Forget each row whose name an earlier line has: its line, and that of the first. To be used up first."""
        self._flush()
        self._rows.execute("CREATE INDEX staged_name ON staged (name, line)")
        query = (
            "SELECT line, first, id FROM (SELECT line, rowid AS id, min(line) OVER (PARTITION BY name) AS first"
            " FROM staged) WHERE line > first"
        )
        self._rows.execute("CREATE TEMP TABLE later AS " + query)
        yield from self._rows.execute("SELECT line, first FROM later ORDER BY line")
        self.count -= self._rows.execute("DELETE FROM staged WHERE rowid IN (SELECT id FROM later)").rowcount
        self._rows.execute("DROP TABLE later")

    def batches(self, size: int) -> Iterator[list[tuple[str, int, Any]]]:
        """Name, line and row by name, so many at a time."""
        found = self._rows.execute("SELECT name, line, row FROM staged ORDER BY name")
        while some := found.fetchmany(size):
            yield [(name, line, marshal.loads(row)) for name, line, row in some]  # noqa: S302 - nobody else wrote it

    def close(self) -> None:
        """Forget everything."""
        self._rows.close()

    def _flush(self) -> None:
        self._rows.executemany("INSERT INTO staged VALUES (?, ?, ?)", self._waiting)
        self._waiting.clear()
