"""StoreOptions -> the SQL engine: one of three databases, set up so that all three behave alike."""

import asyncio
import sqlite3
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Annotated, Any
from weakref import WeakSet

from annotated_types import Ge, Gt
from sqlalchemy import URL, ExceptionContext, event
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from authgate.errors import ConfigError, StoreError
from authgate.model import Secret
from authgate.store import hosts
from authgate.store.trouble import takes_no_writes

SQLITE, POSTGRESQL, MARIADB = "sqlite", "postgresql", "mariadb"

_WAL_PAGES = 4_000  # of 4 KiB
LOCK_SHARE = 0.8  # of a batch's time: SQLite gives up on a lock before the batch does, and leaves no thread behind

_DRIVERS = {SQLITE: "sqlite+aiosqlite", POSTGRESQL: "postgresql+asyncpg", MARIADB: "mariadb+aiomysql"}
_SPELLINGS = {
    SQLITE: ("sqlite", "sqlite+aiosqlite"),
    POSTGRESQL: ("postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg", "postgresql+psycopg2"),
    MARIADB: tuple(
        f"{name}{driver}" for name in ("mariadb", "mysql") for driver in ("", "+aiomysql", "+asyncmy", "+pymysql")
    ),
}
_BACKENDS = {spelling: backend for backend, spellings in _SPELLINGS.items() for spelling in spellings}
_OPTIONS = {
    SQLITE: set[str](),
    POSTGRESQL: {"host", "ssl", "sslmode", "target_session_attrs"},
    MARIADB: {"ssl_ca", "unix_socket"},
}
_WRITABLE = ("read-write", "primary")  # of target_session_attrs; whoever writes finds both to be the same
_HELP = "use sqlite:///PATH, postgresql://USER:PASSWORD@HOST/NAME or mariadb://USER:PASSWORD@HOST/NAME"


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Where users, sessions and records are kept, and how long to wait for them."""

    url: Secret = Secret("sqlite:///authgate.db")  # noqa: RUF009 - a Secret never changes
    pool_size: Annotated[int, Ge(2)] = 5  # connections per process
    timeout: Annotated[float, Gt(0)] = 1.0  # seconds that one batch of reads or writes may take
    retry_after: Annotated[float, Gt(0)] = 0.5  # seconds between two probes of a store that is away
    spool: Path = Path("spool")  # folder that keeps the records of events while the store is away
    spool_max_bytes: Annotated[int, Ge(0)] = 64 * 1024 * 1024  # bytes that one process may keep there

    @property
    def longest_transaction(self) -> float:
        """Seconds after which no transaction of a process with these options is open any more, even a frozen one's.

        It is given up after ``timeout``, its last statement may go on for that long, and so may the wait for a next.
        """
        return 3 * self.timeout + 1

    def __post_init__(self) -> None:
        store_url(self.url.reveal())


def is_supported(url: URL) -> bool:
    """Whether an address is of one of the three databases, in a spelling that is known here."""
    return url.drivername in _BACKENDS


def store_url(text: str, *, several: bool = True) -> URL:
    """The address of the store in the one spelling that has a driver here.

    ``several``: whether it may name several servers of PostgreSQL, of which the one that takes writes is meant.

    Raises:
        ValueError: another database or an option that is not known; the message holds nothing of the address.
    """
    try:
        url = hosts.parse(text)
    except (ArgumentError, ValueError):
        raise ValueError(f"is not the address of a database; {_HELP}") from None
    backend = _BACKENDS.get(url.drivername)
    if backend is None:
        raise ValueError(f"names a database or a driver that is not supported; {_HELP}")
    if backend != SQLITE and "@" in f"{url.host}{url.database}":
        raise ValueError(
            "holds an @ too many, so that a part of the password may be taken for the host; "
            "write @ in a password as %40"
        )
    if not url.database or (backend == SQLITE and url.database == ":memory:"):
        missing = "a file: what is in memory is gone after a restart" if backend == SQLITE else "the database"
        raise ValueError(f"does not name {missing}; {_HELP}")
    options = _OPTIONS[backend] if several else _OPTIONS[backend] - {"target_session_attrs"}
    if set(url.query) - options:  # not named: they may be what stood in a password behind a question mark
        known = ", ".join(sorted(options)) or "none"
        raise ValueError(f"has an option that is not known; known here: {known}")
    if url.query.get("target_session_attrs", _WRITABLE[0]) not in _WRITABLE:
        raise ValueError(f"has target_session_attrs that authgate cannot write with; use {' or '.join(_WRITABLE)}")
    if backend == POSTGRESQL:
        places = hosts.places(url)
        if len(places) > 1:
            if not several:
                raise ValueError("names several hosts, and only the store may")
            url = url.update_query_dict({"host": [str(place) for place in places]})
        if not places and "target_session_attrs" in url.query:
            raise ValueError("has target_session_attrs and does not name the host that is asked for them")
    return url.set(drivername=_DRIVERS[backend])


def _nobody(_: StoreError) -> None:
    """Nobody keeps anything that could be out of date."""


class Opened:
    """The drivers' connections to a server that somebody still holds, wherever the pool has lost sight of them."""

    def __init__(self, moved: Callable[[StoreError], None] = _nobody) -> None:
        """``moved`` is called when another of several servers has taken over, before anything is asked of that."""
        self._connections: WeakSet[Any] = WeakSet()
        self.moved = moved
        self.may_move = False  # whether there is another server to go to

    def by(self, connect: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The driver's way to connect, remembering what it opens."""

        async def remembered(*arguments: Any, **settings: Any) -> Any:
            connection = await connect(*arguments, **settings)
            self._connections.add(connection)
            return connection

        return remembered

    async def cut(self) -> None:
        """Close those that are still open: what was not put away in time. The server is told nothing."""
        self.drop()
        await asyncio.sleep(0)  # the loop closes what was cut

    def drop(self) -> None:
        """The same; they are closed once the loop comes to it."""
        for connection in list(self._connections):
            # asyncpg's close() has a talk with the server first; aiomysql's has none, and it knows no terminate().
            getattr(connection, "terminate", connection.close)()


def create_engine(options: StoreOptions, opened: Opened | None = None) -> AsyncEngine:
    """An engine that connects when it is first used, and shows no value in an error.

    Args:
        opened: is told of every connection to a server.

    Raises:
        ConfigError: a file that the address names cannot be used.
        ValueError: see ``store_url``.
    """
    url = store_url(options.url.reveal())
    build = {SQLITE: _sqlite, POSTGRESQL: _postgresql, MARIADB: _mariadb}[url.get_backend_name()]
    return build(
        url,
        options,
        opened or Opened(),
        # A stale connection is found by using it and the work is done again on another: no ping before each use.
        pool_size=options.pool_size,
        max_overflow=0,
        pool_timeout=options.timeout / 2,  # a pool without a free connection is told apart from a silent server
        hide_parameters=True,
    )


def _sqlite(url: URL, options: StoreOptions, opened: Opened, **settings: Any) -> AsyncEngine:
    del opened  # it has no server
    # Whoever begins a transaction ends it, so that a connection comes back to the pool without one.
    arguments = _sqlite_arguments(options)
    engine = create_async_engine(url, connect_args=arguments, pool_reset_on_return=None, **settings)
    path = Path(url.database or "")
    event.listen(engine.sync_engine, "do_connect", lambda *_: _find(path))
    event.listen(engine.sync_engine, "connect", lambda connection, _: _prepare(connection))
    return engine


def sqlite_connection(url: URL, options: StoreOptions) -> sqlite3.Connection:
    """A connection of its own to the same file, set up as those of the engine are.

    Raises:
        sqlite3.Error: it cannot be opened.
        StoreError: there is no such file.
    """
    path = Path(url.database or "")
    _find(path)
    connection: sqlite3.Connection = sqlite3.connect(path, **_sqlite_arguments(options))
    _prepare(connection)
    return connection


def _sqlite_arguments(options: StoreOptions) -> dict[str, Any]:
    return {
        "timeout": options.timeout * LOCK_SHARE,  # seconds to wait for a lock
        "isolation_level": None,  # the driver begins nothing: writers say BEGIN IMMEDIATE, readers need no transaction
        "cached_statements": 512,  # prepared; of those that insert there is one for each number of rows
    }


def _find(path: Path) -> None:
    if not path.exists():  # SQLite would make one, and a mistyped path would pass for an empty store
        raise StoreError(f"there is no file {path}; run: authgate db upgrade")


def _prepare(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    # An answered verdict survives a power cut. The fsync behind each commit is shared by all that wait for it.
    cursor.execute("PRAGMA synchronous = FULL")
    # What was written is copied into the file itself after so many pages: the same ones are written again and again.
    cursor.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _postgresql(url: URL, options: StoreOptions, opened: Opened, **settings: Any) -> AsyncEngine:
    import asyncpg  # here: who has another database needs not wait for it

    milliseconds = str(max(1, int(options.timeout * 1000)))
    connect, query = opened.by(asyncpg.connect), dict(url.query)
    places = hosts.places(url)
    if len(places) > 1 or "target_session_attrs" in query:
        opened.may_move = len(places) > 1
        connect = hosts.Hosts(places, connect, options.timeout * hosts.SHARE, opened.moved).connect
        for name in ("host", "target_session_attrs"):
            query.pop(name, None)
        url = URL.create(url.drivername, url.username, url.password, database=url.database)
    arguments = {
        "async_creator_fn": connect,
        "timeout": options.timeout,  # seconds to connect
        "server_settings": {
            "application_name": "authgate",
            "statement_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,  # a frozen process must not keep its locks
            "jit": "off",
        },
    }
    if "sslmode" in query:  # libpq's spelling
        query.setdefault("ssl", query.pop("sslmode"))
    return _moving(url.set(query=query), arguments, settings)


def _mariadb(url: URL, options: StoreOptions, opened: Opened, **settings: Any) -> AsyncEngine:
    import aiomysql  # here: who has another database needs not wait for it

    arguments: dict[str, Any] = {
        "async_creator_fn": opened.by(aiomysql.connect),
        "charset": "utf8mb4",
        "connect_timeout": options.timeout,
        "init_command": (
            "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO',"
            f" max_statement_time = {options.timeout:f}, innodb_lock_wait_timeout = {max(1, int(options.timeout))},"
            f" idle_write_transaction_timeout = {ceil(options.timeout)}"  # a frozen process must not keep its locks
        ),
    }
    query = dict(url.query)
    if authority := query.pop("ssl_ca", None):
        try:
            arguments["ssl"] = ssl.create_default_context(cafile=str(authority))
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError([f"store.url: ssl_ca cannot be used: {error.strerror}"]) from None
    return _moving(url.set(query=query), arguments, settings)


def _moving(url: URL, arguments: Mapping[str, Any], settings: Mapping[str, Any]) -> AsyncEngine:
    """The engine of a server whose place another may take, behind the same address too."""
    engine = create_async_engine(url, connect_args=arguments, isolation_level="READ COMMITTED", **settings)

    def leave(context: ExceptionContext) -> None:
        if takes_no_writes(context.original_exception):  # so it is of no use for reading either
            context.is_disconnect = True  # every connection of the pool is made anew

    event.listen(engine.sync_engine, "handle_error", leave)
    return engine
