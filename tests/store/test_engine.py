"""Addresses of databases, and what each connection is set to."""

import ssl
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from authgate.errors import ConfigError
from authgate.model import Secret
from authgate.store import Store, StoreOptions
from authgate.store.engine import create_engine, store_url

GOOD = {
    "sqlite": ("sqlite:///a.db", "sqlite+aiosqlite:///a.db"),
    "sqlite with driver": ("sqlite+aiosqlite:////srv/a.db", "sqlite+aiosqlite:////srv/a.db"),
    "postgres": ("postgres://u:p@h/n", "postgresql+asyncpg://u:p@h/n"),
    "postgresql": ("postgresql://u:p@h:5433/n", "postgresql+asyncpg://u:p@h:5433/n"),
    "psycopg": ("postgresql+psycopg://u:p@h/n", "postgresql+asyncpg://u:p@h/n"),
    "@ in the password": ("postgresql://u:p%40ss@h/n", "postgresql+asyncpg://u:p%40ss@h/n"),
    "@ in the user": ("postgresql://u%40h:p@h/n", "postgresql+asyncpg://u%40h:p@h/n"),
    "@ in the path": ("sqlite:////srv/a@b/c.db", "sqlite+aiosqlite:////srv/a%40b/c.db"),
    "@ in an option": ("mariadb://u@h/n?ssl_ca=a@b.pem", "mariadb+aiomysql://u@h/n?ssl_ca=a%40b.pem"),
    "sslmode": ("postgresql://u:p@h/n?sslmode=require", "postgresql+asyncpg://u:p@h/n?sslmode=require"),
    "socket": ("postgresql://u@/n?host=/run/postgresql", "postgresql+asyncpg://u@/n?host=%2Frun%2Fpostgresql"),
    "several": ("postgresql://u:p@a,b:5433/n", "postgresql+asyncpg://u:p@/n?host=a%3A5432&host=b%3A5433"),
    "several as options": ("postgresql://u@/n?host=a:1&host=b", "postgresql+asyncpg://u@/n?host=a%3A1&host=b%3A5432"),
    "several in one option": ("postgresql://u@/n?host=a:1,b", "postgresql+asyncpg://u@/n?host=a%3A1&host=b%3A5432"),
    "several with a socket": (
        "postgresql://u@/n?host=/run:1,b",
        "postgresql+asyncpg://u@/n?host=%2Frun%3A1&host=b%3A5432",
    ),
    "the one that writes": (
        "postgresql://u@h/n?target_session_attrs=read-write",
        "postgresql+asyncpg://u@h/n?target_session_attrs=read-write",
    ),
    "a comma in the password": ("postgresql://u:p,q@h/n", "postgresql+asyncpg://u:p%2Cq@h/n"),
    "socket of MariaDB": ("mariadb://u@/n?unix_socket=/s", "mariadb+aiomysql://u@/n?unix_socket=%2Fs"),
    "mariadb": ("mariadb://u:p@h/n", "mariadb+aiomysql://u:p@h/n"),
    "mysql": ("mysql://u:p@h/n", "mariadb+aiomysql://u:p@h/n"),
    "asyncmy": ("mysql+asyncmy://u:p@h/n", "mariadb+aiomysql://u:p@h/n"),
}
BAD = {
    "another database": "oracle://u:hunter2@h/n",
    "another driver": "postgresql+pg8000://u:hunter2@h/n",
    "no address": "hunter2",
    "empty": "",
    "port that is none": "postgresql://u:hunter2@h:port/n",
    "no name": "postgresql://u:hunter2@h",
    "no file": "sqlite://",
    "in memory": "sqlite:///:memory:",
    "option that is not known": "postgresql://u:hunter2@h/n?options=-csearch_path",
    "@ in the password": "postgresql://u:hunter1@hunter2@h/n",
    "@ and / in the password": "mariadb://u:hunter1@x/hunter2@h/n",
    "@ and no name": "postgresql://u:hunter1@hunter2@h",
    "@ and ? in the password": "postgresql://u:hunter1@x/n?hunter2=1@h/n",
    "@ and , in the password": "postgresql://u:hunter1@x,hunter2@h/n",
    ", and / in the password": "postgresql://u:1,hunter2/x@h/n",
    "an empty host among several": "postgresql://u:hunter2@a,,b/n",
    "a port that is none among several": "postgresql://u:hunter2@a,b:65536/n",
    "several at both places": "postgresql://u:hunter2@a,b/n?host=c",
    "several of MariaDB": "mariadb://u:hunter2@a,b/n",
    "one that does not write": "postgresql://u:hunter2@a,b/n?target_session_attrs=standby",
    "no host that writes": "postgresql:///hunter2?target_session_attrs=primary",
    "option of another": "sqlite:///a.db?ssl_ca=hunter2",
}


@pytest.mark.parametrize(("given", "normal"), GOOD.values(), ids=GOOD)
def test_address(given, normal):
    assert store_url(given).render_as_string(hide_password=False) == normal


@pytest.mark.parametrize("given", BAD.values(), ids=BAD)
def test_address_refused(given):
    with pytest.raises(ValueError, match=r"address|supported|name|known|%40|target_session_attrs") as refusal:
        StoreOptions(url=Secret(given))
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("address", ["p@ss@h/n", "p@s/s@h/n", "p@@h/n", "p@ss@h"])
def test_an_unescaped_at_sign_in_the_password_is_told(address: str):
    with pytest.raises(ValueError, match="write @ in a password as %40"):
        store_url(f"postgresql://u:{address}")


def test_options_that_go_to_the_driver():
    engine = create_engine(StoreOptions(url=Secret("postgresql://u:hunter2@h/n?sslmode=require")))
    assert dict(engine.url.query) == {"ssl": "require"}
    assert "hunter2" not in repr(engine)


@pytest.mark.parametrize("address", ["u:hunter2@a,b:5433/n", "u:hunter2@a:5433/n?target_session_attrs=primary"])
def test_hosts_do_not_go_to_the_driver_where_one_is_chosen(address: str):
    engine = create_engine(StoreOptions(url=Secret(f"postgresql://{address}")))
    assert engine.dialect.create_connect_args(engine.url) == ([], {"user": "u", "password": "hunter2", "database": "n"})


def test_password_shows_nowhere():
    options = StoreOptions(url=Secret("mariadb://u:hunter2@h/n"))
    assert "hunter2" not in repr(options) + repr(create_engine(options)) + repr(create_engine(options).url)


def test_certificate_that_is_not_there():
    with pytest.raises(ConfigError, match=r"store\.url: ssl_ca cannot be used: No such file"):
        create_engine(StoreOptions(url=Secret("mariadb://u:hunter2@h/n?ssl_ca=/nowhere")))


def test_certificate():
    authorities = ssl.get_default_verify_paths().cafile or ""
    engine = create_engine(StoreOptions(url=Secret(f"mariadb://u@h/n?ssl_ca={authorities}&unix_socket=/s")))
    assert dict(engine.url.query) == {"unix_socket": "/s"}


SETTINGS = {
    "sqlite": {
        "PRAGMA journal_mode": "wal",
        "PRAGMA synchronous": 2,
        "PRAGMA foreign_keys": 1,
        "PRAGMA busy_timeout": 800,
    },
    "postgresql": {
        "SHOW statement_timeout": "1s",
        "SHOW idle_in_transaction_session_timeout": "1s",
        "SHOW transaction_isolation": "read committed",
    },
    "mariadb": {
        "SELECT @@tx_isolation": "READ-COMMITTED",
        "SELECT @@max_statement_time": 1,
        "SELECT @@innodb_lock_wait_timeout": 1,
        "SELECT @@character_set_client": "utf8mb4",
        "SELECT @@sql_mode LIKE '%STRICT_ALL_TABLES%'": 1,
    },
}


async def test_settings(backend: str, store_options: StoreOptions):
    store = Store(replace(store_options, timeout=StoreOptions().timeout))  # as it is where nothing is said
    async with store.engine.connect() as connection:
        for question, answer in SETTINGS[backend].items():
            assert (await connection.execute(text(question))).scalar() == answer, question
    await store.close()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_file_is_private(databases):
    path = Path(make_url(databases.make()).database or "")
    engine = create_engine(StoreOptions(url=Secret(f"sqlite:///{path}")))
    async with engine.connect() as connection:
        await connection.execute(text("CREATE TABLE t (a)"))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.glob(path.name + "*")}
    await engine.dispose()
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}, modes
