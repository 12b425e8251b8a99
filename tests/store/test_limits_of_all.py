"""How many sessions there may be of users without a row, of tokens and of applications, and who goes then."""

import asyncio
import random
from dataclasses import replace

import pytest

from authgate.limits import AppLimits, LimitOptions, Limits
from authgate.model import Entry, Over, Principal, Reason, Session, SessionKey, User
from authgate.store import Store, StoreOptions

from .samples import closing, opening

USER, TOKEN, APP = Reason.SESSIONS_EXCEEDED, Reason.TOKEN_SESSIONS_EXCEEDED, Reason.APP_SESSIONS_EXCEEDED
PATIENCE = 60.0  # seconds: how busy the machine is that a test runs on is no fault of the code
END = "end-oldest"
LATER = 1 << 52  # milliseconds since the epoch


@pytest.fixture
def store_options(store_options: StoreOptions) -> StoreOptions:
    return replace(store_options, timeout=PATIENCE)


def key(session: str, node: str = "n") -> SessionKey:
    return SessionKey(node, session)


def connect(
    session: str,
    limits: Limits,
    at: int = 1000,
    *,
    user: str = "ann",
    token: str = "",
    app: str = "app",
    verifier: str = "tokens",
    own: int | None = None,
    node: str = "n",
) -> Entry:
    client = Principal(user, verifier, token=token, max_sessions=own) if user else None
    opened = Session(key(session, node), app, at, client)
    return replace(opening(opened), limits=limits.of_session(opened))


def limits(apps: dict[str, AppLimits] | None = None, **options) -> Limits:
    return Limits(LimitOptions(**options), apps or {})


async def live(store: Store) -> str:
    """The sessions that hold a place."""
    return "".join(each.key.session for each in await store.sessions.list() if each.ending is None)


ONE_USER = limits(sessions_per_user=1)
LAST_USER = limits(sessions_per_user=1, sessions_per_user_exceeded=END)
ONE_TOKEN = limits(sessions_per_token=1)
TWO_IN_APP = limits(sessions_per_app=2)
LAST_TWO_IN_APP = limits(sessions_per_app=2, sessions_per_app_exceeded=END)
STUDIO = limits({"studio": AppLimits(sessions_per_user=1)}, sessions_per_user=2)
LAST_IN_STUDIO = limits({"studio": AppLimits(sessions_per_user=1, sessions_per_user_exceeded=END)}, sessions_per_user=2)
BOTH = limits(sessions_per_user=1, sessions_per_user_exceeded=END, sessions_per_app=2)

# What is written one after the other, each a millisecond after the one before; why some are rejected; and what is left.
CASES = {
    "a user without a row": (ONE_USER, [{}, {}], [None, USER], "a"),
    "two users": (ONE_USER, [{}, {"user": "bob"}], [None, None], "ab"),
    "a user in two applications": (ONE_USER, [{}, {"app": "other"}], [None, USER], "a"),
    "anonymous clients are no user": (ONE_USER, [{"user": ""}, {"user": ""}], [None, None], "ab"),
    "nor are those whom a target vouches for": (
        ONE_USER,
        [{"user": "anonymous@old", "verifier": "old"}, {"user": "anonymous@old", "verifier": "old"}],
        [None, None],
        "ab",
    ),
    "the newest stays": (LAST_USER, [{}, {}, {}], [None, None, None], "c"),
    "of each": (LAST_USER, [{}, {"user": "bob"}, {}], [None, None, None], "bc"),
    "a token": (ONE_TOKEN, [{"token": "t"}, {"token": "t"}], [None, TOKEN], "a"),
    "a token of two users": (ONE_TOKEN, [{"token": "t"}, {"token": "t", "user": "bob"}], [None, TOKEN], "a"),
    "two tokens of a user": (ONE_TOKEN, [{"token": "t"}, {"token": "u"}], [None, None], "ab"),
    "passwords are no token": (ONE_TOKEN, [{}, {}], [None, None], "ab"),
    "an application": (TWO_IN_APP, [{"user": u} for u in ("ann", "", "bob")], [None, None, APP], "ab"),
    "two applications": (TWO_IN_APP, [{"app": a} for a in ("x", "y", "x", "y")], [None] * 4, "abcd"),
    "the newest in an application": (LAST_TWO_IN_APP, [{"user": u} for u in ("ann", "", "bob")], [None] * 3, "bc"),
    "one limit of an application beside that of all": (
        STUDIO,
        [{"app": "studio"}, {"app": "studio"}, {"app": "x"}, {"app": "y"}],
        [None, USER, None, USER],
        "ac",
    ),
    "the newest in the studio": (
        LAST_IN_STUDIO,
        [{"app": "studio"}, {"app": "x"}, {"app": "studio"}, {"app": "y"}],
        [None, None, None, USER],  # who has two may have another in place of one of them
        "bc",
    ),
    "an end of one's own makes room in the application": (
        BOTH,
        [{}, {"user": "bob"}, {"user": "eve"}, {}],
        [None, None, APP, None],
        "bd",
    ),
    "an application without a name": (STUDIO, [{"app": ""}, {"app": ""}, {"app": ""}], [None, None, USER], "ab"),
}


@pytest.mark.parametrize(("of", "connects", "answers", "left"), CASES.values(), ids=CASES)
async def test_there_are_as_many_as_there_may_be(store: Store, of: Limits, connects, answers, left: str):
    entries = [connect("abcd"[n], of, 1000 + n, **each) for n, each in enumerate(connects)]
    assert [await store.ledger.write(entry) for entry in entries] == answers
    assert await live(store) == left


async def test_a_number_of_the_store_goes_before_that_of_the_configuration(store: Store):
    await store.users.add(User("ann", "Ann", max_sessions=2))
    await store.users.add(User("bob", "Bob"))
    for user, own, let_in in (("ann", 2, 2), ("bob", None, 1), ("eve", None, 1)):
        entries = [connect(f"{user}{n}", ONE_USER, n, user=user, own=own) for n in range(3)]
        answers = [await store.ledger.write(entry) for entry in entries]
        assert answers == [None] * let_in + [USER] * (3 - let_in)


async def test_a_number_of_the_store_may_end_the_oldest_too(store: Store):
    ends = limits(sessions_per_user_exceeded=END)
    await store.users.add(User("ann", "Ann", max_sessions=2))
    for n, name in enumerate("abc"):
        assert await store.ledger.write(connect(name, ends, n, own=2)) is None
    assert await live(store) == "bc"
    await store.users.change("ann", {"max_sessions": 0})
    assert await store.ledger.write(connect("d", ends, 9, own=2)) is USER
    await store.users.change("ann", {"max_sessions": None})
    assert await store.ledger.write(connect("e", ends, 9, own=2)) is None
    assert await live(store) == "bce"  # nothing limits the user any more


async def test_who_is_to_go_is_refused_with_the_reason_and_stays_until_it_is_gone(store: Store):
    for n, name in enumerate("ab"):
        await store.ledger.write(connect(name, LAST_USER, n))
    found = await store.sessions.find(key("a"))
    assert found is not None
    assert found.ending is not None
    assert found.ending.reason == USER
    assert [each.key.session for each in await store.sessions.list()] == ["a", "b"]
    assert [each.key for each in await store.sessions.to_end(LATER, 10)] == [key("a")]


async def test_who_is_to_go_holds_no_place_and_comes_back_under_its_key(store: Store):
    for n, name in enumerate("aba"):
        assert await store.ledger.write(connect(name, LAST_USER, n)) is None
    assert await live(store) == "a"
    assert [each.key for each in await store.sessions.to_end(LATER, 10)] == [key("b")]


async def test_what_came_from_a_node_whose_clock_is_ahead_does_not_outlive_who_comes_later(store: Store):
    await store.ledger.write(connect("a", LAST_USER, 9000))
    assert await store.ledger.write(connect("b", LAST_USER, 1000)) is None
    assert await live(store) == "b"


async def test_of_a_hundred_at_once_the_newest_is_let_in_and_all_others_are_rejected_or_ended(store: Store):
    await store.ledger.write(connect("old", LAST_USER, 1))
    entries = [connect(str(n), LAST_USER, 1000 + n) for n in range(100)]
    answers = await asyncio.gather(*map(store.ledger.write, entries))
    assert set(answers) <= {None, USER}
    assert answers[99] is None
    assert await live(store) == "99"


async def test_a_close_in_the_same_commit_makes_room_and_ends_nobody(store: Store):
    two = limits(sessions_per_user=2, sessions_per_user_exceeded=END)
    for n, name in enumerate("ab"):
        await store.ledger.write(connect(name, two, n))
    entries = [connect("c", two, 1000), closing(key("b"), at=900)]
    assert await asyncio.gather(*map(store.ledger.write, entries)) == [None, None]
    assert await live(store) == "ac"


async def test_lost_events_wedge_nobody(store: Store):
    """Who comes back by another connection ends the one whose end nobody told; who is found gone makes room."""
    for n in range(5):
        assert await store.ledger.write(connect(f"lost{n}", LAST_USER, n)) is None
    await store.ledger.write(connect("x", ONE_USER, user="bob"))
    assert await store.ledger.write(connect("y", ONE_USER, user="bob")) is USER
    await store.sessions.over(await store.sessions.list(user="bob"), Over.LOST, 1500)
    assert await store.ledger.write(connect("y", ONE_USER, user="bob")) is None


@pytest.mark.parametrize("then", ["reject-new", END])
async def test_a_hundred_connects_race_over_two_stores_and_no_limit_is_exceeded(store: Store, store_options, then: str):
    """Users, tokens and applications at once, so that who waits for whom is never a circle."""
    of = limits(
        sessions_per_user=3,
        sessions_per_user_exceeded=then,
        sessions_per_token=2,
        sessions_per_token_exceeded=then,
        sessions_per_app=12,
        sessions_per_app_exceeded=then,
    )
    stores = [Store(store_options) for _ in range(2)]
    chance = random.Random(11)

    async def one(n: int) -> Reason | None:
        user, token, app = (f"{what}{chance.randrange(count)}" for what, count in (("u", 6), ("t", 9), ("app", 2)))
        entry = connect(f"s{n}", of, 1000 + n, user=user, token=token, app=app, node=f"n{n % 3}")
        found = await stores[n % 2].ledger.write(entry)
        if found is None and n % 4 == 0:
            await stores[(n + 1) % 2].ledger.write(closing(key(f"s{n}", f"n{n % 3}"), at=5000 + n))
        return found

    try:
        for start in (0, 100):
            answers = await asyncio.gather(*(one(n) for n in range(start, start + 100)))
            assert None in answers
            there = [each for each in await store.sessions.list(limit=1000) if each.ending is None]
            clients = [each.client for each in there if each.client is not None]
            of_users, of_tokens = [each.user for each in clients], [each.token for each in clients]
            of_apps = [each.app_key for each in there]
            assert max(map(of_users.count, of_users)) <= 3
            assert max(map(of_tokens.count, of_tokens)) <= 2
            assert max(map(of_apps.count, of_apps)) <= 12
    finally:
        for each in stores:
            await each.close()


@pytest.mark.parametrize("then", ["reject-new", END])
async def test_places_are_neither_lost_nor_given_twice_in_a_race(store: Store, store_options, then: str):
    of = limits(sessions_per_user=3, sessions_per_user_exceeded=then)
    stores = [Store(store_options) for _ in range(2)]
    try:
        entries = [connect(f"s{n:03}", of, 1000 + n, node=f"n{n % 5}") for n in range(100)]
        random.Random(5).shuffle(entries)
        answers = await asyncio.gather(*(stores[n % 2].ledger.write(entry) for n, entry in enumerate(entries)))
        assert len([each for each in await store.sessions.list(limit=1000) if each.ending is None]) == 3
        assert answers.count(None) == 3 if then == "reject-new" else answers.count(None) >= 3
    finally:
        for each in stores:
            await each.close()
