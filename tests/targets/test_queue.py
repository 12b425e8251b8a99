"""The queue of what another back end observes: nothing in it is lost, whatever happens to us."""

import asyncio
import itertools
import json
import os
import stat
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from authgate.errors import ConfigError
from authgate.targets import observer

from .backend import HANG, reply, running
from .conftest import ALL, Making, Named, a_hook, files, numbers, queue, record_of, see, until

ROOT = Path(__file__).parents[2]
CHILD = """
import asyncio, os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from authgate.targets import HttpTargets, TargetOptions
from tests.targets.conftest import a_hook, raw, record_of

async def main():
    targets = HttpTargets({"legacy": TargetOptions(sys.argv[2], observe=("*",))}, Path(sys.argv[3]), raw)
    targets.start()
    for n in range(int(sys.argv[4]), int(sys.argv[5])):
        hook = a_hook(session="s%d" % (n % 5), n=n)
        targets.observe(hook, record_of(hook))
    print("kept", flush=True)
    await asyncio.sleep(float(sys.argv[6]))
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


def child(url: str, folder: Path, first: int, end: int, lives: float = 0.0) -> subprocess.Popen[str]:
    """A process that keeps some hooks, lives for some seconds and kills itself."""
    command = [sys.executable, "-c", CHILD, str(ROOT), url, str(folder), str(first), str(end), str(lives)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "kept\n"
    process.stdout.close()
    return process


async def test_killed_before_anything_was_sent(make: Making, other: Named):
    """Twice over, and still in order: who was begun first has what is older."""
    with running() as gone:
        pass
    for first in (0, 40):
        assert child(gone.url("x"), make.folder, first, first + 40).wait() == -9
    assert {stat.S_IMODE(path.stat().st_mode) for path in (make.folder, queue(make).parent, queue(make))} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files(make)} == {0o600}
    targets = make(other.url, **ALL)
    targets.start()
    await until(lambda: targets.states()["legacy"]["sent"] == 80)
    got = numbers(other.heard())
    assert sorted(got) == [*range(80)]
    for session in range(5):
        own = [n for n in got if n % 5 == session]
        assert own == sorted(own)
    await until(lambda: files(make) == [])  # the file goes just after its last hook was counted


async def test_killed_in_the_middle(make: Making, other: Named):
    """Only what was on its way is sent again, and it says so by its record."""
    other.say([0.05, reply()])
    process = child(other.url, make.folder, 0, 200, lives=60)
    await until(lambda: len(other.heard()) > 20)
    process.kill()
    assert process.wait() == -9
    assert len(other.heard()) < 200
    other.say([reply()])
    targets = make(other.url, **ALL)
    targets.start()
    await until(lambda: targets.states()["legacy"]["queue_bytes"] == 0)
    times = Counter(request["headers"]["authgate-record"] for request in other.heard())
    assert {*numbers(other.heard())} == {*range(200)}
    assert sum(times.values()) <= 200 + 5  # no session has more than one on its way
    got = numbers(other.heard())
    for session in range(5):
        own = [n for n, _ in itertools.groupby(n for n in got if n % 5 == session)]
        assert own == sorted(own)


async def test_stopped_in_the_middle(make: Making, other: Named, monkeypatch):
    """What is on its way is waited for, so that nothing is sent twice."""
    monkeypatch.setattr(observer, "_PARTING", 5.0)
    other.say([0.05, reply()])
    first = make(other.url, **ALL)
    first.start()
    for n in range(60):
        see(first, n, session=f"s{n % 5}")
    await until(lambda: len(other.heard()) > 12)
    await first.close()
    assert 12 < len(other.heard()) < 60
    other.say([reply()])
    second = make(other.url, **ALL)
    second.start()
    await until(lambda: second.states()["legacy"]["queue_bytes"] == 0)
    assert sorted(numbers(other.heard())) == [*range(60)]


async def test_a_stop_does_not_wait_for_a_target_that_hangs(make: Making, other: Named):
    other.say([HANG])
    targets = make(other.url, **ALL)
    targets.start()
    see(targets, 1)
    await until(other.heard)
    started = time.monotonic()
    await targets.close()
    assert time.monotonic() - started < 2
    assert files(make)[0].stat().st_size > 0


async def test_a_stop_does_not_wait_for_one_that_is_away(make: Making):
    targets = make("http://127.0.0.1:1", pause=30, **ALL)
    targets.start()
    see(targets, 1)
    await asyncio.sleep(0.2)
    started = time.monotonic()
    await targets.close()
    assert time.monotonic() - started < 2


async def test_another_configuration_is_taken_over(make: Making, other: Named):
    """Both have the same queue for a while; what the one leaves the other sends."""
    with running() as gone:
        pass
    before = make(gone.url("x"), pause=30, **ALL)
    before.start()
    see(before, 1, 2)
    after = make(other.url, **ALL)
    after.start()
    await before.close()
    see(before, 3)  # by a hook that was still on its way
    see(after, 4)
    await until(lambda: len(other.heard()) == 4)
    assert sorted(numbers(other.heard())) == [1, 2, 3, 4]


async def test_what_another_process_left_is_looked_for(make: Making, other: Named, monkeypatch):
    monkeypatch.setattr(observer, "_LOOK_AROUND", 0.05)
    with running() as gone:
        pass
    targets = make(other.url, **ALL)
    targets.start()
    assert child(gone.url("x"), make.folder, 0, 3).wait() == -9
    await until(lambda: len(other.heard()) == 3)


async def test_a_full_queue(make: Making, caplog):
    targets = make("http://127.0.0.1:1", queue_max_bytes=2000, **ALL)
    targets.start()
    see(targets, *range(100))
    state = targets.states()["legacy"]
    assert 0 < state["queue_bytes"] <= 2000
    assert 80 < state["lost"] < 100
    told = [record.getMessage() for record in caplog.records if "is not sent a hook" in record.getMessage()]
    assert told == ["target legacy is not sent a hook that it observes: its queue is full"]


async def test_a_queue_that_is_never_empty_has_room_again(make: Making, other: Named):
    targets = make(other.url, queue_max_bytes=20_000, **ALL)
    targets.start()
    for n in range(0, 2000, 20):
        see(targets, *range(n, n + 20))
        await until(lambda: targets.states()["legacy"]["queue_bytes"] < 10_000)
    assert targets.states()["legacy"]["lost"] == 0
    assert sum(path.stat().st_size for path in files(make)) < 5_000_000


async def test_a_disk_that_fails(make: Making, monkeypatch, caplog):
    targets = make("http://127.0.0.1:1", **ALL)
    targets.start()
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:2]))
    see(targets, 1, 2)
    monkeypatch.undo()
    assert targets.states()["legacy"]["lost"] == 2
    assert "its queue cannot be written to: no space left for the spool" in caplog.text


async def test_a_folder_that_cannot_be_used(make: Making):
    make.folder.mkdir()
    (make.folder / "observers").write_text("a file where the folder should be")
    targets = make("http://127.0.0.1:1", **ALL)
    for use in (targets.check, targets.start):
        with pytest.raises(ConfigError, match=r"store\.spool"):
            use()


async def test_lines_that_are_none_are_set_aside(make: Making, other: Named):
    queue(make).mkdir(parents=True)
    hook = a_hook(n=1)
    good = observer.lines.dump(hook, record_of(hook), hook.body)
    bad = [
        b"no",
        b"{}",
        b"\xff",
        b"[1,2,3]",
        json.dumps(["r", 1, True, "call", 1, {"a": 1}]).encode(),
        json.dumps(["r\r\nX: y", 1, True, "call", 1, "{}"]).encode(),
        json.dumps(["r", "1", True, "call", 1, "{}"]).encode(),
        b"[" * 100_000,
        good[:-10],
    ]
    (queue(make) / "dead.jsonl").write_bytes(b"\n".join([*bad[:4], good, *bad[4:-1], good, bad[-1]]))
    targets = make(other.url, **ALL)
    targets.start()
    await until(lambda: targets.states()["legacy"]["queue_bytes"] == 0)
    assert numbers(other.heard()) == [1, 1]
    assert [path.name for path in files(make)] == ["unusable.bad"]
    assert (queue(make) / "unusable.bad").read_bytes().split(b"\n") == [*bad, b""]


async def test_nothing_that_was_sent_stays_on_disk(make: Making, other: Named):
    other.say([reply()], [reply()], [HANG])
    targets = make(other.url, **ALL)
    targets.start()
    see(targets, 100_001, 100_002, 100_003)
    await until(lambda: len(other.heard()) == 3)
    left = b"".join(path.read_bytes() for path in files(make))
    assert [str(n).encode() in left for n in (100_001, 100_002, 100_003)] == [False, False, True]


async def test_what_is_left_of_a_target_that_is_not_configured_any_more(make: Making, other: Named, caplog):
    (make.folder / "observers" / "gone").mkdir(parents=True)
    make(other.url).start()
    [told] = [record.getMessage() for record in caplog.records]
    assert told.endswith("gone keeps hooks for a target that is not configured any more; remove it")


async def test_who_observes_nothing_any_more_is_sent_what_is_left(make: Making, other: Named):
    with running() as gone:
        pass
    assert child(gone.url("x"), make.folder, 0, 3).wait() == -9
    targets = make(other.url)
    targets.start()
    await until(lambda: len(other.heard()) == 3)
    see(targets, 4)
    await asyncio.sleep(0.05)
    assert len(other.heard()) == 3
