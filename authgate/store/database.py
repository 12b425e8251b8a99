"""One database: its engine, whether it answers, and the ways to read from it and to write to it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ClauseElement, Column, Connection, String, case, delete, insert, select, true
from sqlalchemy.schema import Table
from sqlalchemy.sql.dml import Insert

from authgate.errors import AuthgateError, StoreError
from authgate.store import tables
from authgate.store.batch import MOST, Batch
from authgate.store.breaker import Breaker
from authgate.store.direct import Direct, Line, Rows
from authgate.store.engine import (
    LOCK_SHARE,
    MARIADB,
    POSTGRESQL,
    SQLITE,
    Opened,
    StoreOptions,
    create_engine,
    sqlite_connection,
)
from authgate.store.ids import record_id
from authgate.store.trouble import settled, told, within

if TYPE_CHECKING:
    from sqlalchemy.dialects import mysql, postgresql, sqlite

T = TypeVar("T")
Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Database:
    """What the parts of the store share. Their work is plain functions over a connection."""

    def __init__(self, options: StoreOptions) -> None:
        self._opened = Opened(self._moved)
        self.engine = create_engine(options, self._opened)
        self.timeout = options.timeout
        self.reads = Breaker("reading from the store", self._probe_reads, options.retry_after)
        self.writes = Breaker("writing to the store", self._probe_writes, options.retry_after)
        # SQLite has one writer at a time. Those of this process wait for each other here, in turn and without asking.
        self._alone: AbstractAsyncContextManager[Any] = asyncio.Lock() if self.is_a(SQLITE) else nullcontext()
        # Batches have connections of their own there: one to read by, one to write by.
        connect = partial(sqlite_connection, self.engine.url, options)
        self._lines = [Line(connect), Line(connect)] if self.is_a(SQLITE) else []
        # One SELECT needs no transaction; on PostgreSQL that saves a BEGIN and a ROLLBACK.
        autocommit = {"isolation_level": "AUTOCOMMIT"} if self.is_a(POSTGRESQL) else {}
        self._reader = self.engine.execution_options(**autocommit)
        self._when_moved: list[Callable[[], None]] = []

    def is_a(self, backend: str) -> bool:
        """Whether the database is SQLITE, POSTGRESQL or MARIADB."""
        return self.engine.dialect.name == backend

    def shared_reads(self, work: Callable[[Direct, Sequence[Item]], Sequence[Answer]]) -> Batch[Item, Answer]:
        """A batch whose work is done on one connection for all that wait."""

        async def read(items: Sequence[Item]) -> Sequence[Answer]:
            if self._lines:
                return await self._lines[0].read(work, items)
            async with self._reader.connect() as connection:
                return await connection.run_sync(work, items)

        return Batch(read, self.reads, self.timeout)

    def shared_writes(
        self, work: Callable[[Direct, Sequence[Item]], Sequence[Answer]], most: int = MOST
    ) -> Batch[Item, Answer]:
        """A batch whose work is done in one transaction for all that wait, so many items at once."""

        async def write(items: Sequence[Item]) -> Sequence[Answer]:
            if self._lines:
                async with self._alone:
                    return await self._lines[1].write(self.timeout * LOCK_SHARE, work, items)
            async with self.engine.connect() as connection:
                return await connection.run_sync(self._commit, by_rows, items)

        def by_rows(connection: Connection, items: Sequence[Item]) -> Sequence[Answer]:
            return work(Rows(connection) if self.is_a(POSTGRESQL) else connection, items)

        return Batch(write, self.writes, self.timeout, most)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What the work reads, on a connection of its own.

        Raises:
            StoreError: the store is away or too slow.
        """

        async def read() -> T:
            async with self._reader.connect() as connection:
                return await connection.run_sync(work)

        return await self._told(read())

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What the work gives back, once what it wrote is committed.

        Raises:
            StoreError: it was not committed, or it is unknown whether it was.
        """

        async def write() -> T:
            async with self._alone, self.engine.connect() as connection:
                return await connection.run_sync(self._commit, work)

        return await self._told(write())

    def text(self, statement: ClauseElement, columns: Sequence[str] | None = None) -> str:
        """The statement as the driver takes it. On the hot paths it is built once and values go to it as they are.

        ``columns`` are those that an INSERT is given; all, where nothing is said.
        """
        rendered = {"render_postcompile": True}
        compiled = statement.compile(dialect=self.engine.dialect, column_keys=columns, compile_kwargs=rendered)
        return str(compiled)

    def once(self, build: Callable[["Database"], T]) -> T:
        """What is made of statements alone, and so the same for each database of a kind: built once in a process.

        To build them all takes longer than most commands do.
        """
        key = build, self.engine.dialect.name
        if key not in _BUILT:
            _BUILT[key] = build(self)
        found: T = _BUILT[key]
        return found

    def insert_unless_there(self, table: Table, key: Column[Any] | None = None) -> Insert:
        """An INSERT that leaves a row alone that has the same key: by default the primary one."""
        keys = list(table.primary_key) if key is None else [key]
        if self.is_a(MARIADB):  # INSERT IGNORE would let other faults pass too
            return self._mariadb(table).on_duplicate_key_update({keys[0].name: keys[0]})
        return self._insert(table).on_conflict_do_nothing(index_elements=keys)

    def insert_or_replace(self, table: Table, *, unless_newer_by: Column[Any] | None = None) -> Insert:
        """An INSERT that gives a row that has the same key all its new values, unless it has more in this column."""
        time, columns = unless_newer_by, _values(table)
        if self.is_a(MARIADB):  # it has no WHERE here
            statement = self._mariadb(table)
            fresh = statement.inserted
            # The columns are set one after the other; once the time is set, the comparison still says the same.
            newer = true() if time is None else time <= fresh[time.name]
            return statement.on_duplicate_key_update({c.name: case((newer, fresh[c.name]), else_=c) for c in columns})
        insertion = self._insert(table)
        return insertion.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={c.name: insertion.excluded[c.name] for c in columns},
            where=None if time is None else time <= insertion.excluded[time.name],
        )

    def insert_or_update(self, table: Table, changes: Callable[[Any], Sequence[tuple[str, Any]]]) -> Insert:
        """An INSERT of whole rows that changes a row that has the same key as ``changes`` says.

        ``changes`` is given what was to be inserted. Two readings must come to the same: MariaDB sets the columns one
        after the other, and those that follow see them set; the others see the row as it was.
        """
        if self.is_a(MARIADB):
            statement = self._mariadb(table)
            return statement.on_duplicate_key_update([*changes(statement.inserted)])
        insertion = self._insert(table)
        return insertion.on_conflict_do_update(
            index_elements=list(table.primary_key), set_=dict(changes(insertion.excluded))
        )

    def when_moved(self, callback: Callable[[], None]) -> None:
        """Call this each time another of several servers has taken over: what was read before may be out of date."""
        self._when_moved.append(callback)

    async def ping(self) -> None:
        """Come back if the database can be reached, whatever is in it.

        Raises:
            StoreError: it is away, or could not be written to when that was last tried.
        """
        self.writes.check()
        await self.read(lambda connection: connection.execute(select(1)).scalar())

    async def close(self) -> None:
        """Let go of every connection; a silent server is not waited for longer than for a batch."""
        await self.reads.close()
        await self.writes.close()
        await settled(self.timeout)
        for line in self._lines:
            with suppress(StoreError):
                await within(self.timeout, line.close())
        with suppress(StoreError):
            await within(self.timeout, self.engine.dispose())
        await self._opened.cut()

    def _insert(self, table: Table) -> "sqlite.Insert | postgresql.Insert":
        # Each dialect takes long to import, and a store has one.
        if self.is_a(SQLITE):
            from sqlalchemy.dialects import sqlite

            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)

    def _mariadb(self, table: Table) -> "mysql.Insert":
        from sqlalchemy.dialects import mysql  # here, as above

        return mysql.insert(table)

    def _commit(self, connection: Connection, work: Callable[..., T], *arguments: Any) -> T:
        if self.is_a(SQLITE):
            # Waits for the lock here: a transaction that reads first and then asks for it is turned away at once.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        result = work(connection, *arguments)
        connection.commit()
        return result

    def _moved(self, trouble: StoreError) -> None:
        """Whoever read what the server before said has given up before anything is written to this one."""
        for callback in self._when_moved:
            callback()
        self._leave()
        self.reads.trip(trouble, hold=True)
        self.writes.trip(trouble, hold=True)

    def _leave(self) -> None:
        self._opened.drop()
        self.engine.sync_engine.dispose(close=False)

    async def _probed(self, probe: Awaitable[object]) -> None:
        try:
            await probe
        except StoreError:
            if self._opened.may_move:  # one that is gone says nothing: the next probe asks anew who is there
                self._leave()
            raise

    async def _probe_reads(self) -> None:
        one = select(tables.users.c.name).limit(1)
        await self._probed(self.read(lambda connection: connection.execute(one).first()))

    async def _probe_writes(self) -> None:
        """Write as much as the largest record without facts, for real: a full disk still takes what changes no page."""
        row = _largest_record()

        def work(connection: Connection) -> None:
            connection.execute(insert(tables.records), row)
            connection.execute(delete(tables.records).where(tables.records.c.id == row["id"]))

        await self._probed(self.write(work))

    async def _told(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await within(self.timeout, work)
        except AuthgateError:
            raise
        except Exception as error:
            raise told(error) from error


_BUILT: dict[tuple[Callable[..., Any], str], Any] = {}


def _largest_record() -> dict[str, object]:
    """A row of the table of records, as long as ASCII makes it, where the next record would be put."""
    columns = tables.records.columns
    texts = {c.name: "x" * (c.type.length or 0) for c in columns if isinstance(c.type, String)}
    return {**texts, "id": record_id(), "at": 0, "allowed": False}


def _values(table: Table) -> list[Any]:
    return [column for column in table.columns if not column.primary_key]
