"""A process that sends hooks and times the answers, as each line of its standard input says: one round for each."""

import asyncio
import gc
import itertools
import json
import math
import ssl
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from time import perf_counter, process_time
from typing import Any

from authgate.bench.hooks import UNKNOWN, Sender, clients, media, sessions

PATIENCE = 20.0  # seconds until an answer is given up
EVENT = "StreamStatusEvent"
_REFUSED = 403
_MADE = {"floor": 5_000, "connect": 100_000}  # hooks that are made before a round


@dataclass(frozen=True, slots=True)
class Order:
    """One round."""

    what: str  # see ``Load.hooks``
    host: str
    port: int
    base: str  # the path before the method
    connections: int
    seconds: float
    rate: float = 0.0  # hooks in a second by the clock; 0: each connection sends when it has been answered
    tls: bool = False


@dataclass(slots=True)
class Round:
    """What came of it."""

    seconds: float = 0.0
    times: dict[str, list[float]] = field(default_factory=dict)  # milliseconds of each answer, by the hook's method
    statuses: Counter[int] = field(default_factory=Counter)
    busy: float = 0.0  # seconds of processor time that it took to send and to hear
    failed: int = 0  # connections that broke, and answers that did not come in time
    used_up: bool = False  # whether there was nobody left to send for

    def shown(self) -> dict[str, Any]:
        """As it is written to standard output."""
        return {
            "seconds": self.seconds,
            "busy": self.busy,
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "failed": self.failed,
            "used_up": self.used_up,
            "methods": {method: _points(sorted(times)) for method, times in self.times.items()},
        }


@dataclass(slots=True)
class Hook:
    """A request that is about to be sent, and who is told of its answer's status."""

    method: str
    request: bytes
    answered: Callable[[int], None]
    due: float = 0.0  # by the clock of perf_counter; 0: when it is sent


class Load:
    """Everything that is sent, with the sessions that it leaves open."""

    def __init__(self, sender: Sender, known: list[tuple[str, str]], password: str) -> None:
        self.sender = sender
        self.password = password
        self.known = known
        self.live: dict[str, None] = {}
        self.run: Run | None = None  # what is sent just now
        self.stopped = False
        self._sessions = sessions()
        self._media = media()
        self._coming = iter(known)  # each is let in once
        self._trying = iter(known)

    def hooks(self, order: Order) -> Iterator[Hook]:
        """What a round sends, one after the other."""
        turns = itertools.cycle(list(self.live))  # over and over; nothing where there are none
        tokens = itertools.cycle([token for _, token in self.known])
        makers: dict[str, Callable[[], Hook]] = {
            "floor": lambda: self._hook(order, "connect", self.sender.connect(next(self._sessions), next(tokens))),
            "connect": partial(self._connect, order),
            "come and go": partial(self._come_and_go, order),
            "login": partial(self._login, order),
            "play": lambda: self._hook(order, "playStream", self.sender.play(next(turns), next(self._media))),
            "status": lambda: self._hook(order, EVENT, self.sender.playing(next(turns), next(self._media))),
            "unknown": lambda: self._hook(order, UNKNOWN, self.sender.unknown(next(turns))),
            "disconnect": partial(self._disconnect, order),
        }
        make = makers[order.what]
        while True:
            try:
                yield make()
            except StopIteration:
                return

    def stop(self) -> None:
        """Send nothing more."""
        self.stopped = True
        if self.run is not None:
            self.run.stop()

    def _come_and_go(self, order: Order) -> Hook:
        """Who has been let in goes, before another comes."""
        return self._disconnect(order) if self.live else self._connect(order)

    def _connect(self, order: Order) -> Hook:
        _, token = next(self._coming)
        session = next(self._sessions)
        return self._hook(order, "connect", self.sender.connect(session, token), partial(self._opened, session))

    def _login(self, order: Order) -> Hook:
        user, _ = next(self._trying)
        session = next(self._sessions)
        body = self.sender.login(session, user, self.password)
        return self._hook(order, "connect", body, partial(self._opened, session))

    def _disconnect(self, order: Order) -> Hook:
        session = next(iter(self.live))
        del self.live[session]
        return self._hook(order, "ConnectionStatusEvent", self.sender.disconnected(session))

    def _opened(self, session: str, status: int) -> None:
        """Whatever is not known to be refused may be open."""
        if status != _REFUSED:
            self.live[session] = None

    def _hook(self, order: Order, method: str, body: bytes, answered: Callable[[int], None] | None = None) -> Hook:
        return Hook(method, self.sender.request(order.base, method, body), answered or _nobody)


def _nobody(_status: int) -> None:
    """Is told of it."""


class Client(asyncio.Protocol):
    """One connection of the media server: a hook, its answer, the next hook."""

    def __init__(self, run: "Run") -> None:
        self.run = run
        self.transport: asyncio.Transport | None = None
        self.sent: Hook | None = None
        self._since = 0.0
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport if isinstance(transport, asyncio.Transport) else None

    def send(self, hook: Hook) -> None:
        self.sent, self._since = hook, hook.due or perf_counter()
        if self.transport is not None:
            self.transport.write(hook.request)

    def data_received(self, data: bytes) -> None:
        self._came += data
        end = self._came.find(b"\r\n\r\n")
        if end < 0 or self.sent is None:
            return
        head = self._came[:end].lower()
        _, _, length = head.partition(b"\r\ncontent-length:")
        whole = end + 4 + int(length.split(b"\r\n", 1)[0] or 0)
        if len(self._came) < whole:
            return
        took, hook, self.sent = perf_counter() - self._since, self.sent, None
        status, self._came = int(head[9:12]), self._came[whole:]
        closes = b"\r\nconnection: close" in head
        hook.answered(status)
        self.run.answered(self, hook.method, status, took * 1000, closes=closes)

    def connection_lost(self, _error: Exception | None) -> None:
        if self.transport is not None:
            self.transport = None
            hook, self.sent = self.sent, None
            if hook is not None:
                hook.answered(0)
            self.run.lost(self, answered=hook is None)


class Run:
    """One round, while it goes on."""

    def __init__(self, load: Load, order: Order) -> None:
        self.order = order
        hooks = load.hooks(order)
        # Made before the clock runs, as far as they do not depend on answers: who sends is not to be what is measured.
        self.hooks = itertools.chain(list(itertools.islice(hooks, _MADE.get(order.what, 0))), hooks)
        self.round = Round()
        self.over = asyncio.Event()
        self._idle: list[Client] = []
        self._due: deque[Hook] = deque()
        self._busy = 0
        self._sending = True
        self._clients: set[Client] = set()
        self._opening: set[asyncio.Task[None]] = set()

    async def go(self) -> Round:
        """Send for so long, and wait for what is still to be answered.

        Raises:
            OSError: nobody listens there.
        """
        began, busy = perf_counter(), process_time()
        try:
            await asyncio.gather(*(self.open() for _ in range(self.order.connections)))
            began, busy = perf_counter(), process_time()
            await (self._by_the_clock(began) if self.order.rate else self._as_fast_as_can_be())
            self._sending = False
            if self._busy or self._due:
                self.over.clear()
                try:
                    async with asyncio.timeout(PATIENCE):
                        await self.over.wait()
                except TimeoutError:
                    await self._give_up()
        finally:
            self._sending = False
            self.round.seconds, self.round.busy = perf_counter() - began, process_time() - busy
            for each in [*self._opening]:
                each.cancel()
            self._close()
        return self.round

    def stop(self) -> None:
        """Send nothing more; what is on its way is still answered."""
        self.round.used_up = True
        self._due.clear()
        self._next()

    async def open(self) -> None:
        """One more connection."""
        context = ssl.create_default_context() if self.order.tls else None
        _, client = await asyncio.get_running_loop().create_connection(
            partial(Client, self), self.order.host, self.order.port, ssl=context
        )
        self._clients.add(client)
        self._idle.append(client)

    def answered(self, client: Client, method: str, status: int, took: float, *, closes: bool) -> None:
        """One hook is answered: what is next?"""
        if 200 <= status < 300:  # how fast somebody is refused says nothing of how fast others are let in
            self.round.times.setdefault(method, []).append(took)
        self.round.statuses[status] += 1
        self._busy -= 1
        if not closes:
            self._idle.append(client)
        self._next()

    def lost(self, client: Client, *, answered: bool) -> None:
        """A connection is gone; another takes its place."""
        self._clients.discard(client)
        if client in self._idle:
            self._idle.remove(client)
        if not answered:
            self.round.failed += 1
            self._busy -= 1
        if self._sending:
            task = asyncio.get_running_loop().create_task(self._again())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        self._next()

    async def _again(self) -> None:
        try:
            await self.open()
        except OSError:
            self.round.failed += 1
            await asyncio.sleep(0.1)
        self._next()

    async def _as_fast_as_can_be(self) -> None:
        self._next()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.order.seconds):
                await self.over.wait()

    async def _by_the_clock(self, began: float) -> None:
        """Each hook is due at its time, however long those before it take."""
        for number in range(max(1, int(self.order.seconds * self.order.rate))):
            due = began + number / self.order.rate
            if (early := due - perf_counter()) > 0:
                await asyncio.sleep(early)
            hook = None if self.round.used_up else next(self.hooks, None)
            if hook is None:
                self.round.used_up = True
                return
            hook.due = due
            self._due.append(hook)
            self._next()

    def _next(self) -> None:
        """Give hooks to those who wait for some."""
        while self._idle:
            hook = self._due.popleft() if self._due else self._fresh()
            if hook is None:
                break
            client = self._idle.pop()
            self._busy += 1
            client.send(hook)
        if not self._busy and not self._due and (self.round.used_up or not self._sending):
            self.over.set()

    def _fresh(self) -> Hook | None:
        if self.order.rate or not self._sending or self.round.used_up:
            return None
        hook = next(self.hooks, None)
        self.round.used_up = hook is None
        return hook

    async def _give_up(self) -> None:
        """No answer comes any more: whoever was to get one is told so."""
        self.round.failed += len(self._due)
        self._due.clear()
        for client in self._clients:
            if client.transport is not None:
                client.transport.abort()
        await asyncio.sleep(0.1)

    def _close(self) -> None:
        for client in self._clients:
            transport, client.transport = client.transport, None
            if transport is not None:
                transport.close()


def _points(ordered: list[float]) -> dict[str, float]:
    """How many they are, and the milliseconds within which so great a part of them was answered."""
    parts = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
    places = {name: max(0, math.ceil(part * len(ordered)) - 1) for name, part in parts.items()}
    return {"hooks": len(ordered)} | {name: ordered[at] for name, at in places.items()}


async def _serve(load: Load, orders: "asyncio.Queue[Order | None]") -> None:
    last: Order | None = None
    while (order := await orders.get()) is not None:
        last = order
        _say((await _round(load, order)).shown())
    load.stopped = False
    if last is not None and last.rate and load.live:  # a server of somebody's: nothing is left open there
        await _round(load, Order(**asdict(last) | {"what": "disconnect", "rate": 0.0, "seconds": PATIENCE}))


async def _round(load: Load, order: Order) -> Round:
    run = load.run = Run(load, order)
    try:
        if load.stopped:
            run.stop()
        return await run.go()
    except OSError:
        return Round(failed=1)
    finally:
        load.run = None


def _say(told: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):  # who asked is gone
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()


def main() -> None:
    """The first line says who sends and for whom; each other one is an ``Order``, answered by a line."""
    told = json.loads(sys.stdin.readline())
    load = Load(Sender(**told["sender"]), [*clients(told["clients"])], told["password"])
    gc.collect()
    gc.freeze()
    gc.disable()

    async def run() -> None:
        loop, orders = asyncio.get_running_loop(), asyncio.Queue[Order | None]()

        def read() -> None:
            for line in sys.stdin:
                loop.call_soon_threadsafe(orders.put_nowait, Order(**json.loads(line)))
            loop.call_soon_threadsafe(load.stop)
            loop.call_soon_threadsafe(orders.put_nowait, None)

        threading.Thread(target=read, name="orders", daemon=True).start()
        await _serve(load, orders)

    asyncio.run(run())


if __name__ == "__main__":
    main()
