"""What the servers are given: configurations as an operator has them, and stores with users and live sessions."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from bench import hooks
from bench.processes import environment

POSTGRESQL = os.environ.get("AUTHGATE_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
_SQLITE = "sqlite:///authgate.db"
_COLUMNS = ("name", "display", "enabled", "created_at", "updated_at", "grants")
_MORE = """
[caller]
hmac_keys = ["{hmac_key}"]

[admin]
listen = "127.0.0.1:0"
insecure_metrics_without_key = true

[[rules]]
name = "clients play what they are granted"
methods = ["playStream"]
policy = {{ type = "grant" }}
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A configuration with its store."""

    config: Path
    token_key: str
    hmac_key: str  # "" where callers need not sign

    @property
    def database(self) -> Path:
        """The file of an SQLite store."""
        return self.config.with_name("authgate.db")


def prepare(folder: Path, users: int, *, signed: bool = True, url: str = _SQLITE) -> Prepared:
    """A configuration, and a migrated store with so many users.

    Signed, it has what an operator has: the media server signs its hooks, a rule asks for grants, metrics can be read.
    """
    authgate("init", str(folder), "--force")
    config = folder / "authgate.toml"
    text = config.read_text().replace(_SQLITE, url)
    hmac_key = secrets.token_hex(32) if signed else ""
    config.write_text(text + _MORE.format(hmac_key=hmac_key) if signed else text)
    authgate("--config", str(config), "db", "upgrade")
    grants = json.dumps([hooks.GRANT])
    rows = ((hooks.user(n), hooks.user(n), True, 0, 0, grants) for n in range(users))
    if url == _SQLITE:
        with contextlib.closing(sqlite3.connect(folder / "authgate.db")) as store, store:
            columns = ", ".join(_COLUMNS)
            store.executemany(f"INSERT INTO users ({columns}) VALUES (?, ?, ?, ?, ?, ?)", rows)  # noqa: S608 - our own
    else:
        asyncio.run(_copy_rows(url, list(rows)))
    return Prepared(config, tomllib.loads(text)["verifiers"][0]["key"], hmac_key)


def copy(prepared: Prepared, folder: Path, url: str = "") -> Prepared:
    """The same configuration in another folder, with a copy of the store in SQLite or with the one at this address."""
    folder.mkdir()
    config = folder / prepared.config.name
    text = prepared.config.read_text()
    config.write_text(text.replace(_SQLITE, url) if url else text)
    config.chmod(0o600)
    if not url:
        shutil.copy(prepared.database, folder)
        (folder / prepared.database.name).chmod(0o600)
    return replace(prepared, config=config)


def authgate(*arguments: str) -> None:
    """Carry out one of authgate's commands."""
    command = [sys.executable, "-m", "authgate", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment())


class Scratch:
    """Databases of our own on a PostgreSQL server. Raises OSError or its driver's error where it is away."""

    def __init__(self) -> None:
        self._name = f"authgate_bench_{secrets.token_hex(4)}"
        self._made: list[str] = []

    def make(self, like: str = "") -> str:
        """The address of a new database, empty or like another one of ours."""
        name = f"{self._name}_{len(self._made)}"
        template = make_url(like).database if like else "template0"
        asyncio.run(_execute(POSTGRESQL, f"CREATE DATABASE {name} TEMPLATE {template}"))
        self._made.append(name)
        return make_url(POSTGRESQL).set(database=name).render_as_string(hide_password=False)

    def drop(self) -> None:
        """Be rid of all of them."""
        for name in self._made:
            asyncio.run(_execute(POSTGRESQL, f"DROP DATABASE {name} WITH (FORCE)"))


@contextlib.contextmanager
def scratch() -> Iterator[Scratch]:
    """Databases that are gone at the end of the block."""
    databases = Scratch()
    try:
        yield databases
    finally:
        databases.drop()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _copy_rows(url: str, rows: list[tuple[object, ...]]) -> None:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        await connection.copy_records_to_table("users", records=rows, columns=_COLUMNS)
        await connection.execute("ANALYZE users")
    finally:
        await connection.close()
