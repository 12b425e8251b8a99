"""What the server does with requests that are barely requests."""

import asyncio
import gc
import hmac
from ipaddress import ip_network

import pytest

from authgate.hooks.caller import CallerOptions
from authgate.model import Secret
from authgate.server import protocol
from tests.test_gateway import TOKEN, body

GOOD = body(**TOKEN)
KEY = Secret("a-key-of-the-media-server-for-this-test")
MAC = hmac.digest(KEY.reveal().encode(), GOOD, "md5").hex().encode()
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"


def request(*headers, content=GOOD, last=True):
    length = b"Content-Length: %d\r\n" % len(content)
    close = b"Connection: close\r\n" if last else b""
    return b"POST /hooks/connect HTTP/1.1\r\nHost: x\r\n" + length + b"".join(headers) + close + b"\r\n" + content


async def test_an_offer_of_http_2_is_not_taken_up(serve):
    async with serve() as served:
        received = await served.raw(request(H2C, last=False) + request())
        assert received.count(b"HTTP/1.1 200 OK") == 2
        assert len(served.gateway.ledger.written) == 2


async def test_an_offer_of_http_2_with_its_body_in_pieces(serve):
    whole = request(H2C)
    async with serve() as served:
        received = await served.raw(*(whole[at : at + 30] for at in range(0, len(whole), 30)), pause=0.001)
        assert received.startswith(b"HTTP/1.1 200 OK")


async def test_an_offer_of_http_2_without_a_body(serve):
    async with serve() as served:
        received = await served.raw(request(H2C, content=b""))
        assert received.startswith(b"HTTP/1.1 400")
        assert b'"Malformed hook"' in received


NO_REQUESTS = {
    "not HTTP": b"hello\r\n\r\n",
    "two lengths": request(b"Content-Length: 5\r\n"),
    "length and chunks": request(b"Transfer-Encoding: chunked\r\n"),
    "a NUL in a header": request(b"X: a\0b\r\n"),
    "upgrade with chunks": request(H2C, b"Transfer-Encoding: chunked\r\n"),
}


@pytest.mark.parametrize("sent", NO_REQUESTS.values(), ids=NO_REQUESTS)
async def test_no_request(serve, sent):
    async with serve() as served:
        received = await served.raw(sent)
        assert received.startswith(b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json")
        assert served.gateway.ledger.written == []


async def test_a_head_without_end_ends_the_connection(serve):
    async with serve() as served:
        received = await served.raw(b"POST /hooks/connect HTTP/1.1\r\nX: ", *[b"a" * 10_000] * 7)
        assert b'"Head too large"' in received


async def test_long_heads_one_after_the_other_are_fine(serve):
    long = b"X: " + b"a" * 30_000 + b"\r\n"
    async with serve() as served:
        received = await served.raw(*[request(long, last=False)] * 5, request(long), pause=0.01)
        assert received.count(b"HTTP/1.1 200 OK") == 6


async def test_a_slow_head_ends_the_connection(serve, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    async with serve() as served:
        assert await served.raw(b"POST /hooks/connect HTTP/1.1\r\n", b"Host: x\r\n", pause=0.01) == b""


async def test_a_connection_that_is_never_used_is_closed_like_an_idle_one(serve, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    async with serve(keep_alive=1) as served:
        assert (await served.raw(b"", request(), pause=0.2)).startswith(b"HTTP/1.1 200 OK")
        assert await served.raw(b"") == b""


async def test_a_slow_head_after_a_request_ends_the_connection(serve, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    async with serve() as served:
        received = await served.raw(request(last=False), b"POST /hooks", pause=0.2)
        assert received.count(b"HTTP/1.1 200 OK") == 1


EARLY = {
    "another verb": b"PUT /hooks/connect HTTP/1.1\r\n",
    "a path there is not": b"POST /nowhere HTTP/1.1\r\n",
}
LENGTH = b"Host: x\r\nContent-Length: 9\r\n\r\n"
CHUNKED = b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n"


WITHOUT_END = ([LENGTH], [LENGTH, b"x"], [CHUNKED, b"1\r\nx\r\n", b"1\r\nx\r\n"], [CHUNKED, b"9\r\nx"])


@pytest.mark.parametrize("start", EARLY.values(), ids=EARLY)
async def test_a_body_without_end_after_its_answer_ends_the_connection(serve, monkeypatch, start):
    monkeypatch.setattr(protocol, "BODY_SECONDS", 1.0)
    async with serve() as served:
        received = await asyncio.gather(*(served.raw(start, *pieces, pause=0.02) for pieces in WITHOUT_END))
        assert [each.count(b"HTTP/1.1 40") for each in received] == [1] * len(WITHOUT_END)


async def test_a_body_that_ends_after_its_answer_leaves_an_idle_connection(serve, monkeypatch):
    monkeypatch.setattr(protocol, "BODY_SECONDS", 3600)
    early = EARLY["another verb"] + LENGTH
    async with serve() as served:
        received = await served.raw(early, b"123456789", request(), pause=0.03)
        assert [received.count(status) for status in (b"HTTP/1.1 405", b"HTTP/1.1 200")] == [1, 1]
    async with serve(keep_alive=1) as served:
        assert (await served.raw(early, b"123456789", pause=0.03)).count(b"HTTP/1.1") == 1


def in_trailers(*trailers, content=GOOD):
    chunk = b"%x\r\n%s\r\n0\r\n" % (len(content), content)
    head = b"POST /hooks/connect HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + chunk + b"".join(trailers) + b"\r\n"


ANYWHERE = {"addresses": (ip_network("192.0.2.10"),), "trusted_proxies": (ip_network("127.0.0.1"),)}
FORGED = {
    "an address": (CallerOptions(**ANYWHERE), b"X-Forwarded-For: 192.0.2.10\r\n"),
    "a signature": (CallerOptions((KEY,)), b"Authorization: WCS " + MAC + b"\r\n"),
}


@pytest.mark.parametrize(("caller", "header"), FORGED.values(), ids=FORGED)
async def test_trailers_are_no_headers(serve, caller, header):
    async with serve(caller=caller) as served:
        assert (await served.raw(request(header))).startswith(b"HTTP/1.1 200")
        assert (await served.raw(in_trailers(header))).startswith(b"HTTP/1.1 403")


async def test_trailers_are_read_and_forgotten(serve):
    async with serve() as served:
        received = await served.raw(in_trailers(b"X: y\r\n" * 100))
        assert received.startswith(b"HTTP/1.1 200")


TRAILERS_WITHOUT_END = {
    "one": [b"X: ", *[b"a" * 10_000] * 7],
    "many": [b"X: a\r\n" * 1_000] * 12,
    "none": [b"0" * 10_000] * 7,
}


@pytest.mark.parametrize("trailers", TRAILERS_WITHOUT_END.values(), ids=TRAILERS_WITHOUT_END)
async def test_trailers_without_end_end_the_connection(serve, trailers):
    head = in_trailers()[:-2]
    async with serve() as served:
        received = await served.raw(head, *trailers, pause=0.001)
        assert received.startswith(b"HTTP/1.1 400")
        assert served.gateway.ledger.written == []


async def test_a_body_in_many_small_chunks(serve):
    chunks = b"".join(b"1\r\n%c\r\n" % each for each in body(**TOKEN, x="y" * 30_000))
    head = b"POST /hooks/connect HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serve(max_body=40_000) as served:
        assert (await served.raw(head + chunks + b"0\r\n\r\n")).startswith(b"HTTP/1.1 200")


async def test_a_request_takes_as_long_as_it_takes(serve, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    async with serve() as served:
        received = await served.raw(request()[:-5], request()[-5:], pause=0.2)
        assert received.startswith(b"HTTP/1.1 200 OK")
        await asyncio.sleep(0)


async def test_a_hook_leaves_nothing_to_the_garbage_collector(serve):
    """What refers to itself stays until the collector comes, which then stops everything."""
    async with serve() as served:
        await served.raw(request(last=False) + request())
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            await served.raw(request(last=False) * 20 + request())
            gc.collect()
            kinds = [type(each).__name__ for each in gc.garbage]
        finally:
            gc.set_debug(0)
            gc.enable()
            gc.garbage.clear()
        assert len(served.gateway.ledger.written) == 23
    assert kinds.count("RequestResponseCycle") <= 1, "the last one may still be the connection's"
    assert "Whole" not in kinds
