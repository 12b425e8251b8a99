"""What one password costs: the time of a hash, with nothing else to do, by its setting."""

import time
from collections.abc import Callable, Mapping

import bcrypt
from argon2.low_level import Type, hash_secret_raw

from bench.figures import Figure, figure

_PASSWORD = b"correct-horse-battery-staple"
_SALT = b"0123456789abcdef"


def _argon2id(mebibytes: int, passes: int) -> Callable[[], object]:
    return lambda: hash_secret_raw(_PASSWORD, _SALT, passes, mebibytes * 1024, 1, 32, Type.ID)


SETTINGS: Mapping[str, Callable[[], object]] = {
    "argon2id, 64 MiB, 3 passes (the default)": _argon2id(64, 3),
    "argon2id, 19 MiB, 2 passes": _argon2id(19, 2),
    "argon2id, 7 MiB, 5 passes": _argon2id(7, 5),
    "bcrypt, cost 12": lambda: bcrypt.hashpw(_PASSWORD, bcrypt.gensalt(12)),
}


def measure(times: int) -> dict[str, Figure]:
    """Hashes in a second on one core, by their setting: the median of so many, and the least and the most."""
    found = {}
    for name, make in SETTINGS.items():
        make()
        took = [_timed(make) for _ in range(times)]
        found[name] = figure([1 / each for each in took])
    return found


def _timed(make: Callable[[], object]) -> float:
    before = time.process_time()
    make()
    return time.process_time() - before
