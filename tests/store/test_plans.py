"""Whatever a hook asks of the store is found by an index, on every engine: nothing takes longer as the store grows."""

import asyncio
import itertools
import json
import re
import time
from contextlib import contextmanager

import jwt
from sqlalchemy import event

from authgate.config import load
from authgate.guessing.blocking import Block
from authgate.issuance import Revocation
from authgate.model import Delivery, Over, Secret
from authgate.store import StoreOptions, direct
from authgate.store.engine import create_engine
from authgate.store.retention import RecordOptions
from authgate.wiring import build
from tests import process
from tests.fakes import FakeVerdicts
from tests.test_recorded import BODIES, method_of

from . import full

PASSWORD = "correct-horse-of-the-test"
PATIENT = {"AUTHGATE_STORE__TIMEOUT": "12", "AUTHGATE_SERVER__DEADLINE": "15"}  # nothing here is about time
SETTINGS = """
[limits]
sessions_per_user = 3
sessions_per_token = 2
sessions_per_app = 100000
publishers_per_name = 1
sessions_per_user_exceeded = "end-oldest"
publishers_per_name_exceeded = "end-oldest"

[guessing]
delay = 0
answer_after = 0.0

[[rules]]
name = "granted"
methods = ["playStream", "publishStream"]
groups = ["group1", "nobody"]
policy = { type = "grant" }

[[rules]]
name = "plays"
methods = ["playStream", "publishStream"]
policy = { type = "session" }
rewrites = [{ type = "map", field = "name", store = "table1" }]

[[wcs]]
node = "elsewhere"
url = "http://127.0.0.1:9/rest-api"

[[signals]]
name = "everybody talks"
join = ["*"]
to = { rooms = ["*"], users = ["*"], streams = ["*"], sessions = true, app = true }
"""


class Seen:
    """Statements and what they were given, each once."""

    def __init__(self):
        self.statements = {}

    def __call__(self, statement, values):
        first = values[0] if isinstance(values, list) and values else values
        self.statements[statement] = first  # the last time: at first all is read that is kept in memory


@contextmanager
def observed(store):
    """All statements of a store, whichever way they go."""
    seen = Seen()
    engine = store.engine.sync_engine

    def before(_connection, _cursor, statement, parameters, _context, _many):
        seen(statement, parameters)

    plainly = direct._Raw.exec_driver_sql

    def directly(self, statement, values):
        seen(statement, values)
        return plainly(self, statement, values)

    event.listen(engine, "before_cursor_execute", before)
    direct._Raw.exec_driver_sql = directly
    try:
        yield seen
    finally:
        direct._Raw.exec_driver_sql = plainly
        event.remove(engine, "before_cursor_execute", before)


# What may read from one end to the other, each with why.
EXCEPTIONS = {
    r"^SELECT (?!.*WHERE).* ORDER BY .* LIMIT": "the first or the last rows in the order of an index",
    r"WHERE blocks\.serial > \S+ AND ": "all that is kept in memory, at the start",
    r" ORDER BY (sessions|streams)\.node, ": "a page in the order of the key, for people and whoever judges all",
    r"^SELECT sessions\.node FROM sessions UNION ": "which nodes there are, once in each round of one process",
    r"coalesce\(sessions\.generation": "which sessions may not go on: one process, for little of its time",
    r"^SELECT .* FROM (sessions|streams|calls) WHERE .*(seen_at|kept_at|opened_at\)) < ": "silent ones, by one process",
    r"FROM room_members WHERE NOT": "who has left a room, once in a second by one process",
    r"row_number\(\) OVER": "what is more than a limit that was lowered, by one process",
    r"^SELECT (?!.* IN ).*count\(\*\) AS count_1 FROM (sessions|streams|calls) ": "what is live, for who watches",
    r"^SELECT users\.name FROM users WHERE .*enabled.* LIMIT": "whether anybody could log in: one is enough",
    r"^DELETE FROM messages WHERE messages\.id IN": "hundreds of one small table at once: to read it is cheaper",
    r"count_1 FROM sessions WHERE .*app_key IN ": "a limit of an application, where there is one, counts its sessions",
}
# MariaDB tells nothing of an INSERT of values, which reads no table.
CHANGES = {
    "sqlite": ("INSERT", "UPDATE", "DELETE"),
    "postgresql": ("INSERT", "UPDATE", "DELETE"),
    "mariadb": ("UPDATE", "DELETE"),
}
NODE, SESSION = "node", "/203.0.113.7:50000/192.0.2.10:8443"
TO = (
    {"join": "room1"},
    {"who": "room1"},
    {"to": {"room": "room1"}, "body": 1},
    {"to": {"user": "user2"}, "body": 1},
    {"to": {"stream": "name3"}, "body": 1},
    {"to": {"session": "a" * 26}, "body": 1},
    {"to": {"app": True}, "body": 1},
    {"leave": "room1"},
)


async def hook(service, method, fields):
    body = json.dumps({"nodeId": NODE, "appKey": "app", "sessionId": SESSION} | fields).encode()
    until = asyncio.get_running_loop().time() + process.PATIENCE
    return (await service.gateway.answer(Delivery(method, body), until)).status


async def hooks(service, token):
    """Each hook that was ever recorded, in a session of ours, and what else clients do."""
    guests = itertools.count()
    for name, recorded in {method_of(name): (name, body) for name, body in BODIES.items()}.values():
        fields = json.loads(recorded) | {"nodeId": NODE, "appKey": "app", "sessionId": SESSION}
        if method_of(name) == "connect":
            for custom in (
                {"token": token()},
                {"login": "ann", "password": PASSWORD},
                {"login": "ann", "password": "x"},
            ):
                assert await hook(service, "connect", fields | {"custom": custom}) in (200, 403)
                await hook(service, "connect", fields | {"custom": custom, "sessionId": f"{SESSION}-{next(guests)}"})
        elif method_of(name) != "ConnectionStatusEvent":
            await hook(service, method_of(name), fields)
    await hook(service, "connect", {"sessionId": "wrong", "custom": {"login": "ann", "password": "x"}})
    for at, payload in enumerate(TO):
        await hook(service, "sendData", {"payload": payload, "operationId": f"o{at}"})
        await hook(service, "OnDataEvent", {"payload": payload, "operationId": f"o{at}"})
    for status in ("ESTABLISHED", "DISCONNECTED"):
        assert await hook(service, "ConnectionStatusEvent", {"status": status}) == 200


async def background(service):
    """What is done beside the hooks, again and again or after each of many."""
    store, now = service.store, int(time.time() * 1000)
    await store.revocations.add(Revocation("jti", "of-the-test", None, now, now // 1000 + 60))
    await store.blocks.ban(Block("ban", "somebody", "", now, None))
    await store.watch.look()
    await store.records.after(await store.records.settled_seq(), 100)
    await store.record_upkeep.once(RecordOptions(keep_days=1, keep_records=full.ROWS, keep_bytes=10**12))
    nodes = await store.upkeep.nodes()
    some = (await store.upkeep.sessions(NODE, limit=3))[1:]
    await store.upkeep.seen(some, now)
    found = [each.key for each in some]
    await store.upkeep.over_sessions(NODE, [key.session for key in found])
    streams = (await store.upkeep.streams(NODE, limit=3))[1:]
    await store.upkeep.over_streams(NODE, [each.key[1:] for each in streams])
    await store.upkeep.lose_calls(await store.upkeep.calls(NODE, limit=2), now)
    sessions = await store.sessions.list(limit=2)
    await store.sessions.order_end(sessions, "user_disabled", now)
    await store.sessions.over(await store.sessions.to_end(now, 2), Over.ENDED, now)
    live = await store.streams.list(limit=2)
    await store.streams.order_end(live, "user_disabled", now)
    await store.streams.over(await store.streams.to_end(now, 2), Over.LOST, now)
    await store.upkeep.suspects(nodes, now, 60, 10)
    await store.upkeep.lapse_streams(now - 10**6, now, ())
    await store.upkeep.lapse_idle(now - 10**9, now, ())
    await store.upkeep.purge(now - 10**9)
    for message in await store.outbox.waiting(0):
        await store.outbox.addressees(message, 10)
    await store.outbox.members("app", "room1", 10)
    await store.outbox.leave(now / 1000)
    await store.outbox.prune(now / 1000)
    await store.outbox.done(["none"], now / 1000)
    await store.live.count()
    await service.faults()


async def test_no_statement_reads_a_table_from_one_end_to_the_other(backend, store_url, tmp_path):
    path = process.prepare(tmp_path / "authgate", SETTINGS, store_url, ann=PASSWORD)
    config = path.read_text().replace('type = "token"', 'type = "token"\nonce = true')
    path.write_text(config)
    config = load(path, process.CHEAPEST | PATIENT)
    service = build(config, FakeVerdicts())
    async with service.store.engine.begin() as connection:
        await connection.run_sync(full.fill)
    key = next(each.key for each in config.verifiers if each.type == "token").reveal()
    numbers = itertools.count()

    def token():
        return jwt.encode({"sub": "ann", "exp": time.time() + 600, "jti": f"j{next(numbers)}"}, key, "HS256")

    with observed(service.store) as seen:
        async with service.running():
            store = service.store
            for each in (store.one_time, store.guesses, store.known, store.blocks, store.revocations):
                each._pruned_at = float("-inf")
            await hooks(service, token)
            await background(service)

    asked = {" ".join(each.split()): (each, values) for each, values in seen.statements.items()}
    asked = {words: each for words, each in asked.items() if words.split()[0] in ("SELECT", "WITH", *CHANGES[backend])}
    assert len(asked) > 80  # all of it was seen
    found = await faults_of(store_url, asked)
    unexpected = {
        words: faults for words, faults in found.items() if not any(re.search(each, words) for each in EXCEPTIONS)
    }
    assert unexpected == {}


async def faults_of(store_url, asked):
    """The faults of those statements that have any."""
    engine = create_engine(StoreOptions(url=Secret(store_url), timeout=30))

    def work(connection):
        found = {words: full.scans(connection, statement, values) for words, (statement, values) in asked.items()}
        return {words: faults for words, faults in found.items() if faults}

    async with engine.connect() as connection:
        found = await connection.run_sync(work)
    await engine.dispose()
    return found
