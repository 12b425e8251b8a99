"""Lines on the local disk: bounded, private, and inherited."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from authgate.store.spool import Spool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a" / "spool"


def files(folder: Path) -> list[str]:
    return sorted(path.read_text() for path in folder.glob("*.jsonl"))


def drained(spool: Spool) -> list[bytes]:
    lines = []
    while peeked := spool.peek()[0]:
        lines += peeked
        spool.drop(spool.peek()[1])
    return lines


def test_first_in_first_out(folder: Path):
    spool = Spool(folder, 1000)
    for line in (b"one", b"two", b"three"):
        assert spool.append(line)
    assert drained(spool) == [b"one", b"two", b"three"]
    assert spool.size == 0
    assert spool.append(b"four")
    assert drained(spool) == [b"four"]
    spool.close()
    assert files(folder) == []


def test_private(folder: Path):
    spool = Spool(folder, 1000)
    spool.append(b"one")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    spool.set_aside([b"bad"])
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    spool.close()


def test_bounded(folder: Path):
    spool = Spool(folder, 10)
    assert spool.append(b"1234")
    assert spool.append(b"6789")
    assert not spool.append(b"")
    drained(spool)
    assert spool.append(b"123456789")
    spool.close()


def test_what_was_adopted_counts(folder: Path):
    first = Spool(folder, 10)
    first.append(b"123456789")
    first.close()
    second = Spool(folder, 10)
    second.adopt()
    assert second.size == 10
    assert not second.append(b"")
    second.close()


def test_many_chunks(folder: Path):
    spool = Spool(folder, 10_000_000)
    lines = [b"%d" % n * (n % 50 + 1) for n in range(20_000)]
    assert all(spool.append(line) for line in lines)
    assert drained(spool) == lines
    spool.close()


def test_files_of_the_living_are_left_alone(folder: Path):
    living, other = Spool(folder, 1000), Spool(folder, 1000)
    living.append(b"mine")
    other.adopt()
    assert other.peek() == ([], 0)
    living.close()
    other.adopt()
    other.adopt()
    assert drained(other) == [b"mine"]
    assert files(folder) == []
    other.close()


def test_a_file_is_adopted_by_one(folder: Path):
    dead = Spool(folder, 1000)
    dead.append(b"one")
    dead.close()
    heirs = [Spool(folder, 1000) for _ in range(4)]
    for heir in heirs:
        heir.adopt()
    assert sorted(heir.size for heir in heirs) == [0, 0, 0, 4]
    for heir in heirs:
        heir.close()
    assert files(folder) == ["one\n"]


DIE = """
import os, signal, sys
from pathlib import Path
from authgate.store.spool import Spool
spool = Spool(Path(sys.argv[1]), 1000)
spool.append(b"one")
spool.append(b"two")
{end}
"""
ENDS = {"kill -9": "os.kill(os.getpid(), signal.SIGKILL)", "os._exit": "os._exit(1)", "exception": "1 / 0"}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_lines_outlive_their_process(folder: Path, end: str):
    subprocess.run([sys.executable, "-c", DIE.format(end=end), folder], stderr=subprocess.DEVNULL, check=False)
    heir = Spool(folder, 1000)
    heir.adopt()
    assert drained(heir) == [b"one", b"two"]
    heir.close()


TORN = {
    "half a line": (b"one\ntwo\nthr", [b"one", b"two", b"thr"]),
    "only half a line": (b"thr", [b"thr"]),
    "nothing": (b"", []),
    "carriage returns": (b"o\rne\r\n", [b"o\rne\r"]),
    "NUL": (b"\0\0\0\n", [b"\0\0\0"]),
    "no newline for long": (b"x" * 100_000, [b"x" * 65536, b"x" * 34464]),
}


@pytest.mark.parametrize(("content", "lines"), TORN.values(), ids=TORN)
def test_nothing_is_lost_of_a_torn_file(folder: Path, content: bytes, lines: list[bytes]):
    folder.mkdir(parents=True)
    (folder / "dead.jsonl").write_bytes(content)
    spool = Spool(folder, 1000)
    spool.adopt()
    assert drained(spool) == lines
    spool.close()
    assert files(folder) == []


def test_a_full_disk_leaves_no_half_line(folder: Path, monkeypatch: pytest.MonkeyPatch):
    spool = Spool(folder, 1000)
    spool.append(b"one")
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:2]))
    with pytest.raises(OSError, match="no space"):
        spool.append(b"two")
    monkeypatch.undo()
    spool.append(b"three")
    assert drained(spool) == [b"one", b"three"]
    spool.close()


def test_a_file_taken_by_another_before_it_was_locked(folder: Path, monkeypatch: pytest.MonkeyPatch):
    taker = Spool(folder, 1000)
    open_file = os.open

    def open_and_lose(path, flags, mode=0o777):
        descriptor = open_file(path, flags, mode)
        if flags & os.O_CREAT:
            monkeypatch.setattr(os, "open", open_file)
            taker.adopt()
            assert taker.size == 0
        return descriptor

    monkeypatch.setattr(os, "open", open_and_lose)
    spool = Spool(folder, 1000)
    assert spool.append(b"one")
    assert drained(spool) == [b"one"]
    taker.close()
    spool.close()
    assert files(folder) == []


def test_set_aside(folder: Path):
    spool = Spool(folder, 1000)
    spool.append(b"one")
    spool.set_aside([b"bad", b"\xff\0"])
    spool.set_aside([b"worse"])
    assert (folder / "unusable.bad").read_bytes() == b"bad\n\xff\0\nworse\n"
    spool.close()
