"""What is sent, and how its answers are timed, with a server of a few lines."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from authgate.bench.hooks import Sender
from authgate.bench.load import Load, Order, Run

SENDER = Sender("node", "app", "127.0.0.1", hmac_key="key", basic="u:p", token_path="custom.deep.token")
CLIENTS = [(f"user{number}", f"token{number}") for number in range(20)]


class Standin:
    """Answers each hook with a status, after so many seconds, and keeps what came."""

    def __init__(self, status=200, pause=0.0, cut=False):
        self.status, self.pause, self.cut, self.heads, self.bodies = status, pause, cut, [], []

    async def answer(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().partition("content-length:")[2].split("\r\n")[0])
                body = await reader.readexactly(length)
                self.heads.append(head)
                self.bodies.append(json.loads(body))
                await asyncio.sleep(self.pause)
                if self.cut:
                    break
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\n{}" % self.status)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def standin(**how):
    its = Standin(**how)
    server = await asyncio.start_server(its.answer, "127.0.0.1", 0)
    async with server:
        yield its, server.sockets[0].getsockname()[1]


def order(what, port, seconds=5.0, **more):
    return Order(what, "127.0.0.1", port, "/hooks", 4, seconds, **more)


async def test_each_client_comes_once_with_its_token_signed():
    load = Load(SENDER, CLIENTS, "")
    async with standin() as (its, port):
        found = await Run(load, order("connect", port)).go()
    assert (found.used_up, found.statuses, len(load.live)) == (True, {200: 20}, 20)
    assert {each["custom"]["deep"]["token"] for each in its.bodies} == {token for _, token in CLIENTS}
    assert len({each["sessionId"] for each in its.bodies}) == 20
    assert all("Authorization: WCS " in head and "Authorization: Basic dTpw" in head for head in its.heads)


async def test_who_is_refused_has_no_session_and_counts_for_no_time():
    load = Load(SENDER, CLIENTS, "")
    async with standin(status=403) as (_, port):
        found = await Run(load, order("connect", port)).go()
        nothing = await Run(load, order("play", port)).go()
    assert (found.statuses, found.times, load.live) == ({403: 20}, {}, {})
    assert (nothing.used_up, nothing.statuses) == (True, {})


async def test_hooks_by_the_clock_are_timed_from_when_they_were_due():
    async with standin(pause=0.1) as (_, port):
        one = Order("floor", "127.0.0.1", port, "/hooks", 1, 0.2, 50.0)
        found = await Run(Load(SENDER, CLIENTS, ""), one).go()
    assert len(found.times["connect"]) == 10
    assert max(found.times["connect"]) > 500  # the last waited for the nine before it


async def test_who_came_goes_before_another_comes():
    load = Load(SENDER, CLIENTS, "")
    async with standin() as (its, port):
        await Run(load, order("come and go", port, 0.2, rate=50.0)).go()
    gone = [each["sessionId"] for each in its.bodies if each.get("status") == "DISCONNECTED"]
    come = [each["sessionId"] for each in its.bodies if "custom" in each]
    assert len(come) + len(gone) == 10
    assert gone
    assert set(load.live) == set(come) - set(gone)


async def test_who_may_have_been_let_in_is_told_to_be_gone():
    load = Load(SENDER, CLIENTS, "")
    async with standin(cut=True) as (_, port):
        found = await Run(load, order("connect", port)).go()
    assert (found.failed, len(load.live)) == (20, 20)
    async with standin() as (its, port):
        await Run(load, order("disconnect", port)).go()
    assert (len(its.bodies), load.live) == (20, {})


async def test_nothing_more_is_sent_once_it_is_stopped():
    load = Load(SENDER, CLIENTS, "")
    async with standin() as (its, port):
        run = Run(load, order("come and go", port, 600.0, rate=10.0))
        asyncio.get_running_loop().call_later(0.25, run.stop)
        await asyncio.wait_for(run.go(), 10)
    assert 1 <= len(its.bodies) < 10


async def test_nobody_listens():
    with pytest.raises(ConnectionError):
        await Run(Load(SENDER, CLIENTS, ""), order("connect", 1)).go()
