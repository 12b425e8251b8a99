"""The options of section ``[hashing]``."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le


@dataclass(frozen=True, slots=True)
class Hashing:
    """Section ``[hashing]``: what a new password hash costs, and how much hashing goes on at once.

    New hashes are argon2id; the defaults are the 64 MiB and 3 passes of RFC 9106, section 4, on one
    thread, since several logins at once use the cores better than several threads for one login.
    """

    memory: Annotated[int, Ge(1024), Le(1 << 20)] = 65536  # KiB, for each hash that is being made
    time: Annotated[int, Ge(1), Le(16)] = 3  # passes over the memory
    parallelism: Annotated[int, Ge(1), Le(16)] = 1  # threads for one hash
    workers: Annotated[int, Ge(0), Le(256)] = 0  # hashes at once; 0: one for each core
    queue: Annotated[int, Ge(0), Le(10_000)] = 0  # how many more may wait; 0: eight for each worker
    max_length: Annotated[int, Ge(8), Le(256)] = 128  # characters of a password; 256 are 1024 bytes at most
