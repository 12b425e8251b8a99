"""What is more than there may be, once a limit was lowered."""

from dataclasses import replace

import pytest

from authgate.limits import AppLimits, LimitOptions, Limits
from authgate.model import Entry, MediaKey, Principal, Session, SessionKey, StreamNews, User
from authgate.store import Store, StoreOptions

from .samples import a_record, opening

END = "end-oldest"
NONE = Limits()
PATIENCE = 60.0  # seconds: how busy the machine is that a test runs on is no fault of the code


@pytest.fixture
def store_options(store_options: StoreOptions) -> StoreOptions:
    return replace(store_options, timeout=PATIENCE)


def limits(apps: dict[str, AppLimits] | None = None, **options) -> Limits:
    return Limits(LimitOptions(**options), apps or {})


# The clients whose sessions are open since when, and at which node and application.
THERE = {
    "a": ("ann", "t", "x", "n"),
    "b": ("ann", "t", "y", "m"),
    "c": ("bob", "t", "x", "n"),
    "d": ("ann", "u", "x", "n"),
    "e": (None, "", "y", "n"),
    "f": ("anonymous@old", "", "y", "n"),
    "g": ("anonymous@old", "", "y", "n"),
}

# Limits, and who has to end for them: of each, in the order in which it is found.
CASES = {
    "none": (NONE, []),
    "of users": (limits(sessions_per_user=1), ["bd"]),
    "of users, the oldest first": (limits(sessions_per_user=1, sessions_per_user_exceeded=END), ["ab"]),
    "of tokens": (limits(sessions_per_token=1), ["bc"]),
    "of applications": (limits(sessions_per_app=2), ["dfg"]),
    "of applications but one": (limits({"x": AppLimits(sessions_per_app=9)}, sessions_per_app=2), ["fg"]),
    "of one application": (limits({"x": AppLimits(sessions_per_app=1)}), ["cd"]),
    "of users in one application": (limits({"x": AppLimits(sessions_per_user=1)}), ["d"]),
    "of users and applications": (limits(sessions_per_user=1, sessions_per_app=1), ["bd", "cfg"]),
}


async def opened(store: Store) -> None:
    for at, (name, (user, token, app, node)) in enumerate(THERE.items()):
        verifier = "old" if user == "anonymous@old" else "v"
        client = None if user is None else Principal(user, verifier, token=token)
        assert await store.ledger.write(opening(Session(SessionKey(node, name), app, at, client))) is None


async def found(store: Store, of: Limits, *nodes: str) -> list[str]:
    """Whom it takes to end, one kind after the other."""
    told = []
    while some := await store.beyond.sessions(of, nodes or ("n", "m")):
        told.append("".join(sorted(session.key.session for session, _ in some)))
        await store.sessions.order_end([session for session, _ in some], some[0][1].value, 99)
    return told


@pytest.mark.parametrize(("of", "who"), CASES.values(), ids=CASES)
async def test_who_is_too_many_is_found(store: Store, of: Limits, who: list[str]):
    await opened(store)
    assert await found(store, of) == who


async def test_what_the_store_says_of_a_user_goes_before(store: Store):
    await opened(store)
    await store.users.add(User("ann", "Ann", max_sessions=2))
    assert await found(store, NONE) == ["d"]
    await store.users.change("ann", {"max_sessions": 0})
    assert await found(store, limits(sessions_per_user=9)) == ["ab"]


async def test_only_those_at_nodes_that_can_be_told_are_found(store: Store):
    await opened(store)
    assert await found(store, limits(sessions_per_user=1, sessions_per_user_exceeded=END), "m") == ["b"]
    assert await store.beyond.sessions(limits(sessions_per_user=1), []) == []


@pytest.mark.parametrize(("then", "who"), [("reject-new", ["b"]), (END, ["a"])], ids=["reject-new", END])
async def test_publishers_that_are_too_many_are_found(store: Store, then, who: list[str]):
    for at, (media, name) in enumerate((("a", "x"), ("b", "x"), ("c", "y"), ("d", "")), 10):
        news = StreamNews(MediaKey("n", "s", media), "app", at, name, True, "PUBLISHING")
        await store.ledger.write(Entry(a_record(key=SessionKey("n", "s"), at=at), news=news))
    of = limits(publishers_per_name=1, publishers_per_name_exceeded=then)
    some = await store.beyond.streams(of, ["n"])
    assert [stream.key.media for stream, _ in some] == who
    assert await store.beyond.streams(of, ["m"]) == []
    await store.streams.order_end([stream for stream, _ in some], "publishers_exceeded", 99)
    assert await store.beyond.streams(of, ["n"]) == []
