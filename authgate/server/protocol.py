"""uvicorn's HTTP/1.1 protocol with what it leaves open closed: heads without end, and ``Upgrade``."""

import asyncio
from asyncio import TimerHandle
from weakref import ref

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

MAX_HEAD = 64 * 1024  # bytes of request line and headers
HEAD_SECONDS = 10.0  # from its first byte until the head is complete
BODY_SECONDS = 10.0  # from an answer that did not wait for the body until that is over
WHOLE = "authgate.whole"  # the extension of ASGI that is a ``Whole``


class HookProtocol(HttpToolsProtocol):
    """HTTP/1.1 for callers that are not known yet.

    A head that is too long or too slow ends the connection, and so does a body that goes on long after its answer.
    Trailers are no headers (RFC 9110, 6.5.1): whoever sends a body could add to what a proxy has written before it.
    An offer to upgrade is not taken up, and the body that comes with it is read (RFC 9110, 7.8): Java's own client
    offers HTTP/2 in this way by default.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._head_size = 0  # bytes of a head that is not complete
        self._in_head = self._in_body = False
        self._around = 0  # bytes of a body that came since its last piece: what frames it, and trailers
        self._body_left = 0  # bytes of a body that the parser takes for another protocol
        # A client may keep a connection in store that it has not used yet: it is as idle as one between requests.
        self._timer: TimerHandle | None = self.loop.call_later(self.timeout_keep_alive, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._around += len(data)
        while data and not self.transport.is_closing():
            if self._body_left:
                data = self._body_received(data)
                continue
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                if self._left_http():
                    return
                data = data[upgrade.args[0] :]
                continue
            except httptools.HttpParserError:
                self.send_400_response("Not HTTP")
                return
            break
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > MAX_HEAD:
                self.send_400_response("Head too large")
            elif self._head_size == len(data):  # its first piece
                self._stop_timer()
                self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)
        elif self._in_body and self._around > MAX_HEAD:
            self.send_400_response("Trailers too large")

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head, self._in_body = False, True
        self._head_size = self._around = 0
        self._stop_timer()
        super().on_headers_complete()
        self.headers = _Trailers()
        if self.cycle is not None:  # there is none for a WebSocket
            self.scope["extensions"] = {WHOLE: Whole(self.cycle)}  # type: ignore[dict-item]  # no dict of ours

    def on_body(self, body: bytes) -> None:
        self._around = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            length = dict(self.scope["headers"]).get(b"content-length", b"0")
            self._body_left = int(length) if length.isdigit() else 0
        if not self._body_left:
            self._message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_body and self.cycle.response_complete:
            self._stop_timer()
            self._timer = self.loop.call_later(BODY_SECONDS, self._too_slow)

    def send_400_response(self, msg: str) -> None:
        """End the connection with an answer in the form of all others."""
        body = b'{"status":400,"reason":"%s"}' % msg.encode("ascii")
        head = (
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        )
        self.transport.write(head + body)
        self.transport.close()

    def _left_http(self) -> bool:
        """Whether the connection is another protocol's from now on: hooks know none."""
        return False

    def _body_received(self, data: bytes) -> bytes:
        """What follows the body."""
        piece, rest = data[: self._body_left], data[self._body_left :]
        self._body_left -= len(piece)
        self.on_body(piece)
        if not self._body_left:
            self._message_complete()
        return rest

    def _message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()
        if self.cycle.response_complete:  # nobody waited for it: only now the connection is idle
            self._stop_timer()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _too_slow(self) -> None:
        self._timer = None
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Whole:
    """A request and its answer each in one piece, where ASGI has messages: what waits for nothing costs no more.

    The request has this among its extensions, so this must not hold the request: such a ring stays in memory until
    the collector comes, which then stops everything for as long as it takes to look at thousands of them.
    """

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = ref(cycle)

    def body(self) -> bytes | None:
        """The body; None: not all of it has come, or somebody waits to be told to go on, so it is to be received."""
        cycle = self._cycle()
        if cycle is None:
            return None
        return None if cycle.more_body or cycle.disconnected or cycle.waiting_for_100_continue else bytes(cycle.body)

    def send(self, status: int, content_type: bytes, body: bytes) -> bool:
        """Send an answer by one write, since each may wake up whoever waits for it.

        False where it cannot be sent so, and is to be sent by messages.
        """
        cycle = self._cycle()
        if cycle is None or cycle.flow.write_paused or cycle.disconnected or cycle.response_started:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        head = [STATUS_LINE[status], *[b"%s: %s\r\n" % header for header in cycle.default_headers]]
        head.append(b"content-type: %s\r\ncontent-length: %d\r\n" % (content_type, len(body)))
        head.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        cycle.transport.write(b"".join((*head, body)))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


class _Trailers(list[tuple[bytes, bytes]]):
    """Where headers go that come after the head: nowhere."""

    def append(self, _header: tuple[bytes, bytes]) -> None:
        """Nothing."""
