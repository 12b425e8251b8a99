"""How long it takes to begin: the server until it is ready, and a command that only helps."""

import subprocess
import sys
import time
from pathlib import Path

from bench import servers
from bench.figures import Figure, figure
from bench.processes import environment
from bench.stores import Prepared

READY, HELP, IMPORTS = "start to ready", "authgate --help", "only importing starlette, uvicorn and SQLAlchemy"
_IMPORTS = "import starlette, uvicorn, sqlalchemy.ext.asyncio"


def measure(prepared: Prepared, times: int) -> dict[str, Figure]:
    """Seconds that each takes, so many times and in turns."""
    kinds = {
        READY: lambda: _ready(prepared),
        HELP: lambda: _run(str(Path(sys.executable).with_name("authgate")), "--help"),
        IMPORTS: lambda: _run(sys.executable, "-c", _IMPORTS),
    }
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(times):
        for name, seconds in kinds.items():
            found[name].append(seconds())
    return {name: figure(took) for name, took in found.items()}


def _ready(prepared: Prepared) -> float:
    began = time.perf_counter()
    with servers.authgate(prepared, rest=0):
        return time.perf_counter() - began


def _run(*command: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment())
    return time.perf_counter() - began
