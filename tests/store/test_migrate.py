"""Migrations: up, down and up again, by many at once, and what they refuse."""

import asyncio
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, make_url, text

from authgate.errors import Refused, StoreError
from authgate.model import (
    NO_AUTHORITY,
    Alias,
    Group,
    Principal,
    Reason,
    Record,
    Secret,
    Session,
    SessionKey,
    User,
)
from authgate.store import Store, StoreOptions, migrate
from authgate.store.engine import create_engine
from authgate.store.migrate import Revision, State
from authgate.store.tables import metadata

from .samples import a_session, closing, opening


@pytest.fixture
def empty(databases, tmp_path: Path) -> StoreOptions:
    """The options of a store on an empty database."""
    return StoreOptions(url=Secret(databases.empty()), spool=tmp_path / "spool")


@pytest.fixture
async def engine(empty: StoreOptions):
    engine = create_engine(empty)
    yield engine
    await engine.dispose()


async def differences(engine) -> list:
    async with engine.connect() as connection:
        return await connection.run_sync(lambda c: compare_metadata(MigrationContext.configure(c), metadata))


async def test_up_down_and_up_again(engine, capsys: pytest.CaptureFixture[str]):
    assert await migrate.check(engine) == Revision(State.EMPTY, None, migrate.head())
    for _ in range(2):
        await migrate.upgrade(engine)
        assert await migrate.check(engine) == Revision(State.NEWEST, migrate.head(), migrate.head())
        assert await differences(engine) == []
        await migrate.downgrade(engine, "base")
        async with engine.connect() as connection:
            assert await connection.run_sync(lambda c: inspect(c).get_table_names()) == ["alembic_version"]
        assert await migrate.current(engine) is None
    assert capsys.readouterr().out == ""


async def test_one_revision_at_a_time(engine):
    await migrate.upgrade(engine)
    for revision in reversed(migrate._known()[:-1]):
        await migrate.downgrade(engine, revision)
        assert await migrate.check(engine) == Revision(State.BEHIND, revision, migrate.head())
    await migrate.upgrade(engine)
    assert await differences(engine) == []


# Rows as version 0.1.0 wrote them, at revision 0004.
OLD_ROWS = """
INSERT INTO users (name, display, hash, enabled, created_at, updated_at) VALUES ('ann', 'Ann', 'h', {true}, 1, 2);
INSERT INTO users (name, display, hash, enabled, created_at, updated_at) VALUES ('bob', 'Bob', NULL, {false}, 1, 2);
INSERT INTO sessions VALUES ('n', '/1', 'a', 3, 'ann', {true}, 'token', '["play:*"]', 9, 'jti-1');
INSERT INTO sessions VALUES ('n', '/2', 'a', 3, 'bob', {true}, 'password', NULL, NULL, NULL);
INSERT INTO sessions VALUES ('n', '/3', 'a', 3, NULL, {false}, '', NULL, NULL, NULL);
INSERT INTO records VALUES ('{id}', 4, 'n', '/1', 'a', 'connect', 'ann', {true}, 'ok', 'token', '', '');
"""
OLD_USERS = [User("ann", "Ann", True, "h", 1, 2), User("bob", "Bob", False, None, 1, 2)]
OLD_SESSIONS = [
    Session(SessionKey("n", "/1"), "a", 3, Principal("ann", "token", ("play:*",), 9, "jti-1", True)),
    Session(SessionKey("n", "/2"), "a", 3, Principal("bob", "password", stored_user=True), user_enabled=False),
    Session(SessionKey("n", "/3"), "a", 3),
]
OLD_RECORD = Record("0" * 26, 4, SessionKey("n", "/1"), "a", "connect", "ann", True, Reason.OK, "token")


async def test_what_an_older_revision_holds_is_there_after_the_upgrade(empty: StoreOptions, backend: str):
    store = Store(empty)
    try:
        await migrate.upgrade(store.engine)
        await migrate.downgrade(store.engine, "0004")
        true, false = ("1", "0") if backend == "sqlite" else ("true", "false")
        async with store.engine.begin() as connection:
            for statement in OLD_ROWS.format(true=true, false=false, id=OLD_RECORD.id).strip().splitlines():
                await connection.exec_driver_sql(statement)
        with pytest.raises(StoreError, match="at revision 0004, behind"):
            await store.check()
        await migrate.upgrade(store.engine)
        await store.check()
        assert list(await store.users.list()) == OLD_USERS
        assert [await store.users.find(user.name) for user in OLD_USERS] == OLD_USERS
        assert await store.sessions.list() == OLD_SESSIONS
        found = [await store.sessions.find(session.key) for session in OLD_SESSIONS]
        assert found == OLD_SESSIONS
        assert [(each.origin, each.config) for each in found] == [("", "")] * 3
        assert await store.sessions.count_by_config() == {("a", ""): 3}
        assert list(await store.records.list()) == [OLD_RECORD]
        assert await store.records.after(0, 10) == [(1, OLD_RECORD)]
        assert await store.authorities.of("ann") == NO_AUTHORITY
        # And they are used as ever: a session is closed, another takes its place.
        await store.ledger.write(closing(OLD_SESSIONS[0].key, at=5))
        await store.ledger.write(opening(a_session(OLD_SESSIONS[1].key, opened_at=6)))
        assert [each.key.session for each in await store.sessions.list()] == ["/2", "/3"]
    finally:
        await store.close()


async def test_what_stays_after_a_downgrade(empty: StoreOptions):
    store = Store(empty)
    try:
        await migrate.upgrade(store.engine)
        await store.users.add(User("ann", "Ann", grants=("play:*",)))
        await store.groups.add(Group("staff"))
        await store.groups.join("staff", ["ann"])
        await store.aliases.add(Alias("t", "n", "v"))
        await store.ledger.write(opening(a_session(groups=frozenset({"x"}), claims={"room": "red"})))
        await migrate.downgrade(store.engine, "0004")
        await migrate.upgrade(store.engine)
        assert [(user.name, user.grants) for user in await store.users.list()] == [("ann", None)]
        assert (list(await store.groups.list()), list(await store.aliases.list())) == ([], [])
        assert await store.sessions.list() == [a_session()]
    finally:
        await store.close()


async def test_upgrading_twice_keeps_the_rows(store: Store):
    async with store.engine.begin() as connection:
        await connection.execute(
            metadata.tables["users"]
            .insert()
            .values(name="ann", display="Ann", enabled=True, created_at=1, updated_at=1)
        )
    await migrate.upgrade(store.engine)
    assert [each.name for each in await store.users.list()] == ["ann"]


RACE = """
import asyncio, os, sys
from authgate.model import Secret
from authgate.store import StoreOptions, migrate
from authgate.store.engine import create_engine

async def upgrade():
    engine = create_engine(StoreOptions(url=Secret(sys.argv[1])))
    await migrate.upgrade(engine)
    await engine.dispose()

racers = []
for _ in range(4):
    racer = os.fork()
    if racer == 0:
        asyncio.run(upgrade())
        sys.exit()
    racers.append(racer)
sys.exit(sum(os.waitpid(racer, 0)[1] != 0 for racer in racers))
"""


async def test_four_processes_upgrade_at_once(empty: StoreOptions, engine):
    command = [sys.executable, "-c", RACE, empty.url.reveal()]
    race = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=120, check=False)
    assert (race.returncode, race.stdout, race.stderr) == (0, "", "")
    assert (await migrate.check(engine)).state is State.NEWEST
    assert await differences(engine) == []


@pytest.mark.parametrize("backend", ["mariadb"], indirect=True)
async def test_an_upgrade_that_was_killed_at_any_place_goes_on(engine):
    """What a revision changes is there, and that revision is not noted."""
    known = migrate._known()
    await migrate.upgrade(engine)
    for before in [None, *known[:-1]]:
        async with engine.begin() as connection:
            await connection.execute(text("DELETE FROM alembic_version"))
            if before is not None:
                await connection.execute(text("INSERT INTO alembic_version VALUES (:before)"), {"before": before})
        await migrate.upgrade(engine)
        assert await differences(engine) == []


@pytest.mark.parametrize("backend", ["mariadb"], indirect=True)
async def test_a_downgrade_that_was_killed_at_any_place_goes_on(engine):
    known = migrate._known()
    await migrate.upgrade(engine)
    for before, after in zip(reversed(known[:-1]), reversed(known[1:]), strict=True):
        await migrate.downgrade(engine, before)
        async with engine.begin() as connection:  # as if that had not been noted
            await connection.execute(text("UPDATE alembic_version SET version_num = :after"), {"after": after})
        await migrate.downgrade(engine, before)
    await migrate.upgrade(engine)
    assert await differences(engine) == []


async def test_tables_of_something_else_are_left_alone(engine):
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE users (id INTEGER)"))
    with pytest.raises(Refused, match="not authgate's: users"):
        await migrate.upgrade(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(lambda c: inspect(c).get_table_names()) == ["users"]


async def test_a_revision_that_is_not_known(engine):
    await migrate.upgrade(engine)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert await migrate.check(engine) == Revision(State.UNKNOWN, "9999", migrate.head())
    with pytest.raises(Refused, match="9999"):
        await migrate.upgrade(engine)


async def test_an_upgrade_elsewhere_is_not_waited_for_without_end(engine, empty, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(migrate, "_PATIENCE", 1)
    other = create_engine(empty)
    async with other.connect() as connection:
        await migrate._lock(connection, other.dialect.name)
        with pytest.raises(StoreError):
            await migrate.upgrade(engine)
        await connection.invalidate()
    await migrate.upgrade(engine)
    await other.dispose()


DEMANDS = {
    "newest": (Revision(State.NEWEST, "2", "2"), None),
    "behind": (Revision(State.BEHIND, "1", "2"), "at revision 1, behind 2; run: authgate db upgrade"),
    "empty": (Revision(State.EMPTY, None, "2"), "empty; run: authgate db upgrade"),
    "unknown": (Revision(State.UNKNOWN, "3", "2"), "at revision 3, which this authgate does not know"),
}


@pytest.mark.parametrize(("revision", "words"), DEMANDS.values(), ids=DEMANDS)
def test_only_the_newest_will_do(revision: Revision, words: str | None):
    if words is None:
        revision.demand_newest()
    else:
        with pytest.raises(StoreError, match=words):
            revision.demand_newest()


async def test_a_store_that_was_never_upgraded_is_not_ready(empty: StoreOptions):
    store = Store(empty)
    with pytest.raises(StoreError, match="authgate db upgrade"):
        await store.check()
    await store.ping()  # it can be reached
    with pytest.raises(StoreError):
        await store.users.find("ann")
    await store.close()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_only_an_upgrade_makes_a_file(store_options: StoreOptions, tmp_path: Path):
    """A mistyped path must not pass for an empty store."""
    path = tmp_path / "mistyped.db"
    store = Store(replace(store_options, url=Secret(f"sqlite:///{path}")))
    for ask in (store.check, store.ping, store.users.any):
        with pytest.raises(StoreError, match="run: authgate db upgrade"):
            await ask()
    assert not path.exists()
    await migrate.upgrade(store.engine)
    await store.check()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await store.close()


async def test_a_store_that_cannot_be_reached(empty: StoreOptions, backend: str):
    url = make_url(empty.url.reveal())
    away = url.set(database="/nowhere/a.db") if backend == "sqlite" else url.set(port=9)
    engine = create_engine(replace(empty, url=Secret(away.render_as_string(hide_password=False))))
    for ask in (migrate.current, migrate.check, migrate.upgrade):
        with pytest.raises(StoreError):
            await ask(engine)


COLLATIONS = {
    "postgresql": (
        "SELECT count(*) FROM information_schema.columns WHERE collation_name = 'C' AND (table_name, column_name) IN "
        "(('users','name'), ('sessions','node'), ('sessions','session'), ('sessions','user_name'), ('records','id'), "
        "('user_groups','name'), ('user_group_members','user_name'), ('user_group_members','group_name'), "
        "('aliases','table_name'), ('aliases','name'))",
        10,
    ),
    "mariadb": (
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = DATABASE() "
        "AND table_name <> 'alembic_version' AND collation_name <> 'utf8mb4_nopad_bin'",
        0,
    ),
}


@pytest.mark.parametrize("backend", COLLATIONS, indirect=True)
async def test_text_is_compared_by_its_code_points(backend: str, store: Store):
    question, answer = COLLATIONS[backend]
    async with store.engine.connect() as connection:
        assert (await connection.execute(text(question))).scalar() == answer


def test_files_are_called_by_their_revisions():
    scripts = ScriptDirectory(str(Path(migrate.__file__).parents[2] / "migrations"))
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert migrate._known() == revisions[::-1]
    assert migrate.head() == scripts.get_current_head()


def test_an_installed_authgate_has_its_migrations_inside(tmp_path: Path):
    root = Path(migrate.__file__).parents[2]
    shutil.copytree(root / "authgate", tmp_path / "authgate", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(root / "migrations", tmp_path / "authgate" / "migrations")
    ask = "from authgate.store import migrate; print(migrate.__file__, migrate.head())"
    answer = subprocess.run([sys.executable, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == [str(tmp_path / "authgate" / "store" / "migrate.py"), migrate.head()]
