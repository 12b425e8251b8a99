"""A Redis that tests may fill, stop, kill and set back, and the shared one that they may not."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

SHARED = os.environ.get("AUTHGATE_TEST_REDIS", "redis://127.0.0.1:6379/9")
PATIENCE = 20  # seconds until a server that does not become ready is given up
_BINARY = shutil.which("redis-server")


def fresh_key() -> str:
    """A key that nobody else has."""
    return f"authgate-{secrets.token_hex(6)}:records"


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def shared(key: str) -> Iterator[Redis]:
    """The shared Redis, in which this key is removed at the end; where there is none, the test is skipped."""
    with Redis.from_url(SHARED) as client:
        try:
            client.ping()
        except RedisError as error:
            pytest.skip(f"redis is away: {error}")
        yield client
        client.delete(key)


class OwnRedis:
    """A server of a test's own, on a port of its own."""

    def __init__(self, *options: str, password: str = "") -> None:
        if _BINARY is None:
            pytest.skip("there is no redis-server here")
        self.port = free_port()
        self.password = password
        self._options = [*options, *(["--requirepass", password] if password else [])]
        self._folder = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://{f':{self.password}@' if self.password else ''}127.0.0.1:{self.port}/0"

    @property
    def client(self) -> Redis:
        """Somebody who talks to it."""
        return Redis.from_url(self.url)

    def start(self) -> None:
        """Begin, with what was saved."""
        command = [str(_BINARY), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir"]
        command += [self._folder.name, *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        give_up = time.monotonic() + PATIENCE
        while True:
            with suppress(RedisError), self.client as client:
                client.ping()
                return
            assert time.monotonic() < give_up, "it does not begin"
            time.sleep(0.02)

    def save(self) -> bytes:
        """What it holds now."""
        with self.client as client:
            client.save()
        return (Path(self._folder.name) / "dump.rdb").read_bytes()

    def begin_again_with(self, saved: bytes) -> None:
        """It was killed, and another has its place that holds this."""
        self.kill()
        (Path(self._folder.name) / "dump.rdb").write_bytes(saved)
        self.start()

    def pause(self) -> None:
        """It does not move any more."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It moves again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """It is gone with all that was not saved."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.kill()
        self._folder.cleanup()


@contextmanager
def own(*options: str, password: str = "") -> Iterator[OwnRedis]:
    """One that is gone at the end."""
    made = OwnRedis(*options, password=password)
    try:
        made.start()
        yield made
    finally:
        made.close()
