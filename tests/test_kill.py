"""However a server ends, under load: what was answered stands in the records, and nothing else is claimed there."""

import asyncio
import json
import os
import random
import signal
from contextlib import nullcontext

import pytest

from authgate.model import SessionKey
from tests import process
from tests.trouble import awaited, held, kept

CLIENTS = 8
KILLED = {
    "one worker-sqlite": ("sqlite", 1, False),
    "one worker-postgresql": ("postgresql", 1, False),
    "two workers-sqlite": ("sqlite", 2, False),
    "two workers-postgresql": ("postgresql", 2, False),
    "two workers, store locked": ("sqlite", 2, True),  # what is tried are the spools, which know no engine
}
ENDED = {"one worker": ("postgresql", 1), "two workers": ("sqlite", 2)}


class Load:
    """Clients that send hooks as fast as they are answered, each hook with an id of its own."""

    def __init__(self, server):
        self.port = int(server.url.rpartition(":")[2])
        self.good = {"token": server.token()}
        self.answered = {}  # (method, session): status
        self.sent = 0
        self.goal = 0
        self.reached = asyncio.Event()

    async def run(self, until, then):
        """Call ``then`` as soon as so many hooks are answered; come back when no connection is left."""
        self.goal = until
        clients = asyncio.gather(*(self._client(n) for n in range(CLIENTS)))
        await asyncio.wait_for(self.reached.wait(), 60)
        then()
        await asyncio.wait_for(clients, 60)

    async def _client(self, number):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            for count in range(100_000):
                session = f"{number}-{count}"
                credentials = {"token": "forged"} if count % 4 == 3 else self.good
                await self._hook(reader, writer, "connect", session, custom=credentials)
                await self._hook(reader, writer, "StreamStatusEvent", session, status="PUBLISHING")
                await self._hook(reader, writer, "playStream", session)
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.close()

    async def _hook(self, reader, writer, method, session, **fields):
        body = json.dumps({"nodeId": "n", "appKey": "defaultApp", "sessionId": session, **fields}).encode()
        head = f"POST /hooks/{method} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        self.sent += 1
        writer.write(head.encode() + body)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        self.answered[method, session] = int(head.split()[1])
        if len(self.answered) >= self.goal:
            self.reached.set()

    def statuses(self):
        """With which hooks were answered that can be refused."""
        return {status for (method, _), status in self.answered.items() if method != "StreamStatusEvent"}


def verdicts(store_url):
    """What the records say of each hook, as often as they say it."""
    told = {}
    for record in kept(store_url)[0]:
        told.setdefault((record.method, record.key.session), []).append(record.allowed)
    return told


def expected(load):
    return {hook: [status == 200] for hook, status in load.answered.items()}


@pytest.fixture
def config(store_url, tmp_path):
    return process.prepare(tmp_path / "authgate", store_url=store_url, ann="correct-horse-of-the-test")


@pytest.mark.parametrize(("backend", "workers", "locked"), KILLED.values(), ids=KILLED, indirect=["backend"])
def test_kill_9_under_load_loses_no_answered_verdict(store_url, config, workers, locked):
    # While the store is locked, what was answered waits in the spools.
    hold = held(store_url) if locked else nullcontext()
    with hold, process.serve(config, "--workers", str(workers), wait_for="/healthz") as server:
        load = Load(server)
        asyncio.run(load.run(random.randint(100, 600), lambda: os.killpg(server.process.pid, signal.SIGKILL)))
    answered = expected(load)
    assert load.statuses() == ({403, 503} if locked else {200, 403})
    # Two workers that begin find the same spools, where there are any; otherwise one is as good.
    with process.serve(config, "--workers", str(workers if locked else 1)):
        awaited(lambda: answered.keys() <= verdicts(store_url).keys())
        told = verdicts(store_url)
        assert {hook: told[hook] for hook in answered} == answered
        # No more is told than was sent, and what was sent and not answered may be there or not.
        assert len(told) <= load.sent
        live = {session.key for session in kept(store_url)[1]}
        for (method, session), status in load.answered.items():
            if method == "connect":
                assert (SessionKey("n", session) in live) == (status == 200)


@pytest.mark.parametrize(("backend", "workers"), ENDED.values(), ids=ENDED, indirect=["backend"])
def test_sigterm_under_load_answers_all_that_was_accepted(store_url, config, workers):
    with process.serve(config, "--workers", str(workers)) as server:
        load = Load(server)
        asyncio.run(load.run(random.randint(100, 600), server.process.terminate))
        assert server.process.wait(process.PATIENCE) == 0
    assert load.statuses() == {200, 403}
    assert verdicts(store_url) == expected(load)
    assert not list((config.parent / "spool").glob("*.jsonl"))
