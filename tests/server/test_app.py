import asyncio
import hmac
import json

import httpx
import pytest

from authgate.hooks.caller import CallerOptions
from authgate.model import Secret
from tests.test_gateway import TOKEN, body

GOOD = body(**TOKEN)
REFUSED = {"status": 403, "reason": "Access denied"}


async def post(served, path, content=GOOD, headers=None):
    async with httpx.AsyncClient(verify=False) as client:
        return await client.post(served.url + path, content=content, headers=headers or {})


PATHS = {
    "plain": "/hooks/connect",
    "two slashes": "/hooks//connect",
    "slash at the end": "/hooks/connect/",
    "a path of the application's own": "/hooks/apps/EchoApp/connect",
    "a query": "/hooks/connect?x=1",
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
async def test_the_last_segment_is_the_method(serve, path):
    async with serve() as served:
        answer = await post(served, path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "content-encoding" not in answer.headers
    assert "restClientConfig" in answer.json()


ELSEWHERE = {
    "no method": "/hooks",
    "no method, slash": "/hooks/",
    "outside the base": "/connect",
    "a base that only looks alike": "/hooksconnect",
    "a NUL in the method": "/hooks/connect%00",
    "a dot in the method": "/hooks/connect.json",
    "dots that lead elsewhere": "/hooks/%2e%2e/connect",
    "dots that lead back": "/hooks/x/%2e%2e/connect",
    "a dot that leads nowhere": "/hooks/%2e/connect",
    "dots before the base": "/x/%2e%2e/hooks/connect",
    "a method that is too long": "/hooks/" + "a" * 65,
    "a method in another script": "/hooks/%D1%81onnect",
}


@pytest.mark.parametrize("path", ELSEWHERE.values(), ids=ELSEWHERE)
async def test_elsewhere_is_not_found(serve, path):
    async with serve() as served:
        answer = await post(served, path)
        assert served.gateway.ledger.written == []
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["status"] == 404


@pytest.mark.parametrize(("base", "path"), {"/": "/connect", "/a/b/": "/a/b/connect"}.items(), ids=str)
async def test_another_base(serve, base, path):
    async with serve(base=base) as served:
        assert (await post(served, path)).status_code == 200


async def test_a_refusal_is_exactly_two_keys(serve):
    async with serve() as served:
        answer = await post(served, "/hooks/connect", body())
    assert (answer.status_code, answer.reason_phrase, answer.json()) == (403, "Forbidden", REFUSED)


async def test_other_verbs(serve):
    async with serve() as served, httpx.AsyncClient(verify=False) as client:
        for path in ("/hooks", "/hooks/connect"):
            probe = await client.get(served.url + path)
            assert (probe.status_code, probe.json()["service"]) == (200, "authgate")
            assert (await client.head(served.url + path)).status_code == 200
            for verb in ("PUT", "DELETE", "PATCH", "OPTIONS"):
                answer = await client.request(verb, served.url + path)
                assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
        assert served.gateway.ledger.written == []


SIZES = {
    "a call at the limit": ("publishStream", 4096, 200),
    "a call over the limit": ("publishStream", 4097, 413),
    "a connect far over the limit": ("connect", 3_000_000, 413),
    "an event over the limit": ("StreamStatusEvent", 4097, 200),
    "an unknown event far over the limit": ("MoodEvent", 3_000_000, 200),
}


@pytest.mark.parametrize(("method", "size", "status"), SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
async def test_size(serve, method, size, status, chunked):
    content = body(session="live", pad="")
    content = content.replace(b'"pad": ""', b'"pad": "%s"' % (b"x" * (size - len(content))))
    assert len(content) == size

    async def pieces():
        for start in range(0, size, 1000):
            yield content[start : start + 1000]

    async with serve() as served, httpx.AsyncClient(verify=False) as client:
        answer = await client.post(f"{served.url}/hooks/{method}", content=pieces() if chunked else content)
        assert answer.status_code == status
        assert answer.content == (b"{}" if status == 200 and size > 4096 else answer.content)
        again = await client.post(f"{served.url}/hooks/publishStream", content=body(session="live"))
        assert again.status_code == 200, "the connection is still good"


SLOW = {"call": ("publishStream", b"408"), "event": ("StreamStatusEvent", b"200")}


@pytest.mark.parametrize(("method", "status"), SLOW.values(), ids=SLOW)
async def test_a_slow_body_is_answered_at_the_deadline(serve, method, status):
    head = f"POST /hooks/{method} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n".encode()
    async with serve(deadline=0.1) as served:
        received = await served.raw(head, b'{"appKey":')
    assert received.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close" in received.lower()


async def test_a_body_that_breaks_off_is_no_hook(serve):
    async with serve() as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"POST /hooks/connect HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.05)
        assert served.gateway.ledger.written == []
        assert (await post(served, "/hooks/connect")).status_code == 200


async def test_pieces_of_a_body_arrive_one_by_one(serve):
    head = (
        f"POST /hooks/connect HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(GOOD)}\r\n\r\n".encode()
    )
    async with serve() as served:
        received = await served.raw(head, *(GOOD[at : at + 20] for at in range(0, len(GOOD), 20)), pause=0.001)
    assert received.startswith(b"HTTP/1.1 200 OK")


SIGNED = CallerOptions(hmac_keys=(Secret("k"),))
UNSIGNED = {
    "connect": ("connect", GOOD),
    "event": ("StreamStatusEvent", GOOD),
    "not even JSON": ("connect", b"["),
    "unknown": ("teleport", GOOD),
}


@pytest.mark.parametrize(("method", "content"), UNSIGNED.values(), ids=UNSIGNED)
async def test_a_stranger_is_refused_before_anything_is_opened(serve, method, content):
    async with serve(caller=SIGNED) as served:
        answer = await post(served, f"/hooks/{method}", content)
        assert (answer.status_code, answer.json()) == (403, REFUSED)
        assert served.gateway.ledger.written == []
        assert dict(served.gateway.tally) == {"callers_not_trusted": 1}


async def test_a_signed_hook(serve):
    signature = {"Authorization": "WCS " + hmac.digest(b"k", GOOD, "md5").hex()}
    async with serve(caller=SIGNED) as served:
        assert (await post(served, "/hooks/connect", GOOD, signature)).status_code == 200
        assert (await post(served, "/hooks/connect", GOOD + b" ", signature)).status_code == 403


@pytest.mark.parametrize("method", ["connect", "StreamStatusEvent"])
async def test_no_mistake_of_ours_is_a_500(serve, method):
    async with serve() as served:
        served.gateway.verdicts = None
        answer = await post(served, f"/hooks/{method}")
    assert answer.status_code == (403 if method == "connect" else 200)
    assert answer.json() == (REFUSED if method == "connect" else {})


def later(monkeypatch, seconds):
    """So many seconds have passed, as the event loop sees it."""
    loop = asyncio.get_running_loop()
    now = loop.time
    monkeypatch.setattr(loop, "time", lambda: now() + seconds)


async def test_hooks_share_a_connection_after_a_pause(serve, monkeypatch):
    """A media server uses an idle connection again; the closing event must not be lost with it."""
    hook = b"POST /hooks/StreamStatusEvent HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    async with serve() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        for pause in (0, 6):  # beyond the five seconds after which uvicorn closes by default
            later(monkeypatch, pause)
            await asyncio.sleep(0.05)  # what is due by then is done now
            writer.write(hook)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert head.startswith(b"HTTP/1.1 200")
            await reader.readexactly(2)
        writer.close()


async def test_a_hundred_at_once(serve):
    async with serve() as served, httpx.AsyncClient(verify=False) as client:
        url = f"{served.url}/hooks/connect"
        answers = await asyncio.gather(*(client.post(url, content=body(session=f"s{n}", **TOKEN)) for n in range(100)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({json.loads(answer.content)["sessionId"] for answer in answers}) == 100
        assert len(served.gateway.ledger.written) == 100
