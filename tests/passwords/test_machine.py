"""What a machine or a container has, and how much hashing fits into it."""

import os
from pathlib import Path

import pytest

from authgate.errors import ConfigError
from authgate.passwords import Hashing
from authgate.passwords.machine import Machine, Size, advice, fitting, this_machine

GIB = 1 << 20  # KiB
SMALL, LARGE = Machine(1, GIB // 2), Machine(64, 256 * GIB)
USUAL = Machine(2, 4 * GIB)

FITTING = {
    "two cores": (Hashing(), 1, USUAL, Size(2, GIB)),
    "two cores, two processes": (Hashing(), 2, USUAL, Size(1, GIB // 2)),
    "more processes than cores": (Hashing(), 4, USUAL, Size(1, GIB // 4)),
    "many cores": (Hashing(), 1, LARGE, Size(64, 64 * GIB)),
    "many cores, several threads for one hash": (Hashing(parallelism=4), 1, LARGE, Size(16, 64 * GIB)),
    "more cores than memory": (Hashing(memory=GIB), 4, LARGE, Size(16, 16 * GIB)),
    "a memory budget": (Hashing(memory_budget=256), 1, LARGE, Size(4, GIB // 4)),
    "a memory budget for one": (Hashing(memory_budget=64), 1, LARGE, Size(1, GIB // 16)),
    "workers as they are told": (Hashing(workers=8), 1, USUAL, Size(8, GIB)),
    "hardly any memory": (Hashing(), 1, SMALL, Size(1, GIB // 8)),
}


@pytest.mark.parametrize(("options", "processes", "machine", "size"), FITTING.values(), ids=FITTING)
def test_as_much_is_hashed_at_once_as_fits(options: Hashing, processes: int, machine: Machine, size: Size) -> None:
    assert fitting(options, processes, machine) == size


NOT_FITTING = {
    "one hash": (
        Hashing(memory=GIB),
        1,
        Machine(2, GIB),
        "hashing.memory: one hash takes 1024 MiB, and a quarter of this machine's memory leaves 256 MiB to each of "
        "1 processes; lower it, have fewer server.workers, or set hashing.memory_budget",
    ),
    "one hash for each process": (
        Hashing(memory_budget=100),
        2,
        USUAL,
        "hashing.memory: one hash takes 64 MiB, and hashing.memory_budget leaves 50 MiB to each of 2 processes; "
        "lower it, have fewer server.workers, or set hashing.memory_budget",
    ),
    "the workers": (
        Hashing(workers=5, memory_budget=256),
        1,
        USUAL,
        "hashing.workers: 5 hashes take 320 MiB, and hashing.memory_budget leaves 256 MiB to each of 1 processes: "
        "room for 4",
    ),
    "the budget": (
        Hashing(memory_budget=5000),
        1,
        USUAL,
        "hashing.memory_budget: 5000 MiB are more than the 4096 MiB that this machine has",
    ),
}


@pytest.mark.parametrize(("options", "processes", "machine", "fault"), NOT_FITTING.values(), ids=NOT_FITTING)
def test_what_cannot_fit_stops_the_start(options: Hashing, processes: int, machine: Machine, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        fitting(options, processes, machine)
    assert caught.value.faults == (fault,)


MIB = 1 << 20  # bytes
UNBOUNDED = str((1 << 63) - 4096)  # as version 1 says it
CONTAINERS = {  # files below / -> cores and KiB, None where it is what the machine has
    "none": ({}, None, None),
    "version 2": ({"/sys/fs/cgroup/memory.max": str(64 * MIB), "/sys/fs/cgroup/cpu.max": "50000 100000"}, 1, 65536),
    "version 2, unbounded": ({"/sys/fs/cgroup/memory.max": "max", "/sys/fs/cgroup/cpu.max": "max 100000"}, None, None),
    "version 2, a cgroup of its own": ({"/sys/fs/cgroup/a/b/memory.max": str(64 * MIB)}, None, 65536),
    "version 2, bounded above its own": (
        {"/sys/fs/cgroup/a/memory.max": str(64 * MIB), "/sys/fs/cgroup/a/b/memory.max": str(128 * MIB)},
        None,
        65536,
    ),
    "version 1": (
        {
            "/sys/fs/cgroup/memory/c/memory.limit_in_bytes": str(64 * MIB),
            "/sys/fs/cgroup/cpu/c/cpu.cfs_quota_us": "50000",
            "/sys/fs/cgroup/cpu/c/cpu.cfs_period_us": "100000",
        },
        1,
        65536,
    ),
    "version 1, as it looks from inside": ({"/sys/fs/cgroup/memory/memory.limit_in_bytes": str(64 * MIB)}, None, 65536),
    "version 1, unbounded": (
        {
            "/sys/fs/cgroup/memory/c/memory.limit_in_bytes": UNBOUNDED,
            "/sys/fs/cgroup/cpu/c/cpu.cfs_quota_us": "-1",
            "/sys/fs/cgroup/cpu/c/cpu.cfs_period_us": "100000",
        },
        None,
        None,
    ),
    "of another cgroup": ({"/sys/fs/cgroup/other/memory.max": str(64 * MIB)}, None, None),
    "of no sense": ({"/sys/fs/cgroup/memory.max": "much", "/sys/fs/cgroup/cpu.max": "few"}, None, None),
}


@pytest.mark.parametrize(("files", "cores", "memory"), CONTAINERS.values(), ids=CONTAINERS)
def test_containers_bound_what_there_is(
    tmp_path: Path, files: dict[str, str], cores: int | None, memory: int | None
) -> None:
    found = this_machine(_root(tmp_path, files))
    assert found.cores == (cores or len(os.sched_getaffinity(0)))
    assert found.memory == (memory or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024)


def _root(folder: Path, files: dict[str, str]) -> Path:
    own = "5:memory:/c\n4:cpu,cpuacct:/c\n1:name=systemd:/c\n0::/a/b\n"
    for name, text in {"/proc/self/cgroup": own, **files}.items():
        path = folder / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return folder


def test_a_machine_without_cgroups_is_as_large_as_it_says(tmp_path: Path) -> None:
    assert this_machine(tmp_path).cores == len(os.sched_getaffinity(0))


def test_this_machine_has_something() -> None:
    found = this_machine()
    assert found.cores >= 1
    assert found.memory > 64 * 1024


MADVISE, ALWAYS, NEVER = "always [madvise] never\n", "[always] madvise never\n", "always madvise [never]\n"
SLOWER = {
    "Debian 12": (MADVISE, "", "glibc 2.36", True),
    "another tunable": (MADVISE, "glibc.malloc.arena_max=2", "glibc 2.35", True),
    "told already": (MADVISE, "glibc.malloc.hugetlb=1", "glibc 2.36", False),
    "told among others": (MADVISE, "glibc.malloc.arena_max=2:glibc.malloc.hugetlb=2", "glibc 2.36", False),
    "pages are huge anyhow": (ALWAYS, "", "glibc 2.36", False),
    "switched off": (NEVER, "", "glibc 2.36", False),
    "a kernel without": (None, "", "glibc 2.36", False),
    "too old a glibc": (MADVISE, "", "glibc 2.34", False),
    "a glibc of which nothing is known": (MADVISE, "", "glibc", False),
    "a version that is none": (MADVISE, "", "glibc next", False),
    "another C library": (MADVISE, "", "", False),
}


@pytest.mark.parametrize(("mode", "tunables", "libc", "told"), SLOWER.values(), ids=SLOWER)
def test_where_huge_pages_would_help_that_is_told(
    tmp_path: Path, mode: str | None, tunables: str, libc: str, told: bool
) -> None:
    folder = tmp_path / "sys/kernel/mm/transparent_hugepage"
    folder.mkdir(parents=True)
    if mode is not None:
        (folder / "enabled").write_text(mode)
    said = advice(tmp_path, tunables, libc)
    assert ("GLIBC_TUNABLES=glibc.malloc.hugetlb=1" in said) is told
    assert bool(said) is told


def test_the_environment_says_what_is_told_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
    assert advice() == ""
