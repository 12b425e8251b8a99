"""Rounds of load by wrk, in a process of its own."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from bench.figures import Round
from bench.servers import Server

_SCRIPT = Path(__file__).with_name("hooks.lua")
_PATIENCE = 20  # seconds until an answer is given up


class RefusedError(Exception):
    """A round counts for nothing: not every hook of it was answered with 2xx."""


def available() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def measure(server: Server, path: Path, seconds: float, connections: int) -> Round:
    """One round with the hooks of this file, from its first on; each connection waits for its answer.

    Raises:
        RefusedError: not all were answered with 2xx; with what wrk said.
    """
    before = server.cpu()
    said = _wrk(server.port, path, seconds, connections)
    used = server.cpu() - before
    return counted(said, used)


def counted(said: str, used: float) -> Round:
    """What wrk said of a round in which the server used so many seconds of processor time.

    Raises:
        RefusedError: not all were answered with 2xx.
    """
    last = said.rstrip().rpartition("\n")[2]
    if not last.startswith("{"):
        raise RefusedError(said)
    told: dict[str, Any] = json.loads(last)
    if told["refused"] or told["broken"] or not told["hooks"]:
        raise RefusedError(said)
    return Round(told["hooks"] / told["seconds"], told["p50"], told["p99"], told["p999"], used / told["hooks"] * 1000)


def _wrk(port: int, path: Path, seconds: float, connections: int) -> str:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", f"--timeout={_PATIENCE}s", "-s", str(_SCRIPT)]
    command.append(f"http://127.0.0.1:{port}")
    environment = os.environ | {"HOOKS": str(path)}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
