"""Processes for hashes that only Python computes: kept, bounded, killed where they take too long, and no orphans."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from authgate.errors import Overloaded
from authgate.passwords import child
from authgate.passwords.apart import Apart
from tests.passwords.hashers import Watched
from tests.passwords.vectors import ASCII, OTHER, VECTORS

NAMES = ["sha512_crypt", "sha256_crypt", "md5_crypt", "apr1", "phpass", "phpass of phpBB", "Drupal 7"]
STORED = VECTORS["sha512_crypt"].ascii
SLOW = VECTORS["sha512_crypt"].ascii.replace("$6$", "$6$rounds=2000000$")
NEVER = 60  # seconds that no test waits: it fails then


@pytest.fixture
def apart() -> Iterator[Apart]:
    made = Apart(NEVER)
    yield made
    made.close()


def _pid(apart: Apart) -> int:
    (only,) = apart._idle
    return only._process.pid


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("name", NAMES)
def test_right_and_wrong(apart: Apart, name: str) -> None:
    vector = VECTORS[name]
    assert apart.opens(ASCII.encode(), vector.ascii)
    assert apart.opens(OTHER.encode(), vector.other)
    assert not apart.opens(OTHER.encode(), vector.ascii)
    assert not apart.opens(b"pass\nword", vector.ascii)


def test_one_process_answers_again_and_again(apart: Apart) -> None:
    apart.opens(b"password", STORED)
    first = _pid(apart)
    for _ in range(3):
        assert apart.opens(b"password", STORED)
        with pytest.raises(ValueError, match="broken"):
            apart.opens(b"password", "$6$")
    assert _pid(apart) == first


def test_there_are_no_more_processes_than_threads_that_ask(apart: Apart) -> None:
    with ThreadPoolExecutor(3) as threads:
        assert all(threads.map(lambda _: apart.opens(b"password", STORED), range(12)))
    assert 1 <= len(apart._idle) <= 3


def test_one_that_takes_too_long_is_killed() -> None:
    apart = Apart(0.05)
    pids = []
    started = subprocess.Popen.__init__

    def watched(self: object, *arguments: object, **options: object) -> None:
        started(self, *arguments, **options)
        pids.append(self.pid)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", watched)
        with pytest.raises(Overloaded, match="does not answer"):
            apart.opens(b"password", SLOW)
    assert len(pids) == 1
    assert not _runs(pids[0])
    assert apart._idle == []
    apart.close()


def test_one_that_somebody_ended_is_replaced(apart: Apart) -> None:
    apart.opens(b"password", STORED)
    first = _pid(apart)
    apart._idle[0]._process.kill()
    apart._idle[0]._process.wait()
    assert apart.opens(b"password", STORED)
    assert _pid(apart) != first


def test_signals_to_the_group_leave_it_alone(apart: Apart) -> None:
    apart.opens(b"password", STORED)
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(_pid(apart), each)
    first = _pid(apart)
    assert apart.opens(b"password", STORED)
    assert _pid(apart) == first


def test_closing_ends_the_processes(apart: Apart) -> None:
    apart.opens(b"password", STORED)
    first = _pid(apart)
    apart.close()
    assert not _runs(first)


def test_one_that_is_busy_while_closing_ends_when_it_is_done(apart: Apart) -> None:
    apart.opens(b"password", STORED)
    first = _pid(apart)
    taken = apart._taken()
    apart.close()
    assert _runs(first)
    apart._put_back(taken)
    assert not _runs(first)


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + NEVER
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_killed_parent_leaves_no_orphan() -> None:
    script = (
        "from authgate.passwords.apart import Apart\n"
        f"apart = Apart(); apart.opens(b'password', {STORED!r})\n"
        "print(apart._idle[0]._process.pid, flush=True)\n"
        "input()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert _runs(pid)
        parent.kill()
    _until(lambda: not _runs(pid) or _ended(pid))


def _ended(pid: int) -> bool:
    """Whether it is over, and only waits to be reaped by whoever inherited it."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_machine_that_starts_no_process_is_trouble(apart: Apart, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(Overloaded, match="no process"):
        apart.opens(b"password", STORED)


async def test_a_process_that_fails_is_trouble_and_no_wrong_password(
    hasher: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Overloaded, match="does not answer"):
        await hasher.verify("password", STORED)


async def test_what_python_computes_is_computed_apart(tolerant: Watched) -> None:
    for name in NAMES:
        assert await tolerant.verify("password", VECTORS[name].ascii)
    assert set(tolerant.told) <= {"decoy"}


# --- the other end


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, threading.Thread]]:
    ours, theirs = socket.socketpair()
    serving = threading.Thread(target=child.serve, args=(theirs,))
    serving.start()
    with ours:
        yield ours, serving
    serving.join(NEVER)
    assert not serving.is_alive()
    theirs.close()


def _request(hashed: str, password: str) -> bytes:
    text = f"{hashed}\n{password}".encode()
    return len(text).to_bytes(4, "big") + text


def test_the_other_end_answers_in_one_byte(ends: tuple[socket.socket, threading.Thread]) -> None:
    ours, _ = ends
    asked = {
        _request(STORED, "password"): b"1",
        _request(STORED, "wrong"): b"0",
        _request("nonsense", "password"): b"!",
        _request("$6$rounds=999$salt$" + "x" * 86, "password"): b"!",
    }
    for request, answer in asked.items():
        ours.sendall(request[:7])
        ours.sendall(request[7:])
        assert ours.recv(1) == answer


def test_the_other_end_stops_where_a_request_is_cut(ends: tuple[socket.socket, threading.Thread]) -> None:
    ours, serving = ends
    ours.sendall(_request(STORED, "password")[:-1])
    ours.shutdown(socket.SHUT_WR)
    serving.join(NEVER)
    assert not serving.is_alive()


def test_the_other_end_stops_where_nobody_takes_its_answer() -> None:
    ours, theirs = socket.socketpair()
    ours.sendall(_request(STORED, "password"))
    ours.close()
    with theirs:
        child.serve(theirs)
