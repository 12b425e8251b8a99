"""What another back end is sent after the answer: in order, at least once, and never in anybody's way."""

import asyncio
import itertools
import json
import logging
import time
from functools import partial
from pathlib import Path

import pytest
import uvloop

from authgate.hooks.parse import parse
from authgate.model import Delivery
from authgate.targets import HttpTargets, TargetOptions, observer
from authgate.targets.masked import masked
from authgate.verifiers.credentials import CredentialPaths

from .backend import CLOSE, HANG, reply, running
from .conftest import ALL, Making, Named, a_hook, files, numbers, queue, raw, record_of, see, until


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
    assert time.monotonic() - started < 2


async def test_its_questions_do_not_wait_for_what_it_observes(make: Making, other: Named):
    other.say([2.0, reply()])
    targets = make(other.url, **ALL, connections=1)
    targets.start()
    see(targets, *range(8))
    await until(other.heard)
    other.say([reply()])
    started = time.monotonic()
    assert (await targets.ask("legacy", a_hook())).allowed
    assert time.monotonic() - started < 1


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
    await until(lambda: len(other.heard()) >= 8 + 6)
    at = [request["at"] for request in other.heard()]
    # 8 at once at first, then one at a time: after 0.02, 0.04, 0.08, 0.16, 0.32 and 0.64 seconds, or half of each.
    for n in range(6):
        assert at[8 + n] - at[7 + n] > 0.009 * 2**n


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


async def test_whatever_goes_wrong_the_hook_is_answered(make: Making, caplog):
    targets = make("http://127.0.0.1:1", mask=lambda _: 1 / 0, **ALL)
    see(targets, 1)
    assert "ZeroDivisionError" in caplog.text


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
