"""A stream of Redis takes what follows its newest entry and nothing else, and what is wrong is said in words."""

import asyncio
import json
import socket
import threading
from contextlib import contextmanager

import pytest
from redis import exceptions

from authgate.feed import redis as redis_module
from authgate.feed.event import Event
from authgate.feed.redis import RedisError, RedisStream, Standing
from authgate.feed.stream import StreamOptions
from authgate.model import Secret
from tests.feed.made import a_record
from tests.feed.redises import SHARED, free_port, fresh_key, own, shared

SECRET = "c4nary-of-the-password"


@pytest.fixture(scope="module")
def redis():
    with own() as made:
        yield made


@pytest.fixture
def key():
    return fresh_key()


@pytest.fixture
async def stream(redis, key):
    made = RedisStream(StreamOptions(Secret(redis.url), key))
    yield made
    await made.close()


def events(*numbers):
    return [Event(number, a_record(id=f"{number:026}")) for number in numbers]


def held(redis, key):
    with redis.client as client:
        return [(id_.decode(), int(fields[b"seq"])) for id_, fields in client.xrange(key)]


async def test_records_go_in_one_behind_the_other(stream, redis, key):
    assert await stream.stands() == Standing("0-0", None)
    assert await stream.append(0, events(3, 4, 7)) is None
    assert await stream.append(7, events(8)) is None
    assert await stream.append(8, ()) is None
    assert held(redis, key) == [("3-0", 3), ("4-0", 4), ("7-0", 7), ("8-0", 8)]
    assert await stream.stands() == Standing("8-0", f"{8:026}")


async def test_an_entry_is_what_record_follow_prints(stream, redis, key):
    await stream.append(0, events(3))
    with redis.client as client:
        [(_, fields)] = client.xrange(key)
    assert fields.keys() == {b"seq", b"record"}
    told = json.loads(fields[b"record"])
    assert (told["id"], told["kind"], told["record"]) == (3, "hook.allowed", f"{3:026}")
    assert fields[b"record"] == events(3)[0].json


REFUSED = {
    "the same again": (0, (3, 4), "4-0"),
    "some of them again": (3, (4, 5), "4-0"),
    "behind a gap": (5, (6,), "4-0"),
    "behind nothing": (0, (5,), "4-0"),
}


@pytest.mark.parametrize(("after", "numbers", "stands"), REFUSED.values(), ids=REFUSED)
async def test_what_does_not_follow_the_newest_entry_is_not_added(stream, redis, key, after, numbers, stands):
    await stream.append(0, events(3, 4))
    found = await stream.append(after, events(*numbers))
    assert (found.id, found.record) == (stands, f"{4:026}")
    assert held(redis, key) == [("3-0", 3), ("4-0", 4)]


async def test_what_follows_what_was_lost_is_not_added(stream, redis, key):
    await stream.append(0, events(3, 4))
    with redis.client as client:
        client.delete(key)
    assert await stream.append(4, events(5)) == Standing("0-0", None)
    assert held(redis, key) == []


NEWEST = {
    "somebody else's entry": ("1700000000000-0", {"x": "y"}, 1_700_000_000_000, ""),
    "an id that we do not give": ("5-3", {"record": '{"record":"x"}'}, None, "x"),
    "no JSON": ("5-0", {"record": "{"}, 5, ""),
    "no object": ("5-0", {"record": "[1]"}, 5, ""),
    "too deep": ("5-0", {"record": "[" * 30_000}, 5, ""),
    "another type": ("5-0", {"record": '{"record":7}'}, 5, ""),
    "without end": ("5-0", {"record": "x" * 100_000}, 5, ""),
    "the highest number": ("18446744073709551615-0", {"x": "y"}, 2**64 - 1, ""),
}


@pytest.mark.parametrize(("id_", "fields", "seq", "record"), NEWEST.values(), ids=NEWEST)
async def test_whatever_stands_there_is_told(stream, redis, key, id_, fields, seq, record):
    with redis.client as client:
        client.xadd(key, fields, id=id_)
    found = await stream.stands()
    assert (found, found.seq) == (Standing(id_, record), seq)


async def test_what_was_read_and_removed_is_not_forgotten(stream, redis, key):
    await stream.append(0, events(3, 4))
    with redis.client as client:
        client.xdel(key, "4-0")
        assert await stream.stands() == Standing("4-0", None)
        client.xtrim(key, maxlen=0, approximate=False)
    assert await stream.stands() == Standing("4-0", None)
    assert await stream.append(4, events(5)) is None


async def test_only_the_newest_are_kept_where_that_is_wanted(redis, key):
    stream = RedisStream(StreamOptions(Secret(redis.url), key, max_entries=200))
    for begin in range(0, 2_000, 500):
        assert await stream.append(begin, events(*range(begin + 1, begin + 501))) is None
    await stream.close()
    assert 200 <= len(held(redis, key)) < 500
    assert held(redis, key)[-1] == ("2000-0", 2000)


async def test_the_shared_one_takes_it_too(key):
    with shared(key) as client:
        stream = RedisStream(StreamOptions(Secret(SHARED), key))
        assert await stream.append(0, events(1)) is None
        await stream.close()
        assert client.xlen(key) == 1


# -- what is wrong


async def refused(url, key="k", count=1):
    stream = RedisStream(StreamOptions(Secret(url), key))
    try:
        with pytest.raises(RedisError) as caught:
            assert await stream.append((await stream.stands()).seq, events(*range(1, count + 1))) is None
    finally:
        await stream.close()
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@contextmanager
def wrong_password():
    with own(password="another") as made:
        yield f"redis://:{SECRET}@127.0.0.1:{made.port}/0"


@contextmanager
def wrong_user():
    with own() as made:
        yield f"redis://ann:{SECRET}@127.0.0.1:{made.port}/0"


@contextmanager
def no_password_wanted():
    with own() as made:
        yield f"redis://:{SECRET}@127.0.0.1:{made.port}/0"


@contextmanager
def password_wanted():
    with own(password=SECRET) as made:
        yield f"redis://127.0.0.1:{made.port}/0"


@contextmanager
def with_options(*options):
    with own(*options) as made:
        yield made.url


@contextmanager
def full():
    with own() as made:
        with made.client as client:
            client.config_set("maxmemory", "1")
        yield made.url


@contextmanager
def replica():
    with own("--replica-serve-stale-data", "yes") as made:
        with made.client as client:
            client.replicaof("127.0.0.1", "1")
        yield made.url


@contextmanager
def lost_replica():
    with own("--replica-serve-stale-data", "no") as made:
        with made.client as client:
            client.replicaof("127.0.0.1", "1")
        yield made.url


@contextmanager
def user_who_may(*rules):
    with own() as made:
        with made.client as client:
            client.xadd("k", {"seq": 1}, id="1-0")
            client.execute_command("ACL", "SETUSER", "ann", "on", f">{SECRET}", *rules)
        yield f"redis://ann:{SECRET}@127.0.0.1:{made.port}/0"


@contextmanager
def something_else_at_the_key():
    with own() as made:
        with made.client as client:
            client.set("k", "v")
        yield made.url


@contextmanager
def nobody():
    yield f"redis://:{SECRET}@127.0.0.1:{free_port()}/0"


@contextmanager
def who_answers(what):
    """A listener that sends this to whatever it is sent."""
    listener = socket.create_server(("127.0.0.1", 0))
    ends = threading.Event()

    def serve():
        while not ends.is_set():
            line, _ = listener.accept()
            with line:
                if line.recv(65536) and what:
                    line.sendall(what)
                    line.recv(65536)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"redis://:{SECRET}@127.0.0.1:{listener.getsockname()[1]}/0"
    ends.set()
    socket.create_connection(listener.getsockname()).close()
    thread.join()
    listener.close()


@contextmanager
def at(url):
    yield url


WRONG = {
    "a wrong password": (wrong_password, "takes neither the user nor the password: correct records.stream.url"),
    "a wrong user": (wrong_user, "takes neither the user nor the password: correct records.stream.url"),
    "a password where there is none": (no_password_wanted, "has no password, and one is sent"),
    "no password where there is one": (password_wanted, "wants a password: write redis://:PASSWORD@HOST"),
    "a full one": (full, "is full (OOM): raise its maxmemory, or make room"),
    "a replica": (replica, "is a replica, which takes nothing (READONLY)"),
    "a replica without its master": (lost_replica, "is a replica that has lost its master (MASTERDOWN)"),
    "too few replicas": (lambda: with_options("--min-replicas-to-write", "1"), "too few replicas (NOREPLICAS)"),
    "a cluster that is down": (
        lambda: with_options("--cluster-enabled", "yes", "--cluster-port", str(free_port())),
        "is a cluster that is down",
    ),
    "a user who may do nothing": (lambda: user_who_may("~*", "-@all"), "does not let this user do it"),
    "a user who may not write": (lambda: user_who_may("~*", "+@all", "-xadd"), "does not let this user do it"),
    "a user who may not look": (lambda: user_who_may("~*", "+@all", "-xinfo"), "does not let this user do it"),
    "a user of other keys": (lambda: user_who_may("~other*", "+@all"), "does not let this user do it"),
    "something else at the key": (something_else_at_the_key, "has something else than a stream at this key"),
    "nobody": (nobody, "cannot be reached: "),
    "a name that there is not": (lambda: at(f"redis://:{SECRET}@nowhere.invalid/0"), "cannot be reached: "),
    "a socket that there is not": (lambda: at("redis+unix:///nowhere/redis.sock"), "cannot be reached: "),
    "no TLS": (lambda: who_answers(b""), "cannot be reached: "),
    "something that is not Redis": (lambda: who_answers(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "is not Redis"),
    "one that says what it was sent": (
        lambda: who_answers(f"-ERR what is 'AUTH' '{SECRET}'?\r\n".encode()),
        "says: what is 'AUTH' '***'?",
    ),
}


@pytest.mark.parametrize(("made", "told"), WRONG.values(), ids=WRONG)
async def test_what_is_wrong_is_told_with_what_to_do(made, told):
    with made() as url:
        assert told in await refused(url)


async def test_a_database_that_there_is_not(redis):
    assert "has no database of this number" in await refused(f"redis://127.0.0.1:{redis.port}/99")


async def test_one_that_is_slow(redis, key, monkeypatch):
    monkeypatch.setattr(redis_module, "TIMEOUT", 0.2)
    redis.pause()
    try:
        assert await refused(redis.url, key) == "did not answer within 0.2 seconds"
    finally:
        redis.go_on()


async def test_what_arrived_though_nobody_heard_of_it_is_not_added_again(redis, key, monkeypatch):
    monkeypatch.setattr(redis_module, "TIMEOUT", 0.5)
    stream = RedisStream(StreamOptions(Secret(redis.url), key))
    await stream.stands()
    redis.pause()
    try:
        for _ in range(2):
            with pytest.raises(RedisError):
                await stream.append(0, events(1, 2))
    finally:
        redis.go_on()
    async with asyncio.timeout(10):
        while (await stream.stands()).id != "2-0":  # noqa: ASYNC110 - it is somebody else's
            await asyncio.sleep(0.01)
    found = await stream.append(0, events(1, 2))
    assert found.id == "2-0"
    assert held(redis, key) == [("1-0", 1), ("2-0", 2)]
    await stream.close()


SAID = {
    "its disk": (exceptions.ResponseError("MISCONF Redis is configured to save RDB snapshots"), "cannot write to its"),
    "a script": (exceptions.ResponseError("BUSY Redis is busy running a script."), "SCRIPT KILL"),
    "another node": (exceptions.MovedError("3999 127.0.0.1:6381"), "another node has this key (MOVED)"),
    "its start": (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), "ends by itself"),
    "an old one": (exceptions.ResponseError("unknown command 'XINFO'"), "must be Redis 5 or newer"),
    "nothing at all": (exceptions.ResponseError(), "says: ResponseError"),
    "a lot": (exceptions.ResponseError("x\r\n\x1b[2J" * 1000), "says: x   [2J"),
    "a password": (exceptions.ResponseError(f"what is {SECRET} %"), "says: what is *** %"),
}


@pytest.mark.parametrize(("error", "told"), SAID.values(), ids=SAID)
async def test_what_it_says_is_told_in_words(error, told):
    stream = RedisStream(StreamOptions(Secret(f"redis://:{SECRET}@127.0.0.1:1/0")))
    found = stream._sentence(error)
    await stream.close()
    assert told in found
    assert len(found) < 400
    assert SECRET not in found
