"""The protocol of hooks with what the admin listener needs besides: WebSocket, and a bound on who is connected."""

import asyncio
from asyncio import TimerHandle

from authgate.server.protocol import HookProtocol

READ_SECONDS = 30.0  # for which nothing of an answer is read, until the connection is given up


class AdminProtocol(HookProtocol):
    """HTTP/1.1 and WebSocket. One connection too many is closed, and so is one that does not read its answer."""

    most = 256  # connections at once

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        self._to_websocket = False
        self._unread: TimerHandle | None = None
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stop_waiting()
        self._unread = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_waiting()
        super().resume_writing()

    def on_headers_complete(self) -> None:
        self._to_websocket = self.parser.should_upgrade() and self._should_upgrade()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._to_websocket:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._to_websocket:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """End the connection with an answer in the form of all others here."""
        body = b'{"type":"about:blank","title":"Bad Request","status":400,"detail":"%s"}' % msg.encode("ascii")
        head = (
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        )
        self.transport.write(head + body)
        self.transport.close()

    def _left_http(self) -> bool:
        if self._to_websocket:
            self._stop_waiting()
            self.handle_websocket_upgrade()
        return self._to_websocket

    def _stop_waiting(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
