"""What processes cost: the time of the processor and the memory of a server, with all that it has started."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process has in memory, in MB (1,000,000 bytes)."""

    rss: float  # all of it
    pss: float  # of what it shares with other processes, its share


def environment() -> Mapping[str, str]:
    """Ours without settings of authgate, which a developer may have around, and with compiled modules kept, as ever."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AUTHGATE_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept


def family(root: int) -> Sequence[int]:
    """A process and all below it, as they are now."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        stat = _stat(int(path.name))
        if stat:
            children.setdefault(int(stat[1]), []).append(int(path.name))
    found = [root]
    for each in found:
        found.extend(children.get(each, ()))
    return found


def cpu(root: int) -> float:
    """Seconds of processor time, user and system, of a process and all below it, those that have ended included."""
    return sum(sum(int(field) for field in _stat(each)[11:15]) for each in family(root)) / _TICKS


def memory(pid: int) -> Memory:
    """What one process has in memory."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {line.partition(":")[0]: int(line.split()[1]) for line in lines}
    return Memory(kilobytes["Rss"] * 1024 / 1e6, kilobytes["Pss"] * 1024 / 1e6)


def workers(root: int) -> Sequence[int]:
    """The processes of an authgate that answer hooks: it itself where it has none below it."""
    below = [each for each in family(root)[1:] if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]
    return below or [root]


def _stat(pid: int) -> Sequence[str]:
    """The fields of /proc/PID/stat from the third on (proc(5)); none where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ()
