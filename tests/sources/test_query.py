"""An operator's query is one SELECT with the one parameter, however it is written; anything else stops the start."""

import re

import pytest
from sqlalchemy import String, bindparam, text
from sqlalchemy.dialects import mysql, postgresql, sqlite

from authgate.sources.query import read_query

DIALECTS = {
    "postgresql": postgresql.asyncpg.dialect(),
    "mysql": mysql.aiomysql.dialect(),
    "sqlite": sqlite.aiosqlite.dialect(),
}


def carried_out(query, backend):
    """The statement as the driver gets it."""
    statement = text(read_query(query, backend).text).bindparams(bindparam("name", type_=String()))
    return str(statement.compile(dialect=DIALECTS[backend]))


# What is given, and what the driver gets.
GOOD = {
    "plain": ("mysql", "SELECT a FROM t WHERE b = :name", "SELECT a FROM t WHERE b = (%s)"),
    "semicolon at the end": ("sqlite", "select a from t where b=:name ; -- done\n", "select a from t where b=(?)"),
    "twice": (
        "postgresql",
        "SELECT a FROM t WHERE b = :name OR c = :name",
        "SELECT a FROM t WHERE b = ($1::VARCHAR) OR c = ($1::VARCHAR)",
    ),
    "a cast of the parameter": (
        "postgresql",
        "SELECT a::text FROM t WHERE b = :name::citext",
        "SELECT a::text FROM t WHERE b = ($1::VARCHAR)::citext",
    ),
    "a common table": (
        "sqlite",
        "WITH u AS (SELECT * FROM t) SELECT a FROM u WHERE b = :name",
        "WITH u AS (SELECT * FROM t) SELECT a FROM u WHERE b = (?)",
    ),
    "a comment before it": ("mysql", "# who\nSELECT a FROM t WHERE b=:name", "# who\nSELECT a FROM t WHERE b=(%s)"),
    "a colon in a text": (
        "mysql",
        "SELECT '12:30', \"x:y\", ':b' FROM t WHERE b=:name",
        "SELECT '12:30', \"x:y\", ':b' FROM t WHERE b=(%s)",
    ),
    "the parameter in a text too": (
        "sqlite",
        "SELECT ':name' FROM t WHERE b=:name",
        "SELECT ':name' FROM t WHERE b=(?)",
    ),
    "a backslash before a quote, where it means something": (
        "mysql",
        r"SELECT 'it\'s ; DELETE' FROM t WHERE b=:name",
        r"SELECT 'it\'s ; DELETE' FROM t WHERE b=(%s)",
    ),
    "a backslash before a quote, where it means nothing": (
        "postgresql",
        r"SELECT 'C:\' FROM t WHERE b=:name",
        r"SELECT 'C:\' FROM t WHERE b=($1::VARCHAR)",
    ),
    "a text in dollars": (
        "postgresql",
        "SELECT $x$ it's; :b $x$ FROM t WHERE b=:name",
        "SELECT $x$ it's; :b $x$ FROM t WHERE b=($1::VARCHAR)",
    ),
    "a slice": (
        "postgresql",
        "SELECT a[1:2] FROM t WHERE b=:name",
        "SELECT a[1:2] FROM t WHERE b=($1::VARCHAR)",
    ),
    "a percent sign": ("mysql", "SELECT a LIKE '%x' FROM t WHERE b=:name", "SELECT a LIKE '%%x' FROM t WHERE b=(%s)"),
    "words that write, as names in quotes": (
        "postgresql",
        'SELECT "update", u."delete" FROM t u WHERE b=:name',
        'SELECT "update", u."delete" FROM t u WHERE b=($1::VARCHAR)',
    ),
    "words that only begin so": (
        "sqlite",
        "SELECT updated_at, deleted FROM t WHERE b=:name",
        "SELECT updated_at, deleted FROM t WHERE b=(?)",
    ),
    "two dashes that are a sum": ("mysql", "SELECT 5--3 FROM t WHERE b=:name", "SELECT 5--3 FROM t WHERE b=(%s)"),
}


@pytest.mark.parametrize(("backend", "given", "made"), GOOD.values(), ids=GOOD)
def test_a_query(backend, given, made):
    assert carried_out(given, backend) == made


ONE = "holds more than one statement; write one SELECT"
NONE = "is no SELECT; it begins with SELECT, or with WITH"
MISSING = "the parameter :name is missing"
QUOTED = "the parameter :name stands in quotes, where it is only text"
BAD = {
    "nothing": ("sqlite", "", NONE),
    "only a comment": ("sqlite", "-- SELECT a FROM t WHERE b=:name", NONE),
    "an update": ("sqlite", "UPDATE t SET a=1 WHERE b=:name", NONE),
    "no query": ("sqlite", "EXPLAIN SELECT a FROM t WHERE b=:name", NONE),
    "a with that never selects": ("postgresql", "WITH x AS (VALUES (:name)) TABLE x", NONE),
    "two statements": ("sqlite", "SELECT a FROM t WHERE b=:name; SELECT 1", ONE),
    "two statements, one after a comment": ("sqlite", "SELECT a FROM t WHERE b=:name; -- x\nDROP TABLE t", ONE),
    "a change inside": (
        "postgresql",
        "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x WHERE b=:name",
        "holds the word DELETE; a source is only read (quote it where it is a name)",
    ),
    "a new table": (
        "postgresql",
        "SELECT a INTO fresh FROM t WHERE b=:name",
        "holds the word INTO; a source is only read (quote it where it is a name)",
    ),
    "a file on the server": (
        "mysql",
        "SELECT a FROM t WHERE b=:name INTO OUTFILE '/tmp/x'",
        "holds the word INTO; a source is only read (quote it where it is a name)",
    ),
    "a lock": (
        "mysql",
        "SELECT a FROM t WHERE b=:name FOR UPDATE",
        "holds the word UPDATE; a source is only read (quote it where it is a name)",
    ),
    "no parameter": ("sqlite", "SELECT a FROM t", MISSING),
    "the parameter of a driver": ("mysql", "SELECT a FROM t WHERE b=%s", MISSING),
    "the parameter in quotes": ("sqlite", "SELECT a FROM t WHERE b=':name'", QUOTED),
    "the parameter in a pattern": ("mysql", "SELECT a FROM t WHERE b LIKE '%:name%'", QUOTED),
    "the parameter in a comment": ("sqlite", "SELECT a FROM t /* :name */", MISSING),
    "another parameter": (
        "sqlite",
        "SELECT a FROM t WHERE b=:name AND c=:email",
        "has a parameter :email; there is only :name, the name of the user",
    ),
    "a longer one": (
        "sqlite",
        "SELECT a FROM t WHERE b=:name2",
        "has a parameter :name2; there is only :name, the name of the user",
    ),
    "a quote that does not end": ("sqlite", "SELECT 'a FROM t WHERE b=:name", "has a text in quotes that does not end"),
    "a comment that does not end": ("sqlite", "SELECT a /* FROM t WHERE b=:name", "has a comment that does not end"),
    "a comment that is carried out": (
        "mysql",
        "SELECT a FROM t WHERE b=:name /*! INTO OUTFILE '/tmp/x' */",
        "holds a comment that some databases carry out or read otherwise; remove it",
    ),
    "a comment in a comment": (
        "postgresql",
        "SELECT a /* /* */ FROM t WHERE b=:name */",
        "holds a comment that some databases carry out or read otherwise; remove it",
    ),
}


@pytest.mark.parametrize(("backend", "given", "told"), BAD.values(), ids=BAD)
def test_no_query(backend, given, told):
    with pytest.raises(ValueError, match=rf"^{re.escape(told)}"):
        read_query(given, backend)


COLUMNS = {
    "a column": ("SELECT pass FROM t WHERE b=:name", "pass", True),
    "an alias": ("SELECT p AS hash FROM t WHERE b=:name", "hash", True),
    "in another case": ("SELECT p AS Hash FROM t WHERE b=:name", "hash", True),
    "in quotes": ('SELECT p AS "the hash" FROM t WHERE b=:name', "the hash", True),
    "everything": ("SELECT * FROM t WHERE b=:name", "hash", True),
    "everything of one": ("SELECT t.* FROM t WHERE b=:name", "hash", True),
    "none": ("SELECT p FROM t WHERE b=:name", "hash", False),
    "a number of rows": ("SELECT count(*) AS n FROM t WHERE b=:name", "hash", False),
    "only in a comment": ("SELECT p /* hash */ FROM t WHERE b=:name", "hash", False),
}


@pytest.mark.parametrize(("query", "column", "there"), COLUMNS.values(), ids=COLUMNS)
def test_a_column_that_cannot_be_there_is_known(query, column, there):
    assert read_query(query, "sqlite").names_column(column) is there
