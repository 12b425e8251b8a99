"""Databases of our own on the three engines, and the store on each of them."""

import asyncio
import functools
import os
import secrets
import shutil
import sys
import weakref
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from authgate.model import Secret
from authgate.store import Store, StoreOptions, migrate
from authgate.store.engine import create_engine
from authgate.store.engine import store_url as normalised
from authgate.store.tables import metadata

# How fast the machine is that a test runs on is no fault of the code.
hypothesis.settings.register_profile("authgate", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("authgate")


class _CalmKeys(weakref.WeakKeyDictionary):  # type: ignore[type-arg]  # it is no generic class at run time
    """Forgets a key without any Python code.

    Coverage keeps one for each thread, by the thread's greenlet. Where two threads end at once, CPython 3.11 calls back
    for the first while the second waits to be cleared up; and there a function that is traced never begins.
    """

    def __init__(self, given: Any = None) -> None:
        super().__init__(given)
        self._remove = functools.partial(dict.pop, self.data)


if sys.version_info < (3, 12):
    weakref.WeakKeyDictionary = _CalmKeys  # type: ignore[misc]

BACKENDS = ("sqlite", "postgresql", "mariadb")
_SERVERS = {
    "postgresql": os.environ.get("AUTHGATE_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres"),
    "mariadb": os.environ.get("AUTHGATE_TEST_MARIADB", "mariadb://root@127.0.0.1:3306/mysql"),
}


class Databases:
    """Makes databases, and drops them at the end. Raises OSError or a driver's error where the server is away."""

    def __init__(self, backend: str, folder: Path) -> None:
        self.backend = backend
        self._folder = folder
        self._made: list[str] = []
        self._same = ""

    def make(self) -> str:
        """The address of a new empty database."""
        name = f"authgate_{secrets.token_hex(6)}"
        if self.backend == "sqlite":
            path = self._folder / f"{name}.db"
            path.touch(mode=0o600)
            return f"sqlite:///{path}"
        asyncio.run(self._execute(_SERVERS[self.backend], self._making(name)))
        self._made.append(name)
        return make_url(_SERVERS[self.backend]).set(database=name).render_as_string(hide_password=False)

    def empty(self) -> str:
        """The address of an empty database, on a server always the same one: to make and to drop one takes long."""
        if self.backend == "sqlite":
            return self.make()
        if not self._same:
            self._same = self.make()
            return self._same
        name = make_url(self._same).database or ""
        if self.backend == "mariadb":
            statements = [f"DROP DATABASE {name}", *self._making(name)]
        else:
            others = f"pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
            statements = [f"SELECT pg_terminate_backend(pid) FROM {others}"]
            statements += ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"]
        asyncio.run(self._execute(self._same if self.backend == "postgresql" else _SERVERS["mariadb"], statements))
        return self._same

    def drop(self) -> None:
        how = " WITH (FORCE)" if self.backend == "postgresql" else ""
        if self._made:
            asyncio.run(self._execute(_SERVERS[self.backend], [f"DROP DATABASE {name}{how}" for name in self._made]))

    def _making(self, name: str) -> Sequence[str]:
        # A test must not pass only because of the database's own collation.
        if self.backend == "mariadb":
            return [f"CREATE DATABASE {name} CHARACTER SET latin1"]
        return [
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'",
            f"ALTER DATABASE {name} SET synchronous_commit = off",  # what survives a power cut is no test's subject
        ]

    async def _execute(self, url: str, statements: Sequence[str]) -> None:
        engine = create_async_engine(normalised(url), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        async with engine.connect() as connection:
            for statement in statements:
                await connection.execute(text(statement))
        await engine.dispose()


class Sweeper:
    """Empties one migrated database again and again, on a connection that is kept: a new one costs more than the rest.

    All tables are named in one go, and those that have no row cost next to nothing.
    """

    def __init__(self, url: str) -> None:
        self._script = "; ".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables))
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)  # no test finds it as the loop of its own
        self._engine = create_async_engine(normalised(url), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        self._connection = self._runner.run(self._connect())

    def sweep(self) -> None:
        """Leave no row in it."""
        self._runner.run(self._sweep())

    def close(self) -> None:
        """Let go of the connection."""
        self._runner.run(self._connection.close())
        self._runner.close()

    async def _connect(self) -> AsyncConnection:
        return await self._engine.connect()

    async def _sweep(self) -> None:
        driver = (await self._connection.get_raw_connection()).driver_connection
        if isinstance(driver, asyncpg.Connection):
            await driver.execute(self._script)
            return
        async with driver.cursor() as cursor:
            await cursor.execute(self._script)
            while await cursor.nextset():
                pass


@pytest.fixture(scope="session")
def _sweepers() -> Iterator[dict[str, Sweeper]]:
    made: dict[str, Sweeper] = {}
    yield made
    for each in made.values():
        each.close()


@pytest.fixture(scope="session")
def _databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Databases, str] | str]]:
    made: dict[str, tuple[Databases, str] | str] = {}
    yield made
    for found in made.values():
        if not isinstance(found, str):
            found[0].drop()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The engine that a test runs on; one that needs a single one says so by ``parametrize(..., indirect=True)``."""
    return str(request.param)


@pytest.fixture
def databases(
    backend: str, _databases: dict[str, tuple[Databases, str] | str], tmp_path_factory: pytest.TempPathFactory
) -> Databases:
    """Where to get databases from."""
    return _prepared(backend, _databases, tmp_path_factory)[0]


@pytest.fixture
def store_url(
    backend: str,
    _databases: dict[str, tuple[Databases, str] | str],
    _sweepers: dict[str, Sweeper],
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
) -> str:
    """The address of a migrated database without a row."""
    _, url = _prepared(backend, _databases, tmp_path_factory)
    if backend == "sqlite":
        path = tmp_path / "authgate.db"
        shutil.copyfile(make_url(url).database or "", path)
        path.chmod(0o600)
        return f"sqlite:///{path}"
    if backend not in _sweepers:
        _sweepers[backend] = Sweeper(url)
    _sweepers[backend].sweep()
    return url


@pytest.fixture
def store_options(store_url: str, tmp_path: Path) -> StoreOptions:
    """The options of a store on that database, with the time that a busy machine may take."""
    return StoreOptions(url=Secret(store_url), spool=tmp_path / "spool", retry_after=0.05, timeout=5.0)


@pytest.fixture
async def store(store_options: StoreOptions) -> AsyncIterator[Store]:
    """A running store without a row."""
    store = Store(store_options)
    await store.start()
    yield store
    await store.close()


def _prepared(
    backend: str, known: dict[str, tuple[Databases, str] | str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Databases, str]:
    if backend not in known:
        databases = Databases(backend, tmp_path_factory.mktemp("databases"))
        try:
            url = databases.make()
        except Exception as error:  # whatever its driver says
            known[backend] = f"{backend} is away: {error}"
        else:
            known[backend] = databases, url
            asyncio.run(_upgrade(url))
    found = known[backend]
    if isinstance(found, str):
        pytest.skip(found)
    return found


async def _upgrade(url: str) -> None:
    engine = create_engine(StoreOptions(url=Secret(url)))
    await migrate.upgrade(engine)
    await engine.dispose()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where everything can be tried, a test that was skipped is one that failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if skipped and os.environ.get("AUTHGATE_TEST_NO_SKIPS") and exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{skipped} skipped, and AUTHGATE_TEST_NO_SKIPS is set", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
