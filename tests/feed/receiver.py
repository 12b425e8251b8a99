"""Who receives webhooks: looks at each message as the library of the specification does, and answers as a test says."""

import json
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

from tests.trouble import awaited

SECRET = "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


class Receiver:
    """One address on the loopback; ``taken`` are the messages that were answered with 2xx, ``seen`` are all."""

    def __init__(self, *secrets: str) -> None:
        self.verifiers = [Webhook(secret) for secret in secrets or (SECRET,)]
        self.answer: Callable[[int], int | tuple[int, dict[str, str]]] = lambda _number: 204
        self.slow = 0.0  # seconds that it takes
        self.endless = False  # whether it goes on and on when it has answered
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.faults: list[str] = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver._received(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """The other side has hung up."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        assert self.faults == []

    @property
    def ids(self) -> list[str]:
        """Of the messages that it has taken, in order."""
        return [id_ for id_, _ in self.taken]

    def wrap(self, context: ssl.SSLContext) -> None:
        """Be reached over TLS alone."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def until(self, count: int) -> None:
        """Come back when it has taken so many."""
        awaited(lambda: len(self.taken) >= count)

    def _received(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["content-length"]))
        headers = {name.lower(): value for name, value in request.headers.items()}
        with self._lock:
            try:
                for verifier in self.verifiers:
                    verifier.verify(body, headers)
                message = headers["webhook-id"], json.loads(body)
            except Exception as fault:
                self.faults.append(repr(fault))
                message = "", {}
            self.seen.append(message)
            self.headers.append(headers)
            answer = self.answer(len(self.seen))
        time.sleep(self.slow)
        status, more = answer if isinstance(answer, tuple) else (answer, {})
        request.send_response(status)
        for name, value in more.items():
            request.send_header(name, value)
        if status != 204:
            request.send_header("content-length", "1000000000" if self.endless else "2")
        request.end_headers()
        if 200 <= status < 300:
            self.taken.append(message)
        if status != 204:
            request.wfile.write(b"ok")
        while self.endless:
            request.wfile.write(b"x" * 100_000)
