"""The listener apart from that of hooks: WebSocket over it, and clients of it that mean no good."""

import asyncio
import json
import socket
import ssl
from contextlib import asynccontextmanager

import httpx
import pytest
import websockets
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from authgate.config import AdminOptions, load
from authgate.errors import ConfigError, Refused
from authgate.server.admin import listener, protocol
from authgate.server.listeners import check_tls, listen
from tests.targets.test_tls import certificate

BIG = b"x" * 8_000_000  # more than the buffers of both sides hold


async def hello(_request):
    return PlainTextResponse("hello")


async def big(_request):
    return PlainTextResponse(BIG)


async def endless(request):
    async def parts():
        yield b"begun\n"
        await request.app.state.ending.wait()
        yield b"ended\n"

    return StreamingResponse(parts())


async def echo(websocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


ROUTES = [Route("/", hello), Route("/big", big), Route("/endless", endless), WebSocketRoute("/echo", echo)]


@asynccontextmanager
async def listening(**options):
    app, ending = Starlette(routes=ROUTES), asyncio.Event()
    app.state.ending = ending
    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    async with listener.listening(app, AdminOptions(**options), sock, ending):
        yield port


async def get(port):
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.get(f"http://127.0.0.1:{port}/")).text


async def test_messages_come_back_over_a_websocket():
    async with listening() as port, websockets.connect(f"ws://127.0.0.1:{port}/echo", proxy=None) as line:
        await line.send("one")
        await line.send("two")
        assert [await line.recv(), await line.recv()] == ["one", "two"]


async def test_a_message_that_is_too_large_ends_a_websocket():
    async with listening() as port, websockets.connect(f"ws://127.0.0.1:{port}/echo", proxy=None) as line:
        await line.send("x" * (listener.MAX_MESSAGE + 1))
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await line.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


async def test_nothing_is_compressed_so_that_no_small_message_becomes_a_large_one():
    async with listening() as port, websockets.connect(f"ws://127.0.0.1:{port}/echo", proxy=None) as line:
        assert line.protocol.extensions == []


UPGRADES = {
    "with a body": b"POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2"
    b"\r\n\r\n{}",
    "in pieces": b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked"
    b"\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "without a key": b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "to something else": b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: h2c\r\n\r\n",
}


@pytest.mark.parametrize("sent", UPGRADES.values(), ids=UPGRADES)
async def test_an_upgrade_that_is_none_harms_nobody(sent):
    async with listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        writer.write_eof()
        received = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        assert received == b"" or received.startswith(b"HTTP/1.1 ")
        assert not received.startswith((b"HTTP/1.1 5", b"HTTP/1.1 101"))
        assert await get(port) == "hello"


NOT_HTTP = {
    "noise": b"\x16\x03\x01\r\n\r\n",
    "an address without end": b"GET /?" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
    "headers without end": b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000,
}


@pytest.mark.parametrize("sent", NOT_HTTP.values(), ids=NOT_HTTP)
async def test_what_is_not_http_is_told_so_in_the_form_of_all_other_errors(sent):
    async with listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        try:
            received = await asyncio.wait_for(reader.read(), 10)
        except ConnectionError:  # more was on its way
            received = b""
        writer.transport.abort()
        assert b"application/problem+json" in received or (received == b"" and len(sent) > 1000)
        if received:
            told = json.loads(received.partition(b"\r\n\r\n")[2])
            assert told.keys() == {"type", "title", "status", "detail"}
        assert await get(port) == "hello"


async def test_one_connection_too_many_is_closed_and_the_others_stay():
    async with listening(max_connections=3) as port:
        lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        for reader, writer in lines:
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.transport.abort()
        for reader, writer in lines:
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert (await reader.read()).endswith(b"hello")
            writer.close()


async def test_whoever_does_not_read_an_answer_is_given_up(monkeypatch):
    monkeypatch.setattr(protocol, "READ_SECONDS", 0.2)
    async with listening(max_connections=1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await reader.readexactly(1) == b"H"  # and no more: the place is another's before long

        async def served():
            while True:
                try:
                    return await get(port)
                except httpx.TransportError:
                    await asyncio.sleep(0.02)

        assert await asyncio.wait_for(served(), 20) == "hello"
        writer.transport.abort()


async def test_whoever_reads_slowly_gets_it_all(monkeypatch):
    monkeypatch.setattr(protocol, "READ_SECONDS", 5)
    async with listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        size = 0
        while part := await reader.read(500_000):
            size += len(part)
            await asyncio.sleep(0.01)
        assert size > len(BIG)
        writer.close()


async def test_what_goes_on_is_told_that_the_server_stops():
    async with listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"begun\n")
    assert b"ended" in await reader.read()
    writer.close()


async def test_over_tls_keys_do_not_cross_the_network_in_clear(tmp_path):
    pem = certificate(tmp_path / "admin.pem", "127.0.0.1")
    async with listening(tls_certificate=pem, tls_key=pem) as port:
        trusting = ssl.create_default_context(cafile=pem)
        async with httpx.AsyncClient(trust_env=False, verify=trusting) as http:
            assert (await http.get(f"https://127.0.0.1:{port}/")).text == "hello"
        with pytest.raises(httpx.TransportError):
            await get(port)


def test_a_certificate_that_is_none_is_told_before_anybody_waits(tmp_path):
    pem = tmp_path / "none.pem"
    pem.write_text("none")
    with pytest.raises(ConfigError, match=r"admin\.tls_certificate: cannot be used with tls_key"):
        check_tls("admin", pem, pem)


def test_an_address_that_is_taken_lets_go_of_that_of_hooks(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        path = tmp_path / "authgate.toml"
        path.write_text(f"[server]\nport = {port}\n[admin]\nlisten = '127.0.0.1:{taken.getsockname()[1]}'\n")
        with pytest.raises(Refused, match=f"cannot listen on 127.0.0.1, port {taken.getsockname()[1]}"):
            listen(load(path, {}))
        socket.create_server(("127.0.0.1", port)).close()
