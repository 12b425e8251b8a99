"""A source of users in a database of its own, and authgate in front of it: the store in SQLite, hooks as they come."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from authgate.config import load
from authgate.model import Delivery, Record, User
from authgate.passwords import Hasher, Hashing
from authgate.store.engine import store_url
from authgate.wiring import Service, build
from tests.sources.shapes import statements

PASSWORD = "correct horse"
PATIENCE = 10  # seconds that a busy machine may take
CHEAP = Hashing(memory=1024, time=1)
# Hashes that cost little, and no waiting behind a wrong password.
QUICK = "[hashing]\nmemory = 1024\ntime = 1\n[guessing]\ndelay = 0\nanswer_after = 0\n"
QUERY = "SELECT login AS name, password AS hash, active, banned, shown, may, teams, since, until FROM people"


class Verdicts:
    """What was told of verdicts."""

    def __init__(self) -> None:
        self.told: list[Record] = []

    def verdict(self, record: Record, milliseconds: float) -> None:
        """One more."""
        self.told.append(record)


class Foreign:
    """The other database, as those who own it write to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.backend = {"postgresql": "postgresql", "sqlite": "sqlite"}.get(make_url(url).get_backend_name(), "mariadb")
        self._engine = create_async_engine(store_url(url), poolclass=NullPool)

    async def run(self, script: str, **values: object) -> None:
        async with self._engine.begin() as connection:
            for statement in statements(script):
                await connection.execute(text(statement), values)

    async def count(self, table: str) -> int:
        async with self._engine.connect() as connection:
            return int((await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())

    async def person(self, login: str, password: str | None, **more: object) -> None:
        """A row of the table ``people``."""
        row = {"login": login, "password": password, **more}
        columns, names = ", ".join(row), ", ".join(f":{name}" for name in row)
        await self.run(f"INSERT INTO people ({columns}) VALUES ({names})", **row)


async def hashed(password: str = PASSWORD) -> str:
    """An argon2 hash that costs little."""
    with hashing() as hasher:
        return await hasher.hash(password)


@contextmanager
def hashing() -> Iterator[Hasher]:
    """What hashes at little cost."""
    hasher = Hasher(CHEAP)
    try:
        yield hasher
    finally:
        hasher.close()


class World:
    """A running authgate."""

    def __init__(self, service: Service, verdicts: Verdicts) -> None:
        self.service = service
        self.store = service.store
        self._verdicts = verdicts

    async def add(self, name: str, password: str, grants: tuple[str, ...] | None = None) -> None:
        """A user of the store."""
        await self.store.users.add(User(name, name, hash=await hashed(password), grants=grants))

    async def hook(self, method: str, session: str, **fields: Any) -> Record:
        """The verdict on a hook."""
        body = json.dumps({"nodeId": "n1", "appKey": "app", "sessionId": session, **fields}).encode()
        until = asyncio.get_running_loop().time() + self.service.config.server.deadline
        reply = await self.service.gateway.answer(Delivery(method, body), until)
        record = next(each for each in reversed(self._verdicts.told) if each.key.session == session)
        assert record.allowed == (reply.status == 200)
        return record

    async def connect(self, login: str, password: str = PASSWORD, session: str = "") -> str:
        """The reason of the verdict on a connect with a login and a password."""
        session = session or secrets.token_hex(8)
        custom = {"login": login, "password": password}
        return await self._reason("connect", session, custom=custom)

    async def show(self, token: str, session: str = "") -> str:
        """The reason of the verdict on a connect with a token."""
        return await self._reason("connect", session or secrets.token_hex(8), custom={"token": token})

    async def publish(self, session: str, name: str = "stream") -> str:
        """The reason of the verdict on a ``publishStream`` in a session."""
        return await self._reason("publishStream", session, name=name)

    async def _reason(self, method: str, session: str, **fields: Any) -> str:
        return (await self.hook(method, session, **fields)).reason.value


def configuration(folder: Path, *sections: str) -> Path:
    """A configuration with these sections, and a store beside it."""
    path = folder / "authgate.toml"
    path.write_text(
        f'[server]\ndeadline = 15\n[store]\nurl = "sqlite:///authgate.db"\ntimeout = {PATIENCE}\n'
        f"{QUICK}"
        '[[verifiers]]\ntype = "password"\n' + "\n".join(sections)
    )
    path.chmod(0o600)
    return path


def source(url: str, query: str = f"{QUERY} WHERE login = :name", name: str = "old", **options: object) -> str:
    """A section ``[[user_sources]]``."""
    columns = options.pop("columns", {})
    options = {"timeout": PATIENCE, **options}
    lines = [f"name = {json.dumps(name)}", f"url = {json.dumps(url)}", f"query = {json.dumps(query)}"]
    lines += [f"{option} = {json.dumps(value)}" for option, value in options.items()]
    assert isinstance(columns, Mapping)
    if columns:
        lines += ["[user_sources.columns]", *(f"{key} = {json.dumps(value)}" for key, value in columns.items())]
    return "\n".join(["[[user_sources]]", *lines, ""])


@asynccontextmanager
async def running(path: Path, environ: Mapping[str, str] | None = None) -> AsyncIterator[World]:
    """Authgate by the configuration of a file. The store beside it is there already."""
    verdicts = Verdicts()
    service = build(load(path, environ or {}), verdicts)
    async with service.running():
        yield World(service, verdicts)
