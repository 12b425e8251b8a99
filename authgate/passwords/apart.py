"""Processes for hashes that only Python computes: in a thread they would hold up the event loop meanwhile."""

import socket
import subprocess
import sys
import threading
from contextlib import suppress

from authgate.errors import Overloaded
from authgate.passwords.child import BROKEN, LENGTH, OPENS

_TIMEOUT = 10  # seconds
_COMMAND = "from authgate.passwords.child import main; main()"


class Apart:
    """As many processes as threads ask at once, started at the first need and kept.

    One that takes too long is killed. All of them end when they are closed, and when this process ends, however it
    does: they wait for what comes over a socket that is closed then.
    """

    def __init__(self, timeout: float = _TIMEOUT) -> None:
        self._timeout = timeout
        self._idle: list[_Child] = []
        self._lock = threading.Lock()
        self._closed = False

    def opens(self, secret: bytes, stored: str) -> bool:
        """Whether the password made this hash.

        Raises:
            Overloaded: no process can be started for it, or it takes too long.
            ValueError: the hash is broken.
        """
        child = self._taken()
        try:
            answer = child.answer(stored.encode() + b"\n" + secret)
        except BaseException:
            child.kill()
            raise
        self._put_back(child)
        if answer == BROKEN:
            raise ValueError("the hash is broken")
        return answer == OPENS

    def close(self) -> None:
        """End the processes that have nothing to do now, and those that have when they are done."""
        with self._lock:
            self._closed, idle = True, self._idle
            self._idle = []
        for child in idle:
            child.kill()

    def _taken(self) -> "_Child":
        """A process that lives.

        Raises:
            Overloaded: none can be started.
        """
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            if child is None:
                return _Child(self._timeout)
            if child.alive:
                return child
            child.kill()  # somebody else ended it

    def _put_back(self, child: "_Child") -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(child)
                return
        child.kill()


class _Child:
    """One process and the socket to it."""

    def __init__(self, timeout: float) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(timeout)
        try:
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 - the command is ours, secrets go through the socket
                    [sys.executable, "-P", "-c", _COMMAND],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,  # a traceback could hold the password
                )
        except OSError:
            self._socket.close()
            raise Overloaded("no process can be started to verify a hash that only Python computes") from None

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def answer(self, request: bytes) -> bytes:
        """The one byte that it says.

        Raises:
            Overloaded: it takes too long, or it has ended.
        """
        answer = b""
        with suppress(OSError):  # a timeout is one
            self._socket.sendall(len(request).to_bytes(LENGTH, "big") + request)
            answer = self._socket.recv(1)
        if not answer:
            raise Overloaded("the process that verifies hashes which only Python computes does not answer")
        return answer

    def kill(self) -> None:
        """End it, whatever it does, and forget it."""
        self._socket.close()
        self._process.kill()
        self._process.wait()
