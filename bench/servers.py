"""The servers that are measured, each a process of its own on a free port of the loopback until the end of a block."""

import contextlib
import json
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import hooks, processes
from bench.stores import Prepared

HERE = Path(__file__).parent
PATIENCE = 60  # seconds until a server that does not begin is given up
REST = 1.5  # seconds until what a server does once, after it is ready, is done
CHILDREN = 8  # processes of PHP
NOBODY = "nobody"  # who the peer runs as where we are root


class NotThereError(Exception):
    """What is to be measured is not installed or not running here; with what that is."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    port: int
    pids: tuple[int, ...]  # its processes, each with all below it

    @property
    def pid(self) -> int:
        """Its process, where it is one."""
        return self.pids[0]

    def cpu(self) -> float:
        """Seconds of processor time, user and system, that it has used."""
        return sum(map(processes.cpu, self.pids))

    def memory(self) -> Sequence[processes.Memory]:
        """What each worker of an authgate has in memory."""
        return [processes.memory(each) for each in processes.workers(self.pid)]


@contextlib.contextmanager
def floor() -> Iterator[Server]:
    """The bare framework."""
    port = free_port()
    with _running([sys.executable, str(HERE / "floor.py"), str(port)]) as process:
        _wait(port, process)
        yield Server(port, (process.pid,))


@contextlib.contextmanager
def authgate(prepared: Prepared, workers: int = 1, rest: float = REST) -> Iterator[Server]:
    """authgate as an operator runs it, ready for so many seconds; its log, with each verdict, is in ``serve.log``."""
    port = free_port()
    command = [sys.executable, "-m", "authgate", "--config", str(prepared.config), "serve"]
    command += ["--port", str(port), "--workers", str(workers)]
    with prepared.config.with_name("serve.log").open("ab") as log, _running(command, log.fileno()) as process:
        _wait(port, process, "/readyz")
        seen: set[int] = set()
        _until(lambda: _seen(port, seen) == workers, process)
        time.sleep(rest)
        yield Server(port, (process.pid,))


@contextlib.contextmanager
def peer(folder: Path, key: str, users: int, *, kept: bool) -> Iterator[Server]:
    """nginx and php-fpm with ``peer/hook.php``, in a folder that is not there yet.

    Kept, connections between the two stay open. That spares some work, and whoever gets none of them waits: each child
    of PHP answers one connection alone, as long as it is used.

    Raises:
        NotThereError: one of them is not installed.
    """
    nginx, fpm = program("nginx"), program("php-fpm8.2", "php-fpm8.4", "php-fpm8.3", "php-fpm")
    port = free_port()
    words = {"folder": folder, "port": port, "children": CHILDREN, "key": key, "keep": "on" if kept else "off"}
    words["keepalive"] = f"keepalive {CHILDREN};" if kept else ""
    folder.mkdir()
    for name in ("nginx.conf", "fpm.conf", "hook.php"):
        text = (HERE / "peer" / name).read_text()
        if name.endswith(".conf"):
            for word, value in words.items():
                text = text.replace(f"@{word}@", str(value))
        (folder / name).write_text(text)
    _peer_database(folder / "peer.db", users)
    who = _nobody(folder) if os.geteuid() == 0 else {}
    fpm_command = [fpm, "--nodaemonize", "--fpm-config", str(folder / "fpm.conf")]
    nginx_command = [nginx, "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")]
    with (
        (folder / "out.log").open("ab") as log,
        _running(fpm_command, log.fileno(), **who) as php,
        _running(nginx_command, log.fileno(), **who) as front,
    ):
        _wait(port, front)
        _until(lambda: (folder / "php.sock").exists(), php)
        yield Server(port, (front.pid, php.pid))


def program(*names: str) -> str:
    """The path of the first of these programs that is there, also where only root has it in its path.

    Raises:
        NotThereError: none is.
    """
    for name in names:
        if path := shutil.which(name, path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin"):
            return path
    raise NotThereError(f"{names[0]} is not installed")


def free_port() -> int:
    """A port of the loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _peer_database(path: Path, users: int) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE users (name TEXT PRIMARY KEY, enabled INTEGER NOT NULL) WITHOUT ROWID")
        columns = "at INTEGER, node TEXT, session TEXT, app TEXT, user TEXT, reason TEXT"
        db.execute(f"CREATE TABLE records (id INTEGER PRIMARY KEY, {columns})")
        db.executemany("INSERT INTO users VALUES (?, 1)", ((hooks.user(n),) for n in range(users)))


def _nobody(folder: Path) -> Mapping[str, Any]:
    """As whom the peer runs where we are root; its folder becomes theirs."""
    nobody = pwd.getpwnam(NOBODY)
    for each in (folder, *folder.iterdir()):
        os.chown(each, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def _running(command: Sequence[str], log: int = subprocess.DEVNULL, **who: Any) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(command, stdout=log, stderr=log, env=processes.environment(), **who)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _wait(port: int, process: "subprocess.Popen[bytes]", path: str = "") -> None:
    """Come back when it answers: at this path with 200, else at all."""
    _until(lambda: _ready(port, path) if path else _reached(port), process)


def _until(true: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + PATIENCE
    while not true():
        if process.poll() is not None:
            raise SystemExit(f"bench: {process.args} has ended with {process.returncode}")
        if time.monotonic() > give_up:
            raise SystemExit(f"bench: {process.args} does not answer")
        time.sleep(0.005)


def _seen(port: int, workers: set[int]) -> int:
    """How many workers have answered by now, with the one that does so this time: any of them may."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE) as answer:
        workers.add(json.load(answer)["worker"]["process"])
    return len(workers)


def _reached(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _ready(port: int, path: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1) as answer:
        return answer.status == 200
    return False
