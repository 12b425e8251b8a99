"""What no hook told is recorded all the same, and what only tells is recorded as its session's user's."""

import pytest

from authgate.feed.event import kind_of
from authgate.model import CallKey, CallNews, Entry, MediaKey, Over, SessionKey, StreamNews
from authgate.store import Store
from authgate.store.upkeep import Live

from .samples import KEY, a_record, a_session, closing, opening

MEDIA, CALL = MediaKey(*KEY, "m"), CallKey(*KEY, "c")


async def events(store: Store) -> list[str | None]:
    """Whose records those are that tell of connections."""
    return [each.user for each in await store.records.list() if each.method == "ConnectionStatusEvent"]


async def going_on(store: Store) -> None:
    """Ann's session with a stream and a call, and Bob's."""
    await store.ledger.write(opening(a_session()))
    await store.ledger.write(opening(a_session(SessionKey("n", "other"), user="bob")))
    stream = StreamNews(MEDIA, "defaultApp", 2000, "cam", True, "PUBLISHING")
    await store.ledger.write(Entry(a_record(at=2000, method="StreamStatusEvent", user=None), news=stream))
    call = CallNews(CALL, "defaultApp", 2000, "1", "2", False, "RING")
    await store.ledger.write(Entry(a_record(at=2000, method="CallStatusEvent", user=None), news=call))


async def told(store: Store) -> list[tuple[str, str, str | None, str, str]]:
    """The records of what no hook told, and the events that they are."""
    found = [each for each in await store.records.list(limit=100) if "." in each.method]
    return sorted((each.method, kind_of(each), each.user, each.subject, each.status) for each in found)


async def test_what_is_lost_is_recorded(store: Store):
    await going_on(store)
    ann, bob = await store.sessions.list(user="ann"), await store.sessions.list(user="bob")
    assert await store.upkeep.lose_calls([Live(CALL, 2000, 2000)], 5000) == 1
    assert await store.streams.over(await store.streams.list(), Over.LOST, 5000) == 1
    assert await store.sessions.over(ann, Over.LOST, 5000) == 1
    assert await store.sessions.over([*ann, *bob], Over.LOST, 6000) == 1
    assert await told(store) == [
        ("call.lost", "call.ended", "ann", "2", "LOST"),
        ("session.lost", "session.closed", "ann", "", "LOST"),
        ("session.lost", "session.closed", "bob", "", "LOST"),
        ("stream.lost", "stream.stopped", "ann", "cam", "LOST"),
    ]


async def test_what_lapses_is_recorded(store: Store):
    await going_on(store)
    await store.upkeep.lapse_idle(9_000_000_000_000, 9_000_000_000_001, [])
    assert [each[:3] for each in await told(store)] == [
        ("session.lost", "session.closed", "ann"),
        ("session.lost", "session.closed", "bob"),
    ]


async def test_what_goes_on_after_all_is_recorded(store: Store):
    await going_on(store)
    await store.ledger.write(closing(at=3000))
    over = await store.upkeep.over_sessions(KEY.node, [KEY.session])
    assert await store.upkeep.revive_sessions(over, 7000) == 1
    assert await store.upkeep.revive_sessions(over, 8000) == 0
    assert await told(store) == [("session.found", "session.opened", "ann", "", "FOUND")]


@pytest.mark.parametrize("reason", [each for each in Over if each is not Over.LOST])
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_what_a_hook_or_a_person_says_is_recorded_by_that(store: Store, reason):
    await going_on(store)
    assert await store.sessions.over(await store.sessions.list(), reason, 5000) == 2
    assert await told(store) == []


# What is written of a session that is Ann's, and whose record it becomes.
OWNED = {
    "what tells of a stream": ({"method": "StreamStatusEvent"}, "ann"),
    "what tells of a call": ({"method": "CallStatusEvent"}, "ann"),
    "a keep-alive": ({"method": "StreamKeepAliveEvent"}, "ann"),
    "a keep-alive that was judged to be another's": ({"method": "StreamKeepAliveEvent", "user": "eve"}, "eve"),
    "what tells of data": ({"method": "DataStatusEvent"}, "ann"),
    "what tells of something that nobody knows": ({"method": "WaveStatusEvent"}, "ann"),
    "what arrives": ({"method": "OnCallEvent"}, None),
    "what asks for something": ({"method": "playStream"}, None),
    "what is refused": ({"method": "StreamKeepAliveEvent", "allowed": False}, None),
    "of a session that is another's": ({"method": "StreamStatusEvent", "key": SessionKey("n", "none")}, None),
    "of no session": ({"method": "StreamStatusEvent", "key": SessionKey("node-1", "")}, None),
    "of a session that cannot be": ({"method": "StreamStatusEvent", "key": SessionKey("n", "\0\ud800")}, None),
}


@pytest.mark.parametrize(("record", "user"), OWNED.values(), ids=OWNED)
async def test_what_only_tells_is_recorded_as_its_sessions_user(store: Store, record, user):
    await store.ledger.write(opening(a_session()))
    given = a_record(**{"user": None, **record})
    await store.ledger.write(Entry(given))
    assert (await store.records.find(given.id)).user == user


async def test_that_a_session_is_over_is_its_users(store: Store):
    await store.ledger.write(opening(a_session()))
    for at in (2000, 2001):  # the second is late
        entry = closing(at=at)
        await store.ledger.write(Entry(a_record(method="ConnectionStatusEvent", user=None), entry.change))
    assert await events(store) == ["ann", "ann"]


async def test_nobody_knows_whose_end_is_told_where_an_id_was_used_again(store: Store):
    await store.ledger.write(opening(a_session()))
    await store.ledger.write(opening(a_session(opened_at=1500, user="bob")))
    entry = closing(at=2000)
    await store.ledger.write(Entry(a_record(method="ConnectionStatusEvent", user=None), entry.change))
    assert await events(store) == [None]
    assert [each.client.user for each in await store.sessions.list()] == ["bob"]
