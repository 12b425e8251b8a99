"""The files in the spool folder by which a command finds the running server, and learns what came of a reload."""

import fcntl
import json
import logging
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from authgate.errors import Refused
from authgate.strictjson import read_object

log = logging.getLogger(__name__)

_PID, _STATUS = "serve.pid", "serve.status"
_TRIES, _PAUSE = 10, 0.05  # seconds between two of them: a command that looks holds the lock for a moment
_POLL = 0.02  # seconds between two looks at what the server says
_MOST = 1 << 20  # bytes of either file that are read
_LAST = (1 << 31) - 1  # the largest number that a process can have
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a named pipe put there must not keep the command waiting


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the start, or of taking a configuration over. It holds no secret."""

    began: float  # seconds of the machine's monotonic clock, before the configuration was read
    at: str  # when it was over: ISO 8601, in UTC
    generation: int  # in force since
    revision: str  # of the configuration in force since
    workers: int
    faults: tuple[str, ...] = ()  # why another configuration was refused; empty where none was


class Presence:
    """The server's side. Of several servers that share a spool folder, the first is the one that is found."""

    def __init__(self, folder: Path, config: Path | None) -> None:
        self._folder = folder
        self._config = config
        self._lock: int | None = None  # locked for as long as this process lives

    def claim(self) -> None:
        """Become the one that is found, where nobody is yet; the log says so where that cannot be."""
        try:
            owned = self._claimed()
        except OSError as error:
            log.error("authgate config reload will not find this server: %s: %s", self._folder / _PID, error.strerror)
        else:
            if not owned:
                log.warning(
                    "another server uses the same store.spool: authgate config reload finds that one; "
                    "this one, process %d, takes a changed configuration over on SIGHUP",
                    os.getpid(),
                )

    def tell(self, outcome: Outcome) -> None:
        """Say what came of it to whoever asked."""
        if self._lock is None:
            return
        try:
            fresh = self._folder / f"{_STATUS}.new"
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(asdict(outcome), file)
            fresh.replace(self._folder / _STATUS)
        except OSError as error:
            log.error("%s cannot be written: %s", self._folder / _STATUS, error.strerror)

    def close(self) -> None:
        """Be found no more."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _claimed(self) -> bool:
        for _ in range(_TRIES):
            descriptor = os.open(self._folder / _PID, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                time.sleep(_PAUSE)
                continue
            told = json.dumps({"pid": os.getpid(), "place": _place(), "config": str(self._config)}).encode()
            (self._folder / _STATUS).unlink(missing_ok=True)  # of a server that is gone
            os.pwrite(descriptor, told, 0)
            os.ftruncate(descriptor, len(told))
            self._lock = descriptor
            return True
        return False


def ask(folder: Path, config: Path | None, patience: float) -> Outcome:
    """Have the running server take its configuration over, and what came of it; ``patience`` in seconds.

    Raises:
        Refused: none runs, it is not ours to signal, it has another configuration, or it says nothing.
    """
    pid = _found(folder, config)
    asked = time.monotonic()
    try:
        os.kill(pid, signal.SIGHUP)
    except PermissionError:
        raise _not_ours() from None
    except ProcessLookupError:
        raise _none(folder) from None
    # What began before we asked may have read the file before it was changed.
    while (outcome := _outcome(folder)) is None or outcome.began < asked:
        if not _lives(folder):
            raise Refused("the server ended before it said what came of it; see its log")
        if time.monotonic() > asked + patience:
            raise Refused(f"process {pid} has not said within {patience:g} seconds what came of it; see its log")
        time.sleep(_POLL)
    return outcome


def _found(folder: Path, config: Path | None) -> int:
    """The process of the running server, once it is sure that it is one."""
    for _ in range(_TRIES):
        if not _lives(folder):
            raise _none(folder)
        try:
            told = read_object(_read(folder / _PID))
            pid, place, theirs = int(told["pid"]), str(told["place"]), str(told["config"])
            if not 0 < pid <= _LAST:  # to signal 0 or less is to signal many
                raise ValueError("no number of a process")
            break
        except (OSError, ValueError, TypeError, KeyError, OverflowError):  # it is being written
            time.sleep(_PAUSE)
    else:
        raise Refused(f"{folder / _PID} does not say which process the server is")
    if place != _place():
        raise Refused("the server runs elsewhere, such as in a container; give this command there")
    if not _same_file(theirs, config):
        raise Refused(f"the server that uses this store.spool was started with {theirs}; name that one with --config")
    try:
        owner = Path(f"/proc/{pid}").stat().st_uid
    except OSError:  # not Linux
        return pid
    # We may be root, and the folder belongs to somebody who may not signal every process.
    if owner != (folder / _PID).stat().st_uid:
        raise Refused(f"{folder / _PID} names a process of another user; it is not the server")
    return pid


def _lives(folder: Path) -> bool:
    """Whether a server holds the lock."""
    try:
        descriptor = os.open(folder / _PID, _LOOK)
    except FileNotFoundError:
        return False
    except PermissionError:
        raise _not_ours() from None
    except OSError as error:
        raise Refused(f"{folder / _PID} cannot be read: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _same_file(theirs: str, ours: Path | None) -> bool:
    try:
        return theirs == str(ours) or (ours is not None and ours.samefile(theirs))
    except OSError:
        return False


def _outcome(folder: Path) -> Outcome | None:
    try:
        told = read_object(_read(folder / _STATUS))
        return Outcome(
            began=float(told["began"]),
            at=str(told["at"]),
            generation=int(told["generation"]),
            revision=str(told["revision"]),
            workers=int(told["workers"]),
            faults=tuple(map(str, told["faults"])),
        )
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return None


def _read(path: Path) -> bytes:
    descriptor = os.open(path, _LOOK)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(_MOST)


def _none(folder: Path) -> Refused:
    return Refused(f"no server runs with the spool folder {folder}; one that is started reads its configuration itself")


def _not_ours() -> Refused:
    return Refused("the server runs as another user; give this command as that user")


def _place() -> str:
    """Where a process has the number that it has here: one boot of one machine, and one container on it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_bytes().decode().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return ""
