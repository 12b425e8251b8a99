"""Live sessions, alike on every engine."""

import asyncio

import pytest
from sqlalchemy import event, text

from authgate.model import Session, SessionKey
from authgate.store import Store
from authgate.store.sessions import by_key

from .samples import ANN, KEY, a_session, closing, opening


async def test_a_session_comes_back_as_given(store: Store):
    given = a_session(
        grants=("publish:a*", "ж\0\ud800"), expires_at=253402300799, token_id="jti-1", stored_user=True, verifier="t"
    )
    await store.users.add(ANN)
    await store.ledger.write(opening(given))
    assert await store.sessions.find(KEY) == given


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
        await store.users.set_enabled("ann", False)
    elif fate == "deleted":
        await store.users.delete("ann")
    found = await store.sessions.find(KEY)
    assert found == a_session(stored_user=stored, user_enabled=enabled)


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


async def test_finds_that_wait_together_share_one_statement(store: Store):
    open_keys = [SessionKey("n", f"s{n}") for n in range(20)]
    await asyncio.gather(*(store.ledger.write(opening(a_session(key))) for key in open_keys))
    checkouts = []
    event.listen(store.engine.sync_engine, "checkout", lambda *_: checkouts.append(1))
    asked = [*open_keys, SessionKey("n", "none"), *open_keys]
    found = await asyncio.gather(*map(store.sessions.find, asked))
    assert [session and session.key for session in found] == [key if key in open_keys else None for key in asked]
    assert len(checkouts) == 1


EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN ", "mariadb": "EXPLAIN "}
BY_KEY = {
    "sqlite": "SEARCH sessions USING INDEX sqlite_autoindex_sessions_1 (node=? AND session=?)",
    "postgresql": "Index Scan using sessions_pkey on sessions",
    "mariadb": "'sessions', 'eq_ref', 'PRIMARY', 'PRIMARY', '1536'",  # both parts of the key
}


@pytest.mark.parametrize("size", [1, 2, 16])
async def test_sessions_are_found_by_their_key(backend: str, store: Store, size: int):
    sessions = [a_session(SessionKey(f"n{n % 7}", f"s{n}")) for n in range(3000)]
    await asyncio.gather(*(store.ledger.write(opening(session)) for session in sessions))
    keys = [session.key for session in sessions[:: len(sessions) // size]][:size]
    query = by_key(keys).compile(store.engine, compile_kwargs={"literal_binds": True})
    async with store.engine.connect() as connection:
        if backend != "sqlite":  # what any server does by itself after a while
            await connection.execute(text("ANALYZE" if backend == "postgresql" else "ANALYZE TABLE sessions, users"))
        rows = (await connection.exec_driver_sql(EXPLAIN[backend] + str(query).replace("%", "%%"))).all()
    assert BY_KEY[backend] in "\n".join(str(tuple(row)) for row in rows)


async def test_the_newest_connect_counts(store: Store):
    await store.ledger.write(opening(a_session(user="ann", opened_at=2000, token_id="t", expires_at=1)))
    newer = Session(KEY, "defaultApp", 2000)  # in the same millisecond
    await store.ledger.write(opening(newer))
    assert await store.sessions.find(KEY) == newer
