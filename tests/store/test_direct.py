"""The short way of batches: many rows by few statements, and SQLite's on a connection that is kept."""

import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError

from authgate.store import Store
from authgate.store.direct import Line, Rows, keyed_by, of_rows, unlike

UPSERT = "INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT (a) DO UPDATE SET b = excluded.b"
TEXTS = {
    "one row": ("INSERT INTO t (a) VALUES (?)", 1, "INSERT INTO t (a) VALUES (?)"),
    "three": ("INSERT INTO t (a, b) VALUES (?, ?)", 3, "INSERT INTO t (a, b) VALUES (?, ?), (?, ?), (?, ?)"),
    "with what follows": (UPSERT, 2, UPSERT.replace("(?, ?)", "(?, ?), (?, ?)")),
    "with numbers": ("INSERT INTO t (a, b) VALUES ($1, $2)", 2, "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)"),
    "with types": (
        "INSERT INTO t (a) VALUES ($1::BIGINT) ON CONFLICT (a) DO NOTHING",
        3,
        "INSERT INTO t (a) VALUES ($1::BIGINT), ($2::BIGINT), ($3::BIGINT) ON CONFLICT (a) DO NOTHING",
    ),
    "other numbers too": ("INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET b = $2", 2, None),
    "no row of parameters": ("INSERT INTO t (a) VALUES (1)", 2, None),
    "other parameters too": ("INSERT INTO t (a) VALUES (?) ON CONFLICT (a) DO UPDATE SET b = ?", 2, None),
    "not an INSERT": ("UPDATE t SET a = ?", 2, None),
    "of a SELECT": ("INSERT INTO t (a) SELECT ? WHERE ? > 0", 2, None),
}


@pytest.mark.parametrize(("text", "size", "found"), TEXTS.values(), ids=TEXTS)
def test_an_insert_of_many_rows(text, size, found):
    assert of_rows(text, size) == found


@pytest.fixture
async def line(tmp_path):
    opened = []

    def connect():
        opened.append(sqlite3.connect(tmp_path / "a.db", isolation_level=None))
        opened[-1].execute("CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY, b TEXT NOT NULL)")
        return opened[-1]

    line = Line(connect)
    line.opened = opened
    yield line
    await line.close()


async def put(line, rows, text=UPSERT):
    return await line.write(1.0, lambda direct: direct.exec_driver_sql(text, rows).rowcount)


async def read(line):
    return await line.read(lambda direct: direct.exec_driver_sql("SELECT a, b FROM t ORDER BY a", ()).fetchall())


@pytest.mark.parametrize("count", [0, 1, 2, 3, 63, 64, 65, 200])
async def test_all_rows_are_there_in_their_order(line, count):
    await put(line, [(at, str(at)) for at in range(count)])
    assert await read(line) == [(at, str(at)) for at in range(count)]


async def test_of_two_rows_with_one_key_the_later_one_stays(line):
    await put(line, [(1, "early"), (2, "two"), (1, "late")])
    assert await read(line) == [(1, "late"), (2, "two")]


async def test_other_statements_are_carried_out_for_each_row(line):
    await put(line, [(1, "a"), (2, "b")])
    await put(line, [("x", 1), ("y", 2)], "UPDATE t SET b = ? WHERE a = ?")
    assert await read(line) == [(1, "x"), (2, "y")]


async def test_nothing_of_a_transaction_stays_that_fails(line):
    with pytest.raises(DBAPIError):
        await put(line, [(1, "a"), (2, None)])
    assert await read(line) == []


async def test_the_connection_is_kept_and_another_made_after_trouble(line):
    await put(line, [(1, "a")])
    await read(line)
    assert len(line.opened) == 1
    with pytest.raises(DBAPIError):
        await line.read(lambda direct: direct.exec_driver_sql("SELECT * FROM nothing", ()))
    assert await read(line) == [(1, "a")]
    assert len(line.opened) == 2


async def test_a_lock_that_is_held_too_long_is_given_up(line, tmp_path):
    await read(line)
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DBAPIError, match="locked"):
        await line.write(0.05, lambda direct: direct.exec_driver_sql("DELETE FROM t", ()))
    other.execute("ROLLBACK")
    other.close()
    await put(line, [(1, "a")])


async def test_it_may_be_closed_twice(line):
    await read(line)
    await line.close()
    await line.close()


LIKE = {
    "no row": ([], 1, [[]]),
    "one": ([(1,)], 1, [[(1,)]]),
    "all unlike": ([(1, 1), (1, 2), (2, 1)], 2, [[(1, 1), (1, 2), (2, 1)]]),
    "two alike": ([(1, 1), (1, 2), (2, 1)], 1, [[(1, 1)], [(1, 2), (2, 1)]]),
    "alike again": ([(1, "a"), (2, "b"), (1, "c"), (1, "d")], 1, [[(1, "a"), (2, "b")], [(1, "c")], [(1, "d")]]),
    "where it is no matter": ([(1,), (1,)], 0, [[(1,), (1,)]]),
}


@pytest.mark.parametrize(("rows", "key", "found"), LIKE.values(), ids=LIKE)
def test_rows_with_one_key_come_by_statements_of_their_own(rows, key, found):
    assert [[*run] for run in unlike(rows, key)] == found


KEYED = {
    "nothing is changed": ("INSERT INTO t (a) VALUES ($1)", 0),
    "what is there stays": ("INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO NOTHING", 0),
    "one column": ("INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = excluded.b", 1),
    "two": ("INSERT INTO t (a, b, c) VALUES ($1, $2, $3)\n ON CONFLICT (a, b) DO UPDATE SET c = excluded.c", 2),
}


@pytest.mark.parametrize(("text", "key"), KEYED.values(), ids=KEYED)
def test_how_many_values_are_the_key(text, key):
    assert keyed_by(text) == key


def test_a_key_that_does_not_stand_first_is_a_mistake():
    with pytest.raises(ValueError, match="stand first"):
        keyed_by("INSERT INTO t (b, a) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = excluded.b")


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("rows", "statements"),
    [
        ([("a", 1), ("b", 2), ("c", 3)], 2),  # two rows, and one
        ([("a", 1), ("b", 2), ("a", 3), ("a", 4)], 3),
        ([(f"k{at:03}", at) for at in range(200)], 4),
        ([], 0),
    ],
    ids=["few", "alike", "many", "none"],
)
async def test_postgresql_is_given_many_rows_at_once(store: Store, rows, statements):
    told = []

    def work(connection):
        connection.exec_driver_sql("CREATE TEMPORARY TABLE t (a VARCHAR PRIMARY KEY, b BIGINT, n BIGINT DEFAULT 1)")
        inner = connection.exec_driver_sql
        connection.exec_driver_sql = lambda text, values: told.append(text) or inner(text, values)
        text = "INSERT INTO t (a, b) VALUES ($1::VARCHAR, $2::BIGINT) ON CONFLICT (a) DO UPDATE SET b = excluded.b"
        Rows(connection).exec_driver_sql(text, rows)
        del connection.exec_driver_sql
        return [tuple(row) for row in connection.exec_driver_sql("SELECT a, b FROM t ORDER BY a")]

    async with store.engine.connect() as connection:
        assert await connection.run_sync(work) == sorted(dict(rows).items())
        await connection.rollback()
    assert len(told) == statements


RETURNING = f"{UPSERT} RETURNING a, b"


@pytest.mark.parametrize("count", [0, 1, 3, 200])
async def test_each_row_tells_what_became_of_it(line, count):
    rows = [(at, str(at)) for at in range(count)]
    assert await line.write(1.0, lambda direct: direct.returned(RETURNING, rows)) == rows


async def test_each_of_two_rows_with_one_key_tells_what_became_of_it(line):
    rows = [(1, "early"), (2, "two"), (1, "late")]
    assert await line.write(1.0, lambda direct: direct.returned(RETURNING, rows)) == rows


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "rows",
    [[], [("a", 1)], [("a", 1), ("b", 2), ("a", 3)], [(f"k{at:03}", at) for at in range(130)]],
    ids=["none", "one", "alike", "many"],
)
async def test_postgresql_tells_what_became_of_each_row(store: Store, rows):
    def work(connection):
        connection.exec_driver_sql("CREATE TEMPORARY TABLE t (a VARCHAR PRIMARY KEY, b BIGINT)")
        text = "INSERT INTO t (a, b) VALUES ($1::VARCHAR, $2::BIGINT) ON CONFLICT (a) DO UPDATE SET b = excluded.b"
        return [tuple(row) for row in Rows(connection).returned(f"{text} RETURNING a, b", rows)]

    async with store.engine.connect() as connection:
        assert await connection.run_sync(work) == rows
        await connection.rollback()
