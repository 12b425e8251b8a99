"""What is read and changed to keep the tables of sessions, streams and calls true, on every database."""

import asyncio
from dataclasses import replace

import pytest

from authgate.model import (
    CallKey,
    CallNews,
    Entry,
    MediaKey,
    Over,
    Secret,
    SessionKey,
    Stream,
    StreamNews,
    User,
)
from authgate.store import StoreOptions
from authgate.store.upkeep import Live, Tombstone
from tests.store.samples import a_record, a_session, closing, opening


@pytest.fixture
def store_options(store_url, tmp_path):
    """With patience: nothing here is about a store that is slow."""
    return StoreOptions(url=Secret(store_url), spool=tmp_path / "spool", timeout=30.0)


NOW = 1_700_000_000_000  # milliseconds
MINUTE = 60_000


def key(session, node="n"):
    return SessionKey(node, session)


def told(session, media, at=NOW, node="n", **changes):
    """A hook about a stream."""
    news = StreamNews(MediaKey(node, session, media), "app", at, "cam", True, "PUBLISHING")
    return Entry(a_record(key=key(session, node), at=at, method="StreamStatusEvent"), news=replace(news, **changes))


def called(session, call, at=NOW):
    news = CallNews(CallKey("n", session, call), "app", at, "ann", "bob", False, "ESTABLISHED")
    return Entry(a_record(key=key(session), at=at, method="CallStatusEvent"), news=news)


async def written(store, *entries):
    for entry in entries:
        await store.ledger.write(entry)


async def opened(store, *sessions, at=NOW, node="n", **client):
    await asyncio.gather(*(store.ledger.write(opening(a_session(key(each, node), at, **client))) for each in sessions))


async def test_nodes_are_those_of_which_anything_is_known(store):
    await opened(store, "a", "b")
    await opened(store, "c", node="m")
    await written(store, closing(key("c", "m"), NOW + 1), told("x", "y", node="o"))
    assert await store.upkeep.nodes() == ["m", "n", "o"]


async def test_live_sessions_come_page_by_page(store):
    await opened(store, "a", "b", "c", "d")
    await opened(store, "e", node="other")
    await written(store, closing(key("b"), NOW + 1))
    [ordered] = await store.sessions.list(session="c")
    await store.sessions.order_end([ordered], "banned", NOW + 5)
    first = await store.upkeep.sessions("n", limit=2)
    assert first == [Live(key("a"), NOW, NOW), Live(key("c"), NOW, NOW, ending=True)]
    assert await store.upkeep.sessions("n", "c", 2) == [Live(key("d"), NOW, NOW)]
    assert await store.upkeep.sessions("N") == []


async def test_live_streams_come_page_by_page_and_not_those_of_sessions_that_are_over(store):
    await opened(store, "a", "b")
    await written(store, told("a", "1"), told("a", "2"), told("b", "1"), told("stranger", "1"))
    await written(store, told("a", "2", NOW + 1, over=True, status="UNPUBLISHED"), closing(key("b"), NOW + 1))
    first = await store.upkeep.streams("n", limit=1)
    assert first == [Live(MediaKey("n", "a", "1"), NOW, NOW)]
    assert await store.upkeep.streams("n", ("a", "1")) == [Live(MediaKey("n", "stranger", "1"), NOW, NOW)]


async def test_calls_come_page_by_page_and_are_over_unless_there_was_news(store):
    await opened(store, "a")
    await written(store, called("a", "1"), called("a", "2"), called("b", "1"))
    first = await store.upkeep.calls("n", limit=2)
    assert first == [Live(CallKey("n", "a", each), NOW, NOW) for each in ("1", "2")]
    assert await store.upkeep.calls("n", ("a", "2"), 2) == [Live(CallKey("n", "b", "1"), NOW, NOW)]
    await written(store, called("a", "2", NOW + 1))
    assert await store.upkeep.lose_calls(first, NOW + 9) == 1
    assert await store.upkeep.lose_calls([], NOW + 9) == 0
    assert [each.key.call for each in await store.calls.list()] == ["2", "1"]


async def test_what_is_over_is_found_with_its_reason(store):
    await opened(store, "told", "failed", "live")
    await written(
        store,
        closing(key("told"), NOW + 1),
        closing(key("failed"), NOW + 2, Over.FAILED),
        closing(key("rejected"), NOW + 3, Over.REJECTED),
    )
    found = await store.upkeep.over_sessions("n", ["told", "failed", "rejected", "live", "nobody"])
    assert sorted(found, key=lambda each: each.over_at) == [
        Tombstone(key("told"), NOW + 1, "told"),
        Tombstone(key("failed"), NOW + 2, "failed"),
        Tombstone(key("rejected"), NOW + 3, "rejected", known=False),
    ]
    assert await store.upkeep.over_sessions("n", []) == []
    assert await store.upkeep.over_sessions("m", ["told"]) == []


async def test_many_are_looked_for_at_once(store):
    names = [f"s{number}" for number in range(250)]
    await opened(store, *names)
    await store.sessions.over(await store.sessions.list(limit=1000), Over.LOST, NOW + 1)
    assert len(await store.upkeep.over_sessions("n", names)) == 250


async def test_a_session_that_goes_on_is_live_again_with_all_that_was_known(store):
    await opened(store, "a")
    [before] = await store.sessions.list()
    await written(store, closing(key("a"), NOW + 1))
    assert await store.sessions.find(key("a")) is None
    assert await store.upkeep.revive_sessions(await store.upkeep.over_sessions("n", ["a"]), NOW + 9) == 1
    [after] = await store.sessions.list()
    assert after == before
    assert (after.seen_at, after.due) == (NOW + 9, 1)
    await written(store, closing(key("a"), NOW + 20))
    assert await store.sessions.list() == []


async def test_a_session_that_was_ended_is_to_be_ended_again(store):
    await opened(store, "a", "b")
    ordered, by_store = await store.sessions.list()
    await store.sessions.order_end([ordered], "banned", NOW + 1)
    assert await store.sessions.over([ordered, by_store], Over.ENDED, NOW + 2) == 2
    assert await store.sessions.to_end(NOW + 100, 10) == []
    assert await store.upkeep.revive_sessions(await store.upkeep.over_sessions("n", ["a", "b"]), NOW + 9) == 2
    found = await store.sessions.to_end(NOW + 9, 10)
    assert sorted((each.key.session, each.ending and each.ending.reason) for each in found) == [
        ("a", "banned"),
        ("b", "ended"),
    ]


async def test_what_was_told_since_is_not_undone(store):
    await opened(store, "a")
    await written(store, closing(key("a"), NOW + 1))
    seen = await store.upkeep.over_sessions("n", ["a"])
    await opened(store, "a", at=NOW + 2)
    await written(store, closing(key("a"), NOW + 3, Over.REJECTED))
    assert await store.upkeep.revive_sessions(seen, NOW + 9) == 0
    assert await store.sessions.list() == []


async def test_a_stream_that_goes_on_is_live_again(store):
    await opened(store, "a")
    await written(store, told("a", "1"), told("a", "1", NOW + 1, over=True, status="UNPUBLISHED"), told("a", "2"))
    [over] = await store.upkeep.over_streams("n", [("a", "1"), ("a", "2"), ("b", "1")])
    assert over == Tombstone(MediaKey("n", "a", "1"), NOW + 1, "told")
    assert await store.upkeep.revive_streams([over], NOW + 5) == 1
    assert [each.key.media for each in await store.streams.list()] == ["1", "2"]
    assert await store.upkeep.over_streams("n", []) == []


async def test_sessions_are_noted_as_seen(store):
    await opened(store, "a", "b")
    await store.upkeep.seen(await store.upkeep.sessions("n", limit=1), NOW + MINUTE)
    assert [each.seen_at for each in await store.upkeep.sessions("n")] == [NOW + MINUTE, NOW]


async def test_a_stream_is_added_unless_it_is_there(store):
    await opened(store, "a")
    await written(store, told("a", "1"))
    fresh = [Stream(MediaKey("n", "a", id_), "app", "other", False, "PLAYING", NOW + 1, NOW + 2) for id_ in ("1", "2")]
    await store.upkeep.add_streams(fresh)
    assert [(each.name, each.published, each.status, each.user) for each in await store.streams.list()] == [
        ("cam", True, "PUBLISHING", "ann"),
        ("other", False, "PLAYING", "ann"),
    ]
    await store.upkeep.add_streams([])


async def test_text_that_no_database_can_hold_is_changed(store):
    odd = Stream(MediaKey("n", "a", "1"), "a\0pp", "\ud800" * 600, None, "x" * 500, NOW, NOW)
    await store.upkeep.add_streams([odd])
    [found] = await store.upkeep.streams("n")
    assert found.key == odd.key


SECONDS = NOW // 1000
STORED = {"stored_user": True, "generation": 7}
ANN = User("ann", "Ann", generation=7)
SUSPECTS = {
    "a good user": (ANN, STORED, False),
    "disabled": (replace(ANN, enabled=False), STORED, True),
    "expired": (replace(ANN, expires_at=SECONDS), STORED, True),
    "about to expire": (replace(ANN, expires_at=SECONDS + 1), STORED, False),
    "not valid yet": (replace(ANN, not_before=SECONDS + 1), STORED, True),
    "valid by now": (replace(ANN, not_before=SECONDS), STORED, False),
    "another password since": (replace(ANN, generation=8), STORED, True),
    "deleted": (None, STORED, True),
    "never in the store": (None, {}, False),
    "of another source": (None, {"stored_user": True, "generation": -5}, False),
    "a token that expired longer ago than the grace": (ANN, {**STORED, "expires_at": SECONDS - 30}, True),
    "a token within the grace": (ANN, {**STORED, "expires_at": SECONDS - 29}, False),
    "a token without a user": (None, {"expires_at": SECONDS - 30}, True),
    "disabled, and not vouched for by the store": (replace(ANN, enabled=False), {}, True),
}


async def test_those_who_may_not_go_on_are_found(store):
    for what, (user, client, _) in SUSPECTS.items():
        name = what.replace(" ", "-").replace(",", "")
        if user is not None:
            await store.users.add(replace(user, name=name))
        await opened(store, what, user=name, **client)
    found = {each.key.session for each in await store.upkeep.suspects(["n"], NOW, 30, 100)}
    assert found == {what for what, (_, _, suspect) in SUSPECTS.items() if suspect}


async def test_nobody_is_found_at_another_node(store):
    await opened(store, "a", expires_at=SECONDS - 100)
    assert await store.upkeep.suspects(["m"], NOW, 30, 100) == []
    assert await store.upkeep.suspects([], NOW, 30, 100) == []


async def test_a_token_that_is_outlived_ends_nothing(store):
    await opened(store, "a", expires_at=SECONDS - 10_000)
    assert await store.upkeep.suspects(["n"], NOW, None, 10) == []


async def test_those_that_are_to_be_ended_already_are_not_found_again(store):
    await opened(store, "a", "b", expires_at=SECONDS - 100)
    one, other = await store.upkeep.suspects(["n"], NOW, 30, 10)  # in whatever order
    assert {one.key, other.key} == {key("a"), key("b")}
    await store.sessions.order_end([one], "session_expired", NOW)
    assert [each.key for each in await store.upkeep.suspects(["n"], NOW, 30, 10)] == [other.key]
    assert len(await store.upkeep.suspects(["n"], NOW, 30, 0)) == 0


async def test_streams_that_are_not_kept_alive_any_more_are_over(store):
    await opened(store, "a")
    await opened(store, "a", node="compared")
    await written(
        store,
        told("a", "lapsed", NOW, kept=True),
        told("a", "kept", NOW + MINUTE, kept=True),
        told("a", "never kept"),
        told("a", "elsewhere", NOW, kept=True, node="compared"),
    )
    assert await store.upkeep.lapse_streams(NOW + 1, NOW + MINUTE, ["compared"]) == 1
    assert await store.upkeep.lapse_streams(NOW + 1, NOW + MINUTE, ["compared"]) == 0
    assert {each.key.media for each in await store.streams.list()} == {"kept", "never kept", "elsewhere"}
    await written(store, told("a", "lapsed", NOW + 2 * MINUTE, kept=True))  # it was only silent
    assert len(await store.streams.list()) == 4


async def test_sessions_of_which_nothing_is_heard_are_over(store):
    await opened(store, "idle", "heard")
    await opened(store, "idle", node="compared")
    await opened(store, "young", at=NOW + MINUTE)
    await written(
        store,
        Entry(a_record(key=key("heard"), at=NOW + MINUTE, method="publishStream")),
        told("nobody", "1"),
        told("idle", "1"),
        called("nobody", "c"),
    )
    assert await store.upkeep.lapse_idle(NOW + 1, NOW + MINUTE, ["compared"]) == 3
    assert [each.key for each in await store.sessions.list()] == [
        key("idle", "compared"),
        key("heard"),
        key("young"),
    ]
    assert (await store.streams.list(), await store.calls.list()) == ([], [])


async def test_no_more_is_changed_at_once_than_is_asked_for(store):
    await opened(store, *(f"s{number}" for number in range(5)))
    assert await store.upkeep.lapse_idle(NOW + 1, NOW + MINUTE, [], 3) == 3
    assert await store.upkeep.lapse_idle(NOW + 1, NOW + MINUTE, [], 3) == 2


async def test_what_has_been_over_for_a_while_is_forgotten_with_what_went_on_in_it(store):
    await opened(store, "old", "young", "live")
    await written(store, told("old", "1"), called("old", "c"), told("live", "1"), called("live", "c"))
    await written(store, told("live", "2"), told("live", "2", NOW + 1, over=True, status="STOPPED"))
    await written(store, closing(key("old"), NOW + 1), closing(key("young"), NOW + MINUTE))
    assert await store.upkeep.purge(NOW + MINUTE) == 2
    assert await store.upkeep.purge(NOW + MINUTE) == 0
    assert await store.upkeep.over_sessions("n", ["old", "young"]) == [Tombstone(key("young"), NOW + MINUTE, "told")]
    assert [each.key.media for each in await store.streams.list()] == ["1"]
    assert [each.key.session for each in await store.calls.list()] == ["live"]


async def test_forgetting_goes_in_small_steps(store):
    await opened(store, *(f"s{number}" for number in range(5)))
    await store.sessions.over(await store.sessions.list(), Over.ENDED, NOW)
    assert [await store.upkeep.purge(NOW + 1, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert await store.upkeep.nodes() == []


def test_the_values_say_what_may_live():
    assert [why.value for why in Over if Tombstone(("n", "s"), 1, why.value).may_live] == [
        "told",
        "failed",
        "lost",
    ]
    assert not Tombstone(("n", "s"), 1, "told", known=False).may_live
    assert Tombstone(("n", "s"), 1, "ended").ended
