"""SQLite's short way: many rows by few statements, on a connection that is kept."""

import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError

from authgate.store.direct import Line, of_rows

UPSERT = "INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT (a) DO UPDATE SET b = excluded.b"
TEXTS = {
    "one row": ("INSERT INTO t (a) VALUES (?)", 1, "INSERT INTO t (a) VALUES (?)"),
    "three": ("INSERT INTO t (a, b) VALUES (?, ?)", 3, "INSERT INTO t (a, b) VALUES (?, ?), (?, ?), (?, ?)"),
    "with what follows": (UPSERT, 2, UPSERT.replace("(?, ?)", "(?, ?), (?, ?)")),
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
