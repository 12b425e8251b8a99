"""What the machine has for hashing, or what a container leaves of it; how much hashing fits into that."""

import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from authgate.errors import ConfigError
from authgate.passwords.hashing import Hashing

_QUARTER = 4  # hashing takes this part of the memory: the rest is for the server, its store and whatever else runs


@dataclass(frozen=True, slots=True)
class Machine:
    """What processes may use here."""

    cores: int
    memory: int  # KiB


@dataclass(frozen=True, slots=True)
class Size:
    """How much hashing one process does at once."""

    workers: int
    memory: int  # KiB that those take together
    gives_way: bool = True  # to the other threads of the process, such as the one that answers hooks


def this_machine(root: Path = Path("/")) -> Machine:
    """The cores that this process may run on and the memory that it may use; cgroups of version 1 and 2 bound them."""
    cores = float(_affinity())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for folder in _cgroups(root, "cpu"):
        cores = min(cores, _quota(folder))
    for folder in _cgroups(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            with suppress(OSError, ValueError):  # "max" where there is no limit
                memory = min(memory, int((folder / name).read_text()))
    return Machine(max(1, math.ceil(cores)), memory // 1024)


def budget_of(options: Hashing, machine: Machine) -> int:
    """KiB that all hashes take at once, in all processes together."""
    return options.memory_budget * 1024 or machine.memory // _QUARTER


def at_once(options: Hashing, processes: int, machine: Machine) -> int:
    """How many hashes each of so many processes makes at once, as far as the cores decide."""
    cores = machine.cores // (processes * options.parallelism)
    return options.workers or max(1, cores - _spared(cores))


def fitting(options: Hashing, processes: int, machine: Machine) -> Size:
    """How much hashing each of so many processes does on this machine: as many hashes as it has cores, if they fit.

    Raises:
        ConfigError: a setting does not fit; each is named, with what would.
    """
    budget = budget_of(options, machine)
    whose = "hashing.memory_budget" if options.memory_budget else "a quarter of this machine's memory"
    share = budget // processes
    faults = []
    if budget > machine.memory:
        faults.append(f"{whose}: {_mib(budget)} are more than the {_mib(machine.memory)} that this machine has")
    elif options.memory > share:
        faults.append(
            f"hashing.memory: one hash takes {_mib(options.memory)}, and {whose} leaves {_mib(share)} to each of "
            f"{processes} processes; lower it, have fewer server.workers, or set hashing.memory_budget"
        )
    elif options.workers * options.memory > share:
        faults.append(
            f"hashing.workers: {options.workers} hashes take {_mib(options.workers * options.memory)}, and {whose} "
            f"leaves {_mib(share)} to each of {processes} processes: room for {share // options.memory}"
        )
    if faults:
        raise ConfigError(faults)
    return Size(min(at_once(options, processes, machine), share // options.memory), share)


def advice(root: Path = Path("/"), tunables: str | None = None, libc: str | None = None) -> str:
    """What would make hashing faster here; empty where nothing is known that would.

    argon2 walks at random through 64 MiB: in pages of 4 KiB that takes a third longer than in huge ones. From 2.35 on
    glibc asks for those where it is told to (its manual, "Memory Allocation Tunables"), and Linux gives them unless it
    was told otherwise. ``tunables`` and ``libc`` are what the environment and the C library say, unless given.
    """
    tunables = os.environ.get("GLIBC_TUNABLES", "") if tunables is None else tunables
    name, _, version = (_libc() if libc is None else libc).partition(" ")
    mode = ""
    with suppress(OSError):
        mode = (root / "sys/kernel/mm/transparent_hugepage/enabled").read_text()
    if name != "glibc" or not _at_least(version, _HUGE_SINCE) or "[madvise]" not in mode or _HUGE in tunables:
        return ""
    return f"hashes take a quarter less time where the environment has GLIBC_TUNABLES={_HUGE}=1"


_HUGE, _HUGE_SINCE = "glibc.malloc.hugetlb", (2, 35)


def _libc() -> str:
    with suppress(ValueError, OSError, AttributeError):  # there is no such question elsewhere
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    return ""


def _at_least(version: str, least: tuple[int, int]) -> bool:
    with suppress(ValueError):
        return tuple(int(part) for part in version.split(".")[:2]) >= least
    return False


def step_back() -> None:
    """Let this thread give way to others of its control group and session that have something to do, on Linux."""
    if sys.platform == "linux":  # elsewhere a process has one priority, and its threads none of their own
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + _NICER)


_NICER = 5  # a third of the time of others where all have something to do: enough to give way, and not to starve


def _spared(cores: int) -> int:
    """The cores that are left to others where hashing cannot give way to them."""
    return 0 if sys.platform == "linux" else int(cores > 1)


def _mib(kib: int) -> str:
    return f"{kib // 1024} MiB"


def _affinity() -> int:
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _cgroups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of the cgroups that this process is in and that bound it: its own, and those above."""
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            number, _, rest = line.partition(":")
            names, _, path = rest.partition(":")
            if number == "0" or controller in names.split(","):
                top = root / "sys/fs/cgroup" / ("" if number == "0" else controller)
                own = top / path.strip("/")
                # Seen from inside a container, the path may be one of the host: then there is only the top.
                yield from (each for each in (own, *own.parents) if each.is_relative_to(top))


def _quota(folder: Path) -> float:
    """The cores that a cgroup allows, infinitely many where it sets no bound."""
    with suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text().split()
        return int(quota) / int(period)
    with suppress(OSError, ValueError):
        quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return int(quota) / int(period) if int(quota) > 0 else math.inf
    return math.inf
