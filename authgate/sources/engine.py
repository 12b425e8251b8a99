"""SourceOptions -> an SQL engine whose sessions only read, where the database lets a session promise that."""

import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import URL, event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from authgate.errors import ConfigError, SourceError
from authgate.sources.query import MYSQL, POSTGRESQL
from authgate.store import hosts
from authgate.store.engine import Opened, is_supported, store_url

if TYPE_CHECKING:
    from authgate.sources.options import SourceOptions

SQLITE = "sqlite"
_CLOSED = {"require", "verify-ca", "verify-full"}  # what PostgreSQL's sslmode may be, where nobody is to listen


def source_url(text: str) -> URL:
    """The address of a source in the spelling that has a driver here.

    Raises:
        ValueError: it is none, or nothing here can talk to such a database; the message holds nothing of the address.
    """
    try:
        url = hosts.parse(text)
    except (ArgumentError, ValueError):
        raise ValueError("is not the address of a database, such as postgresql://USER:PASSWORD@HOST/NAME") from None
    if is_supported(url):
        url = store_url(text, several=False)
        # Of the two dialects this one talks to MySQL too, which the other refuses.
        return url.set(drivername="mysql+aiomysql") if url.get_backend_name() == "mariadb" else url
    return _other(url)


def backend(url: URL) -> str:
    """SQLAlchemy's name for the kind of database."""
    return url.get_backend_name()


def in_clear(url: URL) -> bool:
    """Whether what is read crosses a network, and nothing in the address has it encrypted."""
    query = dict(url.query)
    host = str(query.get("host") or url.host or "")
    local = host in ("", "localhost", "127.0.0.1", "::1") or host.startswith("/") or "unix_socket" in query
    if local or backend(url) not in (POSTGRESQL, MYSQL):
        return False
    if backend(url) == MYSQL:
        return "ssl_ca" not in query
    return str(query.get("sslmode", query.get("ssl", "prefer"))) not in _CLOSED


def promises(url: URL) -> bool:
    """Whether a session with this database can promise only to read."""
    return backend(url) in (POSTGRESQL, MYSQL, SQLITE)


def create_engine(options: "SourceOptions", key: str, opened: Opened) -> AsyncEngine:
    """An engine that connects when it is first used, and shows no value in an error.

    Args:
        key: names the section.
        opened: is told of every connection to a server of PostgreSQL or MySQL.

    Raises:
        ConfigError: a file that the address names cannot be used.
        ValueError: see ``source_url``.
    """
    url = source_url(options.url.reveal())
    builders = {SQLITE: _sqlite, POSTGRESQL: _postgresql, MYSQL: _mysql}
    pool = {
        "pool_size": options.pool,
        "max_overflow": 0,
        "pool_timeout": options.timeout / 2,
        "hide_parameters": True,
    }
    build = builders.get(backend(url))
    return create_async_engine(url, **pool) if build is None else build(url, options, key, opened, pool)


def _other(url: URL) -> URL:
    """The address of a database that is none of the three that are known here."""
    try:
        dialect = url.get_dialect(_is_async=True)
    except (NoSuchModuleError, ArgumentError):
        raise ValueError("names a database or a driver that SQLAlchemy does not know") from None
    if not dialect.is_async:
        raise ValueError("names a driver that would hold up everybody who waits; name an asynchronous one")
    try:
        dialect.import_dbapi()
    except ImportError:
        raise ValueError(f"needs the driver {dialect.driver}, which is not installed beside authgate") from None
    return url


def _sqlite(url: URL, options: "SourceOptions", _key: str, _opened: Opened, pool: dict[str, Any]) -> AsyncEngine:
    path = Path(url.database or "")
    url = url.set(database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})
    arguments = {"timeout": options.timeout / 2, "isolation_level": None}  # seconds to wait for a lock
    engine = create_async_engine(url, connect_args=arguments, pool_reset_on_return=None, **pool)

    def find(*_: Any) -> None:
        if not os.access(path, os.R_OK):  # SQLite would say less
            raise SourceError(f"user source {options.name}: there is no file {path} that can be read")

    event.listen(engine.sync_engine, "do_connect", find)
    _when_connected(engine, "PRAGMA query_only = ON")
    return engine


def _postgresql(url: URL, options: "SourceOptions", _key: str, opened: Opened, pool: dict[str, Any]) -> AsyncEngine:
    import asyncpg  # here: who has another database needs not wait for it

    arguments = {
        "async_creator_fn": opened.by(asyncpg.connect),
        "timeout": options.timeout,  # seconds to connect
        "server_settings": {
            "application_name": "authgate",
            "default_transaction_read_only": "on",
            "statement_timeout": str(max(1, int(options.timeout * 1000))),
            "jit": "off",
        },
    }
    query = dict(url.query)
    if "sslmode" in query:  # libpq's spelling
        query.setdefault("ssl", query.pop("sslmode"))
    return create_async_engine(url.set(query=query), connect_args=arguments, isolation_level="AUTOCOMMIT", **pool)


def _mysql(url: URL, options: "SourceOptions", key: str, opened: Opened, pool: dict[str, Any]) -> AsyncEngine:
    import aiomysql  # here: who has another database needs not wait for it

    arguments: dict[str, Any] = {
        "async_creator_fn": opened.by(aiomysql.connect),
        "charset": "utf8mb4",
        "connect_timeout": options.timeout,
    }
    query = dict(url.query)
    if authority := query.pop("ssl_ca", None):
        try:
            arguments["ssl"] = ssl.create_default_context(cafile=str(authority))
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError([f"{key}.url: ssl_ca cannot be used: {error.strerror}"]) from None
    engine = create_async_engine(
        url.set(query=query), connect_args=arguments, isolation_level="AUTOCOMMIT", pool_reset_on_return=None, **pool
    )
    # Each of the two reads what is meant for it, and takes the other's for a comment.
    limits = (
        f"/*M! , max_statement_time = {options.timeout:f} */"
        f"/*!50708 , max_execution_time = {max(1, int(options.timeout * 1000))} */"
    )
    _when_connected(engine, "SET SESSION TRANSACTION READ ONLY", f"SET SESSION sql_mode = 'STRICT_ALL_TABLES' {limits}")
    return engine


def _when_connected(engine: AsyncEngine, *statements: str) -> None:
    """Have each new connection begin with these statements."""

    def prepare(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()

    event.listen(engine.sync_engine, "connect", prepare)
