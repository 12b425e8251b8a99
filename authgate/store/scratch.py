"""A database of nobody's beside the one that is configured: made, and dropped again."""

from dataclasses import replace
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from authgate.errors import Refused, StoreError
from authgate.model import Secret
from authgate.store.engine import POSTGRESQL, SQLITE, StoreOptions, create_engine, store_url
from authgate.store.trouble import told

_PATIENCE = 30.0  # seconds
_NOT_ALLOWED = {"42501", 1044, 1227}  # SQLSTATE of PostgreSQL, and numbers of MariaDB


def beside(options: StoreOptions, name: str, folder: Path) -> StoreOptions:
    """The same store at a database of this name on the same server; of SQLite, as a file in this folder."""
    url = store_url(options.url.reveal())
    database = str(folder / "authgate.db") if url.get_backend_name() == SQLITE else name
    fresh = url.set(database=database).render_as_string(hide_password=False)
    return replace(options, url=Secret(fresh), spool=folder / "spool")


def file(options: StoreOptions) -> Path | None:
    """The file of a store in SQLite, else None."""
    url = store_url(options.url.reveal())
    return Path(url.database or "") if url.get_backend_name() == SQLITE else None


async def reach(options: StoreOptions) -> None:
    """Come back if the store's server lets us in; at once for SQLite.

    Raises:
        StoreError: it is away, or does not.
    """
    if file(options) is None:
        await _carry_out(options, "SELECT 1")


async def create(options: StoreOptions, name: str) -> None:
    """Make an empty database on the store's server; nothing for SQLite, which makes files.

    Raises:
        Refused: the server lets us make none.
        StoreError: it is away.
    """
    backend = store_url(options.url.reveal()).get_backend_name()
    if backend == POSTGRESQL:
        await _carry_out(options, f"CREATE DATABASE {name} TEMPLATE template0")
    elif backend != SQLITE:
        await _carry_out(options, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")


async def drop(options: StoreOptions, name: str) -> None:
    """Be rid of it, whoever is connected to it, and also where it is not there; nothing for SQLite.

    Raises:
        Refused: the server does not let us.
        StoreError: it is away.
    """
    backend = store_url(options.url.reveal()).get_backend_name()
    if backend == POSTGRESQL:
        await _carry_out(options, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    elif backend != SQLITE:
        await _carry_out(options, f"DROP DATABASE IF EXISTS {name}")


async def _carry_out(options: StoreOptions, statement: str) -> None:
    engine = create_engine(replace(options, timeout=_PATIENCE, pool_size=2))
    try:
        async with engine.connect() as connection:
            connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text(statement))
    except Exception as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        known = {getattr(cause, "sqlstate", None), *getattr(cause, "args", ())[:1]}
        if known & _NOT_ALLOWED:
            raise Refused(
                "the store's user may not make a database on its server, and what is measured is measured on one of "
                "its own; have it allowed (ALTER ROLE ... CREATEDB in PostgreSQL, GRANT ALL ON `authgate_bench_%`.* in "
                "MariaDB), or set AUTHGATE_STORE__URL for this command to a server on which it is"
            ) from None
        found = told(error)
        raise (found if isinstance(found, StoreError) else StoreError(str(found))) from None
    finally:
        await engine.dispose()
