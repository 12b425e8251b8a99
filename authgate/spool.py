"""A bounded queue of lines on the local disk that survives the process that wrote it."""

import fcntl
import logging
import os
import secrets
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

log = logging.getLogger(__name__)

_CHUNK = 64 * 1024  # bytes read at a time
_FULL = 4 * 1024 * 1024  # bytes after which a new file is begun, so that one that never runs empty goes all the same
_DONE, _END = 0x20, 0x0A  # what is done with is overwritten by blanks, up to the end of its line
_BLANKS = bytes(_END if byte == _END else _DONE for byte in range(256))


class Spool:
    """Lines in files of a folder, each file locked by the process that owns it.

    A process appends to one file of its own and takes over the files whose owners are gone: the lock goes
    with the process, however it ends. Lines are handed to the kernel, not forced to the disk: they survive
    a killed process, not a power cut. No line is empty or begins with a blank.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes  # that may wait in all files that this process owns
        self._own: _File | None = None
        self._adopted: list[_File] = []  # with those of our own that are full; the oldest first

    @property
    def size(self) -> int:
        """Bytes that wait in the files that this process owns."""
        return sum(file.size - file.offset for file in self._files())

    def append(self, line: bytes) -> bool:
        """Keep a line, which holds no newline; False where there is no room.

        Raises:
            OSError: the folder cannot be written to.
        """
        if self.size + len(line) + 1 > self._max_bytes:
            return False
        if self._own is not None and self._own.size >= _FULL:
            self._adopted.append(self._own)
            self._own = None
        if self._own is None:
            self._own = self._create()
        self._own.append(line + b"\n")
        return True

    def adopt(self) -> None:
        """Take over the files of processes that are gone, the one that was begun first before the others.

        Raises:
            OSError: the folder cannot be read or made.
        """
        private_folder(self._folder)
        mine = {file.path for file in self._files()}
        for path in sorted(self._folder.glob("*.jsonl")):
            if path in mine or not (file := _File.locked(path, os.O_RDWR)):
                continue
            if file.offset < file.size:
                self._adopted.append(file)
            else:
                file.remove()

    def peek(self) -> tuple[Sequence[bytes], int]:
        """Some of the oldest lines, and how many bytes to ``drop`` when they are done with; none: it is empty."""
        file = self._first()
        return file.peek() if file else ([], 0)

    def strike(self, at: int, count: int) -> None:
        """Be done with a part of what ``peek`` gave, before the rest of it: nobody who takes over reads it again.

        ``at`` counts the bytes before it; the rest is to be dropped all the same.
        """
        if file := self._first():
            file.blank(file.offset + at, count)

    def drop(self, count: int) -> None:
        """Be done with what ``peek`` gave. A file that holds nothing more is emptied or, if adopted, removed."""
        file = self._first()
        if file is None:
            return
        if file.offset + count < file.size:
            file.offset += count
            file.blank(file.offset - count, count)
        elif file is self._own:
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
            if file.offset >= file.size:
                file.remove()
            else:
                file.close()
        self._own = None
        self._adopted.clear()

    def _files(self) -> "list[_File]":
        return self._adopted if self._own is None else [*self._adopted, self._own]

    def _first(self) -> "_File | None":
        """The file whose lines are the oldest that wait."""
        return next((file for file in self._files() if file.offset < file.size), None)

    def _create(self) -> "_File":
        private_folder(self._folder)
        while True:
            path = self._folder / f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(4)}.jsonl"
            # Another process may find the new file before it is locked, and take it for an abandoned one.
            if file := _File.locked(path, os.O_RDWR | os.O_CREAT | os.O_EXCL):
                return file


def private_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for its owner alone.

    Raises:
        OSError: it cannot be made.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)  # says what is wrong where something else stands there


class _File:
    """One file, locked for as long as it is open here."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size
        self.offset = self._beginning()  # what lies before it is done with

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
        os.lseek(self._descriptor, self.size, os.SEEK_SET)
        written = os.write(self._descriptor, data)
        if written < len(data):  # the disk is full: half a line would spoil the next
            os.ftruncate(self._descriptor, self.size)
            raise OSError("no space left for the spool")
        self.size += written

    def peek(self) -> tuple[Sequence[bytes], int]:
        size = _CHUNK
        data = os.pread(self._descriptor, size, self.offset)
        while b"\n" not in data and self.offset + len(data) < self.size:  # a long line
            size *= 2
            data = os.pread(self._descriptor, size, self.offset)
        # Without a newline at its end, the last line was torn when its writer was killed.
        whole = data.rfind(b"\n") + 1 or min(len(data), _CHUNK)
        return data[:whole].removesuffix(b"\n").split(b"\n"), whole

    def blank(self, at: int, count: int) -> None:
        """Overwrite a part, so that whoever takes the file over knows that it is done with."""
        os.pwrite(self._descriptor, os.pread(self._descriptor, count, at).translate(_BLANKS), at)

    def clear(self) -> None:
        os.ftruncate(self._descriptor, 0)
        self.size = self.offset = 0

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        os.close(self._descriptor)

    def _beginning(self) -> int:
        """Where the first line begins that is not done with."""
        at = 0
        while at < self.size:
            data = os.pread(self._descriptor, _CHUNK, at)
            if not data or (at == 0 and data[0] != _DONE):
                break
            rest = data.lstrip(bytes((_DONE, _END)))
            at += len(data) - len(rest)
            if rest:
                break
        return at
