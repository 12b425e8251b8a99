"""What another back end is sent after the answer: in order, at least once, whatever happens to us or to it."""

import asyncio
import itertools
import json
import logging
import os
import stat
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import uvloop

from authgate.errors import ConfigError
from authgate.hooks.parse import parse
from authgate.model import Delivery
from authgate.targets import HttpTargets, TargetOptions, observer
from authgate.targets.masked import masked
from authgate.verifiers.credentials import CredentialPaths

from .backend import CLOSE, HANG, reply, running
from .conftest import Making, Named, a_hook, raw, record_of, until

ALL = {"observe": ("*",)}
ROOT = Path(__file__).parents[2]


def numbers(requests) -> list[int]:
    return [json.loads(request["body"])["n"] for request in requests]


def see(targets: HttpTargets, *ns: int, session: str = "s") -> None:
    for n in ns:
        hook = a_hook(session=session, n=n)
        targets.observe(hook, record_of(hook))


def queue(make: Making) -> Path:
    return make.folder / "observers" / "legacy"


def files(make: Making) -> list[Path]:
    return sorted(queue(make).iterdir())


async def test_each_session_in_its_order(make: Making, other: Named):
    targets = make(other.url, **ALL)
    targets.start()
    for n in range(100):
        see(targets, n, session=f"s{n % 7}")
        if n % 10 == 0:
            await asyncio.sleep(0)
    await until(lambda: targets.states()["legacy"]["sent"] == 100)
    got = numbers(other.heard())
    assert sorted(got) == [*range(100)]
    for session in range(7):
        own = [n for n in got if n % 7 == session]
        assert own == sorted(own)
    await until(lambda: [path.stat().st_size for path in files(make)] == [0])


async def test_what_is_sent(make: Making, other: Named):
    hook = parse(
        Delivery("call", '{\r\n\t"name" : "жук\\n\\u0000 \u2028", "n": 1e2,\n"big": 123456789012345678901}\n'.encode())
    )
    record = record_of(hook, allowed=False)
    targets = make(f"{other.url}/deep", **ALL, send_credentials=True)
    targets.start()
    targets.observe(hook, record)
    await until(other.heard)
    [request] = other.heard()
    assert request["line"] == f"POST /{other.name}/deep/call HTTP/1.1"
    assert request["body"].encode() == hook.body
    told = {name: value for name, value in request["headers"].items() if name.startswith("authgate")}
    assert told == {
        "authgate-record": record.id,
        "authgate-time": "1700000000000",
        "authgate-verdict": "rejected",
    }


WANTED = {
    "every method": ({"observe": ("*",)}, True),
    "this method": ({"observe": ("publishStream", "connect")}, True),
    "this application": ({"observe": ("*",), "observe_apps": ("a", "defaultApp")}, True),
    "none": ({}, False),
    "another method": ({"observe": ("connect",)}, False),
    "another application": ({"observe": ("*",), "observe_apps": ("a",)}, False),
    "an application alone": ({"observe_apps": ("defaultApp",)}, False),
}


@pytest.mark.parametrize(("options", "wanted"), WANTED.values(), ids=WANTED)
async def test_which_hooks(make: Making, other: Named, options, wanted):
    targets = make(other.url, **options)
    targets.start()
    see(targets, 1)
    if wanted:
        await until(other.heard)
    await asyncio.sleep(0.05)
    assert len(other.heard()) == wanted
    assert queue(make).exists() == bool(options.get("observe"))


async def test_it_never_waits(make: Making, other: Named):
    other.say([HANG])
    targets = make(other.url, **ALL)
    targets.start()
    started = time.monotonic()
    see(targets, *range(300))
    await asyncio.sleep(0.05)
    see(targets, *range(300))
    assert time.monotonic() - started < 0.5


async def test_its_questions_do_not_wait_for_what_it_observes(make: Making, other: Named):
    other.say([0.2, reply()])
    targets = make(other.url, **ALL, connections=1)
    targets.start()
    see(targets, *range(8))
    await until(other.heard)
    other.say([reply()])
    started = time.monotonic()
    assert (await targets.ask("legacy", a_hook())).allowed
    assert time.monotonic() - started < 0.15


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
    """A process that keeps some hooks, lives for some seconds and is killed."""
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
    assert files(make) == []


async def test_killed_in_the_middle(make: Making, other: Named):
    """Only what was on its way is sent again, and it says so by its record."""
    other.say([0.02, reply()])
    assert child(other.url, make.folder, 0, 200, lives=0.25).wait() == -9
    before = len(other.heard())
    assert 8 < before < 200
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


async def test_stopped_in_the_middle(make: Making, other: Named):
    """What is on its way is waited for, so that nothing is sent twice."""
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
    assert time.monotonic() - started < 0.5
    assert files(make)[0].stat().st_size > 0


async def test_a_stop_does_not_wait_for_one_that_is_away(make: Making):
    targets = make("http://127.0.0.1:1", pause=30, **ALL)
    targets.start()
    see(targets, 1)
    await asyncio.sleep(0.2)
    started = time.monotonic()
    await targets.close()
    assert time.monotonic() - started < 0.5


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


AWAY = {
    "hangs up": [CLOSE],
    "408": [reply("", "408 Request Timeout")],
    "429": [reply("", "429 Too Many Requests")],
    "502": [reply("", "502 Bad Gateway")],
    "503": [reply("", "503 Service Unavailable")],
    "504": [reply("", "504 Gateway Timeout")],
}


@pytest.mark.parametrize("answer", AWAY.values(), ids=AWAY)
async def test_sent_again_until_it_is_there(make: Making, other: Named, answer):
    targets = make(other.url, pause=0.001, retries=0, **ALL)
    other.say(*[answer] * 7, [reply()])
    targets.start()
    see(targets, *range(30))
    await until(lambda: targets.states()["legacy"]["sent"] == 30)
    got = numbers(other.heard())
    assert [n for n, _ in itertools.groupby(got)] == [*range(30)]
    assert len(got) == 30 + 7
    assert targets.states()["legacy"]["failed"] == 0


async def test_it_is_left_more_and_more_time(make: Making, other: Named):
    other.say([reply("", "503 Service Unavailable")])
    targets = make(other.url, pause=0.02, **ALL)
    targets.start()
    for n in range(40):
        see(targets, n, session=f"s{n}")
    await asyncio.sleep(0.5)
    # 8 at once at first, then one at a time: at 0.02, 0.04, 0.08, 0.16 and 0.32 seconds, or half of each.
    assert 8 + 3 <= len(other.heard()) <= 8 + 6


async def test_a_dead_back_end_is_found_again(make: Making):
    with running() as first:
        pass
    targets = make(first.url("x"), **ALL)
    targets.start()
    see(targets, *range(20))
    await asyncio.sleep(0.2)
    with running(first.port) as second:
        await until(lambda: targets.states()["legacy"]["sent"] == 20)
        assert numbers(second.heard("x")) == [*range(20)]


UNWANTED = {
    "400": [reply("", "400 Bad Request")],
    "401": [reply("", "401 Unauthorized")],
    "403": [reply("", "403 Forbidden")],
    "404": [reply("", "404 Not Found")],
    "redirect": [reply("", "302 Found", "Location: /elsewhere")],
}


@pytest.mark.parametrize("answer", UNWANTED.values(), ids=UNWANTED)
async def test_what_it_does_not_want_is_not_sent_again(make: Making, other: Named, answer, caplog):
    other.say(answer)
    targets = make(other.url, **ALL)
    targets.start()
    see(targets, *range(5))
    await until(lambda: targets.states()["legacy"]["failed"] == 5)
    assert numbers(other.heard()) == [*range(5)]
    [told] = [record.getMessage() for record in caplog.records]
    assert told.startswith("target legacy does not take a hook that it observes: status ")


async def test_a_hook_that_it_fails_at_does_not_hold_up_the_others_for_ever(make: Making, other: Named):
    other.say(*[[reply("", "500 Internal Server Error")]] * 8, [reply()])
    targets = make(other.url, pause=0.001, **ALL)
    targets.start()
    see(targets, 1, 2)
    await until(lambda: targets.states()["legacy"]["queue_bytes"] == 0)
    assert numbers(other.heard()) == [1] * 8 + [2]
    state = targets.states()["legacy"]
    assert (state["sent"], state["failed"], state["lost"]) == (1, 1, 0)


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
    with pytest.raises(ConfigError, match=r"store\.spool"):
        make("http://127.0.0.1:1", **ALL).start()


async def test_whatever_goes_wrong_the_hook_is_answered(make: Making, caplog):
    targets = make("http://127.0.0.1:1", mask=lambda _: 1 / 0, **ALL)
    see(targets, 1)
    assert "ZeroDivisionError" in caplog.text


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


@pytest.mark.parametrize("size", [65_000, 70_000, 1_000_000])
async def test_a_long_hook(make: Making, other: Named, size):
    targets = make(other.url, **ALL)
    targets.start()
    hooks = [a_hook(n=1), a_hook(n=2, sdp="ж" * size), a_hook(n=3)]
    for hook in hooks:
        targets.observe(hook, record_of(hook))
    await until(lambda: targets.states()["legacy"]["sent"] == 3)
    assert [request["body"].encode() for request in other.heard()] == [hook.body for hook in hooks]


SECRETS = {"token": "T0KEN", "password": "PASSW0RD", "sipPassword": "SIPPASSW0RD"}


@pytest.mark.parametrize("send", [False, True], ids=["as a rule", "where it is wanted"])
async def test_credentials_are_neither_on_disk_nor_on_the_wire(make: Making, other: Named, send):
    mask = partial(masked, {}, CredentialPaths())
    custom = {"token": SECRETS["token"], "login": "ann", "password": SECRETS["password"], "room": "r1"}
    hook = a_hook("connect", custom=custom, sipPassword=SECRETS["sipPassword"], name="rtsp://u:PW@host/cam?token=T0KEN")
    targets = make(other.url, mask=mask, send_credentials=send, **ALL)
    targets.observe(hook, record_of(hook))
    on_disk = b"".join(path.read_bytes() for path in files(make)).decode()
    targets.start()
    await until(other.heard)
    [request] = other.heard()
    for secret in [*SECRETS.values(), "PW"]:
        assert (secret in on_disk) == (secret in request["body"]) == send
    assert json.loads(request["body"])["custom"]["room"] == "r1"
    await until(lambda: targets.states()["legacy"]["queue_bytes"] == 0)


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


async def test_what_nobody_foresaw_does_not_end_it(make: Making, other: Named, monkeypatch, caplog):
    monkeypatch.setattr(observer, "_LOOK_AROUND", 0.02)
    targets = make(other.url, **ALL)
    with monkeypatch.context() as patch:
        patch.setattr(observer, "_lanes", lambda _: 1 / 0)
        targets.start()
        see(targets, 1)
        await asyncio.sleep(0.05)
    await until(other.heard)
    assert "ZeroDivisionError" in caplog.text


async def test_two_targets_observe(other: Named, tmp_path: Path):
    one, two = Named(other.backend), Named(other.backend)
    options = {
        "one": TargetOptions(one.url, observe=("publishStream",)),
        "two": TargetOptions(two.url, observe=("*",), observe_apps=("defaultApp",)),
        "judge": TargetOptions(other.url),
    }
    targets = HttpTargets(options, tmp_path, raw)
    targets.start()
    see(targets, 1)
    await until(lambda: one.heard() and two.heard())
    await targets.close()
    assert (numbers(one.heard()), numbers(two.heard()), other.heard()) == ([1], [1], [])
    assert {name: state.get("sent") for name, state in targets.states().items()} == {"one": 1, "two": 1, "judge": None}


def test_on_the_loop_that_the_server_runs_on(other: Named, tmp_path: Path):
    async def send() -> None:
        targets = HttpTargets({"legacy": TargetOptions(other.url, observe=("*",))}, tmp_path, raw)
        targets.start()
        for n in range(50):
            see(targets, n, session=f"s{n % 5}")
        await until(lambda: targets.states()["legacy"]["sent"] == 50)
        await targets.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(send())
    assert sorted(numbers(other.heard())) == [*range(50)]


def test_nothing_is_logged_of_hooks_and_addresses(make: Making, caplog):
    caplog.set_level(logging.DEBUG, logger="authgate")
    targets = make("http://127.0.0.1:1/s3cret", **ALL)
    hook = a_hook(custom={"token": "T0KEN"})
    targets.observe(hook, record_of(hook))
    assert "s3cret" not in f"{caplog.text}{targets.states()}"
    assert "T0KEN" not in f"{caplog.text}{targets.states()}"
