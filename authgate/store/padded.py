"""How many values -> the statement that looks them up: few statements, so that each is built and planned once."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Padded(Generic[Value]):
    """Statements with room for 1, 2, 4, 8, ... values; the room that is left is filled with the last value."""

    def __init__(self, build: Callable[[int], str]) -> None:
        self._build = build
        self._texts: dict[int, str] = {}

    def of(self, values: Sequence[Value]) -> tuple[str, list[Value]]:
        """A statement, and what to ask it for: each value once, then the last one again."""
        asked = list(dict.fromkeys(values))
        size = 1 << (len(asked) - 1).bit_length()
        if size not in self._texts:
            self._texts[size] = self._build(size)
        return self._texts[size], asked + asked[-1:] * (size - len(asked))
