"""Hash, verify, renew: the only file that knows how passwords are kept."""

import asyncio
import base64
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, TypeVar

from annotated_types import Ge, Le
from passlib.context import CryptContext

from authgate.errors import ConfigError, Overloaded, Refused

log = logging.getLogger(__name__)

_T = TypeVar("_T")


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


class Hasher:
    """Makes and verifies password hashes on a bounded pool of threads, away from the event loop.

    New hashes are argon2id. Verified are argon2, bcrypt, pbkdf2 (passlib's), scrypt and sha512_crypt.

    An unusable hash (none, empty, of an unknown form, of an absurd cost) is never right and costs what a
    wrong password costs: a hash of today's parameters that no password opens is tried in its place.
    A password that no hash is made of (empty, over the length, with NUL, not Unicode) is wrong before any
    hashing, whoever the user is, so the short answer tells nothing about users.

    bcrypt sees the first 72 bytes of a password, as it always did; other schemes see all of it. ``$2x$``
    marks hashes of a faulty implementation: they are right for ASCII passwords, which it hashed well.
    """

    def __init__(self, options: Hashing) -> None:
        self._max_length = options.max_length
        self._context = CryptContext(
            schemes=list(_CEILINGS),
            default="argon2",
            deprecated="auto",
            argon2__type="ID",
            argon2__memory_cost=options.memory,
            argon2__time_cost=options.time,
            argon2__parallelism=options.parallelism,
        )
        self._decoy = _decoy(options)
        workers = options.workers or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="hashing")
        self._places = threading.Semaphore(workers + (options.queue or 8 * workers))

    async def hash(self, password: str) -> str:
        """An argon2id hash of a new password.

        Raises:
            Refused: empty, too long, with NUL, or not Unicode text.
            Overloaded: more hashing waits than the deadline can hold.
        """
        if not password:
            raise Refused("a password is not empty")
        if len(password) > self._max_length:
            raise Refused(f"a password has at most {self._max_length} characters")
        secret = self._secret(password)
        if secret is None:
            raise Refused("a password is Unicode text without NUL and surrogates")
        return await self._run(self._context.hash, secret)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether this password made the stored hash; None and unusable hashes cost the time of a wrong password.

        Raises:
            Overloaded: more hashing waits than the deadline can hold.
        """
        secret = self._secret(password)
        return secret is not None and await self._run(self._matches, secret, stored)

    async def renewed(self, password: str, stored: str) -> str | None:
        """A hash of the same password at today's cost, or None where the stored one is good enough.

        Raises:
            Overloaded: more hashing waits than the deadline can hold.
        """
        secret = self._secret(password)
        scheme = self._context.identify(stored)
        if secret is None or scheme is None or not self._context.needs_update(stored):
            return None
        if scheme == "bcrypt" and len(secret) > _BCRYPT_BYTES:
            return None  # bcrypt saw a part of it: the rest may be mistyped and must not become the password
        return await self._run(self._context.hash, secret)

    def self_test(self) -> None:
        """Prove that every scheme works with the libraries that are installed.

        Raises:
            ConfigError: one does not; it names each.
        """
        faults = []
        for scheme, known in _KNOWN.items():
            try:
                works = self._context.verify(b"password", known) and not self._context.verify(b"Password", known)
                why = "it tells right from wrong passwords badly"
            except Exception as fault:
                works, why = False, f"{type(fault).__name__}: {fault}"
            if not works:
                faults.append(
                    f"hashing: {scheme} does not work here ({why}); reinstall authgate's locked versions "
                    "of libpass, argon2-cffi and bcrypt, and remove the package passlib if it is there too"
                )
        if faults:
            raise ConfigError(faults)

    def close(self) -> None:
        """Take no more work. Hashes that wait are still made."""
        self._pool.shutdown(wait=False)

    async def _run(self, job: Callable[..., _T], *arguments: object) -> _T:
        """What the job returns, from the pool. A caller that is cancelled withdraws a job that has not begun."""
        if not self._places.acquire(blocking=False):
            raise Overloaded("too many passwords wait to be hashed")
        try:
            future = self._pool.submit(job, *arguments)
        except RuntimeError:  # the pool is closed
            self._places.release()
            raise Overloaded("password hashing has ended") from None
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)

    def _secret(self, password: str) -> bytes | None:
        """What is hashed, or None where no hash can be made of it."""
        if not password or len(password) > self._max_length:
            return None
        if "\0" in password:
            return None  # some schemes end a password there, to pbkdf2 and scrypt one at the end makes no difference
        try:
            return password.encode()
        except UnicodeEncodeError:
            return None

    def _matches(self, secret: bytes, stored: str | None) -> bool:
        if stored and self._usable(stored):
            try:
                return self._opens(secret, stored)
            except Overloaded:
                raise
            except Exception as fault:  # libpass raises whatever a broken hash leads to
                _warn_unusable(type(fault).__name__)
        self._context.verify(secret, self._decoy)
        return False

    def _opens(self, secret: bytes, stored: str) -> bool:
        """Whether the password made a hash of a known form.

        Raises:
            Overloaded: no process can be started for it.
            Exception: the hash is broken.
        """
        scheme = self._context.identify(stored)
        if scheme == "sha512_crypt":
            return _opens_apart(secret, stored)
        if scheme == "bcrypt":
            secret = secret[:_BCRYPT_BYTES]
            stored = stored.replace("$2x$", "$2b$", 1)
        return bool(self._context.verify(secret, stored))

    def _usable(self, stored: str) -> bool:
        """Whether a password can be tried on this hash, in a time that one login may take."""
        scheme = self._context.identify(stored)
        if scheme is None:
            _warn_unusable("unknown form")
            return False
        try:
            parts = self._context.handler(scheme).from_string(stored.replace("$2x$", "$2b$", 1))
        except Exception as fault:
            _warn_unusable(type(fault).__name__)
            return False
        if any(getattr(parts, name) > most for name, most in _CEILINGS[scheme].items()):
            _warn_unusable("its cost is absurd")
            return False
        return True


# What a stored hash may cost at most. One of a greater cost would hold a worker for minutes, or all memory.
_CEILINGS = {
    "argon2": {"memory_cost": 1 << 20, "rounds": 16, "parallelism": 16},
    "bcrypt": {"rounds": 15},
    "pbkdf2_sha1": {"rounds": 5_000_000},
    "pbkdf2_sha256": {"rounds": 5_000_000},
    "pbkdf2_sha512": {"rounds": 5_000_000},
    "scrypt": {"rounds": 18, "block_size": 16, "parallelism": 4},
    "sha512_crypt": {"rounds": 2_000_000},
}

_BCRYPT_BYTES = 72

# "password" under every scheme, at the least cost.
_KNOWN = {
    "argon2": "$argon2id$v=19$m=8,t=1,p=1$vvd+z/n/nzMG4DzHOCeEEA$KqfogIvuyHmJZ6gItd0ETebajS2ZS05DpEPOZ+n36tA",
    "bcrypt": "$2b$04$m/TSfY31AM9O4VU2EN6z4ek85iDn37QO1Sm0OmgT0hg7gbRiQ.Mwy",
    "pbkdf2_sha1": "$pbkdf2$1$9z5nrDVmjBFiLMWYsxbCeA$ZU.nlEVwHKzWD5KHwE6q7Fb0TZE",
    "pbkdf2_sha256": "$pbkdf2-sha256$1$WytFaE2Jcc55bw2hlBLiPA$ZFgDBeHNN4LQdS/csHSvhR5KzSdOm7.rxbF9vJxXP2g",
    "pbkdf2_sha512": "$pbkdf2-sha512$1$EcL4nzNmLOXc.x.jdK4VQg$WoHpgFa.F2XcYCMcIwFl5yaPIjEt/sTv5gYT17BdJYZJ16IeBEYdG8"
    "bZXsrc0tq3M6kTxjp7Wor85QEFy4PNCg",
    "scrypt": "$scrypt$ln=1,r=8,p=1$yzln7L1XilEq5VwrhRBCyA$bXu6t545RWuiHyMTWtRiQvmgbRWvX19QHlcfatSOJaQ",
    "sha512_crypt": "$6$rounds=1000$KwvlMZhvAt8u2Bh8$ZIHpCwKAQXNIIVvrTNM88KO4stNPRgT4FMGI9xuTGJT3p9nYqlbE119C/w8XT0"
    "BwP9hKry75XNklg/tY7Az1c/",
}

# libpass computes sha512_crypt in pure Python. In a thread that would hold up the event loop a hundred times
# a second, so it has a short-lived process of its own; a login that is right renews the hash, once per user.
_APART = r"""
import sys
from passlib.hash import sha512_crypt
stored, secret = sys.stdin.buffer.read().split(b"\n", 1)
print(sha512_crypt.verify(secret, stored.decode()))
"""
_APART_TIMEOUT = 10  # seconds


def _opens_apart(secret: bytes, stored: str) -> bool:
    """Whether the password made this sha512_crypt hash, computed in another process."""
    command = [sys.executable, "-P", "-c", _APART]
    try:
        done = subprocess.run(  # noqa: S603 - the command is ours; password and hash go through its input
            command, input=stored.encode() + b"\n" + secret, capture_output=True, timeout=_APART_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise Overloaded("no process can be started to verify a sha512_crypt hash") from None
    if done.returncode:
        raise ValueError("the process that verifies sha512_crypt failed")
    return done.stdout.strip() == b"True"


def _decoy(options: Hashing) -> str:
    """A hash of today's parameters that no password opens: its digest is random."""
    cost = f"m={options.memory},t={options.time},p={options.parallelism}"
    salt, digest = (base64.b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19${cost}${salt}${digest}"


def _warn_unusable(why: str) -> None:
    log.warning("a stored password hash is unusable: %s; set that user's password anew", why)
