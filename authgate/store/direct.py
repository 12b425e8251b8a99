"""The short way of batches: SQLite's in one visit to a thread, and many rows by one statement."""

import asyncio
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache, partial
from itertools import chain
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")
Row = tuple[object, ...]


class Direct(Protocol):
    """What the work of a batch is done on: statements as the driver takes them, values as they are."""

    def exec_driver_sql(self, text: str, values: Any, /) -> Any:
        """Carry out a statement, once for a tuple of values or for each tuple of a list: rows, and ``rowcount``."""


class Returning(Direct, Protocol):
    """A connection that tells what became of rows."""

    def returned(self, text: str, rows: Sequence[Row], /) -> list[Any]:
        """What an INSERT of these rows has in its ``RETURNING``, for each in turn."""


class Line:
    """One connection to SQLite in a thread of its own, which batches have in turn; opened when it is first used.

    To fetch one from the engine's pool, and to put it back, costs more than what most batches do on it.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._thread = ThreadPoolExecutor(1, "store")
        self._raw: sqlite3.Connection | None = None
        self._closed = False

    async def read(self, work: Callable[..., T], *arguments: Any) -> T:
        """What ``work(direct, *arguments)`` gives back; each of its statements sees the database by itself.

        Raises:
            DBAPIError: what SQLite says.
        """
        return await self._in_thread(lambda raw: work(_Raw(raw), *arguments))

    async def write(self, patience: float, work: Callable[..., T], *arguments: Any) -> T:
        """What ``work(direct, *arguments)`` gives back, committed; ``patience``: how many seconds to wait for the lock.

        Raises:
            DBAPIError: what SQLite says; nothing was written.
        """

        def transaction(raw: sqlite3.Connection) -> T:
            _begin(raw, time.monotonic() + patience)
            try:
                result = work(_Raw(raw), *arguments)
                raw.commit()
            except BaseException:
                raw.rollback()
                raise
            return result

        return await self._in_thread(transaction)

    async def close(self) -> None:
        """Let go of the connection, once what is under way is done."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._leave)
            self._thread.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """A caller that is cancelled leaves the work running; what comes next waits behind it."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)
        except sqlite3.Error as error:
            raise DBAPIError.instance("", None, error, sqlite3.Error, hide_parameters=True) from error

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._raw is None:
            self._raw = self._connect()
        try:
            return work(self._raw)
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error:  # whatever it is, the next one has a connection that knows nothing of it
            self._leave()
            raise

    def _leave(self) -> None:
        raw, self._raw = self._raw, None
        if raw is not None:
            with suppress(sqlite3.Error):
                raw.close()


def _begin(raw: sqlite3.Connection, until: float) -> None:
    """Take the write lock, which other processes want too.

    SQLite's own waiting asks less and less often, up to 100 ms apart, so that among busy writers the one that
    has waited longest has the least chance. Asked for each millisecond, everybody gets a turn.
    """
    (own,) = raw.execute("PRAGMA busy_timeout").fetchone()
    raw.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                raw.execute("BEGIN IMMEDIATE")  # see Database._commit
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.001)
            else:
                return
    finally:
        raw.execute(f"PRAGMA busy_timeout = {own}")


class _Raw:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def exec_driver_sql(self, text: str, values: Any, /) -> sqlite3.Cursor:
        if not isinstance(values, list):
            return self._connection.execute(text, values)
        if of_rows(text, 1) is None:
            return self._connection.executemany(text, values)
        return self._insert(text, values)

    def returned(self, text: str, rows: Sequence[Row], /) -> list[Any]:
        cursor, found = self._connection.cursor(), list[Any]()
        for some in parts(rows):
            found += cursor.execute(of_rows(text, len(some)) or text, [*chain.from_iterable(some)]).fetchall()
        return found

    def _insert(self, text: str, rows: Sequence[Row]) -> sqlite3.Cursor:
        """Insert many rows by few statements.

        The driver gives way to the other threads before and after each statement, which costs more than the row.
        """
        cursor = self._connection.cursor()
        for some in parts(rows):
            cursor.execute(of_rows(text, len(some)) or text, [*chain.from_iterable(some)])
        return cursor


class Rows:
    """A connection to PostgreSQL on which many rows are inserted by few statements.

    The driver would have the server carry out one for each row: that takes it several times as long.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def exec_driver_sql(self, text: str, values: Any, /) -> Any:
        """See ``Direct``."""
        if not isinstance(values, list) or len(values) == 1 or of_rows(text, 1) is None:
            return self._connection.exec_driver_sql(text, values)
        done = [*self._each(text, values)]
        return done[-1] if done else None

    def returned(self, text: str, rows: Sequence[Row], /) -> list[Any]:
        """See ``Returning``."""
        return [row for done in self._each(text, rows) for row in done.fetchall()]

    def _each(self, text: str, rows: Sequence[Row]) -> Iterator[Any]:
        for run in unlike(rows, keyed_by(text)):
            for some in parts(run):
                yield self._connection.exec_driver_sql(of_rows(text, len(some)) or text, (*chain.from_iterable(some),))


def parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The rows in few parts of few sizes: a statement of each size is kept prepared."""
    at = 0
    while at < len(rows):
        size = min(1 << (len(rows) - at).bit_length() - 1, _MOST_ROWS)
        yield rows[at : at + size]
        at += size


def unlike(rows: Sequence[Row], key: int) -> Iterator[Sequence[Row]]:
    """The rows in their order, cut wherever one has a key that was there since the last cut; 0: that is no matter.

    ``key`` is how many values each row begins its key with. PostgreSQL lets no statement change a row twice.
    """
    begin, seen = 0, set[Row]()
    for at, row in enumerate(rows if key else ()):
        if row[:key] in seen:
            yield rows[begin:at]
            begin, seen = at, set()
        seen.add(row[:key])
    yield rows[begin:]


@lru_cache(maxsize=256)
def keyed_by(text: str) -> int:
    """With how many of its values a row begins that an INSERT would change by ``ON CONFLICT``; 0 where it would not.

    Raises:
        ValueError: they are not the first ones.
    """
    found = _CHANGES.search(text)
    if found is None:
        return 0
    columns, key = (names.split(", ") for names in found.groups())
    if columns[: len(key)] != key:
        raise ValueError("the columns of a key stand first")
    return len(key)


@lru_cache(maxsize=256)
def of_rows(text: str, size: int) -> str | None:
    """An INSERT of one row as one of so many; None: it is none, or has other parameters than the values of the row."""
    found = _ROW.search(text) if text.startswith("INSERT") else None
    if found is None or len(_VALUE.findall(text)) != (count := len(_VALUE.findall(found[1]))):
        return None
    rows = [_VALUE.sub(partial(_moved, number * count), found[1]) for number in range(size)]
    return f"{text[: found.start(1)]}{', '.join(rows)}{text[found.end(1) :]}"


def _moved(by: int, value: re.Match[str]) -> str:
    return f"${int(value[1]) + by}" if value[1] else value[0]


_ROW = re.compile(r"VALUES (\((?:\?|\$\d+(?:::[A-Z]+)?)(?:, (?:\?|\$\d+(?:::[A-Z]+)?))*\))")
_VALUE = re.compile(r"\?|\$(\d+)")
_CHANGES = re.compile(r"^INSERT INTO \w+ \(([^)]*)\).*ON CONFLICT \(([^)]*)\) DO UPDATE", re.DOTALL)
_MOST_ROWS = 64  # of one statement: SQLite and PostgreSQL take some 32,700 values
