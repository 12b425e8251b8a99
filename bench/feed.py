"""What those who follow the events cost whoever sends hooks: ``python bench/feed.py [--readers 50] [--hooks 100]``.

One worker, SQLite on disk, as an operator runs it. Hooks are sent at a steady rate, each at its own time, whether the
one before it is answered or not; rounds without readers and with readers alternate, and each has as many hooks. Told
are how long hooks took in either kind of round, how many events a second all readers were told, and how late the last
reader was told of a hook. Readers are a process of their own.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import stores
from bench.hooks import FIELDS, STREAM
from bench.processes import cpu

PATIENCE = 60  # seconds
USERS = 10_000
BODY = {**FIELDS, **STREAM, "published": True, "status": "PUBLISHING"}


@dataclass
class Round:
    """What one round came to."""

    hooks: list[float] = field(default_factory=list)  # milliseconds that each took
    events: int = 0  # told to all readers
    seconds: float = 0.0
    late: list[float] = field(
        default_factory=list
    )  # milliseconds from each hook's answer until its last event was read
    cpu: float = 0.0  # seconds of the server's


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--readers", type=int, default=50)
    options.add_argument("--hooks", type=int, default=100, help="a second")
    options.add_argument("--seconds", type=int, default=10, help="of each round")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--websocket", action="store_true", help="follow over WebSockets")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = stores.prepare(folder, USERS, signed=False).config
        config.write_text(f'{config.read_text()}\n[admin]\nlisten = "127.0.0.1:0"\nmax_connections = 1000\n')
        command = [sys.executable, "-m", "authgate", "--config", str(config)]
        key = subprocess.run(
            [*command, "apikey", "add", "bench", "--admin", "events:read"], check=True, capture_output=True, text=True
        ).stdout.strip()
        rounds: dict[bool, list[Round]] = {False: [], True: []}
        with serving(command, folder) as (hooks, admin, pid):
            asyncio.run(send(hooks, 50, 1))  # what is done once is done
            for _ in range(given.rounds):
                for followed in (False, True):
                    rounds[followed].append(one(given, followed, hooks, admin, pid, key))
    tell(given, rounds)


@contextlib.contextmanager
def serving(command: list[str], folder: Path) -> Iterator[tuple[int, int, int]]:
    """A server: the ports of hooks and of administration, and its process."""
    log = folder / "serve.log"
    with log.open("wb") as file:
        process = subprocess.Popen([*command, "serve", "--port", "0"], stderr=file)
    try:
        ports: dict[str, int] = {}
        for _ in range(600):
            time.sleep(0.05)
            for line in log.read_text().splitlines():
                message = json.loads(line).get("message", "")
                for what, words in (("hooks", "answers hooks at"), ("admin", "administered at")):
                    if words in message:
                        ports[what] = int(message.partition("127.0.0.1:")[2].partition("/")[0])
            if len(ports) == 2:
                break
        time.sleep(1)
        yield ports["hooks"], ports["admin"], process.pid
    finally:
        process.terminate()
        process.wait()


def one(given: argparse.Namespace, followed: bool, hooks: int, admin: int, pid: int, key: str) -> Round:
    """One round, with readers or without."""
    found = Round()
    ours, theirs = multiprocessing.Pipe()
    count = given.hooks * given.seconds
    readers = multiprocessing.Process(target=follow, args=(theirs, given, admin, key, count))
    if followed:
        readers.start()
        heard(ours)  # all are there
    before, began = cpu(pid), time.monotonic()
    sent = asyncio.run(send(hooks, given.hooks, given.seconds))
    found.hooks = [took * 1000 for _, took in sent]
    if followed:
        told, at = heard(ours)
        found.events, found.seconds = told, max(at) - began
        answered = sorted(when for when, _ in sent)
        found.late = [(last - when) * 1000 for when, last in zip(answered, sorted(at), strict=False)]
        readers.join()
    found.cpu = cpu(pid) - before
    return found


def heard(line: Connection) -> Any:
    """What the readers say."""
    if not line.poll(PATIENCE):
        raise SystemExit("bench: not all of it was told")
    return line.recv()


async def send(port: int, rate: int, seconds: int) -> list[tuple[float, float]]:
    """When each hook was answered, and the seconds that took from when it was due."""
    lines: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(32):
        lines.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    began = time.monotonic()

    async def hook(number: int) -> tuple[float, float]:
        due = began + number / rate
        await asyncio.sleep(due - time.monotonic())
        line = await lines.get()
        body = json.dumps(BODY | {"sessionId": f"{os.getpid()}-{number}"}).encode()
        head = f"POST /hooks/StreamStatusEvent HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        line[1].write(head.encode() + body)
        answer = await line[0].readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await line[0].readexactly(length)
        lines.put_nowait(line)
        now = time.monotonic()
        return now, now - due

    found = await asyncio.gather(*(hook(number) for number in range(rate * seconds)))
    while not lines.empty():
        lines.get_nowait()[1].close()
    return found


def follow(line: Connection, given: argparse.Namespace, port: int, key: str, count: int) -> None:
    """Follow with all readers until each was told of so many hooks: how many events those were, and when each came."""
    asyncio.run(_follow(line, given, port, key, count))


async def _follow(line: Connection, given: argparse.Namespace, port: int, key: str, count: int) -> None:
    at = [0.0] * count
    total = 0
    ready = asyncio.Semaphore(0)

    async def reader() -> None:
        nonlocal total
        told = 0
        async for events in (_over_websocket if given.websocket else _over_http)(port, key, ready):
            now = time.monotonic()
            for place in range(told, min(told + events, count)):
                at[place] = max(at[place], now)
            told += events
            total += events
            if told >= count:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(given.readers):
            group.create_task(reader())
        for _ in range(given.readers):
            await ready.acquire()
        line.send(True)
    line.send((total, at))


async def _over_http(port: int, key: str, ready: asyncio.Semaphore) -> AsyncIterator[int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
    answer = await reader.readuntil(b"\n\n")
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"bench: {answer.decode()}")
    await asyncio.sleep(0.5)  # it has its place now
    ready.release()
    left = b""
    while True:
        data = left + await reader.read(65536)
        yield data.count(b"\ndata: ")
        left = data[-6:] if b"\ndata: " not in data[-6:] else b""
    writer.close()


async def _over_websocket(port: int, key: str, ready: asyncio.Semaphore) -> AsyncIterator[int]:
    from websockets.asyncio.client import connect

    url = f"ws://127.0.0.1:{port}/api/v1/events"
    async with connect(url, additional_headers={"Authorization": f"Bearer {key}"}, proxy=None) as line:
        await asyncio.sleep(0.5)
        ready.release()
        async for text in line:
            yield int('"record"' in str(text))


def tell(given: argparse.Namespace, rounds: dict[bool, list[Round]]) -> None:
    """The figures of all rounds together."""
    quiet = [each for found in rounds[False] for each in found.hooks]
    followed = [each for found in rounds[True] for each in found.hooks]
    for what, hooks, found in (
        ("no reader", quiet, rounds[False]),
        (f"{given.readers} readers", followed, rounds[True]),
    ):
        p50, p99 = _quantile(hooks, 0.5), _quantile(hooks, 0.99)
        used = sum(each.cpu for each in found) / (given.seconds * len(found)) * 100
        print(f"{what:12} {len(hooks):6} hooks   p50 {p50:6.1f} ms   p99 {p99:6.1f} ms   {used:4.0f} % of a core")
    events = sum(each.events for each in rounds[True]) / sum(each.seconds for each in rounds[True])
    late = [each for found in rounds[True] for each in found.late]
    p50, p99 = _quantile(late, 0.5), _quantile(late, 0.99)
    print(
        f"{events:.0f} events a second were told; the last reader knew of a hook after p50 {p50:.0f}, p99 {p99:.0f} ms"
    )
    print(f"p99 of hooks with readers is {_quantile(followed, 0.99) / _quantile(quiet, 0.99):.2f} times that without")


def _quantile(values: list[float], part: float) -> float:
    return statistics.quantiles(values, n=1000, method="inclusive")[round(part * 1000) - 1]


if __name__ == "__main__":
    main()
