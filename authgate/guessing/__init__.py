"""How many wrong passwords are too many: counted before they are tried, and for everybody who tries together."""

from authgate.guessing.blocking import Block
from authgate.guessing.counting import Counting
from authgate.guessing.guard import Attempt, Guard
from authgate.guessing.keys import Guess, neighbourhood, of_nobody
from authgate.guessing.options import MEMORY, STORE, GuessingOptions
from authgate.guessing.storage import MemoryStorage

__all__ = [
    "MEMORY",
    "STORE",
    "Attempt",
    "Block",
    "Counting",
    "Guard",
    "Guess",
    "GuessingOptions",
    "MemoryStorage",
    "neighbourhood",
    "of_nobody",
]
