"""What a hook costs, as ratios to the bare framework measured in the same run: ``python bench/run.py [--seconds 4]``.

Needs wrk. Both servers have one worker and the same settings of uvicorn. authgate runs as an operator runs it:
caller checked, SQLite on disk, each record committed before its answer, each verdict logged. Rounds alternate
between the two, and medians are shown, since a shared machine is never quiet.
"""

import argparse
import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jwt

HERE = Path(__file__).parent
USERS = 10_000
FIELDS = {
    "nodeId": "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA@192.0.2.10",
    "appKey": "defaultApp",
    "mediaProviders": ["WebRTC", "MSE"],
    "clientVersion": "2.0",
    "clientBrowserVersion": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0",
    "origin": "https://app.example.com",
}
STREAM = {"mediaSessionId": "11111111-fb59-11e6-812c-1b28ccb49323", "name": "stream1", "hasVideo": True, "width": 0}
WAYS = {
    "connect by token": ("connect", {"custom": {}}),
    "playStream in a session": ("playStream", STREAM | {"published": False, "status": "PENDING"}),
    "StreamStatusEvent": ("StreamStatusEvent", STREAM | {"published": True, "status": "PUBLISHING"}),
}


class Round(NamedTuple):
    """What one round came to."""

    hooks: float  # per second
    p99: float  # milliseconds
    cpu: float  # seconds of the server's processes per 1,000 hooks


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--seconds", type=int, default=4, help="of each round")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", type=int, default=64)
    given = options.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("bench: wrk is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = prepare(folder)
        floor = [sys.executable, "-m", "uvicorn", "--app-dir", str(HERE), "floor:app", "--no-access-log"]
        ours = [sys.executable, "-m", "authgate", "--config", str(folder / "authgate.toml"), "serve"]
        with serving(floor) as bare, serving(ours) as authgate:
            for what, (method, fields) in WAYS.items():
                bodies = write(folder / f"{method}.jsonl", fields, key if "custom" in fields else None)
                rounds: dict[str, list[Round]] = {"floor": [], "authgate": []}
                for _ in range(given.rounds):
                    for who, server in (("floor", bare), ("authgate", authgate)):
                        rounds[who].append(measure(server, method, bodies, given.seconds, given.connections))
                tell(what, rounds)


def prepare(folder: Path) -> str:
    """A migrated store with users, and the key of their tokens."""
    command = [sys.executable, "-m", "authgate"]
    subprocess.run([*command, "init", str(folder), "--force"], check=True, stdout=subprocess.DEVNULL)
    config = folder / "authgate.toml"
    subprocess.run([*command, "--config", str(config), "db", "upgrade"], check=True, stdout=subprocess.DEVNULL)
    with contextlib.closing(sqlite3.connect(folder / "authgate.db")) as store, store:
        rows = ((f"user{n}", f"user{n}", 1, 0, 0) for n in range(USERS))
        store.executemany("INSERT INTO users (name, display, enabled, created_at, updated_at) VALUES (?,?,?,?,?)", rows)
    return str(tomllib.loads(config.read_text())["verifiers"][0]["key"])


def write(path: Path, fields: dict[str, object], key: str | None) -> Path:
    """As many hooks as there are users, each of its own session; with a key, each with its own token."""
    expires = int(time.time()) + 86400
    with path.open("w") as file:
        for n in range(USERS):
            hook = FIELDS | {"sessionId": f"/203.0.113.7:{n}/192.0.2.10:8443-{n:012}"} | fields
            if key is not None:
                claims = {"sub": f"user{n}", "exp": expires, "jti": secrets.token_hex(16)}
                hook["custom"] = {"token": jwt.encode(claims, key, "HS256")}
            file.write(json.dumps(hook) + "\n")
    return path


class Server(NamedTuple):
    port: int
    pid: int


@contextlib.contextmanager
def serving(command: list[str]) -> Iterator[Server]:
    """A server that answers, until the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([*command, "--port", str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            time.sleep(0.05)
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait()


def measure(server: Server, method: str, bodies: Path, seconds: int, connections: int) -> Round:
    """One round, by wrk in a process of its own."""
    before = cpu(server.pid)
    environment = os.environ | {"HOOK_FILE": str(bodies), "HOOK_PATH": f"/hooks/{method}"}
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", "-s", str(HERE / "hooks.lua")]
    command.append(f"http://127.0.0.1:{server.port}")
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    if "Non-2xx" in said:
        raise SystemExit(f"{method} was refused:\n{said}")
    hooks = int(re.search(r"(\d+) requests in", said)[1])
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    used = (cpu(server.pid) - before) / hooks * 1000
    return Round(hooks / seconds, float(p99[1]) * {"us": 0.001, "ms": 1, "s": 1000}[p99[2]], used)


def cpu(pid: int) -> float:
    """Seconds of processor time, user and system, that a process has used."""
    used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")


def tell(what: str, rounds: dict[str, list[Round]]) -> None:
    """The medians, and what part of the floor's they are."""
    middle = {who: Round(*map(statistics.median, zip(*each, strict=True))) for who, each in rounds.items()}
    print(what)
    for who, each in middle.items():
        print(f"  {who:9} {each.hooks:8.0f} hooks/s   p99 {each.p99:6.1f} ms   {each.cpu:.3f} CPU s per 1,000 hooks")
    floor, ours = middle["floor"], middle["authgate"]
    print(f"  ratio     {ours.hooks / floor.hooks:8.2f}           p99 {ours.p99 / floor.p99:6.1f}")


if __name__ == "__main__":
    main()
