"""What a storm of password clients comes to: ``python bench/passwords.py [--only cold]``.

Every client of a media server that was restarted connects again, by password, at a random time within ``--over``
seconds; one that is told to come again later (503) does so after 10 to 50 seconds. Meanwhile clients with tokens
connect and events come in, as they did before the storm: how much longer those take then is the ratio of their p99.

cold: none of the users was here before, and hashes cost what they cost by default. To set up as many hashes would take
an hour, so all users share one password and one hash: what it costs to verify it is the same. What can be had is
measured before and after: as many threads as hash in the server, with nothing else to do.
warm: all of them were here before. That is brought about with hashes of low cost, in another server: no hash is made.

The server is one process, and runs as an operator runs it: hashing in huge pages, each hook's caller checked, SQLite on
disk, each record committed before its answer, each verdict logged. All of it shares the machine with these clients, and
with whatever else runs there: how much is shown, since all figures are worth as much as the machine was quiet.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from argon2 import low_level

from authgate.passwords import Hasher, Hashing
from authgate.passwords.machine import step_back, this_machine

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import hooks, servers, stores
from bench.hooks import FIELDS
from bench.processes import cpu
from bench.servers import Server

USERS = 10_000
PASSWORD = "correct-horse-battery-staple"  # noqa: S105 - of users who are made up
CHEAP = Hashing(memory=1024, time=1)
DEADLINE = 2.0  # seconds, the default
AGAIN = (10.0, 50.0)  # seconds until a client that was told to come later does
RATE = 20  # tokens, and as many events, in a second: what else goes on
OK, LATER = 200, 503


def main() -> None:
    if "GLIBC_TUNABLES" not in os.environ:  # of the server and of what it is compared with, as deploy/ has it
        os.execve(sys.executable, sys.orig_argv, os.environ | {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"})  # noqa: S606
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--over", type=float, default=10, help="seconds within which all come back")
    options.add_argument("--cold", type=float, default=40, help="seconds that the cold storm is watched")
    options.add_argument("--idle", type=float, default=20, help="seconds that tokens and events are watched before")
    options.add_argument("--only", choices=STORMS, help="one of the storms")
    given = options.parse_args()
    print(f"{this_machine().cores} cores; {USERS} users, who come back within {given.over:g} seconds")
    for name in [given.only] if given.only else STORMS:
        storm, hashing = STORMS[name]
        with tempfile.TemporaryDirectory() as folder, running(Path(folder), hashing) as (server, others):
            uvloop.run(storm(server, others, given))


@contextlib.contextmanager
def running(folder: Path, hashing: Hashing) -> Iterator[tuple[Server, Sequence[bytes]]]:
    """A server with users, and bodies of clients with tokens."""
    prepared = stores.prepare(folder, USERS, signed=False)
    with prepared.config.open("a") as file:
        file.write(f"\n[hashing]\nmemory = {hashing.memory}\ntime = {hashing.time}\n")
    stored = asyncio.run(Hasher(hashing).hash(PASSWORD))
    with contextlib.closing(sqlite3.connect(prepared.database)) as store, store:
        store.execute("UPDATE users SET hash = ?", (stored,))
    tokens = enumerate(hooks.tokens(USERS, prepared.token_key))
    bodies = [hooks.connect(token, hooks.session("calm", number)) for number, token in tokens]
    with servers.authgate(prepared) as server:
        yield server, bodies


async def cold(server: Server, tokens: Sequence[bytes], given: argparse.Namespace) -> None:
    print("\ncold: nobody was here before; hashes of 64 MiB and 3 passes, one shared by all users")
    calm = Calm(server, tokens)
    idle = await calm.watch(given.idle)
    before = await asyncio.to_thread(hashes_per_second)
    alone = one_hash()
    storm = Storm(server, given)
    with busy(server) as load:
        during, _ = await asyncio.gather(calm.watch(given.cold), storm.rage(given.cold))
    after = await asyncio.to_thread(hashes_per_second)
    best, cores = statistics.mean((before, after)), this_machine().cores
    let_in = storm.seconds_of(OK)
    per_second = len(let_in) / given.cold
    print(f"  let in           {len(let_in)} clients, {per_second:.2f} a second")
    line(
        "of what can be had", per_second, best, f"{cores} threads that do nothing else: {before:.2f}, then {after:.2f}"
    )
    line("of cores / hash", per_second, cores / alone, f"one hash alone: {alone * 1000:.0f} ms")
    storm.tell(LATER, "told to come later")
    storm.tell(OK, "let in")
    storm.tell_others()
    calm.tell(idle, during)
    print(f"  others took      {load()}")
    print(f"  /healthz         {shown(server)}")


async def warm(server: Server, tokens: Sequence[bytes], given: argparse.Namespace) -> None:
    print("\nwarm: everybody was here before; hashes of 1 MiB and one pass until then, and none now")
    calm = Calm(server, tokens)
    await Storm(server, given, at_once=16).rage(None)
    idle = await calm.watch(given.idle)
    before = shown(server)
    storm = Storm(server, given)
    with busy(server) as load:
        during, _ = await asyncio.gather(calm.watch(given.over), storm.rage(None))
    print(f"  hashes made      {shown(server)['done'] - before['done']}")
    storm.tell(OK, "let in")
    print(f"  all answered     {storm.took:.1f} s after the restart")
    storm.tell_others()
    calm.tell(idle, during)
    print(f"  others took      {load()}")
    print(f"  /healthz         {shown(server)}")


STORMS = {"cold": (cold, Hashing()), "warm": (warm, CHEAP)}


class Line(asyncio.Protocol):
    """One connection, for one hook after the other."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._answer: asyncio.Future[int] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]):
            self._received = b""
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(int(head[9:12]))

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(0)

    async def ask(self, method: str, body: bytes) -> int:
        """The status that a hook is answered with; 0: it was not answered."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(
            b"POST /hooks/%b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b"
            % (
                method.encode(),
                len(body),
                body,
            )
        )
        return await self._answer


class Lines:
    """As many connections as are needed at once, kept open as the media server keeps its own."""

    def __init__(self, server: Server) -> None:
        self._port = server.port
        self._free: list[Line] = []

    async def ask(self, method: str, body: bytes) -> int:
        if self._free:
            line = self._free.pop()
        else:
            _, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", self._port)
        status = await line.ask(method, body)
        if status:
            self._free.append(line)
        return status


@dataclass
class Storm:
    """All users come back by password."""

    server: Server
    given: argparse.Namespace
    at_once: int = 100_000
    answers: list[tuple[int, float]] = field(default_factory=list)  # status, and seconds since it was due
    took: float = 0

    async def rage(self, seconds: float | None) -> None:
        """Until everybody was let in, or for so many seconds."""
        lines, limit = Lines(self.server), asyncio.Semaphore(self.at_once)
        began = time.perf_counter()
        over = 0 if self.at_once < USERS else self.given.over
        clients = [asyncio.create_task(self._client(n, lines, limit, over)) for n in range(USERS)]
        await asyncio.wait(clients, timeout=seconds)
        self.took = time.perf_counter() - began
        for each in clients:
            each.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    async def _client(self, number: int, lines: Lines, limit: asyncio.Semaphore, over: float) -> None:
        due = time.perf_counter() + random.uniform(0, over)
        place = f"198.18.{number // 256}.{number % 256}"  # each at home; RFC 2544 keeps these for benchmarks
        session = f"/{place}:{number}/192.0.2.10:8443-{random.getrandbits(40):012}"
        custom = {"login": f"user{number}", "password": PASSWORD}
        body = json.dumps(FIELDS | {"sessionId": session, "custom": custom}).encode()
        while True:
            await asyncio.sleep(due - time.perf_counter())
            async with limit:
                status = await lines.ask("connect", body)
            self.answers.append((status, time.perf_counter() - due))
            if status == OK:
                return
            due = time.perf_counter() + random.uniform(*AGAIN)

    def seconds_of(self, status: int) -> list[float]:
        return [seconds for found, seconds in self.answers if found == status]

    def tell(self, status: int, what: str) -> None:
        found = self.seconds_of(status)
        late = sum(each > DEADLINE for each in found)
        print(f"  {what:16} {len(found)} times, {spread(found)}, {late} of them after the deadline of {DEADLINE:g} s")

    def tell_others(self) -> None:
        others = Counter(status for status, _ in self.answers if status not in (OK, LATER))
        print(f"  other answers    {dict(others) or 'none'}")


@dataclass
class Calm:
    """Clients with tokens, and events: what else goes on."""

    server: Server
    tokens: Sequence[bytes]
    refused: int = 0

    async def watch(self, seconds: float) -> dict[str, list[float]]:
        """The seconds that each took."""
        lines, found = Lines(self.server), {"token connects": [], "events": []}
        event = json.dumps(FIELDS | {"sessionId": "/203.0.113.8:1/192.0.2.10:8443-1", "status": "PUBLISHING"}).encode()
        began, asked = time.perf_counter(), []
        for n in range(int(seconds * RATE)):
            await asyncio.sleep(began + n / RATE - time.perf_counter())
            token = self.tokens[random.randrange(len(self.tokens))]
            for what, method, body in (("token connects", "connect", token), ("events", "StreamStatusEvent", event)):
                asked.append(asyncio.create_task(self._one(lines, method, body, found[what])))
        await asyncio.gather(*asked)
        return found

    async def _one(self, lines: Lines, method: str, body: bytes, found: list[float]) -> None:
        began = time.perf_counter()
        status = await lines.ask(method, body)
        found.append(time.perf_counter() - began)
        self.refused += status != OK

    def tell(self, idle: dict[str, list[float]], during: dict[str, list[float]]) -> None:
        for what, found in during.items():
            print(f"  {what:16} {spread(found)}; before the storm {spread(idle[what])}")
            line("ratio of p99", percentile(found, 0.99), percentile(idle[what], 0.99))
        print(f"  refused of both  {self.refused}")


def line(what: str, one: float, other: float, how: str = "") -> None:
    print(f"  {what:20} {one / other:8.2f}   {how}".rstrip())


def spread(seconds: Sequence[float]) -> str:
    if not seconds:
        return "never"
    middle, most = percentile(seconds, 0.5), percentile(seconds, 0.99)
    return f"p50 {middle * 1000:.1f} ms, p99 {most * 1000:.1f} ms, at most {max(seconds) * 1000:.1f} ms"


def percentile(seconds: Sequence[float], part: float) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * part))]


def one_hash() -> float:
    """Seconds of one hash with nothing beside it."""
    return statistics.median(_timed() for _ in range(7))


def hashes_per_second(seconds: float = 8) -> float:
    """What as many threads as hash in the server get done, at their priority, with nothing else to do."""
    counted, until = [], time.perf_counter() + seconds

    def work() -> None:
        step_back()
        while time.perf_counter() < until:
            _timed()
            counted.append(1)

    threads = [threading.Thread(target=work) for _ in range(this_machine().cores)]
    began = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return len(counted) / (time.perf_counter() - began)


def _timed() -> float:
    began = time.perf_counter()
    options = Hashing()
    costs = (options.time, options.memory, options.parallelism)
    low_level.hash_secret_raw(PASSWORD.encode(), b"x" * 16, *costs, 32, low_level.Type.ID)
    return time.perf_counter() - began


@contextlib.contextmanager
def busy(server: Server) -> Iterator[Callable[[], str]]:
    """Told afterwards: who took the machine's time meanwhile."""

    def used() -> tuple[float, float, float, float]:
        ticks = [int(each) for each in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        all_of_it = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
        return time.perf_counter(), all_of_it, cpu(server.pid), cpu(os.getpid())

    before = used()
    after: list[tuple[float, float, float, float]] = []
    yield lambda: _told(before, after[0])
    after.append(used())


def _told(before: Sequence[float], after: Sequence[float]) -> str:
    seconds, all_of_it, server, clients = (b - a for a, b in zip(before, after, strict=True))
    machine = seconds * this_machine().cores / 100
    others = all_of_it - server - clients
    return (
        f"{others / machine:.0f} % of the machine, the server {server / machine:.0f} %, "
        f"these clients {clients / machine:.0f} %"
    )


def shown(server: Server) -> dict[str, Any]:
    """What the server says of its hashing."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/healthz") as answer:
        told = json.load(answer)
    counted = {key: value for key, value in told["counted"].items() if key.startswith("passwords_")}
    return {**told["hashing"], **counted}


if __name__ == "__main__":
    main()
