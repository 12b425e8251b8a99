"""A real server whose configuration is changed while it runs."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from authgate.server import presence
from authgate.server.presence import Outcome
from tests import process

PASSWORD = "correct-horse-of-the-test"
PATIENCE = 20  # seconds until what should come is given up


def marked(mark: str, more: str = "") -> str:
    """Rules by which each ``publishStream`` is answered with this mark in two fields and, of bad names, in a reason."""
    return f"""
[[rules]]
name = "{mark} bad"
methods = ["publishStream"]
names = ["bad*"]
policy = {{ type = "deny", reason = "{mark}" }}

[[rules]]
name = "{mark}"
methods = ["publishStream"]
policy = {{ type = "allow" }}
rewrites = [
    {{ type = "put", field = "name", value = "{mark}" }},
    {{ type = "put", field = "mark", value = "{mark}", undocumented = true }},
]
{more}
"""


class Running:
    """One server, its configuration and its workers."""

    def __init__(self, server: process.Server, base: str) -> None:
        self.server = server
        self.pid = server.process.pid
        self.url = server.url
        self.config = server.config
        self.spool = server.config.parent / "spool"
        self.log = server.config.with_name("serve.log")
        self._base = base

    def write(self, more: str = "") -> None:
        """Another configuration in the place of the one there is."""
        fresh = self.config.with_name("fresh.toml")
        fresh.write_text(self._base + more)
        fresh.chmod(0o600)
        fresh.replace(self.config)

    def take_over(self, more: str) -> Outcome:
        """What comes of a SIGHUP after writing this."""
        self.write(more)
        return presence.ask(self.spool, self.config, PATIENCE)

    def command(self, *more: str) -> subprocess.CompletedProcess[str]:
        """``authgate config reload``."""
        return process.ran("--config", str(self.config), "config", "reload", *more)

    def status(self) -> dict[str, Any]:
        """What is in force, as a worker tells it that is asked."""
        found: dict[str, Any] = httpx.get(f"{self.url}/healthz", trust_env=False).json()["configuration"]
        return found

    def send(self, method: str, headers: dict[str, str] | None = None, **fields: object) -> tuple[int, Any]:
        """The status and the answer, over a connection of its own."""
        body = {"nodeId": "n", "appKey": "defaultApp", "sessionId": "s", **fields}
        url = f"{self.url}/hooks/{method}"
        answer = httpx.post(url, json=body, headers=headers, trust_env=False, timeout=PATIENCE)
        return answer.status_code, answer.json()

    def marks(self) -> set[str]:
        """The marks by which each of the workers answers, asked one by one."""
        return {self._mark(pid) for pid in self.workers()}

    def workers(self) -> list[int]:
        """The processes that answer hooks."""
        return children(self.pid) or [self.pid]

    @contextmanager
    def alone(self, pid: int) -> Iterator[None]:
        """In it, no other worker than this answers."""
        others = [each for each in self.workers() if each != pid]
        for each in others:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in others:
                os.kill(each, signal.SIGCONT)

    def _mark(self, pid: int) -> str:
        with self.alone(pid):
            status, answer = self.send("publishStream", name="x")
            assert (status, answer["name"]) == (200, answer["mark"])
            return str(answer["mark"])


def children(pid: int) -> list[int]:
    """The workers that a process has started."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"spawn_main" in (each / "cmdline").read_bytes():
                found.append(int(each.name))
        except (OSError, IndexError):
            continue
    return sorted(found)


def lives(pid: int) -> bool:
    """Whether a process is there that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(what: Callable[[], object]) -> None:
    """Wait until something is true."""
    give_up = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < give_up, "it does not come true"
        time.sleep(0.02)


@contextmanager
def running(folder: Path, more: str, workers: int) -> Iterator[Running]:
    """A server that was started with this configuration."""
    config = process.prepare(folder, ann=PASSWORD)
    base = config.read_text()
    config.write_text(base + more)
    with process.serve(config, "--workers", str(workers)) as server:
        yield Running(server, base)


def told(log: Path) -> list[str]:
    """The messages of a log, as far as they are whole."""
    lines = log.read_text().splitlines(keepends=True)
    return [json.loads(line)["message"] for line in lines if line.startswith("{") and line.endswith("\n")]
