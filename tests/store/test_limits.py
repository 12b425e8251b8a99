"""How many sessions a user may have open, to the one, on every engine."""

import asyncio
import random
from dataclasses import replace

import pytest
from sqlalchemy import event, func, select, text

from authgate.limits import NO_LIMITS, Limits
from authgate.model import Close, Entry, Limit, Over, Per, Principal, Reason, Session, SessionKey, User
from authgate.store import Store, StoreOptions
from authgate.store.tables import sessions

from .samples import a_record, closing, opening, writing

FULL = Reason.SESSIONS_EXCEEDED
PATIENCE = 60.0  # seconds: how busy the machine is that a test runs on is no fault of the code


@pytest.fixture
def store_options(store_options: StoreOptions) -> StoreOptions:
    return replace(store_options, timeout=PATIENCE)


def key(session: str = "s", node: str = "n") -> SessionKey:
    return SessionKey(node, session)


def connect(
    session: str, limit: int | None = 1, *, user: str = "ann", node: str = "n", at: int = 1000, sent: str = ""
) -> Entry:
    """``sent`` tells a connect from others; by itself it is another at another time."""
    client = Principal(user, "passwords", stored_user=True, max_sessions=limit)
    return held(Session(key(session, node), "app", at, client, hook=sent or f"of {user} at {at}"))


def held(session: Session, limits: Limits = NO_LIMITS) -> Entry:
    return replace(opening(session), limits=limits.of_session(session))


async def live(store: Store) -> list[str]:
    return [each.key.session for each in await store.sessions.list()]


async def limited(store: Store, limit: int | None = 1, *others: str) -> Store:
    for name in ("ann", *others):
        await store.users.add(User(name, name, max_sessions=limit))
    return store


# What is written one after the other, what each is answered with, and what is live then.
ORDERS = {
    "one": ([connect("a")], [None], ["a"]),
    "one too many": ([connect("a"), connect("b", at=2000)], [None, FULL], ["a"]),
    "the same again": ([connect("a"), connect("a", at=1001)], [None, None], ["a"]),
    "the same again, in the same millisecond": ([connect("a"), connect("a")], [None, None], ["a"]),
    "another, after the first is over": (
        [connect("a"), closing(key("a"), at=1500), connect("b", at=2000)],
        [None, None, None],
        ["b"],
    ),
    "another, after the end of one that was not there": (
        [connect("a"), closing(key("x"), at=1500), connect("b", at=2000)],
        [None, None, FULL],
        ["a"],
    ),
    "another, after an end of before the first": (
        [connect("a"), closing(key("a"), at=999), connect("b", at=2000)],
        [None, None, FULL],
        ["a"],
    ),
    "the same ids on another node": ([connect("a"), connect("a", node="m")], [None, FULL], ["a"]),
    "another user": ([connect("a"), connect("b", user="bob")], [None, None], ["a", "b"]),
    "a user without a limit": (
        [connect("a", None, user="eve"), connect("b", None, user="eve")],
        [None, None],
        ["a", "b"],
    ),
    "in place of another user's": (
        [connect("a"), connect("b", user="bob"), connect("b", at=2000)],
        [None, None, FULL],
        ["a"],  # whoever is turned away does not stand on an older session under the same key
    ),
    "in the place that another user took": (
        [connect("a"), connect("a", None, user="eve", at=2000), connect("b", at=3000)],
        [None, None, None],
        ["a", "b"],
    ),
    "an older connect that took longer": (
        [connect("a", at=2000), connect("a", at=1000)],
        [None, Reason.SESSION_UNKNOWN],
        ["a"],
    ),
    "turned away, and again": ([connect("a"), connect("b"), connect("b")], [None, FULL, FULL], ["a"]),
    "a session of a user who has been deleted": (
        [connect("a", user="gone"), connect("b", user="gone")],
        [None, FULL],
        ["a"],
    ),
}


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "in one commit"])
@pytest.mark.parametrize(("entries", "answers", "left"), ORDERS.values(), ids=ORDERS)
async def test_a_user_has_as_many_sessions_as_it_may(store: Store, entries, answers, left, together: bool):
    await limited(store, 1, "bob")
    await store.users.add(User("eve", "Eve"))
    if together:
        found = await asyncio.gather(*map(store.ledger.write, entries))
    else:
        found = [await store.ledger.write(entry) for entry in entries]
    told = {record.id: (record.allowed, record.reason) for record in await store.records.list()}
    for entry, answer in zip(entries, found, strict=True):
        assert told[entry.record.id] == (answer is None, answer or Reason.OK)
    if not together:  # a commit is looked at when all of it is in place
        assert (found, await live(store)) == (answers, left)
    for user in ("ann", "bob", "gone"):
        assert await store.sessions.count(user) <= 1


async def test_in_one_commit_the_newest_are_turned_away(store: Store):
    await limited(store, 2)
    entries = [connect(name, 2, at=at) for name, at in (("a", 40), ("b", 10), ("c", 30), ("d", 20), ("e", 40))]
    found = await asyncio.gather(*map(store.ledger.write, entries))
    assert (found, await live(store)) == ([FULL, None, FULL, None, FULL], ["b", "d"])


async def test_a_place_that_is_free_within_a_commit_is_taken(store: Store):
    await limited(store)
    await store.ledger.write(connect("a"))
    entries = [connect("b", at=3000), closing(key("a"), at=2000)]
    assert await asyncio.gather(*map(store.ledger.write, entries)) == [None, None]
    assert await live(store) == ["b"]


async def test_one_that_is_over_by_the_end_of_its_commit_is_not_counted(store: Store):
    await limited(store)
    entries = [connect("a"), connect("b", at=1001), closing(key("b"), at=1002)]
    assert await asyncio.gather(*map(store.ledger.write, entries)) == [None, Reason.SESSION_UNKNOWN, None]
    assert await live(store) == ["a"]


LIMITS = {"none at all": (0, 0), "one": (1, 1), "several": (3, 3), "more than there are": (99, 5), "any": (None, 5)}


@pytest.mark.parametrize(("limit", "let_in"), LIMITS.values(), ids=LIMITS)
async def test_the_limit(store: Store, limit: int | None, let_in: int):
    await limited(store, limit)
    found = [await store.ledger.write(connect(str(n), limit, at=n)) for n in range(5)]
    assert found == [None] * let_in + [FULL] * (5 - let_in)
    assert await live(store) == [str(n) for n in range(let_in)]


async def test_the_limit_is_that_of_the_commit(store: Store):
    """Between the look at the user and the commit a password is hashed, and somebody may have changed the limit."""
    await limited(store, 1)
    assert await store.ledger.write(connect("a")) is None
    await store.users.change("ann", {"max_sessions": 2})
    assert await store.ledger.write(connect("b")) is None
    await store.users.change("ann", {"max_sessions": None})
    assert await store.ledger.write(connect("c")) is None
    await store.users.change("ann", {"max_sessions": 1})
    assert await store.ledger.write(connect("d", 99)) is FULL
    assert await live(store) == ["a", "b", "c"]  # what is open stays open
    assert await store.ledger.write(connect("a", at=2000)) is FULL
    assert await live(store) == ["b", "c"]


async def test_sessions_that_are_ended_by_hand_make_room(store: Store):
    await limited(store)
    await store.ledger.write(connect("lost"))
    assert await store.ledger.write(connect("b")) is FULL
    await store.sessions.over(await store.sessions.list(user="ann"), Over.ENDED, 1500)
    assert await store.ledger.write(connect("b", at=2000)) is None


async def test_a_session_that_is_not_opened_is_closed(store: Store):
    await limited(store)
    await store.ledger.write(connect("a"))
    await store.ledger.write(connect("b", None, user="eve"))
    assert await store.ledger.write(connect("b", at=2000)) is FULL
    assert await store.sessions.find(key("b")) is None
    assert await store.ledger.write(Entry(a_record(), Close(key("b"), 2000))) is None


async def test_parallel_connects_slip_past_no_limit(store: Store, store_options):
    """From several processes, to several nodes, with closes between: never more than there may be, and never fewer."""
    names = ("ann", "bob", "eve")
    await limited(store, 3, *names[1:])
    stores = [Store(store_options) for _ in range(4)]

    async def one(at: int, user: str, since: int) -> Reason | None:
        entry = connect(f"{user}{at}", 3, user=user, node=f"n{at % 5}", at=since + at)
        return await stores[at % 4].ledger.write(entry)

    try:
        asked = [(at, user) for at in range(25) for user in names]
        random.Random(7).shuffle(asked)
        for since in (1000, 2000, 3000):
            found = await asyncio.gather(*(one(at, user, since) for at, user in asked))
            assert found.count(None) == 9
            assert [await store.sessions.count(user) for user in names] == [3, 3, 3]
            there = await store.sessions.list()
            closing_all = (stores[n % 4].sessions.over([each], Over.ENDED, since + 500) for n, each in enumerate(there))
            assert await asyncio.gather(*closing_all) == [1] * 9
    finally:
        for each in stores:
            await each.close()


async def test_retries_of_one_connect_by_several_workers_count_once(store: Store, store_options):
    await limited(store)
    others = [Store(store_options) for _ in range(2)]
    try:
        retries = [each.ledger.write(connect("a", at=1000 + n, sent="the same")) for n in range(10) for each in others]
        assert await asyncio.gather(*retries) == [None] * 20
        assert await live(store) == ["a"]
    finally:
        for other in others:
            await other.close()


async def test_a_limit_and_a_change_of_the_user_do_not_lock_each_other_out(store: Store, store_options):
    await limited(store, 2, "bob")
    one, other = (Store(store_options) for _ in range(2))
    try:
        for _ in range(5):
            found = await asyncio.gather(
                *(one.ledger.write(connect(f"{user}{n}", 2, user=user)) for n in range(5) for user in ("ann", "bob")),
                *(other.users.cut_off(user) for user in ("bob", "ann")),
                *(other.users.change(user, {"grants": ()}) for user in ("bob", "ann")),
                return_exceptions=True,
            )
            assert [each for each in found if isinstance(each, Exception)] == []
    finally:
        await one.close()
        await other.close()


async def test_nobody_else_pays_for_limits(store: Store):
    await store.watch.close()  # it reads now and then
    statements: list[str] = []
    event.listen(store.engine.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    counts = []
    for entry in (connect("a", None), opening(Session(key("b"), "app", 1)), connect("c", 5)):
        before = len(statements)
        await store.ledger.write(entry)
        counts.append(len([each for each in statements[before:] if "SELECT" in each]))
    # Whether the session is in place is looked at in any case, where the INSERT does not tell; SQLite is not seen here.
    expected = {"sqlite": [0, 0, 0], "postgresql": [0, 0, 3], "mariadb": [1, 1, 4]}
    assert counts == expected[store.engine.dialect.name]


EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN ", "mariadb": "EXPLAIN "}
BY_USER = {
    "sqlite": "SEARCH sessions USING COVERING INDEX sessions_user_name (user_name=?)",
    "postgresql": "sessions_user_name",
    "mariadb": "sessions_user_name",
}


async def test_sessions_are_counted_by_their_user(backend: str, store: Store):
    async with writing(store) as connection:
        rows = [
            {
                "node": "n",
                "session": f"s{n}",
                "app_key": "app",
                "opened_at": n,
                "user_name": f"u{n % 500}",
                "stored_user": True,
                "verifier": "v",
            }
            for n in range(5000)
        ]
        await connection.execute(sessions.insert(), rows)
    query = select(sessions.c.user_name, func.count()).where(sessions.c.user_name.in_(["u1", "u2"]))
    query = query.group_by(sessions.c.user_name)
    compiled = str(query.compile(store.engine, compile_kwargs={"literal_binds": True}))
    async with store.engine.connect() as connection:
        if backend != "sqlite":  # what any server does by itself after a while
            await connection.execute(text("ANALYZE" if backend == "postgresql" else "ANALYZE TABLE sessions"))
        rows = (await connection.exec_driver_sql(EXPLAIN[backend] + compiled)).all()
    assert BY_USER[backend] in "\n".join(str(tuple(row)) for row in rows)


async def test_the_count_leaves_one_session_out(store: Store):
    for name in ("a", "b"):
        await store.ledger.write(connect(name, None))
    await store.ledger.write(connect("c", None, user="bob"))
    assert await store.sessions.count("ann") == 2
    of = Limit(Per.USER, "ann", None, 1, ends_oldest=False)
    assert await store.sessions.held(of, key("a")) == 1
    assert await store.sessions.held(of, key("c")) == 2
    assert await store.sessions.count("x\0") == 0
