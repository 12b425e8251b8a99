"""What clients of two nodes send each other through a real authgate: who gets it, who does not, and what it says."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from authgate.signals import OwnOperations
from tests.delivery.conftest import Chat

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def chat(running):
    wcs, server = running
    async with AsyncExitStack() as stack:
        for each in wcs.nodes:
            each.api.requests.clear()
            each.api.says.clear()
        yield Chat(wcs, server, stack)
    await wcs.everyone_left()
    for each in wcs.nodes:
        assert each.node.faults == []


async def test_a_room_hears_what_one_in_it_says(chat):
    ann, bob, eve = await chat.people("ann", "bob", "eve")
    for each in (ann, bob):
        assert await each.send({"join": "Lobby"}) == "ACCEPTED"
    assert await ann.say({"text": "hällo"}, room="lobby") == "ACCEPTED"
    await asyncio.gather(ann.hears({"text": "hällo"}), bob.hears({"text": "hällo"}))
    told = bob.got[-1]["from"]
    assert (told["user"], told["room"], told["server"], told["sent_to"]) == ("ann", "lobby", False, "room")
    assert eve.got == []


async def test_who_is_there_is_told_and_who_comes_and_goes(chat):
    """In a room that nobody has been in: who was in another one is told to have left it only a moment later."""
    [ann] = await chat.people("ann", room="team-doors")
    assert [each["user"] for each in (await ann.sees("members"))["members"]] == ["ann"]
    [bob] = await chat.people("bob", room="team-doors")
    assert [each["user"] for each in (await bob.sees("members"))["members"]] == ["ann", "bob"]
    joined = (await ann.sees("joined"))["joined"]
    assert joined == (await bob.sees("members"))["you"]
    await bob.send({"leave": "team-doors"})
    assert (await ann.sees("left"))["left"] == joined
    assert [each for each in bob.events if each.get("joined", {}).get("user") == "bob"] == []


async def test_a_client_that_hangs_up_has_left_its_rooms(chat):
    ann, bob = await chat.people("ann", "bob", room="lobby")
    await bob.client._socket.close()
    assert (await ann.sees("left"))["left"]["user"] == "bob"
    assert await ann.say("alone?", room="lobby") == "ACCEPTED"
    await ann.hears("alone?")


async def test_all_sessions_of_a_user_hear_what_is_for_it(chat):
    ann, bob, again = await chat.people("ann", "bob", "bob")
    assert await ann.say(1, user="Bob") == "ACCEPTED"
    await asyncio.gather(bob.hears(1), again.hears(1))
    assert ann.got == []


async def test_one_session_is_answered_by_the_id_of_its_messages(chat):
    ann, bob, again = await chat.people("ann", "bob", "bob")
    await bob.say("who are you?", user="ann")
    await ann.hears("who are you?")
    assert await ann.say("ann", session=ann.got[-1]["from"]["id"]) == "ACCEPTED"
    await bob.hears("ann")
    assert again.got == []


async def test_everybody_on_a_stream_hears_what_is_for_it(chat):
    ann, bob, eve = await chat.people("ann", "bob", "eve")
    assert (await ann.client.publish("cam"))["status"] == "PUBLISHING"
    another = await chat.person("bob")
    assert (await another.client.play("cam"))["status"] == "PLAYING"
    assert await eve.say("smile", stream="cam") == "ACCEPTED"
    await asyncio.gather(ann.hears("smile"), another.hears("smile"))
    assert bob.got == eve.got == []


async def test_everybody_in_the_application_and_nobody_of_another(chat):
    ann, bob = await chat.people("ann", "bob")
    outside = await chat.person("eve", app="other")
    assert await ann.say("all", app=True) == "ACCEPTED"
    await asyncio.gather(ann.hears("all"), bob.hears("all"))
    assert await bob.say("all", app=True) == "Access denied"
    assert outside.got == []


async def test_what_one_sends_arrives_in_order(chat):
    ann, bob = await chat.people("ann", "bob", room="lobby")
    for number in range(30):
        assert await ann.say(number, room="lobby") == "ACCEPTED"
    await bob.hears(*range(30))


async def test_by_default_nothing_is_delivered(chat):
    ann, bob = [await chat.person(user, app="other") for user in ("ann", "bob")]
    for payload in ({"join": "lobby"}, {"to": {"user": "bob"}, "body": 1}, {"to": {"app": True}, "body": 1}):
        assert await ann.send(payload) == "ACCEPTED"
    await ann.send("a last one")
    assert bob.got == chat.sent == []


async def test_messages_of_the_server_are_stamped_as_such(chat):
    ann, bob = await chat.people("ann", "bob", room="lobby")
    chat.run("message", "send", "--user", "bob", "--json", '{"text":"psst"}')
    await bob.hears({"text": "psst"})
    chat.run("message", "send", "--app", "chat", "--room", "lobby", "--json", '"all in the lobby"')
    await asyncio.gather(ann.hears("all in the lobby"), bob.hears({"text": "psst"}, "all in the lobby"))
    assert bob.got[-1]["from"]["server"] is True
    assert bob.got[-1]["from"]["user"] is None
    [session] = [each for each in json.loads(chat.run("session", "list", "--json")) if each["user"] == "ann"]
    chat.run("message", "send", "--session", session["session"], "--json", "7")
    await ann.hears("all in the lobby", 7)


# Attacks.


async def test_forged_sender(chat):
    ann, bob = await chat.people("ann", "bob", room="lobby")
    lie = {"user": "root", "id": "x" * 26, "server": True, "room": "staff", "at": 1}
    payload = {"from": lie, "user": "root", "event": {"left": lie}, "to": {"room": "lobby"}, "body": {"from": lie}}
    assert await bob.send(payload) == "ACCEPTED"
    await ann.hears({"from": lie})
    told = ann.got[-1]
    assert told.keys() == {"from", "body"}
    assert (told["from"]["user"], told["from"]["server"], told["from"]["room"]) == ("bob", False, "lobby")
    assert told["from"]["id"] == (await bob.sees("members"))["you"]["id"]


async def test_room_of_others_without_leave(chat):
    [ann] = await chat.people("ann", room="team-1")
    [eve] = await chat.people("eve")
    for room in ("team-1", "TEAM-1 ", "team-1/../team-1", "nobody-is-here"):
        assert await eve.say("let me in", room=room) in ("Not in this room", "Access denied")
    assert await eve.send({"who": "team-1"}) == "Not in this room"
    assert await eve.send({"join": "staff"}) == "Access denied"
    assert await ann.say("quiet", room="team-1") == "ACCEPTED"
    await ann.hears("quiet")
    assert eve.got == []


BAD = {
    "giant payload": ({"to": {"room": "lobby"}, "body": "x" * 3000}, "Message too large"),
    "very giant payload": ({"to": {"room": "lobby"}, "body": "x" * 300_000}, "Message too large"),
    "giant payload that asks for nothing": ("x" * 3000, "Message too large"),
    "deep nesting": ({"to": {"room": "lobby"}, "body": json.loads("[" * 50 + "]" * 50)}, "Message too large"),
    "two addressees": ({"to": {"room": "lobby", "app": True}, "body": 1}, "Malformed message"),
    "a sessionId as addressee": ({"to": {"session": "/203.0.113.7:1/192.0.2.1:2"}, "body": 1}, "Malformed message"),
    "SQL in a name": ({"join": "x' OR '1'='1"}, "Access denied"),
}


@pytest.mark.parametrize(("payload", "answer"), BAD.values(), ids=BAD)
async def test_refused(chat, payload, answer):
    ann, bob = await chat.people("ann", "bob", room="lobby")
    assert await ann.send(payload) == answer
    assert await ann.say("fine", room="lobby") == "ACCEPTED"
    await bob.hears("fine")


async def test_nested_deeper_than_anybody_reads(chat):
    [ann] = await chat.people("ann", room="lobby")
    deep = json.loads("[" * 300 + "]" * 300)
    assert await ann.send({"to": {"room": "lobby"}, "body": deep}) == "Malformed hook"


async def test_loop(chat):
    """The media server tells us of our own deliveries, as if their receivers had sent them."""
    ann, bob = await chat.people("ann", "bob", room="lobby")
    assert await ann.say({"to": {"room": "lobby"}, "body": 1}, room="lobby") == "ACCEPTED"
    await bob.hears({"to": {"room": "lobby"}, "body": 1})
    for each in chat.wcs.nodes:
        await each.api.settled()
    operations = {each["operationId"] for each in chat.sent}
    echoes = [each for each in chat.wcs.hooks() if each.sent.get("operationId") in operations]
    assert {each.method for each in echoes} == {"OnDataEvent", "DataStatusEvent"}
    assert {each.status for each in echoes} == {200}
    records = json.loads(chat.run("record", "list", "--method", "OnDataEvent", "--limit", "200", "--json"))
    assert {each["rule"] for each in records if each["user"] is None} == {"signals.own"}
    assert len(chat.sent) == len(operations)


async def test_loop_by_hand(chat):
    """A client sends what arrived back as it is, even under an operation id of ours: it goes nowhere."""
    ann, bob = await chat.people("ann", "bob", room="lobby")
    await ann.say("once", room="lobby")
    await bob.hears("once")
    count = len(chat.sent)
    assert await bob.send(bob.got[-1]) == "ACCEPTED"
    own = {"operationId": chat.sent[-1]["operationId"], "payload": {"to": {"room": "lobby"}, "body": "again"}}
    await bob.client.ask("sendData", own, {"DataStatusEvent": {"operationId": own["operationId"]}})
    made_up = {"operationId": OwnOperations(b"guess").new(), "payload": {"to": {"room": "lobby"}, "body": "real"}}
    await bob.client.ask("sendData", made_up, {"DataStatusEvent": {"operationId": made_up["operationId"]}})
    await ann.hears("once", "real")
    assert len(chat.sent) == count + 2


async def test_whoever_is_disabled_is_heard_no_more(chat):
    ann, mallory = await chat.people("ann", "mallory", room="lobby")
    chat.run("user", "disable", "mallory")
    assert await mallory.say("still here", room="lobby") == "Access denied"
    assert await ann.say("gone", room="lobby") == "ACCEPTED"
    await ann.hears("gone")


async def test_a_node_that_is_away_keeps_nobody_else_waiting(chat):
    ann, bob = await chat.people("ann", "bob", room="lobby")
    await ann.sees("joined")
    await bob.sees("members")
    away = chat.wcs.nodes[1]
    await away.api.http.stop()
    try:
        for number in range(3):
            assert await bob.say(number, room="lobby") == "ACCEPTED"
        await ann.hears(0, 1, 2)
    finally:
        await away.api.http.start()
    assert bob.bodies == []
