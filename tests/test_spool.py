"""Lines on the local disk: bounded, private, and inherited."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from authgate.spool import Spool


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
from authgate.spool import Spool
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


def test_the_folders_above_are_private_too(tmp_path: Path):
    spool = Spool(tmp_path / "a" / "b" / "c", 1000)
    spool.append(b"one")
    spool.close()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a", tmp_path / "a" / "b")} == {0o700}


DONE_WITH = {
    "dropped": lambda spool: spool.drop(4),
    "struck": lambda spool: spool.strike(0, 3),
    "struck with its end": lambda spool: spool.strike(0, 4),
}


@pytest.mark.parametrize("be_done", DONE_WITH.values(), ids=DONE_WITH)
def test_what_is_done_with_is_read_by_nobody_again(folder: Path, be_done):
    """Nor by whoever takes the file over after a kill, which is what closing the descriptor alone comes to."""
    spool = Spool(folder, 1000)
    for line in (b"one", b"two", b"three"):
        spool.append(line)
    assert spool.peek() == ([b"one", b"two", b"three"], 14)
    be_done(spool)
    assert files(folder) == ["   \ntwo\nthree\n"]
    spool.close()
    heir = Spool(folder, 1000)
    heir.adopt()
    assert heir.size == 10
    assert drained(heir) == [b"two", b"three"]
    heir.close()


def test_struck_in_the_middle(folder: Path):
    spool = Spool(folder, 1000)
    for line in (b"one", b"two", b"three"):
        spool.append(line)
    spool.drop(4)
    spool.strike(4, 5)
    assert spool.peek() == ([b"two", b"     "], 10)
    assert files(folder) == ["   \ntwo\n     \n"]
    spool.append(b"four")
    spool.drop(10)
    assert drained(spool) == [b"four"]
    spool.close()
    assert files(folder) == []


def test_a_file_that_is_all_done_with_is_removed(folder: Path):
    folder.mkdir(parents=True)
    for name, content in {"a": b"   \n  \n", "b": b"", "c": b" " * 100_000 + b"\n", "d": b" \none\n"}.items():
        (folder / f"{name}.jsonl").write_bytes(content)
    spool = Spool(folder, 1000)
    spool.adopt()
    assert files(folder) == [" \none\n"]
    assert (spool.size, drained(spool)) == (4, [b"one"])
    spool.close()


def test_nothing_is_done_with_twice(folder: Path):
    spool = Spool(folder, 1000)
    spool.drop(1)
    spool.strike(0, 1)
    assert spool.peek() == ([], 0)
    spool.close()


def test_who_was_begun_first_comes_first(folder: Path):
    for n in range(5):
        spool = Spool(folder, 1000)
        spool.append(b"%d" % n)
        spool.close()
        time.sleep(0.002)
    heir = Spool(folder, 1000)
    heir.append(b"own")
    heir.adopt()
    assert drained(heir) == [b"0", b"1", b"2", b"3", b"4", b"own"]
    heir.close()


def test_a_line_longer_than_what_is_read_at_once(folder: Path):
    lines = [b"x", b"y" * 65_535, b"z" * 65_536, b"a" * 1_000_000, b"b"]
    spool = Spool(folder, 10_000_000)
    for line in lines:
        spool.append(line)
    assert drained(spool) == lines
    spool.close()


def test_a_queue_that_is_never_empty_does_not_grow_for_ever(folder: Path):
    spool = Spool(folder, 3_000_000)
    line = b"x" * 99_999
    spool.append(line)
    for _ in range(200):
        assert spool.append(line)
        spool.drop(100_000)
        assert spool.size == 100_000
        assert sum(path.stat().st_size for path in folder.iterdir()) < 5_000_000
    assert drained(spool) == [line]
    spool.close()
    assert files(folder) == []
