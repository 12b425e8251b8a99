"""What processes cost: the time of the processor and the memory of a server, with all that it has started."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from authgate.bench.processes import cpu as cpu
from authgate.bench.processes import family as family
from authgate.bench.processes import workers as workers


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


def memory(pid: int) -> Memory:
    """What one process has in memory."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {line.partition(":")[0]: int(line.split()[1]) for line in lines}
    return Memory(kilobytes["Rss"] * 1024 / 1e6, kilobytes["Pss"] * 1024 / 1e6)
