"""HTTP/1.1 over connections that are kept and used again, each by one request at a time; a transport for httpx."""

import asyncio
import os
import select
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from typing import cast

import h11
import httpx

KEPT = 4.0  # seconds; less than the 5 after which Apache, Node and uvicorn hang up on a connection that is idle

_LONGEST_HEAD = 64 * 1024  # bytes of a status line with its headers
_MOST_INTERIM = 10  # answers of 1xx before the one that counts
_SMALLEST_PIECE = 256  # bytes of a body, on average: each piece costs time in which nobody else is served
_MOST_SMALL = 1000  # pieces that may be smaller


class TooLong(httpx.TransportError):
    """An answer has more bytes than are taken."""


class Wire(httpx.AsyncBaseTransport):
    """What httpx sends by. It is stricter than the transport that comes with it, for an answer is a verdict here.

    - A connection on which a byte comes that belongs to no answer is not used again. Else what is left of one
      answer would be read as the beginning of the next, and could turn its refusal into a yes.
    - A request that is given up takes its connection with it, at whatever moment that happens.
    - ``httpx.ConnectError`` means that nothing was sent.
    """

    def __init__(self, tls: ssl.SSLContext | None, most_kept: int, longest: int) -> None:
        """``most_kept`` connections are kept; ``longest`` is how many bytes the body of an answer may have."""
        self._tls = tls
        self._most_kept = most_kept
        self._longest = longest
        self._kept: list[_Connection] = []
        self._open: set[_Connection] = set()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, with its body still to be read.

        Raises:
            httpx.ConnectError: nothing was sent.
            httpx.TransportError: there is no answer, and the request may have been understood.
        """
        connection = self._keeper()
        used_before = connection is not None
        if connection is None:
            connection = await self._connect(request.url)
        try:
            connection.send(request)
            head = await connection.head()
        except BaseException as error:
            connection.abort()
            if used_before and isinstance(error, httpx.TransportError):
                self._hang_up()  # the others are likely to be as stale as this one
            raise
        body = _Body(connection, self._longest, self._keep)
        return httpx.Response(head.status_code, headers=list(head.headers), stream=body)

    async def aclose(self) -> None:
        """Hang up, also on whoever is just answering."""
        for connection in [*self._open]:
            connection.abort()
        self._kept.clear()

    def _keeper(self) -> "_Connection | None":
        """The connection that was used last, if it can be used again."""
        if self._kept:
            if self._kept[-1].fresh:
                return self._kept.pop()
            self._hang_up()  # it is the youngest
        return None

    def _keep(self, connection: "_Connection") -> None:
        while self._kept and not self._kept[0].fresh:
            self._kept.pop(0).abort()
        if len(self._kept) < self._most_kept and connection.rest():
            self._kept.append(connection)
        else:
            connection.abort()

    def _hang_up(self) -> None:
        for connection in self._kept:
            connection.abort()
        self._kept.clear()

    async def _connect(self, url: httpx.URL) -> "_Connection":
        loop = asyncio.get_running_loop()
        host = url.raw_host.decode()
        port = url.port or (443 if self._tls else 80)
        connection = _Connection(self._open)
        try:
            await loop.create_connection(
                lambda: connection, host, port, ssl=self._tls, server_hostname=host if self._tls else None
            )
        except (OSError, ValueError) as error:  # ssl.SSLError is the one, what IDNA makes of a name the other
            raise httpx.ConnectError(_why(error)) from None
        except BaseException:
            connection.abort()  # it may be made all the same, a moment later
            raise
        return connection


class _Connection(asyncio.Protocol):
    """One connection, and what was read from it."""

    def __init__(self, open_ones: "set[_Connection]") -> None:
        self._open_ones = open_ones
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        self._transport: asyncio.Transport | None = None
        self._awaited: asyncio.Future[None] | None = None  # that something comes
        self._asked = False  # whether an answer is to come
        self._heard = False  # whether any of it has come
        self._lost = False
        self._rests_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._lost:  # whoever wanted it has gone
            self._transport.abort()
        else:
            self._open_ones.add(self)

    def data_received(self, data: bytes) -> None:
        if self._asked and not self._lost:
            self._heard = True
            self._http.receive_data(data)
            self._wake()
        else:
            self.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        self._open_ones.discard(self)
        if not self._lost:
            self._lost = True
            self._http.receive_data(b"")
            self._wake()

    @property
    def fresh(self) -> bool:
        """Whether it rests and can be used again."""
        rested = asyncio.get_running_loop().time() - self._rests_since
        return not self._lost and rested < KEPT and not self._has_news()

    def send(self, request: httpx.Request) -> None:
        """Begin to send a request, all of it."""
        assert self._transport is not None  # noqa: S101 - told to the type checker
        self._asked, self._heard = True, False
        head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
        parts = [self._http.send(event) for event in (head, h11.Data(data=request.content), h11.EndOfMessage())]
        self._transport.write(b"".join(part for part in parts if part))

    async def head(self) -> h11.Response:
        """The beginning of the answer, up to its body."""
        for _ in range(_MOST_INTERIM + 1):
            event = await self.event()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse) or event.status_code == 101:
                break
        raise httpx.RemoteProtocolError("does not speak HTTP")

    async def event(self) -> object:
        """What comes next: an event of h11, or its mark that there is no more of this answer."""
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError:
                hung_up = "hung up in the middle of its answer" if self._heard else "hung up without an answer"
                raise httpx.RemoteProtocolError(hung_up if self._lost else "does not speak HTTP") from None
            if event is not h11.NEED_DATA:
                return event
            self._awaited = asyncio.get_running_loop().create_future()
            try:
                await self._awaited
            finally:
                self._awaited = None

    def rest(self) -> bool:
        """Make ready for the next request; False where that cannot be."""
        left_over, _ = self._http.trailing_data
        done = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        if self._lost or left_over or not done or self._transport is None or self._transport.get_write_buffer_size():
            return False
        self._http.start_next_cycle()
        self._asked = False
        self._rests_since = asyncio.get_running_loop().time()
        return True

    def abort(self) -> None:
        """Hang up at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()
        self.connection_lost(None)

    def _has_news(self) -> bool:
        """Whether something came that the event loop has not told us yet: most likely that the other side hung up."""
        assert self._transport is not None  # noqa: S101
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _wake(self) -> None:
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(None)


class _Body(httpx.AsyncByteStream):
    """The body of one answer; afterwards the connection is kept, or given up where the body was not read to its end."""

    def __init__(self, connection: _Connection, longest: int, keep: Callable[[_Connection], None]) -> None:
        self._connection = connection
        self._left = longest
        self._pieces = _MOST_SMALL + longest // _SMALLEST_PIECE
        self._keep = keep
        self._closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        event = await self._connection.event()
        if isinstance(event, h11.Data):
            self._left -= len(event.data)
            self._pieces -= 1
            if self._left < 0 or self._pieces < 0:
                raise TooLong("gives an answer of too many bytes" if self._left < 0 else "answers in too small pieces")
            return bytes(event.data)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._keep(self._connection)


def _why(error: Exception) -> str:
    """Why there is no connection, in words without the address."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return "no TLS can be agreed on"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it cannot be connected to"
