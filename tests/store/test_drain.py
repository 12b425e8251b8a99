"""What is deferred is written later, once, whatever happens to the process."""

import asyncio
import json
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from authgate.errors import ConfigError, StoreError
from authgate.model import Close, Entry, Reason, Record, SessionKey
from authgate.spool import Spool
from authgate.store import Store, StoreOptions
from authgate.store.drain import Drain, dump, load
from authgate.store.trouble import Unstorable

from .samples import KEY, a_record, a_session, closing, eventually, opening


class Ledger:
    """Takes entries, or does not."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.away = False
        self.tried = asyncio.Event()

    async def write(self, entry: Entry) -> None:
        self.tried.set()
        if self.away:
            raise StoreError("away")
        if entry.record.subject == "poison":
            raise Unstorable("no")
        self.entries.append(entry)

    async def holds(self) -> list[Entry]:
        return self.entries


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def sizes(folder: Path) -> list[int]:
    return [path.stat().st_size for path in folder.iterdir()]


@pytest.fixture
async def drain(folder: Path, ledger: Ledger):
    drain = Drain(Spool(folder, 10_000), ledger.write, retry_after=0.01)
    drain.start()
    yield drain
    await drain.close()


LINES = {
    "a record": Entry(a_record()),
    "nobody": Entry(a_record(user=None, allowed=False, reason=Reason.STORE_UNAVAILABLE)),
    "any text": Entry(a_record(subject='ж😀"\\\n\r\u2028', status="\x7f")),
    "a close": closing(),
    "facts": Entry(a_record(facts='{"fields":{"name":"ж😀\\n"}}')),
    "a close with facts": replace(closing(), record=a_record(facts="{}")),
}


@pytest.mark.parametrize("entry", LINES.values(), ids=LINES)
def test_a_line_comes_back_as_an_entry(entry: Entry):
    line = dump(entry)
    assert load(line) == entry
    assert b"\n" not in line
    assert line.isascii()


# Lines of version 0.1.0, which knew no facts.
OLD_LINES = {
    "an event": (
        b'["0123456789abcdef0123456789", 1, "n", "s", "a", "StreamStatusEvent", "ann", true, "ok", "r", "PLAYING", "x"'
        b", null]",
        Entry(
            Record(
                "0123456789abcdef0123456789",
                1,
                SessionKey("n", "s"),
                "a",
                "StreamStatusEvent",
                "ann",
                True,
                Reason.OK,
                "r",
                "PLAYING",
                "x",
            )
        ),
    ),
    "a close": (
        b'["0", 1, "n", "s", "a", "ConnectionStatusEvent", null, true, "ok", "r", "FAILED", "", 2]',
        Entry(
            Record("0", 1, SessionKey("n", "s"), "a", "ConnectionStatusEvent", None, True, Reason.OK, "r", "FAILED"),
            Close(SessionKey("n", "s"), 2),
        ),
    ),
}


@pytest.mark.parametrize(("line", "entry"), OLD_LINES.values(), ids=OLD_LINES)
def test_a_line_of_an_older_version(line: bytes, entry: Entry):
    assert load(line) == entry


def test_a_line_is_bounded():
    entry = Entry(a_record(subject="😀" * 1_000_000, app_key="\0" * 1_000_000, facts="😀" * 1_000_000))
    assert len(dump(entry)) < 10_000
    assert len(dump(replace(entry, record=replace(entry.record, facts="😀" * 16_000)))) < 210_000


GOOD = json.loads(dump(closing()))
BAD = {
    "empty": b"",
    "not JSON": b"one",
    "not UTF-8": b'["\xff"]',
    "torn": dump(closing())[:-5],
    "not a list": b"{}",
    "too short": json.dumps(GOOD[:-2]).encode(),
    "too long": json.dumps([*GOOD, 1]).encode(),
    "a reason that is not known": json.dumps([*GOOD[:8], "because", *GOOD[9:]]).encode(),
    "a number for text": json.dumps([1, *GOOD[1:]]).encode(),
    "text for a time": json.dumps([GOOD[0], "1", *GOOD[2:]]).encode(),
    "a number for facts": json.dumps([*GOOD[:12], 1, GOOD[13]]).encode(),
    "an object for facts": json.dumps([*GOOD[:12], {}, GOOD[13]]).encode(),
    "facts for the time of the close": json.dumps([*GOOD[:12], "{}"]).encode(),
    "a list for a user": json.dumps([*GOOD[:6], [], *GOOD[7:]]).encode(),
    "nested beyond all measure": b"[" * 60_000,
    "text for the time of the close": json.dumps([*GOOD[:-1], "1"]).encode(),
}


@pytest.mark.parametrize("line", BAD.values(), ids=BAD)
def test_a_line_that_is_none(line: bytes):
    with pytest.raises((ValueError, TypeError, RecursionError)):
        load(line)


async def test_written_soon(drain: Drain, ledger: Ledger, folder: Path):
    entries = [closing(SessionKey("n", str(n))) for n in range(5)]
    assert all(drain.defer(entry) for entry in entries)
    await eventually(entries, ledger.holds)
    await asyncio.sleep(0.01)
    assert sizes(folder) == [0]


async def test_kept_while_the_store_is_away(drain: Drain, ledger: Ledger):
    ledger.away = True
    entry = closing()
    drain.defer(entry)
    for _ in range(3):
        ledger.tried.clear()
        await ledger.tried.wait()
    assert ledger.entries == []
    ledger.away = False
    await eventually([entry], ledger.holds)


async def test_full(folder: Path, ledger: Ledger):
    drain = Drain(Spool(folder, 1000), ledger.write, retry_after=0.01)
    ledger.away = True
    drain.start()
    kept = [drain.defer(closing()) for _ in range(20)]
    assert kept == sorted(kept, reverse=True)
    assert {*kept} == {True, False}
    await drain.close()


def test_a_disk_that_fails(folder: Path, ledger: Ledger):
    drain = Drain(Spool(folder, 1000), ledger.write, retry_after=0.01)
    folder.write_text("a file where the folder should be")
    assert not drain.defer(closing())


GOOD_1, POISON, GOOD_2 = closing(), Entry(a_record(subject="poison")), closing()


@pytest.fixture
def dead(folder: Path) -> None:
    folder.mkdir()
    lines = [*BAD.values(), dump(GOOD_1), dump(POISON), dump(GOOD_2)]
    (folder / "dead.jsonl").write_bytes(b"\n".join(lines) + b'\n["torn')


async def test_lines_that_cannot_be_used_are_set_aside(dead: None, folder: Path, ledger: Ledger):
    drain = Drain(Spool(folder, 10_000), ledger.write, retry_after=0.01)
    drain.start()
    await eventually([GOOD_1, GOOD_2], ledger.holds)
    await asyncio.sleep(0.05)
    await drain.close()
    assert names(folder) == ["unusable.bad"]
    unusable = [*BAD.values(), b'["torn', dump(POISON), b""]
    assert sorted((folder / "unusable.bad").read_bytes().split(b"\n")) == sorted(unusable)


class Strange(Spool):
    """A spool that fails as nobody foresaw, once."""

    failed = False

    def peek(self):
        if not self.failed:
            self.failed = True
            raise ZeroDivisionError
        return super().peek()


async def test_what_nobody_foresaw_does_not_end_it(folder: Path, ledger: Ledger, caplog: pytest.LogCaptureFixture):
    drain = Drain(Strange(folder, 10_000), ledger.write, retry_after=0.01)
    drain.start()
    entries = [closing(), closing()]
    drain.defer(entries[0])
    await eventually(entries[:1], ledger.holds)
    drain.defer(entries[1])
    await eventually(entries, ledger.holds)
    await drain.close()
    assert "ZeroDivisionError" in caplog.text


async def test_a_folder_that_cannot_be_used(tmp_path: Path, ledger: Ledger):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"store\.spool"):
        Drain(Spool(tmp_path / "file", 1000), ledger.write, retry_after=0.01).start()


async def recorded(store: Store, *entries: Entry) -> None:
    """Wait until all of them are there."""

    async def missing() -> set[str]:
        return {entry.record.id for entry in entries} - {*await recorded_ids(store)}

    await eventually(set(), missing)


async def test_an_entry_that_is_written_already_is_written_once(store: Store):
    entry = closing()
    await store.ledger.write(entry)
    other = closing()
    store.ledger.defer(entry)
    store.ledger.defer(replace(entry, record=replace(entry.record, rule="other")))
    store.ledger.defer(other)
    await recorded(store, entry, other)
    assert len(await store.records.list()) == 2


async def test_a_late_close_ends_no_later_session(store: Store):
    await store.ledger.write(opening(a_session(opened_at=1000)))
    await store.ledger.write(opening(a_session(SessionKey("n", "old"), opened_at=1000)))
    late, old = closing(at=999), closing(SessionKey("n", "old"), at=1001)
    store.ledger.defer(late)
    store.ledger.defer(old)
    await recorded(store, late, old)
    assert await store.sessions.find(KEY)
    assert await store.sessions.find(SessionKey("n", "old")) is None


async def test_a_session_is_not_opened_late(store: Store):
    entry = opening(a_session())
    store.ledger.defer(entry)
    await recorded(store, entry)
    assert await store.sessions.find(KEY) is None


async def recorded_ids(store: Store) -> list[str]:
    return [record.id for record in await store.records.list()]


DEFER_AND_DIE = """
import asyncio, os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from authgate.model import Secret
from authgate.store import Store, StoreOptions
from tests.store.samples import closing

async def main():
    store = Store(StoreOptions(url=Secret(sys.argv[1]), spool=Path(sys.argv[2])))
    await store.start()
    for _ in range(3):
        entry = closing()
        assert store.ledger.defer(entry)
        print(entry.record.id)
    sys.stdout.flush()
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_what_a_killed_process_deferred_is_written_by_the_next(store_options: StoreOptions):
    root = Path(__file__).parents[2]
    away = "sqlite:////nowhere/a.db"
    command = [sys.executable, "-c", DEFER_AND_DIE, away, store_options.spool, root]
    dead = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    ids = dead.stdout.split()
    assert (dead.returncode, len(ids), dead.stderr) == (-9, 3, "")
    assert stat.S_IMODE(store_options.spool.stat().st_mode) == 0o700
    heir = Store(store_options)
    await heir.start()
    await eventually(ids[::-1], recorded_ids, heir)
    await heir.close()
    assert names(store_options.spool) == []


async def test_closing_leaves_the_rest_for_the_next(store_options: StoreOptions):
    first = Store(store_options)
    entry = closing()
    first.ledger.defer(entry)  # not started: nothing drains
    await first.close()
    assert isinstance(entry.change, Close)
    second = Store(store_options)
    await second.start()
    await recorded(second, entry)
    await second.close()
