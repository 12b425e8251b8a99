"""The revision of the store: which one it is at, which is the newest, and how to get there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from authgate.errors import AuthgateError, Refused, StoreError
from authgate.store.engine import MARIADB, POSTGRESQL, SQLITE
from authgate.store.tables import metadata
from authgate.store.trouble import told

if TYPE_CHECKING:
    from alembic.config import Config

_PATIENCE = 60  # seconds to wait for another process that is upgrading
_LOCK = 7_163_014_902  # a number of our own among the database's advisory locks


class State(StrEnum):
    """How the store's revision relates to the newest one."""

    NEWEST = "newest"
    BEHIND = "behind"
    EMPTY = "empty"  # never upgraded
    UNKNOWN = "unknown"  # of another, most likely a newer authgate


@dataclass(frozen=True, slots=True)
class Revision:
    """What revision a store is at."""

    state: State
    current: str | None  # None: empty
    newest: str

    def demand_newest(self) -> None:
        """Go on, if the store is at the newest revision.

        Raises:
            StoreError: it is not; says what to do.
        """
        if self.state is State.UNKNOWN:
            raise StoreError(
                f"the store is at revision {self.current}, which this authgate does not know: run the one that made it"
            )
        if self.state is not State.NEWEST:
            at = f"at revision {self.current}, behind {self.newest}" if self.current else "empty"
            raise StoreError(f"the store is {at}; run: authgate db upgrade")


def head() -> str:
    """The newest revision."""
    return _known()[-1]


async def current(engine: AsyncEngine) -> str | None:
    """The revision of the store; None where it was never upgraded.

    Raises:
        StoreError: the store is away.
    """
    if engine.dialect.name == SQLITE and not _file(engine).exists():
        if not _file(engine).parent.is_dir():
            raise StoreError(f"there is no folder {_file(engine).parent}")
        return None
    with _told():
        async with engine.connect() as connection:
            return await connection.run_sync(_current)


async def check(engine: AsyncEngine) -> Revision:
    """What revision the store is at.

    Raises:
        StoreError: the store is away.
    """
    at, newest = await current(engine), head()
    if at is None:
        state = State.EMPTY
    elif at == newest:
        state = State.NEWEST
    else:
        state = State.BEHIND if at in _known() else State.UNKNOWN
    return Revision(state, at, newest)


async def upgrade(engine: AsyncEngine) -> None:
    """Bring the store to the newest revision. Several processes may do so at once: one works, the others wait.

    Raises:
        Refused: the database holds tables of something else, or is of a revision that is not known.
        StoreError: the store is away, or another process upgrades for more than a minute.
    """
    if engine.dialect.name == SQLITE:
        with _told():
            _file(engine).touch(mode=0o600)  # password hashes; the WAL beside it gets the mode of this file
    await _alone(engine, _upgrade)


async def downgrade(engine: AsyncEngine, revision: str) -> None:
    """Bring the store back to an earlier revision ("base": nothing is left), with the loss of what stands there.

    Raises:
        StoreError: the store is away.
    """
    from alembic import command

    await _alone(engine, lambda connection: command.downgrade(_config(connection), revision))


def _upgrade(connection: Connection) -> None:
    from alembic import command  # here, as it takes longer to load than a server takes to start otherwise

    at = _current(connection)  # read again under the lock: the process before us may have done it all
    if at is None:
        foreign = set(inspect(connection).get_table_names()) & set(metadata.tables)
        # MariaDB cannot take a table back: there a table without a revision may be an upgrade that was killed.
        if foreign and not inspect(connection).has_table("alembic_version"):
            names = ", ".join(sorted(foreign))
            raise Refused(f"the database holds tables that are not authgate's: {names}; give it one of its own")
    elif at not in _known():
        raise Refused(f"the store is at revision {at}, which this authgate does not know")
    command.upgrade(_config(connection), "head")


async def _alone(engine: AsyncEngine, work: Callable[[Connection], None]) -> None:
    with _told():
        async with engine.connect() as connection:
            try:
                await _lock(connection, engine.dialect.name)
                await connection.run_sync(work)
                await connection.commit()
            finally:
                await connection.invalidate()  # the lock and the patience end with the connection


async def _lock(connection: AsyncConnection, backend: str) -> None:
    """Wait for every other upgrade to end, and let statements take their time: large tables need it."""
    if backend == SQLITE:
        await connection.exec_driver_sql(f"PRAGMA busy_timeout = {_PATIENCE * 1000}")
        await connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif backend == POSTGRESQL:
        await connection.execute(text("SET statement_timeout = 0"))
        await connection.execute(text("SET idle_in_transaction_session_timeout = 0"))
        await connection.execute(text(f"SET lock_timeout = '{_PATIENCE}s'"))
        await connection.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
        await connection.commit()
    elif backend == MARIADB:
        await connection.execute(text("SET SESSION max_statement_time = 0, idle_write_transaction_timeout = 0"))
        # The lock is of the whole server, the upgrade of one database.
        lock = text(f"SELECT GET_LOCK(CONCAT('authgate-', LEFT(SHA1(DATABASE()), 40)), {_PATIENCE})")
        if not (await connection.execute(lock)).scalar():
            raise StoreError(f"another process has been upgrading the store for {_PATIENCE} seconds")


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _file(engine: AsyncEngine) -> Path:
    return Path(engine.url.database or "")


def _known() -> list[str]:
    """Every revision, oldest first: the number before the name of each file."""
    return sorted(path.name.partition("_")[0] for path in (_folder() / "versions").glob("[0-9]*.py"))


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_folder()).replace("%", "%%"))
    return config


def _folder() -> Path:
    """In an installed authgate the migrations lie inside the package, in a checkout beside it."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except AuthgateError:
        raise
    except Exception as error:
        raise told(error) from error
