"""Stores with many users, records and live sessions, filled by SQLite itself, and configurations with many rules."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from authgate.store.record_terms import SEGMENT
from bench import clients, hooks, servers, stores
from bench.stores import Prepared

_FAR = 611_953  # a prime: so far apart are two that follow each other
_BYTES = 600  # of a record, about: what a segment notes
_NUMBERS = "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})"
_SESSION = "printf('/203.0.113.7:%d/192.0.2.10:8443-live-%012d', {n} % 60000, {n})"  # as hooks.session has it
_RULES = (  # none of them speaks for a hook that is sent
    'methods = ["publishStream", "playStream"]\nnames = ["stage-{n}/*"]',
    'users = ["guest{n}"]',
    'kinds = ["connect", "call"]\ngroups = ["team{n}"]',
    'kinds = ["connect", "call"]\naddresses = ["10.{m}.{k}.0/24"]',
    'apps = ["app{n}"]',
    'kinds = ["connect"]\norigins = ["https://{n}.example.net"]',
)


@dataclass(frozen=True, slots=True)
class Amount:
    """How much there is of everything."""

    users: int
    records: int
    sessions: int  # live ones, each with a stream that plays
    rules: int


@dataclass(frozen=True, slots=True)
class Filled:
    """A store with so much in it."""

    prepared: Prepared
    bytes: Mapping[str, float]  # that each takes: users, sessions with their streams, records; indexes included


def spread(number: int, among: int) -> int:
    """Another one for each number, until all had their turn; those that follow each other lie apart."""
    return number * _FAR % among


def template(folder: Path) -> Prepared:
    """A store with one user, who has a session that plays a stream, and the records of that."""
    prepared = stores.prepare(folder, 1)
    session = hooks.session("live", 0)
    (token,) = hooks.tokens(1, prepared.token_key)
    bodies = {
        "connect": hooks.connect(token, session),
        "playStream": hooks.in_session(hooks.PLAY, session, 0),
        "StreamStatusEvent": hooks.in_session(hooks.PLAYING, session, 0),
    }
    with servers.authgate(prepared) as server:
        for method, body in bodies.items():
            path = hooks.write(folder / method, [hooks.request(method, body, prepared.hmac_key)])
            sent = clients.send(server.port, path, 1)
            if sent.statuses != {"200": 1}:
                raise SystemExit(f"bench: a session could not be opened: {sent.statuses}")
    return prepared


def filled(like: Prepared, folder: Path, amount: Amount) -> Filled:
    """A copy of the template with so much in it."""
    prepared = stores.copy(like, folder)
    text = prepared.config.read_text()
    head, rule, tail = text.rpartition("[[rules]]")
    prepared.config.write_text("".join((head, *_rules(amount.rules - 1), rule, tail)))
    return Filled(prepared, fill(prepared, amount))


def fill(prepared: Prepared, amount: Amount) -> dict[str, float]:
    """Fill up a store that is at rest to so much; the bytes that each takes of what was added."""
    took: dict[str, float] = {}
    with contextlib.closing(sqlite3.connect(prepared.database, isolation_level=None)) as store:
        store.execute("PRAGMA journal_mode = OFF")
        store.execute("PRAGMA synchronous = OFF")
        store.execute("PRAGMA cache_size = -500000")
        for name, work in {"users": _users, "sessions": _sessions, "records": _records}.items():
            before = _size(store)
            count = work(store, amount)
            if count:
                took[name] = (_size(store) - before) / count
        store.execute("ANALYZE")
        store.execute("PRAGMA journal_mode = WAL")
    return took


def _users(store: sqlite3.Connection, amount: Amount) -> int:
    changes = {"name": "'user' || n", "display": "'user' || n"}
    return _copies(store, "users", amount.users, changes)


def _sessions(store: sqlite3.Connection, amount: Amount) -> int:
    session, now = _SESSION.format(n="n"), int(time.time() * 1000)
    user = f"'user' || (n * {_FAR} % {amount.users})"
    digest = "lower(hex(randomblob(32)))"
    own = {"session": session, "user_name": user, "token": digest, "opened_at": str(now)}
    count = _copies(store, "sessions", amount.sessions, own)
    media = "printf('%08x-fb59-11e6-812c-1b28ccb49323', n)"
    _copies(store, "streams", amount.sessions, {"session": session, "media": media})
    return count


def _records(store: sqlite3.Connection, amount: Amount) -> int:
    began = int(time.time() * 1000) - amount.records
    session = _SESSION.format(n="(n / 3)")
    user = f"'user' || (n / 3 % {amount.users})"
    changes = {"id": "printf('%026d', n)", "at": f"{began} + n", "session": session, "user_name": user, "seq": "NULL"}
    count = _copies(store, "records", amount.records, changes)
    segments = store.execute("SELECT max(seq) + 1 FROM records").fetchone()[0] // SEGMENT
    if segments:
        noted = f"n, {SEGMENT}, {SEGMENT * _BYTES}, {began} + n * {SEGMENT}, {began} + (n + 1) * {SEGMENT}"
        _insert(store, segments, "record_segments", noted)
        terms = SEGMENT // 3
        _insert(store, segments * terms, "record_terms", f"n / {terms}, (n % {terms}) * {2**60 // terms}, 1")
    return count


def _copies(store: sqlite3.Connection, table: str, count: int, changes: Mapping[str, str]) -> int:
    """Rows like those of the template, with these columns their own; how many were added."""
    store.execute("DROP TABLE IF EXISTS temp.template")
    store.execute(f"CREATE TEMP TABLE template AS SELECT * FROM main.{table} LIMIT 3")  # noqa: S608 - our own
    kinds = store.execute("SELECT count(*) FROM template").fetchone()[0]
    columns = [row[1] for row in store.execute(f"PRAGMA main.table_info({table})")]
    values = ", ".join(changes.get(each, f"template.{each}") for each in columns)
    numbers = _NUMBERS.format(last=count - 1)
    before = store.total_changes
    store.execute(
        f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) {numbers}"  # noqa: S608 - our own
        f" SELECT {values} FROM numbers CROSS JOIN template ON template.rowid = n % {kinds} + 1"
    )
    return store.total_changes - before


def _insert(store: sqlite3.Connection, count: int, table: str, values: str) -> None:
    numbers = _NUMBERS.format(last=count - 1)
    store.execute(f"INSERT OR IGNORE INTO {table} {numbers} SELECT {values} FROM numbers")  # noqa: S608 - our own


def _size(store: sqlite3.Connection) -> int:
    pages, free, size = (
        store.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _rules(count: int) -> Iterator[str]:
    for n in range(count):
        condition = _RULES[n % len(_RULES)].format(n=n, m=n // 200, k=n % 200)
        yield f'[[rules]]\nname = "rule {n}"\n{condition}\npolicy = {{ type = "deny" }}\n\n'
