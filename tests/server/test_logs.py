import json
import logging
import os
import threading

import pytest

from authgate.config import LogOptions
from authgate.model import Reason, Record, Secret, SessionKey
from authgate.server import logs

RECORD = Record(
    id="0123",
    at=1_700_000_000_123,
    key=SessionKey("n@192.0.2.10", "/203.0.113.7:5/x"),
    app_key="defaultApp",
    method="playStream",
    user="ann",
    allowed=False,
    reason=Reason.SESSION_EXPIRED,
    rule="policies.call",
    status="PENDING",
    subject="a\nb \x1b[2J",
)


@pytest.fixture
def pipe():
    """A descriptor to log to, and a function that returns what was written."""
    read, write = os.pipe()

    def written():
        os.close(write)
        with open(read, encoding="utf-8") as file:
            return file.read()

    return write, written


@pytest.fixture
def root():
    """The root logger, put back as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield root
    root.handlers, root.level = before[0], before[1]


def test_a_verdict_as_json(pipe):
    lines = logs.Lines(pipe[0])
    logs.VerdictLines(lines, console=False).verdict(RECORD, 1.2345)
    lines.flush()
    [line] = pipe[1]().splitlines()
    assert json.loads(line) == {
        "time": "2023-11-14T22:13:20.123Z",
        "level": "info",
        "message": "verdict",
        "hook": "playStream",
        "appKey": "defaultApp",
        "node": "n@192.0.2.10",
        "session": "/203.0.113.7:5/x",
        "user": "ann",
        "verdict": "rejected",
        "reason": "session_expired",
        "rule": "policies.call",
        "status": "PENDING",
        "subject": "a\nb \x1b[2J",
        "ms": 1.23,
        "record": "0123",
    }


def test_a_verdict_for_people_forges_no_line_and_no_escape(pipe):
    lines = logs.Lines(pipe[0])
    logs.VerdictLines(lines, console=True).verdict(RECORD, 1.2345)
    lines.flush()
    text = pipe[1]()
    assert text.count("\n") == 1
    assert "\x1b" not in text
    assert text.startswith("22:13:20.123 info    verdict hook=playStream ")
    assert "subject=a\\nb \\x1b[2J" in text


@pytest.mark.parametrize("form", ["json", "console"])
def test_other_lines(pipe, root, form, monkeypatch):
    monkeypatch.setattr(logs.sys, "stderr", open(pipe[0], "w", closefd=False))  # noqa: SIM115 - a stand-in for stderr
    lines, verdicts = logs.set_up(LogOptions(format=form))
    log = logging.getLogger("authgate.test")
    log.info("hello %s\nand more", Secret("hunter2"))
    log.debug("not told")
    try:
        raise ValueError("a mistake")
    except ValueError:
        log.exception("it failed")
    verdicts.verdict(RECORD, 1)
    lines.flush()
    text = pipe[1]()
    assert "hunter2" not in text
    assert "not told" not in text
    assert "ValueError: a mistake" in text
    assert "session_expired" in text
    if form == "json":
        assert [json.loads(line)["level"] for line in text.splitlines()] == ["info", "error", "info"]


def test_verdicts_are_told_at_info(pipe, root, monkeypatch):
    monkeypatch.setattr(logs.sys, "stderr", open(pipe[0], "w", closefd=False))  # noqa: SIM115 - a stand-in for stderr
    lines, verdicts = logs.set_up(LogOptions(level="warning"))
    verdicts.verdict(RECORD, 1)
    lines.flush()
    assert pipe[1]() == ""


def test_a_stuck_reader_stops_nobody():
    read, write = os.pipe()
    lines = logs.Lines(write, most=5)
    big = "x" * 100_000  # more than a pipe holds
    done = threading.Event()

    def put():
        for _ in range(50):
            lines.put(big)
        done.set()

    threading.Thread(target=put, daemon=True).start()
    assert done.wait(5)
    with open(read, "rb", buffering=0) as file:
        received = b""
        while b"log lines were dropped" not in received:
            received = received[-100:] + file.read(65536)
    os.close(write)


def test_no_reader_stops_nobody():
    read, write = os.pipe()
    os.close(read)
    lines = logs.Lines(write)
    lines.put("x")
    lines.flush()
    os.close(write)


def test_a_descriptor_that_does_not_block():
    read, write = os.pipe()
    os.set_blocking(write, False)
    lines = logs.Lines(write)
    lines.put("x" * 200_000)  # more than a pipe holds
    with open(read, "rb") as file:
        assert len(file.readline()) == 200_001
    os.close(write)
