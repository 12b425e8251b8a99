"""What processes cost, as Linux tells it: processor time and memory of a server, with all that it has started."""

import os
from collections.abc import Sequence
from pathlib import Path

_PROC = Path("/proc")


def told() -> bool:
    """Whether this system tells it."""
    return (_PROC / "self" / "stat").exists()


def cpu(root: int) -> float:
    """Seconds of processor time, user and system, of a process and all below it, those that have ended included."""
    return sum(sum(int(field) for field in _stat(each)[11:15]) for each in family(root)) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> int:
    """Bytes that a process has in memory, with those that it shares; 0 where there is none of that number."""
    try:
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def workers(root: int) -> Sequence[int]:
    """The processes of an authgate that answer hooks: it itself where it has none below it."""
    return [each for each in family(root)[1:] if b"spawn_main" in _command(each)] or [root]


def family(root: int) -> Sequence[int]:
    """A process and all below it, as they are now."""
    children: dict[int, list[int]] = {}
    for path in _PROC.glob("[0-9]*"):
        stat = _stat(int(path.name))
        if stat:
            children.setdefault(int(stat[1]), []).append(int(path.name))
    found = [root]
    for each in found:
        found.extend(children.get(each, ()))
    return found


def _command(pid: int) -> bytes:
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""


def _stat(pid: int) -> Sequence[str]:
    """The fields of /proc/PID/stat from the third on (proc(5)); none where there is no such process."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ()
