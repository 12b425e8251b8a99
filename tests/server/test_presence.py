"""How a command finds the running server, and whom it does not signal."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from authgate.cli import cli
from authgate.errors import Refused
from authgate.server import presence
from authgate.server.presence import Outcome, Presence

ROOT = Path(presence.__file__).parents[2]
DONE = Outcome(0.0, "2026-01-31T12:00:00.000Z", 2, "1a2b3c4d", 2)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "authgate.toml"
    path.touch()
    return path


@pytest.fixture
def here(tmp_path, config):
    """This process as the server that is found."""
    server = Presence(tmp_path, config)
    server.claim()
    yield server
    server.close()


@pytest.fixture
def told():
    """The signals that this process got, each answered as ``answers`` says."""

    class Told(list):
        answer = staticmethod(lambda: None)

    got = Told()

    def note(*_):
        got.append(1)
        got.answer()

    before = signal.signal(signal.SIGHUP, note)
    yield got
    signal.signal(signal.SIGHUP, before)


def test_asked_and_answered(tmp_path, config, here, told):
    told.answer = lambda: here.tell(replace(DONE, began=time.monotonic(), faults=("a: b",)))
    outcome = presence.ask(tmp_path, config, 5)
    assert (outcome.generation, outcome.faults, told) == (2, ("a: b",), [1])


def test_an_outcome_that_began_before_we_asked_is_not_ours(tmp_path, config, here, told):
    """The file may have been changed after that one had read it."""
    early = time.monotonic()
    told.answer = lambda: here.tell(replace(DONE, began=early))
    with pytest.raises(Refused, match=r"has not said within 0\.1 seconds"):
        presence.ask(tmp_path, config, 0.1)


def test_the_next_outcome_is_ours(tmp_path, config, here, told):
    early = time.monotonic()

    def answer():
        here.tell(replace(DONE, began=early))
        threading.Timer(0.1, lambda: here.tell(replace(DONE, began=time.monotonic(), generation=3))).start()

    told.answer = answer
    assert presence.ask(tmp_path, config, 5).generation == 3


def test_what_a_server_of_before_said_does_not_count(tmp_path, config, told):
    """Its clock may have been ahead: the machine was started again since."""
    old = Presence(tmp_path, config)
    old.claim()
    old.tell(replace(DONE, began=time.monotonic() + 1e6))
    old.close()
    server = Presence(tmp_path, config)
    server.claim()
    with pytest.raises(Refused, match="has not said"):
        presence.ask(tmp_path, config, 0.1)
    server.close()


def test_both_files_are_for_their_owner_alone(tmp_path, here):
    before = os.umask(0)
    try:
        here.tell(DONE)
    finally:
        os.umask(before)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("serve.*")} == {
        "serve.pid": 0o600,
        "serve.status": 0o600,
    }


def test_nobody_is_there(tmp_path, config, told):
    with pytest.raises(Refused, match="no server runs with the spool folder"):
        presence.ask(tmp_path, config, 1)
    with pytest.raises(Refused, match="no server runs"):
        presence.ask(tmp_path / "missing", config, 1)
    assert not told


def test_a_file_of_a_server_that_is_gone_signals_nobody(tmp_path, config, here, told):
    """Its number may be another process's by now."""
    here.close()
    assert json.loads((tmp_path / "serve.pid").read_text())["pid"] == os.getpid()
    with pytest.raises(Refused, match="no server runs"):
        presence.ask(tmp_path, config, 1)
    assert not told


def locked(path, content):
    """The file as somebody writes it who holds its lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.write(descriptor, content if isinstance(content, bytes) else json.dumps(content).encode())
    return descriptor


UNSIGNALLED = {
    "no JSON": (b"{", "does not say which process"),
    "no object": (b"7", "does not say which process"),
    "no number": ({"pid": "x", "place": "", "config": ""}, "does not say which process"),
    "nothing": (b"", "does not say which process"),
    "brackets in brackets": (b"[" * 100_000, "does not say which process"),
    "every process": ({"pid": -1, "place": presence._place(), "config": ""}, "does not say which process"),
    "every process of the command's group": (
        {"pid": 0, "place": presence._place(), "config": ""},
        "does not say which process",
    ),
    "more than any process": ({"pid": 1 << 31, "place": "", "config": ""}, "does not say which process"),
    "a number without end": (b'{"pid": 1e400, "place": "", "config": ""}', "does not say which process"),
    "another container": ({"pid": os.getpid(), "place": "elsewhere", "config": ""}, "runs elsewhere"),
    "another configuration": (
        {"pid": os.getpid(), "place": presence._place(), "config": "/etc/other.toml"},
        "was started with /etc/other.toml",
    ),
}


@pytest.mark.parametrize(("content", "said"), UNSIGNALLED.values(), ids=UNSIGNALLED)
def test_nobody_is_signalled(tmp_path, config, told, content, said):
    descriptor = locked(tmp_path / "serve.pid", content)
    try:
        with pytest.raises(Refused, match=said):
            presence.ask(tmp_path, config, 1)
    finally:
        os.close(descriptor)
    assert not told


def test_a_named_pipe_keeps_nobody_waiting(tmp_path, config, told):
    os.mkfifo(tmp_path / "serve.pid")
    with pytest.raises(Refused):
        presence.ask(tmp_path, config, 1)
    assert not told


UNTOLD = {
    "brackets in brackets": b"[" * 100_000,
    "no number": b'{"began": "x", "at": "", "generation": 1, "revision": "", "workers": 1, "faults": []}',
    "no faults": b'{"began": 1e300, "at": "", "generation": 1, "revision": "", "workers": 1, "faults": 7}',
    "a list": b"[]",
    "something is missing": b'{"began": 1e300}',
}


@pytest.mark.parametrize("content", UNTOLD.values(), ids=UNTOLD)
def test_what_is_no_outcome_is_none(tmp_path, config, here, told, content):
    told.answer = lambda: (tmp_path / "serve.status").write_bytes(content)
    with pytest.raises(Refused, match="has not said"):
        presence.ask(tmp_path, config, 0.1)


@pytest.mark.skipif(os.getuid() != 0, reason="only root could signal them")
def test_root_is_not_led_to_signal_a_process_of_another_user(tmp_path, config):
    """The folder belongs to the service's user, who could name any process there."""
    victim = subprocess.Popen(["sleep", "60"])
    content = {"pid": victim.pid, "place": presence._place(), "config": str(config)}
    descriptor = locked(tmp_path / "serve.pid", content)
    try:
        os.chown(tmp_path / "serve.pid", 65534, 65534)
        with pytest.raises(Refused, match="names a process of another user"):
            presence.ask(tmp_path, config, 1)
        assert victim.poll() is None
    finally:
        os.close(descriptor)
        victim.kill()
        victim.wait()


def test_a_symbolic_link_is_not_followed(tmp_path, config):
    (tmp_path / "elsewhere").write_text("kept")
    (tmp_path / "serve.pid").symlink_to(tmp_path / "elsewhere")
    server = Presence(tmp_path, config)
    server.claim()
    assert server._lock is None
    assert (tmp_path / "elsewhere").read_text() == "kept"
    with pytest.raises(Refused, match="cannot be read"):
        presence.ask(tmp_path, config, 1)


AS_NOBODY = """
import os, sys
from pathlib import Path
from authgate.errors import Refused
from authgate.server import presence
os.setgid(65534); os.setuid(65534)
try:
    presence.ask(Path(sys.argv[1]), Path(sys.argv[2]), 1)
except Refused as error:
    print(error)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("mode", [0o600, 0o644], ids=["who may not read", "who may not signal"])
def test_another_user_is_told_so(config, told, mode):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Presence(folder, config)
        server.claim()
        (folder / "serve.pid").chmod(mode)
        command = [sys.executable, "-c", AS_NOBODY, folder, config]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        server.close()
    assert done.stdout == "the server runs as another user; give this command as that user\n", done.stderr
    assert not told


def test_the_second_server_of_a_folder_says_that_it_is_not_found(tmp_path, config, here, caplog):
    second = Presence(tmp_path, config)
    second.claim()
    assert "another server uses the same store.spool" in caplog.text
    second.tell(replace(DONE, generation=99))
    assert not (tmp_path / "serve.status").exists()
    here.close()
    second.claim()
    second.tell(DONE)
    assert json.loads((tmp_path / "serve.status").read_text())["generation"] == 2
    second.close()


def test_a_command_that_looks_keeps_no_server_from_being_found(tmp_path, config, monkeypatch):
    looking = os.open(tmp_path / "serve.pid", os.O_RDONLY | os.O_CREAT, 0o600)
    fcntl.flock(looking, fcntl.LOCK_SH)
    threading.Timer(0.1, lambda: os.close(looking)).start()
    server = Presence(tmp_path, config)
    server.claim()
    assert server._lock is not None
    server.close()


def test_a_folder_that_cannot_be_written_to_stops_nobody(tmp_path, config, caplog):
    server = Presence(tmp_path / "missing", config)
    server.claim()
    server.tell(DONE)
    assert "authgate config reload will not find this server" in caplog.text


def test_an_outcome_that_cannot_be_written_stops_nobody(tmp_path, here, caplog):
    (tmp_path / "serve.status.new").mkdir()
    here.tell(DONE)
    assert "serve.status cannot be written" in caplog.text


def test_a_server_that_ends_meanwhile(tmp_path, config, here, told):
    told.answer = here.close
    with pytest.raises(Refused, match="the server ended before it said"):
        presence.ask(tmp_path, config, 5)


def test_the_command_is_done_though_nobody_can_count_older_sessions(tmp_path, told):
    """What was asked for was done; the store has other trouble."""
    config = tmp_path / "authgate.toml"
    config.write_text('[store]\nurl = "postgresql://u:c4nary@127.0.0.1:1/x"')
    server = Presence(tmp_path / "spool", config)
    (tmp_path / "spool").mkdir()
    server.claim()
    told.answer = lambda: server.tell(replace(DONE, began=time.monotonic()))
    done = CliRunner().invoke(cli, ["--config", str(config), "config", "reload", "--json"])
    server.close()
    assert done.exit_code == 0
    assert json.loads(done.stdout)["older_sessions"] is None
    assert "sessions that were opened under older rules are not counted" in done.stderr
    assert "c4nary" not in done.output
