"""How another back end is asked: what is sent, how often, and over which connections."""

import asyncio
import re
import socket
import time

import pytest
import uvloop

from authgate.errors import TargetError
from authgate.hooks.caller import BasicLogin, Caller, CallerOptions
from authgate.model import Delivery, Secret
from authgate.ports import Answered
from authgate.targets import HttpTargets, TargetOptions

from .backend import CHUNKED, CLOSE, HANG, NO, OK, reply, running
from .conftest import REFUSED, YES, Making, Named, a_hook, raw, until


async def test_what_is_sent(make: Making, other: Named):
    hook = a_hook("sendDTMF", name="жук", n=10**30)
    assert await make(f"{other.url}/deep/").ask("legacy", hook) == YES
    [request] = other.heard()
    assert request["line"] == f"POST /{other.name}/deep/sendDtmf HTTP/1.1"
    assert request["body"].encode() == hook.body
    headers = request["headers"]
    assert headers.pop("host") == f"127.0.0.1:{other.backend.port}"
    assert headers == {
        "content-type": "application/json",
        "content-length": str(len(hook.body)),
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "authgate",
        "connection": "keep-alive",
    }


CHECKS = {
    "HMAC": ({"hmac_key": Secret(" key\t")}, CallerOptions(hmac_keys=(Secret("key"),))),
    "Basic": (
        {"basic": BasicLogin("ж", Secret("p:ж"))},
        CallerOptions(basic=(BasicLogin("ж", Secret("p:ж")),)),
    ),
}


@pytest.mark.parametrize(("options", "check"), CHECKS.values(), ids=CHECKS)
async def test_the_target_can_tell_us_from_strangers(make: Making, other: Named, options, check, monkeypatch):
    monkeypatch.setenv("NETRC", "/dev/null")
    targets = make(other.url, **options)
    for hook in (a_hook(), a_hook(name="другой")):
        await targets.ask("legacy", hook)
        request = other.heard()[-1]
        authorization = (request["headers"]["authorization"],)
        assert Caller(check).trusts(Delivery("publishStream", request["body"].encode(), authorization))
        assert not Caller(check).trusts(Delivery("publishStream", b"{}", ("WCS " + "0" * 32,)))


async def test_the_environment_names_no_proxy(make: Making, other: Named, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert await make(other.url).ask("legacy", a_hook()) == YES


async def test_no_cookie_is_kept(make: Making, other: Named):
    other.say([reply("{}", "200 OK", "Set-Cookie: who=ann; Path=/")])
    targets = make(other.url)
    for _ in range(2):
        await targets.ask("legacy", a_hook())
    assert ["cookie" in request["headers"] for request in other.heard()] == [False, False]


async def test_a_target_that_is_not_there(make: Making):
    with pytest.raises(TargetError, match="there is no target other"):
        await make("http://127.0.0.1:1").ask("other", a_hook())


async def test_connections_are_used_again(make: Making, other: Named):
    other.say(OK, NO, [reply("x" * 5000, "404 Not Found")], OK)
    targets = make(other.url)
    for _ in range(10):
        await targets.ask("legacy", a_hook())
    assert len({request["connection"] for request in other.heard()}) == 1


ASKED_AGAIN = {
    "hangs up": [CLOSE],
    "hangs up in its head": [b"HTTP/1.1 20", CLOSE],
}


@pytest.mark.parametrize("answer", ASKED_AGAIN.values(), ids=ASKED_AGAIN)
@pytest.mark.parametrize("method", ["connect", "publishStream", "playHLS", "StreamKeepAliveEvent"])
async def test_a_question_is_asked_again(make: Making, other: Named, answer, method):
    other.say(answer, OK)
    assert (await make(other.url).ask("legacy", a_hook(method))).allowed
    assert other.methods() == [method] * 2


@pytest.mark.parametrize("method", ["call", "sendMessage", "OnDataEvent", "transfer", "sendDtmf", "newMethod"])
async def test_a_call_is_not_placed_twice(make: Making, other: Named, method):
    other.say([CLOSE], OK)
    with pytest.raises(TargetError, match="hung up"):
        await make(other.url, retries=5).ask("legacy", a_hook(method))
    assert other.methods() == [method]


async def test_only_as_often_as_it_may(make: Making, other: Named):
    other.say([CLOSE])
    for retries in (0, 1, 3):
        with pytest.raises(TargetError, match="hung up"):
            await make(other.url, retries=retries).ask("legacy", a_hook())
    assert len(other.heard()) == 1 + 2 + 4


async def test_a_verdict_is_not_asked_for_again(make: Making, other: Named):
    other.say(NO, OK)
    assert await make(other.url, retries=5).ask("legacy", a_hook()) == REFUSED
    assert len(other.heard()) == 1


@pytest.mark.parametrize("method", ["connect", "call"])
async def test_a_connection_that_was_closed_meanwhile(make: Making, other: Named, method):
    other.say([reply(), CLOSE])
    targets = make(other.url, retries=0)
    for _ in range(3):
        assert await targets.ask("legacy", a_hook(method)) == YES
        await asyncio.sleep(0.02)
    assert len({request["connection"] for request in other.heard()}) == 3


async def test_where_one_connection_is_stale_the_others_are_too(make: Making, other: Named):
    other.say([0.05, reply()])
    targets = make(other.url)
    await asyncio.gather(*(targets.ask("legacy", a_hook()) for _ in range(3)))
    other.say([CLOSE], OK)
    assert (await targets.ask("legacy", a_hook())).allowed
    used = [request["connection"] for request in other.heard()]
    assert len({*used[:3]}) == 3
    assert used[3] in used[:3]
    assert used[4] not in used[:4]


@pytest.mark.parametrize("method", ["connect", "call"])
async def test_a_back_end_that_restarts(make: Making, method):
    with running() as first:
        targets = make(first.url("x"), trip_after=1000)
        assert await asyncio.gather(*(targets.ask("legacy", a_hook(method)) for _ in range(4))) == [YES] * 4
    started = time.monotonic()
    with pytest.raises(TargetError, match="cannot be reached: Connection refused"):
        await targets.ask("legacy", a_hook(method))
    assert time.monotonic() - started < 2
    with running(first.port) as second:
        assert await asyncio.gather(*(targets.ask("legacy", a_hook(method)) for _ in range(4))) == [YES] * 4
        assert second.methods("x") == [method] * 4


async def test_what_was_not_sent_is_sent_once_it_can_be(make: Making):
    with running() as gone:
        pass
    asking = asyncio.create_task(make(gone.url("x"), retries=5).ask("legacy", a_hook("call")))
    await asyncio.sleep(0.02)
    server = await asyncio.start_server(_yes, "127.0.0.1", gone.port)
    assert await asking == YES
    server.close()


async def _yes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(reply())
    writer.close()


NOWHERE = {
    "a port without anybody": "http://127.0.0.1:1/hooks",
    "a name without an address": "http://nowhere.invalid/hooks",
    "a name of no name": f"http://{'a' * 63}.{'b' * 63}.invalid/hooks",
}


@pytest.mark.parametrize("url", NOWHERE.values(), ids=NOWHERE)
async def test_it_cannot_be_reached(make: Making, url):
    with pytest.raises(TargetError, match="cannot be reached: ") as caught:
        await make(url).ask("legacy", a_hook())
    assert not re.search(r"127\.0|invalid|hooks", str(caught.value))


# The tail of one answer must not become the head of the next, which is that to another hook.
LONGER = {
    "by a whole answer": [reply() + reply('{"name":"evil"}')],
    "by a status line without an end": [reply() + b"HTTP/1.1 200 x"],
    "by a head without an end": [reply() + b"HTTP/1.1 200 OK\r\nX: "],
    "by a header that takes the next head in": [reply() + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: "],
    "by one byte": [reply() + b" "],
    "a moment later": [reply(), 0.03, reply('{"name":"evil"}')],
    "of a refusal": [reply("x", "403 Forbidden") + reply('{"name":"evil"}')],
    "behind its last chunk": [CHUNKED + b"2\r\n{}\r\n0\r\n\r\n" + reply('{"name":"evil"}')],
}


@pytest.mark.parametrize("answer", LONGER.values(), ids=LONGER)
async def test_an_answer_longer_than_it_says_is_no_answer_to_the_next(make: Making, other: Named, answer):
    other.say(answer, NO)
    targets = make(other.url, retries=0)
    await targets.ask("legacy", a_hook())
    await asyncio.sleep(0.06)
    assert await targets.ask("legacy", a_hook("call")) == REFUSED
    assert len({request["connection"] for request in other.heard()}) == 2


async def test_many_at_once_while_it_hangs(make: Making, other: Named):
    other.say([HANG])
    targets = make(other.url, timeout=0.3, connections=8, trip_after=1000)
    before = asyncio.all_tasks()
    started = time.monotonic()
    asks = asyncio.gather(*(targets.ask("legacy", a_hook(session=f"s{n}")) for n in range(64)), return_exceptions=True)
    await asyncio.sleep(0.15)
    assert targets.states()["legacy"]["connections"] == len(other.heard()) == 8
    outcomes = await asks
    assert time.monotonic() - started < 2
    assert {type(outcome) for outcome in outcomes} == {TargetError}
    assert asyncio.all_tasks() == before
    assert targets.states()["legacy"]["connections"] == 0
    # Nothing is used up: as many as before find a free connection.
    other.say(OK)
    outcomes = await asyncio.gather(*(targets.ask("legacy", a_hook(session=f"s{n}")) for n in range(64)))
    assert {outcome.allowed for outcome in outcomes} == {True}


PHASES = {"nothing": [HANG], "a head": [reply("", length=2), HANG], "half a body": [reply("{", length=2), HANG]}


@pytest.mark.parametrize("answer", PHASES.values(), ids=PHASES)
async def test_who_is_cancelled_leaves_nothing_behind(make: Making, other: Named, answer):
    other.say(answer)
    targets = make(other.url, connections=2)
    before = asyncio.all_tasks()
    asking = [asyncio.create_task(targets.ask("legacy", a_hook())) for _ in range(6)]
    await until(lambda: len(other.heard()) == 2)
    for each in asking:
        each.cancel()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
    assert (asyncio.all_tasks(), targets.states()["legacy"]["connections"]) == (before, 0)
    other.say(OK)
    assert (await targets.ask("legacy", a_hook())).allowed


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_who_is_cancelled_at_any_moment_leaves_nothing_behind(other: Named, tmp_path, loop):
    async def ask_and_cancel() -> None:
        options = TargetOptions(other.url, timeout=5.0, connections=3)
        for step in range(60):
            targets = HttpTargets({"legacy": options}, tmp_path, raw)  # each time anew, so that it has to connect
            asking = [asyncio.create_task(targets.ask("legacy", a_hook())) for _ in range(6)]
            await asyncio.sleep(step / 20_000)
            for each in asking:
                each.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            answered = await asyncio.gather(*(targets.ask("legacy", a_hook()) for _ in range(6)))
            assert answered == [YES] * 6
            assert targets.states()["legacy"]["connections"] <= 3
            await targets.close()
            assert targets.states()["legacy"]["connections"] == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(ask_and_cancel())


async def test_a_body_that_is_not_taken(make: Making):
    """It accepts connections and reads nothing, so that not even the question gets through."""
    hook = a_hook(name="x" * 10_000_000)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        targets = make(f"http://127.0.0.1:{deaf.getsockname()[1]}", timeout=0.2)
        with pytest.raises(TargetError, match="does not answer"):
            await targets.ask("legacy", hook)


@pytest.mark.parametrize("method", ["connect", "call"])
def test_an_answer_longer_than_it_says_on_that_loop(other: Named, tmp_path, method):
    names = {name: Named(other.backend) for name in LONGER}
    for name, answer in LONGER.items():
        names[name].say(answer, NO)

    async def ask_twice(name: str) -> Answered:
        targets = HttpTargets({"legacy": TargetOptions(names[name].url, timeout=5.0, retries=0)}, tmp_path, raw)
        await targets.ask("legacy", a_hook())
        await asyncio.sleep(0.06)
        answered = await targets.ask("legacy", a_hook(method))
        await targets.close()
        return answered

    async def ask_all() -> list[Answered]:
        return await asyncio.gather(*map(ask_twice, LONGER))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(ask_all()) == [REFUSED] * len(LONGER)


async def test_closing_lets_what_is_asked_be_answered(make: Making, other: Named):
    other.say([0.1, *OK])
    targets = make(other.url)
    asking = asyncio.create_task(targets.ask("legacy", a_hook()))
    await asyncio.sleep(0.02)
    await targets.close()
    assert (await asking).allowed
    with pytest.raises(TargetError, match="not asked any more"):
        await targets.ask("legacy", a_hook())


async def test_closing_waits_no_longer_than_an_answer_may_take(make: Making, other: Named):
    other.say([HANG])
    targets = make(other.url, timeout=0.2, insecure_fail_open=True)
    asking = asyncio.create_task(targets.ask("legacy", a_hook()))
    await asyncio.sleep(0.02)
    await targets.close()
    assert (await asking).trouble
    with pytest.raises(TargetError, match="not asked any more"):
        await targets.ask("legacy", a_hook())
