"""What another back end answers, and what is made of it: in time, whatever it does."""

import asyncio
import gzip
import re
import time

import pytest
import uvloop

from authgate.errors import TargetError
from authgate.ports import Answered
from authgate.targets import HttpTargets, TargetOptions

from .backend import CHUNKED, CLOSE, HANG, NO, OK, endless, reply
from .conftest import REFUSED, YES, Making, Named, a_hook, raw

VERDICTS = {
    "an empty object": ([reply("{}")], YES),
    "an empty body": ([reply("")], YES),
    "a blank body": ([reply(" \r\n")], YES),
    "fields": (OK, Answered(True, {"name": "theirs"})),
    "as a page of text": ([reply('{"a":1}', "200 OK", "Content-Type: text/html")], Answered(True, {"a": 1})),
    "in chunks": ([CHUNKED, b'3\r\n{"a\r\n', 0.02, b'4;x=y\r\n":1}\r\n0\r\nT: t\r\n\r\n'], Answered(True, {"a": 1})),
    "byte by byte": ([bytes([byte]) for byte in reply('{"a":1}')], Answered(True, {"a": 1})),
    "up to the end of the connection": ([b'HTTP/1.0 200 OK\r\n\r\n{"a":1}', CLOSE], Answered(True, {"a": 1})),
    "behind a 100": ([b"HTTP/1.1 100 Continue\r\n\r\n", *OK], Answered(True, {"name": "theirs"})),
    "and the connection ends": ([reply("{}", "200 OK", "Connection: close"), CLOSE], YES),
    "not encoded, and says so": ([reply("{}", "200 OK", "Content-Encoding: identity")], YES),
    "403": (NO, REFUSED),
    "403 without a body": ([reply("", "403 Forbidden")], REFUSED),
    "403 with a page": ([reply("<h1>no</h1>" * 1000, "403 Forbidden", "Content-Type: text/html")], REFUSED),
    "403 and then nothing": ([reply("", "403 Forbidden", length=100), HANG], REFUSED),
    "403 without an end": ([reply("", "403 Forbidden", length=10**9), endless(b"x" * 10_000)], REFUSED),
    "403 and hangs up": ([reply("", "403 Forbidden", length=100), CLOSE], REFUSED),
    "403 that is no gzip": ([reply("no", "403 Forbidden", "Content-Encoding: gzip")], REFUSED),
    "401 with a challenge": ([reply("", "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"')], REFUSED),
    "402": ([reply("", "402 Payment Required")], REFUSED),
    "404": ([reply("", "404 Not Found")], REFUSED),
    "405": ([reply("", "405 Method Not Allowed", "Allow: GET")], REFUSED),
    "413": ([reply("", "413 Content Too Large", "Connection: close"), CLOSE], REFUSED),
    "499": ([reply("", "499 Whatever")], REFUSED),
}


BOMB = gzip.compress(b'{"a":"' + b"0" * 50_000_000 + b'"}', 9)


TROUBLES = {
    "500": ([reply("{}", "500 Internal Server Error")], "status 500"),
    "503": ([reply("{}", "503 Service Unavailable", "Retry-After: 1")], "status 503"),
    "408": ([reply("{}", "408 Request Timeout")], "status 408"),
    "429": ([reply("{}", "429 Too Many Requests")], "status 429"),
    "201": ([reply("{}", "201 Created")], "status 201"),
    "202": ([reply("{}", "202 Accepted")], "status 202"),
    "204": ([b"HTTP/1.1 204 No Content\r\n\r\n"], "status 204"),
    "206": ([reply("{}", "206 Partial Content")], "status 206"),
    "304": ([b"HTTP/1.1 304 Not Modified\r\n\r\n"], "status 304"),
    "999": ([reply("{}", "999 Whatever")], "status 999"),
    "101": ([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", HANG], ""),
    "not JSON": ([reply("OK")], "not JSON"),
    "half of it JSON": ([reply('{"a":1')], "not JSON"),
    "two objects": ([reply("{}{}")], "not JSON"),
    "a list": ([reply("[{}]")], "not a JSON object"),
    "a text": ([reply('"{}"')], "not a JSON object"),
    "null": ([reply("null")], "not a JSON object"),
    "true": ([reply("true")], "not a JSON object"),
    "a key twice": ([reply('{"name":"a","name":"b"}')], "a key twice"),
    "NaN": ([reply('{"a":NaN}')], "NaN"),
    "half a character": ([reply(r'{"a":"\ud800"}')], "surrogate"),
    "not UTF-8": ([reply(b'{"a":"\xff"}')], "not UTF-8"),
    "a byte order mark": ([reply(b"\xef\xbb\xbf{}")], "not JSON"),
    "nested without end": ([reply('{"a":' + "[" * 3000 + "]" * 3000 + "}")], "nested"),
    "too many values": ([reply('{"a":[' + "1," * 10_000 + "1]}")], "values"),
    "encoded": ([reply(gzip.compress(b"{}"), "200 OK", "Content-Encoding: gzip")], "encoding"),
    "encoded twice": ([reply(b"{}", "200 OK", "Content-Encoding: identity, gzip")], "encoding"),
    "a gzip bomb": ([reply(BOMB, "200 OK", "Content-Encoding: gzip")], "encoding"),
    "a gzip bomb that refuses": ([reply(BOMB, "500 Oh", "Content-Encoding: gzip")], "status 500"),
    "far too long": ([reply("", length=10**12), endless(b" " * 10_000)], "too many bytes"),
    "chunks without end": ([CHUNKED, endless(b"3e8\r\n" + b" " * 1000 + b"\r\n")], "too many bytes"),
    "tiny chunks without end": ([CHUNKED, endless(b"1\r\n \r\n" * 1000)], "too small pieces"),
    "interim answers without end": ([endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)], "HTTP"),
    "one byte too long": ([reply(b" " * 99_999 + b"{}")], "too many bytes"),
    "a head without end": ([b"HTTP/1.1 200 OK\r\n", endless(b"X: y\r\n" * 1000)], "HTTP"),
    "a line without end": ([b"HTTP/1.1 200 OK\r\nX: ", endless(b"y" * 10_000)], "HTTP"),
    "not HTTP": ([b"SSH-2.0-OpenSSH_9.2\r\n\r\n"], "HTTP"),
    "older than HTTP": ([b"{}", CLOSE], "hung up"),
    "two lengths": ([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} "], "HTTP"),
    "a length below zero": ([b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}"], "HTTP"),
    "a chunk of no size": ([CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n"], "HTTP"),
    "hangs up": ([CLOSE], "hung up"),
    "hangs up in its head": ([b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE], "hung up"),
    "hangs up before its body": ([reply("", length=2), CLOSE], "hung up"),
    "hangs up in its body": ([reply('{"name":', length=20), CLOSE], "hung up"),
    "hangs up in a chunk": ([CHUNKED + b"5\r\n{}", CLOSE], "hung up"),
    "hangs up behind a whole object": ([CHUNKED + b"2\r\n{}\r\n", CLOSE], "hung up"),
}


SLOW = {
    "nothing": [HANG],
    "half a head": [b"HTTP/1.1 200 OK\r\nContent-Le", HANG],
    "only a head": [reply("", length=2), HANG],
    "half a body": [reply('{"name":', length=20), HANG],
    "a whole object, and no end": [CHUNKED + b"2\r\n{}\r\n", HANG],
    "up to the end of a connection that does not end": [b"HTTP/1.1 200 OK\r\n\r\n{}", HANG],
    "100 and nothing": [b"HTTP/1.1 100 Continue\r\n\r\n", HANG],
    "too late": [1.0, *OK],
}


REDIRECTS = {status: reply("{}", f"{status} Elsewhere", "Location: {}") for status in (301, 302, 303, 307, 308)}


@pytest.mark.parametrize(("answer", "verdict"), VERDICTS.values(), ids=VERDICTS)
@pytest.mark.parametrize("fail_open", [False, True], ids=["closed", "open"])
async def test_verdict(make: Making, other: Named, answer, verdict, fail_open):
    other.say(answer)
    targets = make(other.url, max_answer=10_000_000, insecure_fail_open=fail_open)
    assert await targets.ask("legacy", a_hook()) == verdict
    assert other.methods() == ["publishStream"]
    assert await make(other.url, max_answer=10_000_000).ask("legacy", a_hook("call")) == verdict


@pytest.mark.parametrize(("answer", "why"), TROUBLES.values(), ids=TROUBLES)
async def test_trouble(make: Making, other: Named, answer, why):
    other.say(answer)
    with pytest.raises(TargetError, match=f"^target legacy .*{why}") as caught:
        await make(other.url, max_answer=100_000).ask("legacy", a_hook("call"))
    assert other.name not in str(caught.value)
    assert other.methods() == ["call"]
    passed = await make(other.url, max_answer=100_000, insecure_fail_open=True).ask("legacy", a_hook("call"))
    assert passed == Answered(True, {}, str(caught.value))


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
async def test_too_slow(make: Making, other: Named, answer):
    other.say(answer)
    started = time.monotonic()
    with pytest.raises(TargetError, match=r"^target legacy does not answer within 0\.5 seconds$"):
        await make(other.url, timeout=0.5).ask("legacy", a_hook())
    assert 0.49 < time.monotonic() - started < 2
    assert len(other.heard()) == 1


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("there", ["the same back end", "another back end", "this machine's metadata"])
async def test_a_redirect_is_not_followed(make: Making, other: Named, status, there):
    elsewhere = Named(other.backend)
    place = {"the same back end": "/x", "another back end": elsewhere.backend.url(elsewhere.name, "localhost")}
    location = place.get(there, "http://169.254.169.254/latest").encode()
    other.say([REDIRECTS[status].replace(b"{}", location, 1)])
    with pytest.raises(TargetError, match=f"answers with status {status}, and redirects are not followed"):
        await make(other.url).ask("legacy", a_hook("call"))
    assert (other.methods(), elsewhere.heard()) == (["call"], [])


def test_on_the_loop_that_the_server_runs_on(other: Named, tmp_path):
    """Everything above once more, all at once."""
    cases = {f"verdict: {name}": (answer, verdict) for name, (answer, verdict) in VERDICTS.items()}
    cases |= {f"trouble: {name}": (answer, why) for name, (answer, why) in TROUBLES.items()}
    cases |= {f"slow: {name}": (answer, r"within 0\.5 seconds") for name, answer in SLOW.items()}
    names = {name: Named(other.backend) for name in cases}
    options = {
        f"t{at}": TargetOptions(names[name].url, timeout=0.5 if "slow" in name else 5.0, max_answer=100_000)
        for at, name in enumerate(cases)
    }

    async def ask_all() -> list[Answered | BaseException]:
        targets = HttpTargets(options, tmp_path, raw)
        outcomes = await asyncio.gather(
            *(targets.ask(name, a_hook("call")) for name in options), return_exceptions=True
        )
        await targets.close()
        assert {state["connections"] for state in targets.states().values()} == {0}
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return outcomes

    for name, (answer, _) in cases.items():
        names[name].say(answer)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcomes = runner.run(ask_all())
    for (name, (_, expected)), outcome in zip(cases.items(), outcomes, strict=True):
        assert re.search(expected, str(outcome)) if isinstance(expected, str) else outcome == expected, name
        assert isinstance(outcome, TargetError) == isinstance(expected, str), name


async def test_a_wrong_url_is_told_once(make: Making, other: Named, caplog):
    other.say([reply("", "404 Not Found")])
    targets = make(other.url)
    for _ in range(5):
        assert await targets.ask("legacy", a_hook()) == REFUSED
    told = [record.getMessage() for record in caplog.records]
    assert told == ["target legacy refuses with status 404 in place of 403; is its url right?"]


async def test_trouble_is_told_once_and_counted(make: Making, other: Named, caplog):
    other.say([reply("no")])
    targets = make(other.url, insecure_fail_open=True)
    for _ in range(5):
        assert (await targets.ask("legacy", a_hook())).trouble
    assert [record.getMessage() for record in caplog.records] == ["target legacy gives an answer that is not JSON"]
    state = targets.states()["legacy"]
    assert (state["unanswered"], state["passed_over"], state["breaker"]) == (5, 5, "closed")
