"""A database with many rows in each table that grows, and the plans by which its statements find theirs."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Boolean, Column, Connection, Integer, text

from authgate.store.engine import MARIADB, POSTGRESQL, SQLITE
from authgate.store.tables import metadata

ROWS = 5_000
LIVE = ROWS - ROWS // 20  # of sessions, streams and calls: those of the lower numbers
NOW = int(time.time() * 1000)

# The tables that have as many rows as there are users, sessions, hooks or tokens; others are no larger than what is
# configured.
LARGE = (
    "aliases",
    "blocks",
    "calls",
    "guesses",
    "known_addresses",
    "messages",
    "one_time_tokens",
    "record_terms",
    "records",
    "revocations",
    "room_members",
    "sessions",
    "signal_senders",
    "stream_keys",
    "streams",
    "user_group_members",
    "users",
)
# What stands in columns, where that is not another word or number in each row; {n} is the row's number. What begins
# with letters is a word and the number that follows it.
_VALUES: Mapping[str, Mapping[str, str]] = {
    "blocks": {"kind": "'lock'"},
    "calls": {"node": "'node'", "app_key": "'app'", "over_at": f"CASE WHEN {{n}} > {LIVE} THEN {NOW} END"},
    "guesses": {"expires_at": str(NOW + 3_600_000)},
    "known_addresses": {"seen_at": str(NOW)},
    "messages": {"seq": f"{{n}} - {ROWS}", "done_at": str(NOW)},
    "one_time_tokens": {"expires_at": str(NOW // 1000 + 3_600), "began_at": "1"},
    "record_terms": {"segment": "1"},
    "records": {"at": f"{NOW} + {{n}}"},
    "revocations": {"kind": "'jti'", "expires_at": str(NOW // 1000 + 3_600)},
    "room_members": {
        "app_key": "'app'",
        "node": "'node'",
        "session": f"sess {{n}} % {LIVE} + 1",
        "opened_at": str(NOW),
    },
    "sessions": {
        "node": "'node'",
        "app_key": "'app'",
        "opened_at": str(NOW),
        "over_at": f"CASE WHEN {{n}} > {LIVE} THEN {NOW} END",
        "due": "1",
    },
    "signal_senders": {"owed_at": f"{NOW}000", "node": "'node'"},
    "stream_keys": {"once": "FALSE"},
    "streams": {
        "node": "'node'",
        "app_key": "'app'",
        "since": str(NOW),
        "seen_at": str(NOW),
        "over_at": f"CASE WHEN {{n}} > {LIVE} THEN {NOW} END",
    },
    "users": {"generation": "0", "grants": "'[\"play:*\"]'"},
}
_FILLED = ("user_name", "token", "holder", "session", "name", "seq")  # that may be null, and mostly are not
_NUMBERS = {
    SQLITE: f"WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS}) SELECT ",
    POSTGRESQL: "SELECT ",
    MARIADB: "SELECT ",
}
_SOURCES = {SQLITE: "numbers", POSTGRESQL: f"generate_series(1, {ROWS}) AS numbers (n)", MARIADB: f"seq_1_to_{ROWS}"}


def fill(connection: Connection) -> None:
    """Put so many rows into each of these tables, and have the planner look at them."""
    backend = connection.dialect.name
    number = "CAST(seq AS SIGNED)" if backend == MARIADB else "n"
    for name in LARGE:
        table = metadata.tables[name]
        own = _VALUES.get(name, {})
        columns = [column for column in table.columns if column.name != "seq" or name == "messages"]
        values = [_value(own.get(each.name), each, number, backend) for each in columns]
        names = ", ".join(map(connection.dialect.identifier_preparer.format_column, columns))
        select = f"{_NUMBERS[backend]}{', '.join(values)} FROM {_SOURCES[backend]}"
        connection.execute(text(f"INSERT INTO {name} ({names}) {select}"))
    for statement in _looks(backend):
        connection.execute(text(statement))


def _looks(backend: str) -> Sequence[str]:
    if backend == MARIADB:
        return [f"ANALYZE TABLE {', '.join(LARGE)}"]
    return [f"ANALYZE {name}" for name in LARGE] if backend == POSTGRESQL else ["ANALYZE"]


def _value(given: str | None, column: Column[Any], number: str, backend: str) -> str:
    """The expression for a column."""
    word = column.name[:4]
    if given is not None:
        if not given[0].islower():
            return given.format(n=number)
        word, _, number = given.format(n=number).partition(" ")
    elif column.nullable and column.name not in _FILLED:
        return "NULL"
    elif isinstance(column.type, Boolean):
        return "TRUE"
    elif isinstance(column.type, Integer):
        return number
    return f"CONCAT('{word}', {number})" if backend == MARIADB else f"'{word}' || {number}"


def scans(connection: Connection, statement: str, values: Any) -> list[str]:
    """The large tables, or their indexes, that a statement reads from one end to the other to find its rows."""
    return [
        *{SQLITE: _of_sqlite, POSTGRESQL: _of_postgresql, MARIADB: _of_mariadb}[connection.dialect.name](
            connection, statement, values
        )
    ]


def _of_sqlite(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
        words = str(row[-1]).split()
        if words[0] == "SCAN" and words[1] in LARGE:
            yield str(row[-1])


def _of_mariadb(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values):
        if row.table in LARGE and row.type in ("ALL", "index") and int(row.rows or 0) > ROWS // 10:
            yield f"{row.type} {row.table} {row.key or ''} {row.Extra}".strip()


def _of_postgresql(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    """Of the plan for these values and the one for any, that which PostgreSQL would take for a prepared statement."""
    own = _plan(connection, statement, values)
    connection.exec_driver_sql(f"PREPARE asked AS {statement}")
    any_values = f"({', '.join(['NULL'] * len(values))})" if values else ""
    connection.exec_driver_sql("SET plan_cache_mode = force_generic_plan")
    general = _plan(connection, f"EXECUTE asked{any_values}", ())
    connection.exec_driver_sql("RESET plan_cache_mode")
    connection.exec_driver_sql("DEALLOCATE asked")
    nodes = [*_nodes(own)]
    planning = _PLANNING * (1 + sum("Relation Name" in node for node in nodes))
    if general["Total Cost"] < own["Total Cost"] + planning:
        nodes = [*_nodes(general)]
    for node in nodes:
        kind, table = node["Node Type"], node.get("Relation Name", "")
        whole = kind == "Seq Scan" or (kind in ("Index Scan", "Index Only Scan") and "Index Cond" not in node)
        if table in LARGE and whole:
            yield f"{kind} {table} {node.get('Index Name', '')} {node.get('Filter', '')}".strip()


_PLANNING = 2.5  # what a plan of its own costs for each table: see choose_custom_plan in plancache.c


def _plan(connection: Connection, statement: str, values: Any) -> Mapping[str, Any]:
    told = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).scalar_one()
    (root,) = json.loads(told) if isinstance(told, str) else told
    return cast("Mapping[str, Any]", root["Plan"])


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)
