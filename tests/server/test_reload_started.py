"""The beginning and the end of servers that take configurations over: signals too early, nobody there, one too many."""

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests import process
from tests.server.running import PASSWORD, Running, children, lives, marked, running, told, until

START = marked("start")


def catches(pid, signum):
    """Whether a process handles a signal by now."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), "0")
    return bool(int(caught, 16) >> (signum - 1) & 1)


@contextmanager
def starting(config, *arguments, **more):
    """A server that has just been started."""
    log = config.with_name("serve.log")
    with log.open("ab") as file:
        started = subprocess.Popen(
            [sys.executable, "-m", "authgate", "--config", str(config), "serve", "--port", "0", *arguments],
            stdout=file,
            stderr=file,
            env=process.environment(),
            **more,
        )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(process.PATIENCE)


@pytest.mark.parametrize("workers", [1, 2])
def test_hangups_while_it_starts(tmp_path, workers):
    """From its first moments on, and the last of them is not forgotten."""
    config = process.prepare(tmp_path / "authgate", START, ann=PASSWORD)
    log = config.with_name("serve.log")
    with starting(config, "--workers", str(workers), start_new_session=True) as server:
        until(lambda: catches(server.pid, signal.SIGHUP))
        while not [line for line in told(log) if "Application startup complete" in line]:
            os.killpg(server.pid, signal.SIGHUP)
            time.sleep(0.03)
            assert server.poll() is None, log.read_text()
        until(lambda: [line for line in told(log) if line.startswith("took over configuration")])
        until(lambda: workers == 1 or len(children(server.pid)) == workers)
    assert server.returncode == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_terminal_that_is_closed_ends_the_server_that_was_started_from_it(tmp_path, workers):
    """What SIGHUP is for from of old: a server that nobody sees any more would keep the port."""
    config = process.prepare(tmp_path / "authgate", START, ann=PASSWORD)
    ours, theirs = pty.openpty()

    def at_terminal():
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    with starting(config, "--workers", str(workers), preexec_fn=at_terminal) as server:
        os.close(theirs)
        started = "Application startup complete."
        until(lambda: told(config.with_name("serve.log")).count(started) == workers)
        os.kill(server.pid, signal.SIGHUP)  # the terminal is there: a configuration is to be taken over
        until(lambda: [line for line in told(config.with_name("serve.log")) if line.startswith("took over")])
        os.close(ours)
        assert server.wait(process.PATIENCE) == 0


def test_a_server_without_hangup_goes_on_when_the_terminal_is_closed(tmp_path):
    """As ``nohup`` starts one."""
    config = process.prepare(tmp_path / "authgate", START, ann=PASSWORD)
    ours, theirs = pty.openpty()

    def at_terminal():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    with starting(config, preexec_fn=at_terminal) as server:
        os.close(theirs)
        until(lambda: "Application startup complete." in told(config.with_name("serve.log")))
        os.close(ours)
        until(lambda: [line for line in told(config.with_name("serve.log")) if line.startswith("took over")])
        assert server.poll() is None


def test_workers_stop_when_their_supervisor_is_killed(tmp_path):
    """Nobody could tell them any more what is in force, and they would keep the port."""
    with running(tmp_path / "authgate", START, 2) as server:
        workers = children(server.pid)
        os.kill(server.pid, signal.SIGKILL)
        server.server.process.wait()
        until(lambda: not any(map(lives, workers)))
        with pytest.raises(httpx.ConnectError):
            server.status()
        done = server.command()
    assert done.returncode == 1
    assert done.stderr.startswith("error: no server runs with the spool folder ")


def test_workers_that_cannot_start_end_the_server(tmp_path):
    config = process.prepare(tmp_path / "authgate", START, ann=PASSWORD)
    spool = config.parent / "spool"
    spool.mkdir(0o700)
    (spool / "observers").touch()  # where each worker needs a folder
    text = '[targets.t]\nurl = "http://127.0.0.1:9"\nobserve = ["call"]\n'
    config.write_text(f"{config.read_text()}\n{text}")
    with starting(config, "--workers", "2") as server:
        assert server.wait(process.PATIENCE) == 1
    assert "store.spool: the folder cannot be used" in config.with_name("serve.log").read_text()


def test_a_second_server_of_one_spool(tmp_path):
    """Both take a changed configuration over on SIGHUP; the command finds the first."""
    with running(tmp_path / "authgate", START, 1) as first, process.serve(first.config) as other:
        second = Running(other, "")
        until(lambda: [line for line in told(first.log) if line.startswith("another server uses the same store.spool")])
        first.write(marked("first"))
        assert first.command().returncode == 0
        assert (first.marks(), second.marks()) == ({"first"}, {"start"})
        os.kill(second.pid, signal.SIGHUP)
        until(lambda: second.marks() == {"first"})
        first.server.process.terminate()
        first.server.process.wait(process.PATIENCE)
        assert first.command().returncode == 1


def test_an_asgi_server_of_somebody_else(tmp_path):
    """It reads the configuration once; signals are that server's own."""
    config = process.prepare(tmp_path / "authgate", START, ann=PASSWORD)
    log = tmp_path / "log"
    command = [sys.executable, "-m", "uvicorn", "--factory", "authgate.asgi:create", "--uds", str(tmp_path / "sock")]
    with log.open("ab") as file:
        environ = process.environment() | {"AUTHGATE_CONFIG": str(config)}
        server = subprocess.Popen(command, stdout=file, stderr=file, env=environ)
    try:
        until(lambda: (tmp_path / "sock").exists() or server.poll() is not None)
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(tmp_path / "sock"), retries=5)) as http:
            shown = http.get("http://x/healthz").json()
            body = json.dumps({"nodeId": "n", "appKey": "a", "sessionId": "s", "name": "x"})
            answer = http.post("http://x/hooks/publishStream", content=body).json()
        assert shown["configuration"]["generation"] == 1
        assert answer["mark"] == "start"
    finally:
        server.terminate()
        server.wait(process.PATIENCE)
    assert not (config.parent / "spool" / "serve.pid").exists()
