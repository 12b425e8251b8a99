"""One source on a real database: it is only read, and whatever it answers, nobody else is let in by it."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from authgate.errors import ConfigError, Overloaded, SourceError
from authgate.model import Reason, Secret
from authgate.sources.options import Columns, SourceOptions
from authgate.sources.source import Source
from tests.sources.shapes import SIMPLE
from tests.sources.world import QUERY, Foreign
from tests.store.samples import eventually

HASH = "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA"
BY_LOGIN = f"{QUERY} WHERE login = :name"


def options(foreign, query=BY_LOGIN, **more):
    return SourceOptions("old", Secret(foreign.url), query, **{"retry_after": 0.05, "timeout": 2.0, **more})


@pytest.fixture
async def source(foreign):
    """Makes sources on the database, and closes them."""
    made = []

    def make(query=BY_LOGIN, **more):
        made.append(Source(options(foreign, query, **more)))
        return made[-1]

    yield make
    for each in made:
        await each.close()


async def found(source, name="ann", asked=None):
    return await source.find(name, asked or name, fresh=True)


async def test_a_user_of_the_table(foreign, source):
    await foreign.person("ann", HASH, may="play:*", teams="staff", shown="Ann")
    old = source(columns=Columns(grants="may", groups="teams", display="shown"))
    ann = await found(old)
    assert ann is not None
    assert (ann.name, ann.display, ann.hash, ann.grants, ann.groups) == ("ann", "Ann", HASH, ("play:*",), {"staff"})
    assert await found(old, "bob") is None


WRITES = {
    "a row": "INSERT INTO people (login) VALUES ('eve')",
    "a change": "UPDATE people SET password = 'x'",
    "a removal": "DELETE FROM people",
    "a table": "CREATE TABLE taken (a integer)",
    "an end": "DROP TABLE people",
}


@pytest.mark.parametrize("statement", WRITES.values(), ids=WRITES)
async def test_nothing_is_written_whatever_would_be_sent(foreign, source, statement):
    await foreign.person("ann", HASH)
    old = source()
    assert await old.promises()
    async with old._engine.connect() as connection:
        with pytest.raises(DBAPIError, match=r"(?i)read.?only"):
            await connection.execute(text(statement))
    assert await found(old)
    assert await foreign.count("people") == 1


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_looks_are_counted_by_their_outcome(foreign):
    await foreign.person("ann", HASH)
    tally = Counter()
    old = Source(options(foreign), tally=tally)
    for _ in range(3):
        assert await old.find("ann", "ann", fresh=False)
    assert tally == {"source_users_asked:old": 1, "source_users_remembered:old": 2}
    await foreign.run("DROP TABLE people")
    with pytest.raises(SourceError):
        await found(old)
    assert tally["source_users_unanswered:old"] == 1
    await old.close()


async def test_a_file_that_is_not_there_is_not_made(tmp_path):
    old = Source(SourceOptions("old", Secret(f"sqlite:///{tmp_path}/none.db"), BY_LOGIN, retry_after=0.05))
    with pytest.raises(SourceError, match=r"user source old: there is no file .*/none\.db that can be read"):
        await found(old)
    await old.close()
    assert not list(tmp_path.glob("none*"))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_file_with_an_odd_name_that_somebody_else_writes_to(foreign, tmp_path):
    path = tmp_path / "a#b %41 file.db"
    path.touch()
    odd = Foreign(f"sqlite:///{path}")
    await odd.run(SIMPLE)
    await odd.run("PRAGMA journal_mode = WAL")
    await odd.person("ann", HASH)
    old = Source(options(odd))
    assert await found(old)
    await odd.person("bob", HASH)
    assert await found(old, "bob")
    await old.close()


async def test_two_rows_are_nobody(foreign, source, caplog):
    for login in ("Ann", "ann"):
        await foreign.person(login, HASH)
    ann = await found(source(f"{QUERY} WHERE lower(login) = :name"))
    assert ann is not None
    assert (ann.refusal(0), ann.hash) == (Reason.USER_DISABLED, None)
    assert "more than one row for user ann" in caplog.text


ALIASES = {
    "an accent": ("ann", "ànn"),
    "a sharp s": ("strasse", "straße"),
    "a space that a column fills up": ("ann", "ann b"),
    "a wildcard": ("ann", "a%"),
    "SQL": ("ann", "' OR '1'='1"),
}


@pytest.mark.parametrize(("there", "asked"), ALIASES.values(), ids=ALIASES)
async def test_attack_a_name_that_the_database_takes_for_another(foreign, source, caplog, there, asked):
    await foreign.person(there, HASH)
    # As MySQL's collations do, which see neither case nor accents.
    old = source(f"{QUERY} WHERE login = :name OR login LIKE :name OR 'ann' LIKE :name OR :name IN ('ànn', 'straße')")
    assert await found(old, asked) is None
    assert asked not in caplog.text, "it may be a password in the wrong field"


@pytest.mark.parametrize("backend", ["mariadb"], indirect=True)
@pytest.mark.parametrize("asked", ["ànn", "ann\u0301", "äñn"])
async def test_attack_a_collation_without_accents(foreign, source, asked):
    await foreign.run("ALTER TABLE people CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci")
    await foreign.person("Ann", HASH)
    old = source()
    assert (await old.see(asked)).rows, "the database takes it for Ann"
    assert await found(old, asked) is None
    assert await found(old, "ann")


STRANGE = ["😀", "жук", "ann\u200d", "x" * 190, "\\", "'", '"', "%", ":name", "a;b", "--"]


@pytest.mark.parametrize("name", STRANGE)
async def test_attack_a_name_that_the_table_cannot_hold_troubles_nobody(foreign, source, name):
    await foreign.person("ann", HASH)
    old = source()
    assert await found(old, name) is None
    assert not old.away
    assert await found(old)


@pytest.mark.parametrize("backend", ["mariadb"], indirect=True)
async def test_attack_a_name_that_the_collation_of_a_table_refuses(foreign, source):
    await foreign.run("ALTER TABLE people MODIFY login varchar(190) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin")
    await foreign.person("ann", HASH)
    old = source()
    for _ in range(3):
        assert await found(old, "😀") is None
    assert not old.away
    assert await found(old)


async def test_an_unusable_row_keeps_its_user_out_and_nobody_else(foreign, source, caplog):
    await foreign.person("ann", HASH, may="play:* shout:*")
    await foreign.person("bob", HASH, may="play:*")
    old = source(columns=Columns(grants="may"))
    ann, bob = await found(old), await found(old, "bob")
    assert ann is not None
    assert bob is not None
    assert (ann.refusal(0), bob.refusal(0)) == (Reason.USER_DISABLED, None)
    assert "user source old: user ann is refused: grants: 'shout:*': no such action" in caplog.text


BROKEN = {
    "no such table": ("SELECT login AS name, password AS hash FROM peopel WHERE login = :name", "peopel"),
    "no such column": ("SELECT login AS name, pasword AS hash FROM people WHERE login = :name", "pasword"),
    "no syntax": (
        "SELECT login AS name, password AS hash FROM people WHERE WHERE login = :name",
        "(?:syntax|SQL syntax)",
    ),
}


@pytest.mark.parametrize(("query", "told"), BROKEN.values(), ids=BROKEN)
async def test_a_query_that_the_database_refuses_is_told_and_lets_nobody_in(source, query, told):
    old = source(query)
    for _ in range(2):
        with pytest.raises(SourceError, match=f"^user source old does not answer its query: .*{told}"):
            await found(old)
    assert not old.away


async def test_a_column_that_is_not_there_lets_nobody_in(foreign, source):
    await foreign.person("ann", HASH)
    with pytest.raises(SourceError, match="its query gives no column 'state'"):
        await found(
            source(
                "SELECT * FROM (SELECT login AS name, password AS hash FROM people) p WHERE name = :name",
                columns=Columns(enabled="state"),
            )
        )


async def test_many_looks_share_few_connections(foreign, source):
    names = [f"user{number}" for number in range(40)]
    for name in names:
        await foreign.person(name, HASH)
    old = source(pool=2)
    users = await asyncio.gather(*(found(old, name) for name in names))
    assert [user.name for user in users if user is not None] == names
    assert old._engine.pool.checkedout() == 0
    assert old._engine.pool.size() == 2


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
async def test_a_look_that_takes_too_long_is_ended_and_told(source, backend):
    sleep = {"postgresql": "pg_sleep(30)::text", "mariadb": "sleep(30)"}[backend]
    query = f"SELECT login AS name, password AS hash FROM people WHERE :name <> '' AND {sleep} <> 'x' OR login = :name"
    old = source(query.replace("FROM people", "FROM (SELECT 'ann' AS login, '' AS password) p"), timeout=0.3, pool=1)
    outcomes = await asyncio.gather(*(found(old, f"u{number}") for number in range(5)), return_exceptions=True)
    assert {type(each) for each in outcomes} <= {SourceError, Overloaded}
    assert SourceError in {type(each) for each in outcomes}


async def test_asked_at_leisure_it_is_looked_up_once(foreign, source):
    await foreign.person("ann", HASH)
    old = source(recheck=3600)
    first = await old.find("ann", "ann", fresh=False)
    await foreign.run("DELETE FROM people")
    again = await old.find("ann", "ann", fresh=False)
    assert (first.hash, again.hash) == (HASH, None), "a hash is not kept in memory"
    assert again.generation == first.generation
    assert await old.find("ann", "ann", fresh=True) is None
    assert await old.find("ann", "ann", fresh=False) is None


async def test_closed_it_is_asked_no_more(source):
    old = source()
    await old.close()
    with pytest.raises(SourceError, match="is closed"):
        await found(old)


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
async def test_a_connection_that_was_lost_is_made_again(foreign, source, backend):
    await foreign.person("ann", HASH)
    old = source(pool=1)
    assert await found(old)
    me = {"postgresql": "SELECT pg_backend_pid()", "mariadb": "SELECT connection_id()"}[backend]
    async with old._engine.connect() as connection:
        number = (await connection.execute(text(me))).scalar_one()
    end = {"postgresql": "SELECT pg_terminate_backend({})", "mariadb": "KILL {}"}[backend]
    await foreign.run(end.format(number))
    assert await found(old)
    await eventually(0, checked_out, old)


async def checked_out(source):
    return source._engine.pool.checkedout()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_certificate_that_cannot_be_read(foreign, tmp_path):
    url = Secret(f"mariadb://a:b@192.0.2.1/c?ssl_ca={tmp_path}/none.pem")
    with pytest.raises(ConfigError, match=r"user_sources\[3\]\.url: ssl_ca cannot be used: No such file"):
        Source(SourceOptions("old", url, BY_LOGIN), "user_sources[3]")
