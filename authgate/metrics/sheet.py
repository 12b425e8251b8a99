"""Numbers with names, in memory that several processes share: one of them writes, and all may read.

A number is changed where it lies, so whoever reads sees it as it is now, and it outlives the process that wrote it: who
takes its place goes on from there.
"""

import mmap
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import reduction
from typing import Any

_CELLS = 1 << 15  # numbers of 8 bytes, the first two of them ours
_SIZE_CELL, _SPARE_CELL, _FIRST = 0, 1, 2  # bytes of names in use; what finds no room any more; the first of others
_NAMES_AT = _CELLS * 8
_MOST_NAMES = 1 << 21  # bytes of names, each ended by a newline
_SIZE = _NAMES_AT + _MOST_NAMES  # only what is used of it takes memory

Name = tuple[str, ...]
_BETWEEN = "\x1f"


class Memory:
    """Room for one sheet. A process that is started with it as an argument shares it; it is gone with the last one."""

    def __init__(self, descriptor: int | None = None) -> None:
        """Raises OSError where there is no memory."""
        self.descriptor = _made() if descriptor is None else descriptor

    def __reduce__(self) -> tuple[Callable[..., "Memory"], tuple[Any, ...]]:
        return _received, (reduction.DupFd(self.descriptor),)

    def __del__(self) -> None:
        os.close(self.descriptor)


class Sheet:
    """One memory as its writer or a reader sees it. ``values`` are the numbers; a cell is the place of one of them."""

    def __init__(self, memory: Memory) -> None:
        self._map = mmap.mmap(memory.descriptor, _SIZE)
        self.values: memoryview[float] = memoryview(self._map)[:_NAMES_AT].cast("d")
        self._cells: dict[str, int] = {}
        self._adding = threading.Lock()
        self._cells = {text: at for at, text in enumerate(self._texts(), _FIRST)}

    def cell(self, name: Sequence[str]) -> int:
        """Where the number of this name lies; it is 0 at first. The writer alone may ask."""
        text = _text(name)
        with self._adding:
            cell = self._cells.get(text)
            return self._added(text) if cell is None else cell

    def read(self) -> Iterator[tuple[Name, float]]:
        """Every number that there is by now, with its name."""
        texts = self._texts()
        for text, value in zip(texts, self.values[_FIRST : _FIRST + len(texts)].tolist(), strict=True):
            yield tuple(text.split(_BETWEEN)), value

    def _texts(self) -> list[str]:
        used = int(self.values[_SIZE_CELL])
        return self._map[_NAMES_AT : _NAMES_AT + used].decode().split("\n")[:-1]

    def _added(self, text: str) -> int:
        used, line = int(self.values[_SIZE_CELL]), text.encode() + b"\n"
        cell = _FIRST + len(self._cells)
        if cell >= _CELLS or used + len(line) > _MOST_NAMES:
            return _SPARE_CELL
        # Whoever reads meanwhile, or takes over from a process that is killed here, sees it whole or not at all.
        self._map[_NAMES_AT + used : _NAMES_AT + used + len(line)] = line
        self.values[_SIZE_CELL] = used + len(line)
        self._cells[text] = cell
        return cell


def _text(name: Sequence[str]) -> str:
    cleaned = (part.translate(_UNUSABLE)[:_LONGEST].encode(errors="replace").decode() for part in name)
    return _BETWEEN.join(cleaned)


_LONGEST = 128  # characters of a part of a name
_UNUSABLE = {ord("\n"): "?", ord("\r"): "?", ord(_BETWEEN): "?", 0: "?"}


def _made() -> int:
    try:
        descriptor = os.memfd_create("authgate-metrics")
    except (AttributeError, OSError):  # not Linux, or forbidden
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
        if hasattr(os, "posix_fallocate"):  # all of it at once: a disk that is full later must not end a worker
            os.posix_fallocate(descriptor, 0, _SIZE)
    os.ftruncate(descriptor, _SIZE)
    return descriptor


def _received(duplicate: Any) -> Memory:
    return Memory(duplicate.detach())
