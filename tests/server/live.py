"""A real server that issues tokens, with a line to each of its workers, and what a test does to it from outside."""

import asyncio
import http.client
import json
import re
import subprocess
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from authgate.cli.issuing import issuer
from authgate.config import Config, load
from authgate.issuance import Token, Wanted
from authgate.store import Store
from tests import process
from tests.server.running import PASSWORD, Running

T = TypeVar("T")
Work = Callable[[Config, Store], Awaitable[T]]

MASTER = "the-master-key-of-the-live-tests"
ISSUED = f"""
[[verifiers]]
type = "issued"
master_keys = ["{MASTER}"]
"""
SETTINGS = f"""{ISSUED}
[issuing]
tokens = true
login = true
publish_keys = true
"""
ADDRESS = "203.0.113.7"
SECOND = 5.0  # seconds of patience with what is promised within one, on a machine with other things to do

_STARTER_VERIFIER = re.compile(r"# Whoever has this key[^\n]*\n\[\[verifiers\]\]\ntype = \"token\"\nkey = [^\n]+\n")


class Line:
    """One connection, which stays open: whoever took it answers all that is sent over it."""

    def __init__(self, url: str) -> None:
        self._http = http.client.HTTPConnection(url.removeprefix("http://"), timeout=process.PATIENCE)
        self._http.connect()
        self._http.auto_open = 0  # never another worker

    def get(self, path: str) -> int:
        self._http.request("GET", path)
        return self._read()[0]

    def post(self, path: str, fields: Mapping[str, object]) -> tuple[int, Any]:
        self._http.request("POST", path, json.dumps(fields), {"content-type": "application/json"})
        return self._read()

    def close(self) -> None:
        self._http.close()

    def _read(self) -> tuple[int, Any]:
        answer = self._http.getresponse()
        return answer.status, json.loads(answer.read())


class Live(Running):
    """One server that issues tokens; ``lines`` are one to each worker."""

    def __init__(self, server: process.Server, base: str) -> None:
        super().__init__(server, base)
        self.lines: list[Line] = []

    def run(self, *arguments: str, given: str = "") -> str:
        """What a command prints that has to succeed."""
        return self.server.run(*arguments, given=given).strip()

    def tried(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command that may be refused."""
        return process.ran("--config", str(self.config), *arguments)

    def do(self, work: Work[T]) -> T:
        """What comes of some work at the store, beside the server, as a command would do it."""
        return done(self.config, work)

    def issue(self, user: str = "ann", ttl: int = 3600, **wanted: Any) -> Token:
        """A token of our own keys."""
        return self.issue_many(1, user, ttl, **wanted)[0]

    def issue_many(self, count: int, user: str = "ann", ttl: int = 3600, **wanted: Any) -> list[Token]:
        return self.do(issuing(*[Wanted(user, ttl, **wanted)] * count))

    def token(self, user: str = "ann", **wanted: Any) -> str:
        """The text of such a token."""
        return self.issue(user, **wanted).text.reveal()

    def key_ids(self) -> list[str]:
        """Our own keys, the oldest first."""
        return [each["kid"] for each in json.loads(self.run("key", "list", "--json"))]

    def ask(self, method: str, line: Line | None = None, **fields: Any) -> int:
        """The status of the answer to a hook, over this line or a new connection."""
        body = {"nodeId": "n", "appKey": "defaultApp", **fields}
        if line is not None:
            return line.post(f"/hooks/{method}", body)[0]
        fresh = Line(self.url)
        try:
            return fresh.post(f"/hooks/{method}", body)[0]
        finally:
            fresh.close()

    def connect(self, token: str, session: str = "", line: Line | None = None, **fields: Any) -> int:
        """The status of a connect with this token; without a session, of one that nobody has."""
        return self.ask("connect", line, sessionId=session or new_session(), custom={"token": token}, **fields)

    def publish(self, session: str, line: Line | None = None, name: str = "cam", **fields: Any) -> int:
        """The status of publishing in a session, without any other credentials."""
        return self.ask("publishStream", line, sessionId=session, name=name, **fields)

    def everywhere(self, ask: Callable[[Line], int]) -> set[int]:
        """What all the workers answer, asked one by one."""
        return {ask(line) for line in self.lines}

    def many(self, ask: Callable[[], int], count: int = 16) -> set[int]:
        """What is answered over many new connections at once, whoever takes them."""
        with ThreadPoolExecutor(8) as pool:
            return {each.result() for each in [pool.submit(ask) for _ in range(count)]}

    def opened(self, token: str, **fields: Any) -> str:
        """A session that this token has opened."""
        session = new_session()
        assert self.connect(token, session, **fields) == 200
        return session

    @contextmanager
    def on_the_line(self) -> Iterator[None]:
        """In it, there is a line to each worker."""
        try:
            for pid in self.workers():
                with self.alone(pid):
                    line = Line(self.url)
                    self.lines.append(line)
                    assert line.get("/healthz") == 200
            yield
        finally:
            for each in self.lines:
                each.close()
            self.lines.clear()


def issuing(*every: Wanted, now: float | None = None) -> Work[list[Token]]:
    """Issue all of these, at this time."""

    async def issue(config: Config, store: Store) -> list[Token]:
        async with issuer(config, store, None) as by:
            return [await by.issue(each, now or time.time()) for each in every]

    return issue


def done(config: Path, work: Work[T]) -> T:
    """What comes of some work at the store of a configuration."""

    async def do() -> T:
        settings = load(config, {})
        store = Store(settings.store)
        try:
            return await work(settings, store)
        finally:
            await store.close()

    return in_a_loop(do())


def in_a_loop(work: Coroutine[Any, Any, T]) -> T:
    """What comes of it, also where there is a running event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def prepare(folder: Path, more: str = SETTINGS, store_url: str = "", **users: str) -> Path:
    """A configuration with these sections in place of the token verifier that ``init`` wrote."""
    config = process.prepare(folder, store_url=store_url, **({"ann": PASSWORD} | users))
    text, count = _STARTER_VERIFIER.subn("", config.read_text())
    assert count == 1
    config.write_text(f"{text}\n{more}\n")
    return config


def with_key(folder: Path, more: str = SETTINGS, store_url: str = "", **users: str) -> Path:
    """The same, with a first key to sign with."""
    config = prepare(folder, more, store_url, **users)
    process.run("--config", str(config), "key", "generate")
    return config


@contextmanager
def live(config: Path, workers: int, variables: Mapping[str, str] = process.CHEAP) -> Iterator[Live]:
    """The server, ready, with a line to each worker."""
    with process.serve(config, "--workers", str(workers), variables=variables) as server:
        one = Live(server, config.read_text())
        with one.on_the_line():
            yield one


def new_session() -> str:
    """A sessionId as the media server makes it."""
    return f"/{ADDRESS}:5643/192.0.2.10:8443-{uuid.uuid4()}"


def within_a_second(claim: Callable[[], bool]) -> None:
    """Come back once a claim is true.

    Raises:
        AssertionError: it is not, though it has had its second, and more.
    """
    give_up = time.monotonic() + SECOND
    while not claim():
        assert time.monotonic() < give_up, "it does not come true within a second"
        time.sleep(0.02)
