"""Makes, verifies and renews password hashes."""

import base64
import logging
import os

from passlib.context import CryptContext

from authgate.errors import ConfigError, Overloaded, Refused
from authgate.passwords.hashing import Hashing
from authgate.passwords.pool import Pool
from authgate.passwords.schemes import BCRYPT_BYTES, CEILINGS, KNOWN, opens_apart, recognise

log = logging.getLogger(__name__)


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
            schemes=list(CEILINGS),
            default="argon2",
            deprecated="auto",
            argon2__type="ID",
            argon2__memory_cost=options.memory,
            argon2__time_cost=options.time,
            argon2__parallelism=options.parallelism,
        )
        self._decoy = _decoy(options)
        workers = options.workers or os.cpu_count() or 1
        self._pool = Pool(workers, options.queue or 8 * workers)

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
        return await self._pool.run(self._context.hash, secret)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether this password made the stored hash; None and unusable hashes cost the time of a wrong password.

        Raises:
            Overloaded: more hashing waits than the deadline can hold.
        """
        secret = self._secret(password)
        return secret is not None and await self._pool.run(self._matches, secret, stored)

    async def renewed(self, password: str, stored: str) -> str | None:
        """A hash of the same password at today's cost, or None where the stored one is good enough.

        Raises:
            Overloaded: more hashing waits than the deadline can hold.
        """
        secret = self._secret(password)
        scheme = self._context.identify(stored)
        if secret is None or scheme is None or not self._context.needs_update(stored):
            return None
        if scheme == "bcrypt" and len(secret) > BCRYPT_BYTES:
            return None  # bcrypt saw a part of it: the rest may be mistyped and must not become the password
        return await self._pool.run(self._context.hash, secret)

    def self_test(self) -> None:
        """Prove that every scheme works with the libraries that are installed.

        Raises:
            ConfigError: one does not; it names each.
        """
        faults = []
        for scheme, known in KNOWN.items():
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
        self._pool.close()

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
            return opens_apart(secret, stored)
        if scheme == "bcrypt":
            secret = secret[:BCRYPT_BYTES]
            stored = stored.replace("$2x$", "$2b$", 1)
        return bool(self._context.verify(secret, stored))

    def _usable(self, stored: str) -> bool:
        """Whether a password can be tried on this hash, in a time that one login may take."""
        form = recognise(stored)
        if not form.usable:
            _warn_unusable(form.unusable)
        return form.usable


def _decoy(options: Hashing) -> str:
    """A hash of today's parameters that no password opens: its digest is random."""
    cost = f"m={options.memory},t={options.time},p={options.parallelism}"
    salt, digest = (base64.b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19${cost}${salt}${digest}"


def _warn_unusable(why: str) -> None:
    log.warning("a stored password hash is unusable: %s; set that user's password anew", why)
