"""The options of section ``[hashing]``."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le

Legacy = Literal[
    "low_cost",
    "sha256_crypt",
    "md5_crypt",
    "phpass",
    "drupal7",
    "salted_digest",
    "mysql41",
    "unsalted_digest",
]


@dataclass(frozen=True, slots=True)
class Hashing:
    """Section ``[hashing]``: what a new password hash costs, and how much hashing goes on at once.

    New hashes are argon2id; the defaults are the 64 MiB and 3 passes of RFC 9106, section 4, on one
    thread, since several logins at once use the cores better than several threads for one login.
    """

    memory: Annotated[int, Ge(1024), Le(1 << 20)] = 65536  # KiB, for each hash that is being made
    time: Annotated[int, Ge(1), Le(16)] = 3  # passes over the memory
    parallelism: Annotated[int, Ge(1), Le(16)] = 1  # threads for one hash
    memory_budget: Annotated[int, Ge(0), Le(1 << 20)] = 0  # MiB for all hashes at once; 0: a quarter of the machine's
    workers: Annotated[int, Ge(0), Le(256)] = 0  # hashes at once in each process; 0: as cores and memory allow
    queue: Annotated[int, Ge(0), Le(10_000)] = 0  # how many more may wait; 0: as many as their deadlines allow
    remember: Annotated[int, Ge(0), Le(86400)] = 300  # seconds that right credentials need no hash again; 0: never
    max_length: Annotated[int, Ge(8), Le(256)] = 128  # characters of a password; 256 are 1024 bytes at most
    max_memory: Annotated[int, Ge(1024), Le(1 << 20)] = 262144  # KiB, for each stored hash that is being verified
    legacy: tuple[Legacy, ...] = ()  # weak forms of hash that may be verified until they are renewed

    @property
    def most_memory(self) -> int:
        """KiB that one hash may take: what the hashes made here take is never too much."""
        return max(self.memory, self.max_memory)


# Why each of them is weaker than what is made here, for the log at start, for lint and for the manual.
WEAKNESSES: dict[str, str] = {
    "low_cost": "good schemes at so little cost that a graphics card tries a million passwords a second",
    "sha256_crypt": "iterated SHA-256, which graphics cards compute well",
    "md5_crypt": "1,000 rounds of MD5: a graphics card tries tens of millions of passwords a second",
    "phpass": "some thousand rounds of MD5: a graphics card tries tens of millions of passwords a second",
    "drupal7": "iterated SHA-512, which graphics cards compute well",
    "salted_digest": "one round of MD5, SHA-1 or SHA-2: a graphics card tries billions of passwords a second",
    "mysql41": "SHA-1 twice, without salt: all users are guessed at once, at billions of passwords a second",
    "unsalted_digest": "one round without salt: all users are guessed at once, and tables of the answers are for sale",
}
