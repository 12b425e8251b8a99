"""Clients of our own, in a process of their own: ``python bench/clients.py PORT FILE [--connections 16] [--over 10]``.

Without ``--over`` each connection sends its next hook when the one before is answered, until every request of the file
was sent once. With it the times of all of them are set beforehand, at random over so many seconds: a hook goes out at
its time over a connection that is free, or else over the first that becomes free, and what it takes counts from its
time on, so that no stall is hidden. A line of JSON tells what each took in milliseconds, and the status of all answers.
"""

import argparse
import asyncio
import contextlib
import json
import random
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import hooks

SEED = 7  # of the times: they are the same in each run
PATIENCE = 60  # seconds without any answer until what is not answered is given up


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of requests."""

    took: Sequence[float]  # milliseconds, of each that was answered
    statuses: dict[str, int]  # how many answers had each; "none" was not answered
    seconds: float  # from the first to the last


def send(port: int, path: Path, connections: int, over: float = 0) -> Sent:
    """Have another process send the requests of a file.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    command = [sys.executable, __file__, str(port), str(path), "--connections", str(connections), "--over", str(over)]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return Sent(**told)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    options.add_argument("port", type=int)
    options.add_argument("file", type=Path)
    options.add_argument("--connections", type=int, default=16)
    options.add_argument("--over", type=float, default=0)
    given = options.parse_args()
    requests = hooks.read(given.file)
    chance = random.Random(SEED)
    due = sorted(chance.uniform(0, given.over) for _ in requests) if given.over else [0.0] * len(requests)
    sending = Sending(requests, due, counts_waiting=bool(given.over))
    print(json.dumps(uvloop.run(sending.run(given.port, given.connections))))


class Sending:
    """Requests that wait for their time, and connections that wait for requests."""

    def __init__(self, requests: Sequence[bytes], due: Sequence[float], *, counts_waiting: bool) -> None:
        self._requests = requests
        self._due = due  # seconds after the beginning, ascending
        self._counts_waiting = counts_waiting  # whether what it takes counts from when it was due
        self._took: list[float] = []
        self._statuses: Counter[str] = Counter()
        self._next = 0
        self._began = 0.0
        self._idle: deque[_Line] = deque()
        self._done = asyncio.Event()

    async def run(self, port: int, connections: int) -> dict[str, Any]:
        """Send all of them; what came of it."""
        loop = asyncio.get_running_loop()
        lines = [(await loop.create_connection(lambda: _Line(self), "127.0.0.1", port))[1] for _ in range(connections)]
        self._idle.extend(lines)
        self._began = time.perf_counter()
        timer = asyncio.create_task(self._clock())
        answered = -1
        while not self._done.is_set() and answered < len(self._took):
            answered = len(self._took)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._done.wait(), PATIENCE)
        if len(self._took) < len(self._requests):
            self._statuses["none"] = len(self._requests) - len(self._took)
        seconds = time.perf_counter() - self._began
        timer.cancel()
        for line in lines:
            line.close()
        return {"took": self._took, "statuses": self._statuses, "seconds": seconds}

    async def _clock(self) -> None:
        """Send whenever a time has come."""
        while self._next < len(self._due):
            self.send()
            if self._next < len(self._due):
                wait = self._began + self._due[self._next] - time.perf_counter()
                await asyncio.sleep(max(wait, 0.001))

    def send(self) -> None:
        """Give the connections that are free what is due."""
        now = time.perf_counter()
        while self._idle and self._next < len(self._due) and self._began + self._due[self._next] <= now:
            since = self._began + self._due[self._next] if self._counts_waiting else now
            self._idle.popleft().ask(self._requests[self._next], since)
            self._next += 1

    def answered(self, line: "_Line", status: str, since: float) -> None:
        """A connection has its answer, and is free."""
        self._took.append((time.perf_counter() - since) * 1000)
        self._statuses[status] += 1
        if len(self._took) == len(self._requests):
            self._done.set()
        self._idle.append(line)
        self.send()

    def broken(self) -> None:
        """A connection was closed under a request: the rest is not sent."""
        self._done.set()


class _Line(asyncio.Protocol):
    """One connection, with one request at a time."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._since: float | None = None
        self._answer = b""
        self._size = 0  # bytes that the whole answer has; 0: its head is not here yet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def ask(self, request: bytes, since: float) -> None:
        """Send a request that counts since then."""
        self._since = since
        self._transport.write(request)

    def close(self) -> None:
        """Whatever is still to come is not waited for."""
        self._since = None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._size:
            head, end, _ = self._answer.partition(b"\r\n\r\n")
            if not end:
                return
            self._size = len(head) + 4 + int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(self._answer) >= self._size and self._since is not None:
            status, since = self._answer[9:12].decode(), self._since
            self._answer, self._size, self._since = b"", 0, None
            self._sending.answered(self, status, since)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._since is not None:
            self._sending.broken()


if __name__ == "__main__":
    main()
