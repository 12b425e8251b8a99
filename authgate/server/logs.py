"""Structured logs on stderr: JSON lines, or lines for people."""

import atexit
import json
import logging
import os
import select
import sys
import threading
import time
from collections import deque
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from authgate.compactjson import dumps
from authgate.config import LogOptions
from authgate.model import Record

_GATHER = 0.02  # seconds: a thread that is woken for each line costs more than all the rest of a hook


class Lines:
    """Writes lines to a file descriptor from a thread of its own, so that a stuck reader stops no hook.

    At most ``most`` lines wait; what comes after them is dropped and counted in a line of its own.
    """

    def __init__(self, descriptor: int, most: int = 100_000) -> None:
        self._descriptor = descriptor
        self._most = most
        self._waiting: deque[str] = deque()
        self._dropped = 0
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Hand in one line, without its end; never waits."""
        if len(self._waiting) >= self._most:
            self._dropped += 1
            return
        self._waiting.append(line)
        if not self._wake.is_set():
            self._idle.clear()
            self._wake.set()

    def flush(self, seconds: float = 2.0) -> None:
        """Wait until everything is written, but not for ever."""
        self._idle.wait(seconds)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            time.sleep(_GATHER)
            self._wake.clear()
            while self._waiting:
                lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
                dropped, self._dropped = self._dropped, 0
                if dropped:
                    lines.append(json.dumps({"level": "error", "message": f"{dropped} log lines were dropped"}))
                self._write("".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))
            if not self._wake.is_set():
                self._idle.set()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])  # somebody made our stderr non-blocking
            except OSError:
                return  # nobody reads the log any more; the hooks go on


class VerdictLines:
    """Tells each verdict in one line. It holds nothing that a client could keep secret."""

    def __init__(self, lines: Lines, console: bool) -> None:
        self._lines = lines
        self._shape = _for_people if console else _as_json

    def verdict(self, record: Record, milliseconds: float) -> None:
        """One line, at level info."""
        self._lines.put(
            self._shape(
                {
                    "time": _time(record.at),
                    "level": "info",
                    "message": "verdict",
                    "hook": record.method,
                    "appKey": record.app_key,
                    "node": record.key.node,
                    "session": record.key.session,
                    "user": record.user,
                    "verdict": "allowed" if record.allowed else "rejected",
                    "reason": record.reason,
                    "rule": record.rule,
                    "status": record.status,
                    "subject": record.subject,
                    "ms": round(milliseconds, 2),
                    "record": record.id,
                }
            )
        )


class _Handler(logging.Handler):
    def __init__(self, lines: Lines, console: bool) -> None:
        super().__init__()
        self._lines = lines
        self._shape = _for_people if console else _as_json

    def emit(self, record: logging.LogRecord) -> None:
        line: dict[str, Any] = {
            "time": _time(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info:
            line["traceback"] = logging.Formatter().formatException(record.exc_info)
        self._lines.put(self._shape(line))


class NoVerdicts:
    """For a level above info."""

    def verdict(self, record: Record, milliseconds: float) -> None:
        """Nothing."""


def set_up(options: LogOptions) -> tuple[Lines, VerdictLines | NoVerdicts]:
    """Send all logs of this process to stderr in the chosen form."""
    lines = _lines_to(sys.stderr.fileno())
    console = options.format == "console" or (options.format == "auto" and sys.stderr.isatty())
    root = logging.getLogger()
    root.handlers = [_Handler(lines, console)]
    root.setLevel(options.level.upper())
    for noisy in ("aiosqlite", "asyncio", "alembic", "httpx", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    told = options.level in ("debug", "info")
    return lines, VerdictLines(lines, console) if told else NoVerdicts()


@cache  # a server with one worker sets up its logs twice in one process
def _lines_to(descriptor: int) -> Lines:
    lines = Lines(descriptor)
    atexit.register(lines.flush)
    return lines


def _time(milliseconds: int) -> str:
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03}Z"


@lru_cache(maxsize=2)  # thousands of verdicts share a second
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _as_json(line: dict[str, Any]) -> str:
    return dumps(line)


def _for_people(line: dict[str, Any]) -> str:
    """``12:00:01.123 info verdict hook=connect ...``; whatever a client chose cannot forge a line of its own."""
    head = f"{line.pop('time')[11:23]} {line.pop('level'):7} {_plain(line.pop('message'))}"
    traceback = line.pop("traceback", "")
    line.pop("logger", None)
    rest = "".join(f" {name}={_plain(str(value))}" for name, value in line.items() if value not in (None, ""))
    return "\n".join([f"{head}{rest}", *(f"  {_plain(each)}" for each in traceback.splitlines())])


def _plain(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
