"""uvicorn's HTTP/1.1 protocol with what it leaves open closed: heads without end, and ``Upgrade``."""

import asyncio
from asyncio import TimerHandle

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 64 * 1024  # bytes of request line and headers
HEAD_SECONDS = 10.0  # from its first byte until the head is complete


class HookProtocol(HttpToolsProtocol):
    """HTTP/1.1 for callers that are not known yet.

    A head that is too long or too slow ends the connection. An offer to upgrade is not taken up, and the
    body that comes with it is read (RFC 9110, 7.8): Java's own client offers HTTP/2 in this way by default.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._head_size = 0  # bytes of a head that is not complete
        self._in_head = False
        self._body_left = 0  # bytes of a body that the parser takes for another protocol
        # A client may keep a connection in store that it has not used yet: it is as idle as one between requests.
        self._head_timer: TimerHandle | None = self.loop.call_later(self.timeout_keep_alive, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        while data and not self.transport.is_closing():
            if self._body_left:
                data = self._body_received(data)
                continue
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
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
                self._stop_head_timer()
                self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_size = 0
        self._stop_head_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            length = dict(self.headers).get(b"content-length", b"0")
            self._body_left = int(length) if length.isdigit() else 0
        if not self._body_left:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """End the connection with an answer in the form of all others."""
        body = b'{"status":400,"reason":"%s"}' % msg.encode("ascii")
        head = (
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        )
        self.transport.write(head + body)
        self.transport.close()

    def _body_received(self, data: bytes) -> bytes:
        """What follows the body."""
        piece, rest = data[: self._body_left], data[self._body_left :]
        self._body_left -= len(piece)
        self.on_body(piece)
        if not self._body_left:
            super().on_message_complete()
        return rest

    def _too_slow(self) -> None:
        self._head_timer = None
        self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
