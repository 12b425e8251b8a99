"""The ids of records: ascending with time, and never given twice without anyone having to agree on them."""

import itertools
import os
import secrets
import time

_counter = itertools.count()
_process = ""


def record_id() -> str:
    """A new id: 26 characters of 0-9 and a-f, the millisecond, a number drawn by each process, and a count."""
    return f"{time.time_ns() // 1_000_000:012x}{_process}{next(_counter) & 0xFFFFFF:06x}"


def first_id(at: int) -> str:
    """What sorts before every id of this millisecond since the epoch, and after every id of the one before."""
    return f"{at:012x}"


def _draw() -> None:
    global _process
    _process = secrets.token_hex(4)


_draw()
os.register_at_fork(after_in_child=_draw)  # a child would go on counting where its parent does
