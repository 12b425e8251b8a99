"""What the media server has and what authgate has are made the same, over HTTP and SQL; and never by guessing."""

import logging

import pytest

from authgate.model import Over
from authgate.wcs import WcsNodes, WcsOptions
from tests.wcs.fake import connection, reply, running, stream

from .conftest import NOW


async def test_a_session_that_the_media_server_lost_is_over(world):
    await world.both("a", "b")
    await world.streams("a", "1")
    await world.streams("b", "2")
    world.wcs.connections.pop("a")
    world.wcs.streams = {"2": stream("2", "b")}
    world.later()
    assert await world.reconciler.round() == 30.0
    assert (await world.live(), await world.live_streams()) == (["b"], ["2"])
    assert world.tally == {"live_sessions_lost": 1}
    [over] = await world.store.upkeep.over_sessions("n1", ["a"])
    assert over.reason == Over.LOST


async def test_a_restart_of_the_media_server_loses_all(world):
    await world.both("a", "b", "c")
    await world.streams("a", "1", "2")
    await world.reconciler.round()
    world.wcs.connections.clear()
    world.later()
    await world.reconciler.round()
    assert (await world.live(), await world.live_streams()) == ([], [])
    assert world.tally["live_sessions_lost"] == 3


async def test_that_nothing_is_there_may_be_said_by_404(world):
    world.wcs.answers["/connection/find_all"] = reply("", 404)
    await world.opened("a")
    world.later()
    await world.reconciler.round()
    assert await world.live() == []


async def test_a_wrong_address_ends_nobody(world, caplog):
    world.wcs.proves = False
    world.wcs.answers["/connection/find_all"] = reply("", 404)
    await world.opened("a")
    world.later()
    await world.reconciler.round()
    assert await world.live() == ["a"]
    assert "answers 404 to everything" in world.reconciler.state.fault


async def test_a_session_that_has_just_come_is_not_lost(world):
    await world.opened("a")
    for _ in range(3):
        world.later(1.5)
        await world.reconciler.round()
    assert await world.live() == ["a"]
    world.later(2)
    await world.reconciler.round()
    assert await world.live() == []


async def test_a_session_that_sends_hooks_is_not_lost(world):
    await world.opened("a")
    world.later(100)
    await world.streams("a", "1")
    world.later(1)
    await world.reconciler.round()
    assert (await world.live(), await world.live_streams()) == (["a"], ["1"])


BROKEN = {
    "away": {"/connection/find_all": b""},
    "an error": {"/connection/find_all": reply("", 500)},
    "no login": {"/connection/find_all": reply("", 401)},
    "garbage": {"/connection/find_all": reply("<html>")},
    "nothing at all": {"/connection/find_all": reply("")},
    "an object": {"/connection/find_all": reply('{"connections":[]}')},
    "objects that are no connections": {"/connection/find_all": reply("[{}]")},
    "half an answer": {"/connection/find_all": reply('[{"sessionId":"x"},')},
    "streams that cannot be read": {"/stream/find_all": reply("null")},
    "an error about streams": {"/stream/find_all": reply("", 500)},
}


@pytest.mark.parametrize("answers", BROKEN.values(), ids=BROKEN)
async def test_an_answer_that_cannot_be_used_changes_nothing(world, answers, caplog):
    world.wcs.proves = True
    await world.opened("lost")
    await world.both("over")
    await world.closed("over")
    await world.streams("lost", "1")
    world.later()
    world.wcs.answers = answers
    assert await world.reconciler.round() == 1.0
    assert await world.reconciler.round() == 2.0
    assert await world.reconciler.round() == 4.0
    assert await world.reconciler.round() == 5.0
    assert (await world.live(), await world.live_streams()) == (["lost"], ["1"])
    assert not world.tally
    assert world.reconciler.state.fault
    told = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert len(told) == 1  # not with each try
    world.wcs.answers = {}
    assert await world.reconciler.round() == 30.0
    assert await world.live() == ["over"]
    assert world.reconciler.state.fault == ""


async def test_a_session_that_goes_on_is_live_again(world):
    await world.both("told", "failed", "lost")
    await world.closed("told")
    await world.closed("failed", why=Over.FAILED)
    await world.store.sessions.over(await world.store.sessions.list(session="lost"), Over.LOST, int(NOW * 1000))
    assert await world.live() == []
    world.later()
    await world.reconciler.round()
    assert await world.live() == ["failed", "lost", "told"]
    assert world.tally == {"live_sessions_revived": 3}
    await world.closed("told")
    assert await world.live() == ["failed", "lost"]


async def test_a_session_that_was_over_a_moment_ago_is_not_live_again(world):
    await world.both("a")
    world.later()
    await world.closed("a")  # the event comes before the media server has cleared up
    world.later(2)
    await world.reconciler.round()
    assert await world.live() == []


async def test_whoever_was_rejected_stays_out(world):
    await world.both("a")
    await world.closed("a", why=Over.REJECTED)
    world.wcs.add("b")
    await world.closed("b", why=Over.REJECTED)
    world.later()
    await world.reconciler.round()
    assert await world.live() == []
    assert set(world.wcs.connections) == {"a", "b"}


async def test_what_was_ended_is_ended_again(world):
    await world.both("a")
    await world.store.sessions.over(await world.store.sessions.list(), Over.ENDED, int(NOW * 1000))
    world.later()
    await world.reconciler.round()
    assert await world.ending() == {"a": "ended"}
    assert world.ordered == 1
    await world.ender.round()
    assert (await world.live(), world.wcs.connections) == ([], {})


async def test_what_is_to_be_ended_and_is_gone_is_ended(world):
    await world.opened("a")
    await world.store.sessions.order_end(await world.store.sessions.list(), "banned", int(NOW * 1000))
    world.later()
    await world.reconciler.round()
    [over] = await world.store.upkeep.over_sessions("n1", ["a"])
    assert over.reason == Over.ENDED


async def test_what_nobody_knows_is_counted_and_left_alone(world):
    world.wcs.add("a", "b")
    world.wcs.streams = {"1": stream("1", "a"), "2": stream("2", "", "of no client")}
    for _ in range(3):
        await world.reconciler.round()
        world.later()
    assert set(world.wcs.connections) == {"a", "b"}
    assert (await world.live(), await world.live_streams()) == ([], [])
    state = world.reconciler.state
    assert (state.connections, state.unknown_connections) == (2, 2)
    assert (state.streams, state.unknown_streams) == (2, 2)
    assert not world.tally


async def test_what_nobody_knows_of_our_own_applications_is_ended_where_that_is_wanted(world):
    world.wcs.connections = {"s": connection("s", "ours"), "t": connection("t", "theirs")}
    await world.reconciler.round()
    assert set(world.wcs.connections) == {"s", "t"}  # it may be on its way in
    world.later(4)
    await world.reconciler.round()
    assert set(world.wcs.connections) == {"s", "t"}
    world.later(4)
    await world.reconciler.round()
    assert set(world.wcs.connections) == {"t"}
    assert world.tally == {"live_strangers_ended": 1}


async def test_streams_of_which_no_hook_has_told_are_added(world):
    await world.both("a")
    world.wcs.streams = {
        "1": stream("1", "a", "rtsp://ann:s3cret@192.0.2.7/cam?x=1", published=False, status="playing"),
        "2": stream("2", "a", createDate=None),
        "3": stream("3", "a", status="UNPUBLISHED"),
    }
    await world.reconciler.round()
    one, two = await world.store.streams.list()
    assert (one.key.media, one.name, one.published, one.status) == ("1", "rtsp://192.0.2.7/cam", False, "PLAYING")
    assert (one.app_key, one.user, one.since) == ("app", "ann", 1_700_000_000_000)
    assert (two.key.media, two.since) == ("2", int(NOW * 1000))
    assert world.tally == {"live_streams_added": 2}
    await world.reconciler.round()
    assert world.tally == {"live_streams_added": 2}


async def test_streams_that_are_not_there_are_over(world):
    await world.both("a")
    await world.streams("a", "1", "2")
    world.wcs.streams = {"2": stream("2", "a")}
    await world.reconciler.round()
    assert await world.live_streams() == ["1", "2"]
    world.later()
    await world.reconciler.round()
    assert await world.live_streams() == ["2"]
    assert world.tally == {"live_streams_lost": 1}


async def test_a_stream_that_goes_on_is_live_again(world):
    await world.both("a")
    await world.streams("a", "1")
    world.wcs.streams = {"1": stream("1", "a")}
    world.later()
    await world.streams("a", "1", status="UNPUBLISHED", over=True)
    world.later(2)
    await world.reconciler.round()
    assert await world.live_streams() == []
    world.later()
    await world.reconciler.round()
    assert await world.live_streams() == ["1"]
    assert world.tally == {"live_streams_revived": 1}


async def test_a_stream_that_was_ended_is_ended_again(world):
    await world.both("a")
    await world.streams("a", "1")
    world.wcs.streams = {"1": stream("1", "a")}
    await world.store.streams.over(await world.store.streams.list(), Over.ENDED, int(NOW * 1000))
    world.later()
    await world.reconciler.round()
    await world.ender.round()
    assert (await world.live_streams(), world.wcs.streams) == ([], {})


async def test_a_stream_without_a_session_is_known_by_its_id(world):
    await world.both("a")
    await world.streams("a", "1")
    world.wcs.streams = {"1": stream("1", None)}
    world.later()
    await world.reconciler.round()
    assert await world.live_streams() == ["1"]


async def test_calls_that_are_not_there_are_over(world):
    await world.both("a")
    await world.calls("a", "1", "2", "3")
    world.wcs.calls = {
        "1": {"callId": "1", "sessionId": "a", "status": "ESTABLISHED"},
        "3": {"callId": "3", "sessionId": "a", "status": "FINISH"},
    }
    await world.reconciler.round()
    assert await world.live_calls() == ["1", "2", "3"]
    world.later()
    await world.reconciler.round()
    assert await world.live_calls() == ["1"]
    assert world.tally == {"live_calls_lost": 2}
    world.later()
    await world.calls("a", "2")  # it was there after all
    assert await world.live_calls() == ["1", "2"]


@pytest.mark.parametrize("answer", [reply("", 404), reply("", 500), reply("{}")], ids=["404", "500", "garbage"])
async def test_calls_go_on_where_nobody_can_tell(world, answer):
    await world.both("a")
    await world.opened("b")
    await world.calls("a", "1")
    world.wcs.answers["/call/find_all"] = answer
    world.later()
    assert await world.reconciler.round() == 30.0
    assert (await world.live(), await world.live_calls()) == (["a"], ["1"])


ODD = ["a\0b", "a\ud800b", "x" * 5000, " ", "''; DROP TABLE sessions"]


@pytest.mark.parametrize("odd", ODD, ids=ascii)
async def test_odd_ids_stand_in_nobodys_way(world, odd):
    await world.both("a")
    await world.opened("lost")
    await world.streams("a", odd)
    world.wcs.add(odd)
    world.wcs.streams = {odd: stream(odd, "a", odd), "1": stream("1", odd), "2": stream("2", "a")}
    world.later()
    await world.reconciler.round()
    await world.reconciler.round()
    assert await world.live() == ["a"]
    assert len(await world.live_streams()) == 2
    assert world.tally == {"live_sessions_lost": 1, "live_streams_added": 1}


async def test_what_is_seen_is_noted_now_and_then(world):
    await world.both("a")
    world.later(500)
    await world.reconciler.round()
    assert [each.seen_at for each in await world.store.sessions.list()] == [int(NOW * 1000)]
    world.later(500)
    await world.reconciler.round()
    assert [each.seen_at for each in await world.store.sessions.list()] == [int(world.now * 1000)]


async def test_sessions_of_other_nodes_are_nobodys_business(world):
    await world.opened("a", node="another")
    await world.both("b")
    world.later()
    await world.reconciler.round()
    assert await world.live() == ["a", "b"]


async def test_a_section_for_several_nodes_ends_nobody_of_a_node_that_it_does_not_see(world, caplog):
    await world.both("a", "b", node="n1")
    await world.opened("c", node="n1")
    await world.opened("d", node="n2")
    world.later()
    await world.reconciler.round()
    assert await world.live() == ["a", "b", "d"]
    assert "has no session of 'n2', which are left as they are: write a section" in world.reconciler.state.fault
    world.wcs.connections.clear()
    world.later()
    await world.reconciler.round()
    assert await world.live() == ["a", "b", "d"]  # it cannot be told whose list was empty


async def test_nodes_that_say_who_they_are_are_told_apart(world):
    await world.opened("a", node="n1")
    await world.opened("a", node="n2")
    world.wcs.connections = {"a": connection("a", nodeId="n2"), "x": connection("x", nodeId="n1")}
    world.later()
    await world.reconciler.round()
    assert [each.key.node for each in await world.store.sessions.list()] == ["n2"]


async def test_each_node_is_compared_with_its_own_section(store, world):
    async with running() as other:
        await world.nodes.close()
        world.nodes = WcsNodes([WcsOptions("n1", world.wcs.url), WcsOptions("n2", other.url)])
        await world.opened("a", "same", node="n1")
        await world.opened("b", "same", node="n2")
        world.wcs.add("same")
        other.add("b")
        world.later()
        await world.reconciler_of(0).round()
        await world.reconciler_of(1).round()
        assert [each.key for each in await store.sessions.list()] == [("n1", "same"), ("n2", "b")]


async def test_many_sessions_are_compared_in_pages(world):
    ids = [f"s{number:04}" for number in range(2500)]
    for start in range(0, len(ids), 500):
        await world.opened(*ids[start : start + 500])
    world.wcs.add(*ids[:2400])
    world.later()
    await world.reconciler.round()
    assert world.tally == {"live_sessions_lost": 100}
    assert (await world.store.upkeep.sessions("n1", ids[2398], 10))[0].key[1] == ids[2399]
