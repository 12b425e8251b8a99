"""Live sessions, alike on every engine."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import insert, text, update

from authgate.model import Over, Reason, Session, SessionKey
from authgate.store import Store
from authgate.store.sessions import by_key, dump
from authgate.store.tables import sessions

from .samples import ANN, KEY, a_session, closing, opening, visits, writing

LATER = 9_000


async def test_a_session_comes_back_as_given(store: Store):
    given = a_session(
        grants=("publish:a*", "ж\0\ud800"), expires_at=253402300799, token_id="jti-1", stored_user=True, verifier="t"
    )
    await store.users.add(ANN)
    await store.ledger.write(opening(given))
    assert await store.sessions.find(KEY) == given


FULL = {
    "groups": {"groups": frozenset({"staff", "ж😀", "a b"})},
    "claims": {"claims": {"room": "red", "ж": "😀", "level": "1"}},
    "both, and grants": {"groups": frozenset({"x"}), "claims": {"a": "b"}, "grants": ()},
    "an empty list of grants": {"grants": ()},
    "as much as a token can hold": {"claims": {f"c{n}": "x" * 255 for n in range(30)}},
}


@pytest.mark.parametrize("client", FULL.values(), ids=FULL)
async def test_what_a_token_said_comes_back(store: Store, client):
    given = replace(a_session(**client), origin="https://app.example.com", config="0123456789abcdef")
    await store.ledger.write(opening(given))
    assert await store.sessions.find(KEY) == given
    assert await store.sessions.list() == [given]


async def test_a_session_without_them_has_none_of_an_older_one(store: Store):
    full = replace(a_session(groups=frozenset({"x"}), claims={"a": "b"}), origin="https://a.example", config="c")
    await store.ledger.write(opening(full))
    await store.ledger.write(opening(a_session(opened_at=2000)))
    assert await store.sessions.find(KEY) == a_session(opened_at=2000)


async def test_an_origin_is_made_storable(store: Store):
    for at, (origin, kept) in enumerate((("x\0\ud800" + "😀" * 300, "x\ufffd\ufffd" + "😀" * 252), ("", ""))):
        await store.ledger.write(opening(replace(a_session(opened_at=at + 1), origin=origin, config="c" * 40)))
        found = await store.sessions.find(KEY)
        assert (found.origin, found.config) == (kept, "c" * 32)


async def test_an_anonymous_session_comes_back_as_given(store: Store):
    given = Session(KEY, "defaultApp", 1)
    await store.ledger.write(opening(given))
    assert await store.sessions.find(KEY) == given


DISTINCT = {
    "another case": SessionKey("NODE-1", KEY.session),
    "another case of the session": SessionKey(KEY.node, "S"),
    "a trailing space": SessionKey("node-1 ", KEY.session),
    "a trailing space of the session": SessionKey(KEY.node, KEY.session + " "),
    "no node": SessionKey("", KEY.session),
    "parts shifted": SessionKey(KEY.node + "/", KEY.session[1:]),
    "parts swapped": SessionKey(KEY.session, KEY.node),
    "emoji": SessionKey("😀" * 128, "😀" * 255),
    "longest": SessionKey("n" * 128, "s" * 255),
}


@pytest.mark.parametrize("key", DISTINCT.values(), ids=DISTINCT)
async def test_keys_are_compared_exactly(store: Store, key: SessionKey):
    await store.ledger.write(opening(a_session(KEY)))
    await store.ledger.write(opening(a_session(SessionKey("node-1", "s"))))
    assert await store.sessions.find(key) is None
    await store.ledger.write(opening(a_session(key, user="bob")))
    assert (await store.sessions.find(key)).client.user == "bob"
    assert (await store.sessions.find(KEY)).client.user == "ann"
    await store.ledger.write(closing(key))
    assert await store.sessions.find(key) is None
    assert await store.sessions.find(KEY)


ABSENT = {
    "another": SessionKey("node-2", "s"),
    "empty": SessionKey("", ""),
    "NUL": SessionKey("node-1", "\0"),
    "lone surrogate": SessionKey("node-1", "\ud800"),
    "node too long": SessionKey("n" * 129, "s"),
    "session too long": SessionKey("n", "s" * 256),
}


@pytest.mark.parametrize("key", ABSENT.values(), ids=ABSENT)
async def test_absent(store: Store, key: SessionKey):
    await store.ledger.write(opening(a_session()))
    assert await store.sessions.find(key) is None


# Whether the store held the user when the session was opened, what became of the user since, whether it is enabled.
USERS = {
    "enabled": (True, "stays", True),
    "disabled": (True, "disabled", False),
    "deleted": (True, "deleted", False),
    "never stored": (False, "deleted", True),
    "stored later": (False, "stays", True),
    "stored later and disabled": (False, "disabled", False),
}


@pytest.mark.parametrize(("stored", "fate", "enabled"), USERS.values(), ids=USERS)
async def test_a_session_knows_what_became_of_its_user(store: Store, stored: bool, fate: str, enabled: bool):
    await store.users.add(ANN)
    await store.ledger.write(opening(a_session(stored_user=stored)))
    if fate == "disabled":
        await store.users.change("ann", {"enabled": False})
    elif fate == "deleted":
        await store.users.delete("ann")
    found = await store.sessions.find(KEY)
    assert found == a_session(stored_user=stored, user_enabled=enabled)


async def test_a_session_knows_the_times_of_its_user(store: Store):
    await store.users.add(replace(ANN, not_before=5, expires_at=9))
    await store.ledger.write(opening(a_session()))
    found = await store.sessions.find(KEY)
    assert found == replace(a_session(), user_not_before=5, user_expires_at=9)
    assert [found.refusal(now) for now in (4.9, 5, 9)] == [Reason.USER_NOT_YET_VALID, None, Reason.USER_EXPIRED]


async def test_an_anonymous_session_has_nobody_to_disable(store: Store):
    await store.ledger.write(opening(Session(KEY, "defaultApp", 1)))
    assert (await store.sessions.find(KEY)).user_enabled


async def test_list(store: Store):
    keys = [SessionKey(node, session) for node in ("a", "b") for session in ("1", "2", "3")]
    for key in reversed(keys):
        await store.ledger.write(opening(a_session(key, user="ann" if key.session != "2" else "bob")))

    async def listed(**asked):
        return [session.key for session in await store.sessions.list(**asked)]

    assert await listed() == keys
    assert await listed(limit=2) == keys[:2]
    assert await listed(after=keys[1], limit=3) == keys[2:5]
    assert await listed(user="bob") == [("a", "2"), ("b", "2")]
    assert await listed(user="BOB") == []
    for user in ("bob\0", "\ud800", "b" * 191, "😀" * 191):
        assert await listed(user=user) == []


async def test_count_by_config(store: Store):
    assert await store.sessions.count_by_config() == {}
    for n, (app_key, config) in enumerate((("a", "1"), ("a", "2"), ("a", "1"), ("b", "1"), ("a", ""), ("A", "1"))):
        session = Session(SessionKey("n", str(n)), app_key, 1, config=config)
        await store.ledger.write(opening(session))
    counted = {("a", "1"): 2, ("a", "2"): 1, ("b", "1"): 1, ("a", ""): 1, ("A", "1"): 1}
    assert await store.sessions.count_by_config() == counted
    async with store.engine.begin() as connection:  # as a session that came by another way has it
        await connection.execute(update(sessions).where(sessions.c.config == "2").values(config=""))
    assert (await store.sessions.count_by_config())["a", ""] == 2


async def test_end(store: Store):
    live = [a_session(SessionKey("n", str(n)), opened_at=1000) for n in range(4)]
    for each in live:
        await store.ledger.write(opening(each))
    assert await store.sessions.over([], Over.ENDED, LATER) == 0
    assert await store.sessions.over([live[2], live[0], live[2]], Over.ENDED, LATER) == 2
    assert await store.sessions.over([live[0], a_session(SessionKey("n", "none"))], Over.ENDED, LATER) == 0
    assert await store.sessions.list() == [live[1], live[3]]
    assert await store.sessions.find(live[0].key) is None


async def test_end_spares_the_session_that_was_opened_since_under_the_same_key(store: Store):
    seen = a_session(opened_at=1000)
    await store.ledger.write(opening(seen))
    newer = a_session(opened_at=1001, user="bob")
    await store.ledger.write(opening(newer))
    assert await store.sessions.over([seen], Over.ENDED, LATER) == 0
    assert await store.sessions.find(KEY) == newer


async def test_end_spares_what_only_looks_like_it(store: Store):
    other = a_session(SessionKey("N", "s "), opened_at=1)
    await store.ledger.write(opening(other))
    keys = [SessionKey("n", "s "), SessionKey("N", "s"), SessionKey("N", "S "), SessionKey("%", "%")]
    assert await store.sessions.over([a_session(key) for key in keys], Over.ENDED, LATER) == 0
    assert await store.sessions.list() == [other]


async def test_many_end_the_same_at_once(store: Store, store_options):
    other = Store(store_options)
    live = [a_session(SessionKey("n", str(n))) for n in range(40)]
    await asyncio.gather(*(store.ledger.write(opening(each)) for each in live))
    ended = await asyncio.gather(
        store.sessions.over(live, Over.ENDED, LATER), other.sessions.over(live[::-1], Over.ENDED, LATER)
    )
    await other.close()
    assert sum(ended) == 40
    assert await store.sessions.list() == []


async def test_finds_that_wait_together_share_one_statement(store: Store, monkeypatch: pytest.MonkeyPatch):
    await store.watch.close()  # it reads now and then
    open_keys = [SessionKey("n", f"s{n}") for n in range(20)]
    await asyncio.gather(*(store.ledger.write(opening(a_session(key))) for key in open_keys))
    checkouts = visits(store, monkeypatch)
    asked = [*open_keys, SessionKey("n", "none"), *open_keys]
    found = await asyncio.gather(*map(store.sessions.find, asked))
    assert [session and session.key for session in found] == [key if key in open_keys else None for key in asked]
    assert len(checkouts) == 1


EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN ", "mariadb": "EXPLAIN "}
BY_KEY = {
    "sqlite": "SEARCH sessions USING INDEX sqlite_autoindex_sessions_1 (node=? AND session=?)",
    "postgresql": "Index Scan using sessions_pkey on sessions",
    "mariadb": "'sessions', 'eq_ref', 'PRIMARY,sessions_over_at', 'PRIMARY', '1536'",  # both parts of the key
}


async def test_sessions_are_found_by_their_key(backend: str, store: Store):
    live = [a_session(SessionKey(f"n{n % 7}", f"s{n}")) for n in range(10_000)]
    async with writing(store) as connection:
        await connection.execute(
            insert(sessions), [dict(zip(sessions.c.keys(), dump(each), strict=True)) for each in live]
        )
    async with store.engine.connect() as connection:
        if backend != "sqlite":  # what any server does by itself after a while
            await connection.execute(text("ANALYZE" if backend == "postgresql" else "ANALYZE TABLE sessions, users"))
        for size in (1, 2, 16):
            keys = [session.key for session in live[:: len(live) // size]][:size]
            query = by_key(keys).compile(store.engine, compile_kwargs={"literal_binds": True})
            rows = (await connection.exec_driver_sql(EXPLAIN[backend] + str(query).replace("%", "%%"))).all()
            assert BY_KEY[backend] in "\n".join(str(tuple(row)) for row in rows), size


async def test_the_newest_connect_counts(store: Store):
    await store.ledger.write(opening(a_session(user="ann", opened_at=2000, token_id="t", expires_at=1)))
    newer = Session(KEY, "defaultApp", 2000)  # in the same millisecond
    await store.ledger.write(opening(newer))
    assert await store.sessions.find(KEY) == newer
