"""Two nodes on a PostgreSQL that fails over under load: no wrong verdict, and no record that is lost."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from authgate.model import Reason, SessionKey
from tests import process
from tests.clusters import Cluster, pair
from tests.server.live import new_session, within_a_second
from tests.trouble import awaited, kept

CLIENTS = 4  # at each node
DEADLINE = 2.0  # seconds, server.deadline
NOISE = 3.0  # seconds that a busy machine may take to send what was answered in time
RULES = """
[[rules]]
name = "no bad names"
methods = ["publishStream"]
names = ["bad*"]
policy = { type = "deny" }
"""
AWAY = {Reason.STORE_UNAVAILABLE, Reason.DEADLINE}


@dataclass
class Sent:
    """A hook, what it has to be answered where the store is there, and what it was answered."""

    method: str
    session: str
    right: int
    status: int = 0
    seconds: float = 0.0


@dataclass
class Load:
    """Clients at one node: who they are, what they did, and what they were told."""

    node: process.Server
    token: str
    name: str
    hooks: list[Sent] = field(default_factory=list)
    live: set[str] = field(default_factory=set)  # sessions that were opened and not closed

    async def run(self, until: threading.Event) -> None:
        await asyncio.gather(*(self._client(number, until) for number in range(CLIENTS)))

    def goes_well(self, since: int) -> bool:
        """Whether the last of its hooks, all of them later than so many, were answered as is right."""
        last = self.hooks[since:][-10 * CLIENTS :]
        return len(last) == 10 * CLIENTS and all(each.status == each.right for each in last)

    async def _client(self, number: int, until: threading.Event) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(self.node.url.rpartition(":")[2]))
        count = 0
        while not until.is_set():
            count += 1
            session = f"{self.name}-{number}-{count}"

            async def hook(method: str, right: int, session: str = session, **fields: object) -> int:
                sent = Sent(method, session, right)
                begun = time.monotonic()
                sent.status = await _answered(reader, writer, method, {"sessionId": session, **fields})
                sent.seconds = time.monotonic() - begun
                self.hooks.append(sent)
                return sent.status

            good = count % 4 != 0
            custom = {"token": self.token if good else "forged"}
            told = await hook("connect", 200 if good else 403, custom=custom)
            if told == 403:
                await hook("playStream", 403, name="cam")
            if told != 200:
                continue
            self.live.add(session)
            name = "bad" if count % 3 == 0 else "good"
            await hook("publishStream", 403 if name == "bad" else 200, name=name)
            await hook("StreamStatusEvent", 200, name=name, status="PUBLISHING", published=True, mediaSessionId="m")
            await hook("playStream", 200, name="cam")
            if count % 2:
                self.live.discard(session)
                await hook("ConnectionStatusEvent", 200, status="DISCONNECTED")
            await asyncio.sleep(0.01)
        writer.close()


async def _answered(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, fields: dict[str, object]
) -> int:
    body = json.dumps({"nodeId": "n", "appKey": "defaultApp", **fields}).encode()
    writer.write(f"POST /hooks/{method} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.split(b":")[1]))
    return int(head.split()[1])


@contextmanager
def two_nodes(folder: Path, primary: Cluster, standby: Cluster) -> Iterator[Sequence[process.Server]]:
    """Two nodes whose store is either server; each is told them in another order."""
    address = "postgresql://postgres@{},{}/authgate"
    addresses = [address.format(primary.place, standby.place), address.format(standby.place, primary.place)]
    users = dict.fromkeys(("ann", "bob", "carol"), "correct-horse-of-the-test")
    first = process.prepare(folder / "a", RULES, addresses[0], **users)
    second = folder / "b" / first.name
    second.parent.mkdir(mode=0o700)
    second.write_text(first.read_text().replace(*addresses))
    second.chmod(0o600)
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        started = [pool.submit(stack.enter_context, process.serve(each)) for each in (first, second)]
        yield [each.result() for each in started]


@contextmanager
def under(loads: Sequence[Load]) -> Iterator[None]:
    """Until the end of the block, these clients send hooks."""

    async def run() -> None:
        await asyncio.gather(*(load.run(over) for load in loads))

    over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(asyncio.run, run())
        try:
            yield
        finally:
            over.set()
        running.result(60)


def go_well(loads: Sequence[Load]) -> None:
    """Come back when hooks that are sent from now on are answered as is right, at both nodes."""
    since = [len(load.hooks) for load in loads]
    awaited(lambda: all(load.goes_well(at) for load, at in zip(loads, since, strict=True)))


def ask(node: process.Server, method: str, session: str, **fields: object) -> int:
    """The status of one more hook."""

    async def once() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(node.url.rpartition(":")[2]))
        try:
            return await _answered(reader, writer, method, {"sessionId": session, **fields})
        finally:
            writer.close()

    return asyncio.run(once())


def opened(node: process.Server, user: str) -> str:
    session = new_session()
    assert ask(node, "connect", session, custom={"token": node.token(user)}) == 200
    return session


def disabled_at_one_refused_at_the_other(nodes: Sequence[process.Server], user: str, session: str) -> None:
    custom = {"token": nodes[1].token(user)}
    nodes[0].run("user", "disable", user)
    within_a_second(lambda: ask(nodes[1], "connect", new_session(), custom=custom) == 403)
    within_a_second(lambda: ask(nodes[1], "playStream", session, name="cam") == 403)


def verdicts_are_right(load: Load) -> None:
    """None is wrong; where there was none, that was said on purpose and in time."""
    for each in load.hooks:
        may_be_away = set() if each.method.endswith("Event") else {503}
        assert each.status in {each.right} | may_be_away, each
        assert each.seconds < DEADLINE + NOISE, each
    assert {each.status for each in load.hooks} == {200, 403, 503}


def nothing_is_lost(loads: Sequence[Load], now: Cluster) -> None:
    """What was answered is in the records once, and nothing else; the sessions are live that should be."""
    address = f"postgresql://postgres@{now.place}/authgate"
    hooks = [each for load in loads for each in load.hooks]
    ours = tuple(f"{load.name}-" for load in loads)

    def told() -> dict[tuple[str, str], list[tuple[bool, bool]]]:
        found: dict[tuple[str, str], list[tuple[bool, bool]]] = {}
        for record in kept(address)[0]:
            if record.key.session.startswith(ours):
                key = record.method, record.key.session
                found.setdefault(key, []).append((record.allowed, record.reason in AWAY))
        return found

    def live() -> set[SessionKey]:
        return {each.key for each in kept(address)[1] if each.key.session.startswith(ours)}

    def as_answered(sent: Sent, verdicts: list[tuple[bool, bool]]) -> bool:
        if sent.status != 503:
            return verdicts == [(sent.status == 200, False)]
        # It may have been committed before, with the answer coming too late; that is told, then, and was closed.
        return verdicts.count((False, True)) == 1 and len(verdicts) <= 2

    def all_there() -> bool:
        nonlocal records
        records = told()
        return all(as_answered(each, records.get((each.method, each.session), [])) for each in hooks)

    records: dict[tuple[str, str], list[tuple[bool, bool]]] = {}
    awaited(all_there)
    assert records.keys() == {(each.method, each.session) for each in hooks}
    expected = {SessionKey("n", session) for load in loads for session in load.live}
    awaited(lambda: live() == expected)


def test_no_wrong_verdict_and_no_lost_record(tmp_path):
    with pair() as (one, two), two_nodes(tmp_path, one, two) as nodes:
        loads = [Load(node, node.token(), f"load-{number}") for number, node in enumerate(nodes)]
        bobs, carols = opened(nodes[0], "bob"), opened(nodes[0], "carol")
        going_on = [opened(node, "ann") for node in nodes]
        with under(loads):
            go_well(loads)
            disabled_at_one_refused_at_the_other(nodes, "bob", bobs)
            one.kill()
            two.promote()
            go_well(loads)
            # It comes back as if nothing had happened, takes writes, and stands first in the address.
            one.start("synchronous_standby_names=")
            before = one.ask("SELECT count(*) FROM records", "authgate")
            two.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'authgate'")
            go_well(loads)
            disabled_at_one_refused_at_the_other(nodes, "carol", carols)
            go_well(loads)
        for load in loads:
            verdicts_are_right(load)
        nothing_is_lost(loads, two)
        for session, node in zip(going_on, reversed(nodes), strict=True):
            assert ask(node, "publishStream", session, name="good") == 200
        assert ask(nodes[1], "connect", new_session(), custom={"token": nodes[1].token("bob")}) == 403
        assert one.ask("SELECT count(*) FROM records", "authgate") == before
