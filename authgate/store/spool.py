"""A bounded queue of lines on the local disk that survives the process that wrote it."""

import fcntl
import logging
import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

log = logging.getLogger(__name__)

_CHUNK = 64 * 1024  # bytes read at a time; longer than any line


class Spool:
    """Lines in files of a folder, each file locked by the process that owns it.

    A process appends to one file of its own and takes over the files whose owners are gone: the lock goes
    with the process, however it ends. Lines are handed to the kernel, not forced to the disk: they survive
    a killed process, not a power cut.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes  # in all files that this process owns
        self._own: _File | None = None
        self._adopted: list[_File] = []

    @property
    def size(self) -> int:
        """Bytes in the files that this process owns."""
        return sum(file.size for file in self._files())

    def append(self, line: bytes) -> bool:
        """Keep a line, which holds no newline; False where there is no room.

        Raises:
            OSError: the folder cannot be written to.
        """
        if self.size + len(line) + 1 > self._max_bytes:
            return False
        if self._own is None:
            self._own = self._create()
        self._own.append(line + b"\n")
        return True

    def adopt(self) -> None:
        """Take over the files of processes that are gone.

        Raises:
            OSError: the folder cannot be read or made.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mine = {file.path for file in self._files()}
        for path in sorted(self._folder.glob("*.jsonl")):
            if path not in mine and (file := _File.locked(path, os.O_RDWR | os.O_APPEND)):
                self._adopted.append(file)

    def peek(self) -> tuple[Sequence[bytes], int]:
        """Some of the oldest lines, and how many bytes to ``drop`` when they are done with; none: it is empty."""
        for file in self._files():
            if file.offset < file.size:
                return file.peek()
        return [], 0

    def drop(self, count: int) -> None:
        """Be done with what ``peek`` gave. A file that holds nothing more is emptied or, if adopted, removed."""
        file = next(file for file in self._files() if file.offset < file.size)
        file.offset += count
        if file.offset < file.size:
            return
        if file is self._own:
            file.clear()
        else:
            file.remove()
            self._adopted.remove(file)

    def set_aside(self, lines: Iterable[bytes]) -> None:
        """Keep lines that nobody can use where a person finds them."""
        path = self._folder / "unusable.bad"
        log.error("set aside lines of the spool that cannot be used, see %s", path)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, b"".join(line + b"\n" for line in lines))
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let go of the files; those that hold lines wait for the next process."""
        for file in self._files():
            if file.size == 0:
                file.remove()
            else:
                file.close()
        self._own = None
        self._adopted.clear()

    def _files(self) -> "list[_File]":
        return self._adopted if self._own is None else [*self._adopted, self._own]

    def _create(self) -> "_File":
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            path = self._folder / f"{secrets.token_hex(8)}.jsonl"
            # Another process may find the new file before it is locked, and take it for an abandoned one.
            if file := _File.locked(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL):
                return file


class _File:
    """One file, locked for as long as it is open here."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size
        self.offset = 0  # what lies before it is done with

    @classmethod
    def locked(cls, path: Path, flags: int) -> "_File | None":
        """The file, or None where another process owns it or has removed it."""
        try:
            descriptor = os.open(path, flags, 0o600)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:
                return cls(path, descriptor)
        except BlockingIOError:
            pass
        os.close(descriptor)
        return None

    def append(self, data: bytes) -> None:
        written = os.write(self._descriptor, data)
        if written < len(data):  # the disk is full: half a line would spoil the next
            os.ftruncate(self._descriptor, self.size)
            raise OSError("no space left for the spool")
        self.size += written

    def peek(self) -> tuple[Sequence[bytes], int]:
        data = os.pread(self._descriptor, _CHUNK, self.offset)
        # Without a newline at its end, the last line was torn when its writer was killed.
        whole = data.rfind(b"\n") + 1 or len(data)
        return data[:whole].removesuffix(b"\n").split(b"\n"), whole

    def clear(self) -> None:
        os.ftruncate(self._descriptor, 0)
        self.size = self.offset = 0

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        os.close(self._descriptor)
