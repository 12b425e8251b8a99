"""The machine that it was measured on: what a reader must know to compare it with another."""

import os
import platform
import sqlite3
import statistics
import subprocess
import sysconfig
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from bench.servers import NotThereError, program

_TICKS = os.sysconf("SC_CLK_TCK")
_SYNCS = 25  # writes to the disk


class Meanwhile:
    """What else went on: on a machine that others use too, figures are worth as much as it was quiet."""

    def __init__(self) -> None:
        self._before = self._now()

    def told(self) -> str:
        """What part of the processors' time others have used since then."""
        ours, busy, stolen, whole = (now - before for now, before in zip(self._now(), self._before, strict=True))
        return (
            f"{max(0, busy - ours) / whole:.0%} of the processors' time, and {stolen / whole:.0%} was not given to us"
        )

    def _now(self) -> tuple[float, float, float, float]:
        """Seconds: ours with all that we started and that has ended, of everybody, withheld by the host, and all."""
        fields = [int(each) / _TICKS for each in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
        user, nice, system, _idle, _waiting, hardware, software, stolen = fields
        times = os.times()
        ours = times.user + times.system + times.children_user + times.children_system
        return ours, user + nice + system + hardware + software, stolen, sum(fields)


def in_memory(folder: Path) -> bool:
    """Whether what is in this folder is on no disk."""
    return _filesystem(folder).startswith(("tmpfs", "ramfs"))


def described(folder: Path) -> Mapping[str, str]:
    """What is measured on, in words; the disk is that of this folder."""
    built = sysconfig.get_config_var("CONFIG_ARGS") or ""
    flags = [flag for flag in ("--enable-optimizations", "--with-lto") if flag in built]
    with_what = f"with {' '.join(flags)}" if flags else "without --enable-optimizations and --with-lto"
    packages = ", ".join(f"{name} {version(name)}" for name in ("starlette", "uvicorn", "uvloop", "httptools"))
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.0f} GB",
        "kernel": f"{platform.system()} {platform.release()}",
        "disk": f"{_filesystem(folder)}; 4 KiB written and synced in {_sync(folder):.2f} ms (median of {_SYNCS})",
        "Python": f"{platform.python_version()}, {platform.python_compiler()}, built {with_what}",
        "packages": packages,
        "SQLite": sqlite3.sqlite_version,
        "nginx": _said("nginx", "-v"),
        "PHP": _said("php-fpm8.2", "-v"),
        "wrk": _said("wrk", "-v"),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _filesystem(folder: Path) -> str:
    """The type of the file system that a folder lies in, and its device."""
    best = ("", "", "")
    for line in Path("/proc/mounts").read_text().splitlines():
        device, point, kind = line.split()[:3]
        if folder.is_relative_to(point) and len(point) >= len(best[1]):
            best = (device, point, kind)
    return f"{best[2]} on {best[0]}"


def _sync(folder: Path) -> float:
    """Milliseconds until the disk has what is written."""
    took = []
    path = folder / "sync"
    with path.open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            began = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    path.unlink()
    return statistics.median(took)


def _said(name: str, option: str) -> str:
    """The first line that a program says of itself."""
    try:
        done = subprocess.run([program(name), option], capture_output=True, text=True)
    except NotThereError:
        return "not installed"
    return (done.stdout + done.stderr).partition("\n")[0].partition(" Copyright")[0].removeprefix("nginx version: ")
