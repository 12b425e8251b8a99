"""What clients send, where it is written down: rates, rooms, addressees and the queue, whoever else is at it."""

import asyncio
import json
import time
from dataclasses import replace

import pytest
from sqlalchemy import select

from authgate.errors import Refused
from authgate.model import Entry, Reason, SessionKey, Signal, SignalLimits
from authgate.store import Store
from authgate.store.signal_tables import messages
from tests.store.samples import a_record, a_session, closing, opening

ANN, BOB, EVE = (SessionKey("n1", name) for name in ("ann", "bob", "eve"))
FREE = SignalLimits(1000.0, 1000, 1000.0, 1000)
APP = "defaultApp"


def signal(verb="send", sender=ANN, limits=FREE, **more):
    given = {"user": sender.session, "at": 5_000, "opened_at": 1000} | more
    return Signal(verb, APP, sender, limits=limits, **given)


def to_room(room="lobby", sender=ANN, **more):
    return signal(sender=sender, to="room", name=room, body='"hi"', **more)


async def write(store, *signals):
    """What becomes of each, written in one commit where the store likes."""
    entries = [Entry(a_record(key=each.sender, method="OnDataEvent"), signal=each) for each in signals]
    return list(await asyncio.gather(*(store.ledger.write(entry) for entry in entries)))


async def one(store, given):
    [answer] = await write(store, given)
    return answer


async def queue(store):
    return [(each.kind, each.to, each.name) for each in await store.outbox.waiting(0, 1000)]


@pytest.fixture
async def there(store):
    """A store in which ann, bob and eve have sessions."""
    for key in (ANN, BOB, EVE):
        await store.ledger.write(opening(a_session(key, user=key.session)))
    return store


async def test_whoever_is_in_a_room_may_send_to_it(there):
    assert await one(there, to_room()) is Reason.SIGNAL_NOT_IN_ROOM
    assert await one(there, signal("join", to="room", name="lobby")) is None
    assert await one(there, to_room()) is None
    assert await one(there, to_room(sender=BOB)) is Reason.SIGNAL_NOT_IN_ROOM
    assert await one(there, to_room("other")) is Reason.SIGNAL_NOT_IN_ROOM
    assert [each[0] for each in await queue(there)] == ["members", "joined", "sent"]


async def test_a_room_of_another_application_is_another(there):
    await one(there, signal("join", to="room", name="lobby"))
    assert await one(there, replace(to_room(), app_key="other")) is Reason.SIGNAL_NOT_IN_ROOM


async def test_leaving_a_room_ends_the_leave_to_send(there):
    await one(there, signal("join", to="room", name="lobby"))
    assert await one(there, signal("leave", to="room", name="lobby")) is None
    assert await one(there, signal("leave", to="room", name="lobby")) is None
    assert await one(there, to_room()) is Reason.SIGNAL_NOT_IN_ROOM
    assert [each[0] for each in await queue(there)] == ["members", "joined", "left"]


async def test_who_is_there_is_told_to_those_inside(there):
    assert await one(there, signal("who", to="room", name="lobby")) is Reason.SIGNAL_NOT_IN_ROOM
    await one(there, signal("join", to="room", name="lobby"))
    await one(there, signal("join", BOB, to="room", name="lobby", at=6_000))
    assert await one(there, signal("who", to="room", name="lobby")) is None
    [first, *_] = await there.outbox.members(APP, "lobby", 10)
    assert first[1] == "ann"
    [message] = [each for each in await there.outbox.waiting(0) if each.kind == "members"][-1:]
    assert await there.outbox.addressees(message, 10) == [ANN]


async def test_a_session_that_uses_the_same_ids_again_is_in_no_room(there):
    await one(there, signal("join", to="room", name="lobby"))
    await there.ledger.write(closing(ANN, 2_000))
    await there.ledger.write(opening(a_session(ANN, 3_000, user="mallory")))
    later = {"opened_at": 3_000, "user": "mallory"}
    assert await one(there, replace(to_room(), **later)) is Reason.SIGNAL_NOT_IN_ROOM
    assert await there.outbox.members(APP, "lobby", 10) == []


async def test_a_session_that_is_over_leaves_its_rooms(there):
    for key in (ANN, BOB):
        await one(there, signal("join", key, to="room", name="lobby"))
    assert await there.outbox.leave(time.time()) == 0
    await there.ledger.write(closing(ANN))
    assert [user for _, user in await there.outbox.members(APP, "lobby", 10)] == ["bob"]
    assert await there.outbox.leave(time.time()) == 1
    assert await there.outbox.leave(time.time()) == 0
    assert (await queue(there))[-1] == ("left", "room", "lobby")
    assert (await there.outbox.waiting(0))[-1].user == "ann"


async def test_a_session_that_is_to_be_ended_gets_nothing(there):
    await one(there, signal("join", to="room", name="lobby"))
    await there.sessions.order_end([await there.sessions.find(ANN)], "kicked", 6_000)
    assert await there.outbox.members(APP, "lobby", 10) == []
    await one(there, signal(sender=BOB, to="user", name="ann", body="1"))
    message = (await there.outbox.waiting(0))[-1]
    assert await there.outbox.addressees(message, 10) == []


LIMITS = {
    "of a session": (replace(FREE, per_session=1.0, per_session_burst=3), [ANN] * 4, "ann"),
    "of a user over all its sessions": (replace(FREE, per_user=1.0, per_user_burst=3), [ANN, BOB, ANN, BOB], "same"),
}


@pytest.mark.parametrize(("limits", "senders", "user"), LIMITS.values(), ids=LIMITS)
async def test_a_burst_is_taken_and_no_more(there, limits, senders, user):
    given = [signal("nothing", sender, limits, user=user) for sender in senders]
    assert [await one(there, each) for each in given] == [None] * 3 + [Reason.SIGNAL_TOO_FAST]
    assert await one(there, replace(given[0], at=6_000)) is None
    assert await one(there, replace(given[0], at=6_001)) is Reason.SIGNAL_TOO_FAST


async def test_a_flood_through_two_processes_gets_no_more_than_through_one(there, store_options):
    limits = replace(FREE, per_session=0.001, per_session_burst=10)
    other = Store(store_options)
    try:
        given = [signal("nothing", limits=limits) for _ in range(30)]
        answers = await asyncio.gather(write(there, *given), write(other, *given))
    finally:
        await other.close()
    assert sorted(map(str, answers[0] + answers[1])).count("None") == 10


async def test_a_session_is_in_so_many_rooms_and_no_more(there):
    limits = replace(FREE, rooms=2)
    rooms = [signal("join", limits=limits, to="room", name=name) for name in "abc"]
    assert await write(there, *rooms) == [None, None, Reason.SIGNAL_ROOMS_EXCEEDED]
    assert await one(there, rooms[0]) is None
    await one(there, signal("leave", to="room", name="a"))
    assert await one(there, rooms[2]) is None


ADDRESSEES = {
    "room": ("lobby", Reason.SIGNAL_TOO_MANY_ADDRESSEES),
    "app": ("", Reason.SIGNAL_TOO_MANY_ADDRESSEES),
    "user": ("bob", None),
    "stream": ("cam", None),
    "session": ("x" * 26, None),
}


@pytest.mark.parametrize(("to", "name", "answer"), [(to, *row) for to, row in ADDRESSEES.items()], ids=ADDRESSEES)
async def test_what_is_for_too_many_is_refused(there, to, name, answer):
    for key in (ANN, BOB, EVE):
        await one(there, signal("join", key, to="room", name="lobby"))
    limits = replace(FREE, addressees=2)
    assert await one(there, signal(limits=limits, to=to, name=name, body="1")) is answer


async def test_a_full_queue_takes_nothing_more_and_says_so(there):
    limits = replace(FREE, queue=2)
    given = [signal(limits=limits, to="user", name="bob", body="1") for _ in range(3)]
    assert await write(there, *given) == [None, None, Reason.SIGNAL_QUEUE_FULL]
    await there.outbox.done([each.id for each in await there.outbox.waiting(0)], time.time())
    assert await one(there, given[0]) is None


async def test_a_hook_that_is_sent_twice_is_delivered_once(there):
    given = signal(to="user", name="bob", body="1", operation="op-1")
    assert await write(there, given, given) == [None, None]
    [message] = await there.outbox.waiting(0)
    await there.outbox.done([message.id], time.time())
    assert await one(there, given) is None
    assert await there.outbox.waiting(0) == []
    assert await one(there, replace(given, sender=EVE, user="eve")) is None  # another's operation of the same name
    assert len(await there.outbox.waiting(0)) == 1


async def test_a_refused_hook_sends_nothing(there):
    entry = Entry(a_record(key=ANN, allowed=False), signal=signal(to="user", name="bob", body="1"))
    assert await there.ledger.write(entry) is None
    assert await there.outbox.waiting(0) == []


async def test_messages_are_in_the_order_in_which_they_were_written(there):
    for number in range(20):
        await one(there, signal(to="user", name="bob", body=str(number)))
    found = await there.outbox.waiting(0)
    assert [json.loads(each.body) for each in found] == list(range(20))
    assert [each.seq for each in found] == sorted({each.seq for each in found})
    assert [json.loads(each.body) for each in await there.outbox.waiting(found[9].seq, 3)] == [10, 11, 12]


async def test_an_answer_to_one_session_finds_it_by_the_id_of_its_messages(there):
    await one(there, signal(to="user", name="bob", body="1"))
    [message] = await there.outbox.waiting(0)
    assert message.sender_id not in ("", None, ANN.session)
    await one(there, signal(sender=BOB, to="session", name=message.sender_id, body="2"))
    answer = (await there.outbox.waiting(0))[-1]
    assert await there.outbox.addressees(answer, 10) == [ANN]


async def test_a_message_of_the_servers_own_waits_with_the_others(there):
    id = await there.outbox.put("", "user", "bob", '{"a":1}', 10, time.time())
    [message] = await there.outbox.waiting(0)
    assert (message.id, message.sender, message.user, message.kind) == (id, None, None, "sent")
    assert await there.outbox.addressees(message, 10) == [BOB]


async def test_a_message_of_the_servers_own_finds_the_queue_full_too(there):
    await there.outbox.put("", "user", "bob", "1", 1, time.time())
    with pytest.raises(Refused, match="1 messages wait"):
        await there.outbox.put("", "user", "bob", "1", 1, time.time())


async def test_a_session_that_never_sent_anything_can_be_sent_to_by_its_id(there):
    id = await there.outbox.introduce(await there.sessions.find(BOB), time.time())
    assert await there.outbox.introduce(await there.sessions.find(BOB), time.time()) == id
    await there.outbox.put("", "session", id, "1", 10, time.time())
    [message] = await there.outbox.waiting(0)
    assert await there.outbox.addressees(message, 10) == [BOB]


@pytest.mark.parametrize(("to", "name"), [("moon", "x"), ("user", "x" * 300), ("user", "a\0b")])
async def test_what_can_be_for_nobody_is_refused(there, to, name):
    with pytest.raises(Refused):
        await there.outbox.put("", to, name, "1", 10, time.time())


async def test_what_is_done_with_is_forgotten_some_time_later(there):
    await one(there, signal(to="user", name="bob", body="1", operation="x"))
    now = time.time()
    await there.outbox.done([each.id for each in await there.outbox.waiting(0)], now)
    await there.outbox.prune(now)
    assert await one(there, signal(to="user", name="bob", body="1", operation="x")) is None
    assert await there.outbox.waiting(0) == []
    await there.outbox.prune(now + 3600)
    assert await one(there, signal(to="user", name="bob", body="1", operation="x")) is None
    assert len(await there.outbox.waiting(0)) == 1


async def test_nothing_is_kept_of_what_stood_in_a_message(there):
    await one(there, signal(to="user", name="bob", body='"between us"'))
    await there.outbox.done([each.id for each in await there.outbox.waiting(0)], time.time())
    async with there.engine.connect() as connection:
        assert [row.body for row in await connection.execute(select(messages))] == [""]


async def test_all_processes_share_one_secret(there, store_options):
    other = Store(store_options)
    try:
        await asyncio.gather(there.outbox.share(), other.outbox.share())
        assert there.outbox.secret == other.outbox.secret
        assert len(there.outbox.secret) == 32
    finally:
        await other.close()
