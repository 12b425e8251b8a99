"""Another back end, a process of its own that answers byte for byte as a test tells it; started with this very file."""

import asyncio
import json
import ssl
import subprocess
import sys
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

HANG = 3600.0
CLOSE = None
Step = bytes | float | None  # what is sent, seconds to wait, or the connection is closed


def reply(body: bytes | str = b"{}", status: str = "200 OK", *lines: str, length: int | None = None) -> bytes:
    """The bytes of a whole answer."""
    data = body.encode() if isinstance(body, str) else body
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(data) if length is None else length}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + data


OK = [reply('{"name":"theirs"}')]
NO = [reply('{"status":403,"reason":"no"}', "403 Forbidden")]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def endless(data: bytes) -> dict[str, str]:
    """A step: this is sent over and over."""
    return {"again": data.decode("latin-1")}


class BackEnd:
    """The process, as a test sees it. Answers go by the first segment of the path; at rest each is a 200 and {}."""

    def __init__(self, port: int = 0, certificate: str = "") -> None:
        self._scheme = "https" if certificate else "http"
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(port), certificate], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}/{name}"

    def say(self, name: str, *answers: list[Any]) -> None:
        """Answer so from now on, one after the other; the last one stays."""
        steps = [[each.decode("latin-1") if isinstance(each, bytes) else each for each in one] for one in answers]
        self._control("say", name, steps)

    def heard(self, name: str) -> list[dict[str, Any]]:
        """The requests of this name: method, headers, body, connection, at (seconds)."""
        found: list[dict[str, Any]] = self._control("heard", name, None)
        return found

    def methods(self, name: str) -> list[str]:
        return [request["method"] for request in self.heard(name)]

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _control(self, what: str, name: str, value: Any) -> Any:
        url = f"{self.url('control')}/{what}/{name}"
        context = ssl._create_unverified_context() if self._scheme == "https" else None
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _https(context))
        with closing(opener.open(url, json.dumps(value).encode(), timeout=10)) as answer:
            return json.load(answer)


def _https(context: ssl.SSLContext | None) -> urllib.request.HTTPSHandler:
    return urllib.request.HTTPSHandler(context=context)


@contextmanager
def running(port: int = 0, certificate: str = "") -> Iterator[BackEnd]:
    """The process, until the end of the block."""
    one = BackEnd(port, certificate)
    try:
        yield one
    finally:
        one.kill()


class _Server:
    def __init__(self) -> None:
        self.heard: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.answers: dict[str, list[list[Any]]] = {}
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            while await self._one(reader, writer, number):
                pass
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (text.partition(":") for text in lines)}
        body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
        _, name, *others = line.split(" ")[1].split("/")
        if name == "control":
            writer.write(reply(json.dumps(self._controlled(others[0], others[1], json.loads(body)))))
            return True
        request = {"line": line, "method": others[-1], "headers": headers, "body": body, "connection": number}
        request["at"] = asyncio.get_running_loop().time()
        self.heard[name].append(request)
        answers = self.answers.get(name, [[reply().decode()]])
        for step in answers.pop(0) if len(answers) > 1 else answers[0]:
            if step is None:
                return False
            if isinstance(step, str):
                writer.write(step.encode("latin-1"))
                await writer.drain()
            elif isinstance(step, dict):
                while True:
                    writer.write(step["again"].encode("latin-1"))
                    await writer.drain()
            else:
                await asyncio.sleep(step)
        return True

    def _controlled(self, what: str, name: str, value: Any) -> Any:
        if what == "say":
            self.answers[name] = value
        return self.heard[name]


async def main(port: int, certificate: str) -> None:
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    server = await asyncio.start_server(_Server().serve, "127.0.0.1", port, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - read by whoever started us
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
