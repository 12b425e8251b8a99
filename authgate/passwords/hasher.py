"""Makes, verifies and renews password hashes."""

import asyncio
import base64
import logging
import os
import re
import time
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from authgate.errors import ConfigError, Overloaded, Refused
from authgate.passwords import algorithms, known
from authgate.passwords.apart import Apart
from authgate.passwords.hashing import Hashing
from authgate.passwords.lanes import Effort
from authgate.passwords.machine import Size, advice, this_machine
from authgate.passwords.pool import Pool
from authgate.passwords.schemes import Form, enabled, examine, recognise, refusal
from authgate.passwords.spellings import Stored
from authgate.turn import ANY_TIME, Turn

log = logging.getLogger(__name__)


class Hasher:
    """Makes and verifies password hashes on a bounded pool of threads, away from the event loop.

    New hashes are argon2id of the password's NFKC form. Verified is every form in docs/passwords.md, the weak ones
    where ``hashing.legacy`` lists them.

    An unusable hash (none, empty, of an unknown form, of an absurd cost, of a form that is not listed) is never right
    and costs what a wrong password costs: a hash of today's parameters that no password opens is tried in its place.
    A weak hash costs that too, on top of the little that it costs itself. A password that no hash is made of (empty,
    over the length, with NUL, not Unicode) is wrong before any hashing, whoever the user is, so the short answer tells
    nothing about users.

    A password that is not in its NFKC form is tried in both forms, and always in both: what that costs depends on the
    password alone. bcrypt sees the first 72 bytes of a password, as it always did; other schemes see all of it.
    ``$2x$`` marks hashes of a faulty implementation: they are right for ASCII passwords, which it hashed well.
    """

    def __init__(
        self,
        options: Hashing,
        size: Size | None = None,
        took: Callable[[str, float], None] = lambda _kind, _seconds: None,
    ) -> None:
        """``size``: how much a server does at once; a command has no hooks to answer, and takes what it needs.

        ``took`` is told the algorithm of each hash that was made or tried and the seconds, by one thread at a time.
        """
        self._options = options
        self._today = re.compile(re.escape(_start_of_today(options)) + r"[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}")
        self._decoy = _decoy(options)
        self._lure = Stored("argon2", partial(algorithms.argon2, hashed=self._decoy))
        self._effort = Effort("argon2", options.memory)
        workers = options.workers or this_machine().cores
        size = size or Size(workers, workers * options.memory, gives_way=False)
        self._pool = Pool(size, options.queue, took=took)
        self._apart = Apart()
        self._said: dict[str, float] = {}

    async def hash(self, password: str) -> str:
        """An argon2id hash of a new password, in its NFKC form.

        Raises:
            Refused: empty, too long, with NUL, or not Unicode text.
            Overloaded: more hashing waits than the deadline can hold.
        """
        secrets = self._demanded(password)
        return await self._pool.run(partial(self._make, secrets[-1]), self._effort)

    async def verify(self, password: str, stored: str | None, turn: Turn = ANY_TIME) -> bool:
        """Whether this password made the stored hash; None and unusable hashes cost the time of a wrong password.

        Raises:
            Overloaded: more hashing waits than the deadline can hold.
        """
        return await self.begin(password, stored, turn)

    def room(self, password: str, _stored: str | None, turn: Turn = ANY_TIME) -> AbstractContextManager[None]:
        """See ``ports.Hasher``; what no hash is made of needs no place."""
        return self._pool.room(turn) if self._secrets(password) else nullcontext()

    def remembers(self, _password: str, _stored: str | None, _turn: Turn = ANY_TIME) -> bool:
        """Never."""
        return False

    def begin(self, password: str, stored: str | None, turn: Turn = ANY_TIME) -> "asyncio.Future[bool]":
        """The same for who does not wait yet: to cancel what comes back withdraws it.

        Raises:
            Overloaded: more hashing waits than the deadline can hold; to wait may raise it as well.
        """
        secrets = self._secrets(password)
        if not secrets:
            wrong: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            wrong.set_result(False)
            return wrong
        self._pool.demand_room(turn)
        return self._pool.begin(partial(self._matches, secrets, stored), self._effort_of(stored), turn)

    async def renewed(self, password: str, stored: str) -> str | None:
        """A hash of the same password at today's cost, or None where the stored one is good enough.

        It is made of the form that is tried whenever this password is typed again, as it was typed now. None too while
        others wait to be let in: the next login renews it as well.
        """
        secrets, (form, _) = self._secrets(password), examine(stored)
        if not secrets or self._today.fullmatch(stored) or refusal(form, self._options):
            return None
        if form.sees and any(len(secret) > form.sees for secret in secrets):
            return None  # bcrypt saw a part of it: the rest may be mistyped and must not become the password
        soon = Turn(until=time.monotonic() + _PATIENCE)  # the password is in memory as long as it waits
        try:
            return await self._pool.run(partial(self._make, secrets[-1]), self._effort, soon, spare=True)
        except Overloaded:
            return None

    def start(self, deadline: float) -> None:
        """Find out what a hash costs here, and tell it; ``deadline`` in seconds is what a hook has."""
        self._measuring = asyncio.create_task(self._measure(deadline))

    def state(self) -> Mapping[str, Any]:
        """How it stands with the pool, for everybody to see."""
        return self._pool.state()

    def demand(self, password: str) -> None:
        """Come back if a hash can be made of a new password; nothing is hashed for it.

        Raises:
            Refused: empty, too long, with NUL, or not Unicode text.
        """
        self._demanded(password)

    def self_test(self) -> None:
        """Prove that every scheme that may be verified works with the libraries that are installed.

        Raises:
            ConfigError: one does not; it names each.
        """
        faults = [
            f"hashing: {fault}; reinstall authgate's locked versions "
            "of libpass, argon2-cffi and bcrypt, and remove the package passlib if it is there too"
            for fault in known.faults(enabled(self._options))
        ]
        if faults:
            raise ConfigError(faults)

    def close(self) -> None:
        """Take no more work. Hashes that wait are still made."""
        self._pool.close()
        self._apart.close()

    async def _measure(self, deadline: float) -> None:
        """What a hash costs while as many are made as can be at once."""
        work, size = partial(self._matches, (b"password",), None), self._pool.size
        try:
            await asyncio.gather(*(self._pool.run(work, self._effort, spare=True) for _ in range(size.workers)))
        except Overloaded:  # clients were here before: what they cost is measured as well
            return
        seconds = float(self._pool.state()["seconds"])
        log.info(
            "passwords are hashed %d at once, %d MiB each; one takes %.3g seconds now, so about %.3g log in per second",
            size.workers,
            self._effort.memory // 1024,
            seconds,
            size.workers / max(seconds, 1e-6),
        )
        if hint := advice():
            log.info("%s; see docs/passwords.md", hint)
        if seconds > deadline / 2:
            log.warning(
                "hashing: one hash takes %.3g of the %.3g seconds of server.deadline, so few or none can log in: "
                "lower hashing.time or hashing.memory, or find out what else keeps this machine busy",
                seconds,
                deadline,
            )

    def _effort_of(self, stored: str | None) -> Effort:
        """What it takes to try a password on a stored hash."""
        form = recognise(stored or self._decoy)
        if refusal(form, self._options):
            return self._effort
        if form.weak:  # it costs a hash of today as well
            return Effort(form.scheme, max(self._effort.memory, form.costs.get("memory", 0)))
        return Effort(form.scheme, form.costs.get("memory", 0))

    def _demanded(self, password: str) -> tuple[bytes, ...]:
        if not password:
            raise Refused("a password is not empty")
        if len(password) > self._options.max_length or len(_normal(password)) > self._options.max_length:
            raise Refused(f"a password has at most {self._options.max_length} characters")
        secrets = self._secrets(password)
        if not secrets:
            raise Refused("a password is Unicode text without NUL and surrogates")
        return secrets

    def _secrets(self, password: str) -> tuple[bytes, ...]:
        """What is hashed: the password as it was typed and, where that is another text, its NFKC form.

        Nothing where no hash can be made of it. The length is looked at before anything is done with the text.
        """
        if not password or len(password) > self._options.max_length:
            return ()
        if "\0" in password:
            return ()  # some schemes end a password there, to pbkdf2 and scrypt one at the end makes no difference
        normal = _normal(password)
        texts = (password,) if normal == password or len(normal) > self._options.max_length else (password, normal)
        try:
            return tuple(text.encode() for text in texts)
        except UnicodeEncodeError:
            return ()

    def _make(self, secret: bytes) -> str:
        from argon2 import low_level

        options, salt = self._options, os.urandom(_SALT)
        costs = (options.time, options.memory, options.parallelism)
        return low_level.hash_secret(secret, salt, *costs, _DIGEST, low_level.Type.ID).decode()

    def _matches(self, secrets: tuple[bytes, ...], stored: str | None) -> bool:
        # Where there is no hash the decoy is taken for one: not even reading it is a step that others do not take.
        form, found = self._tried(stored or self._decoy)
        opened = [None if found is None else self._opens(each, found) for each in secrets]
        if None in opened or form.weak:
            for secret in secrets:
                self._try(secret, self._lure)
        return True in opened

    def _tried(self, stored: str) -> tuple[Form, Stored | None]:
        """What is known of a stored hash; None where no password is tried on it."""
        form, found = examine(stored)
        why = refusal(form, self._options)
        if why:
            self._warn(why)
        return form, None if why else found

    def _opens(self, secret: bytes, found: Stored) -> bool | None:
        """Whether the password made this hash; None where it is broken.

        Raises:
            Overloaded: no process can be started for it.
        """
        try:
            return self._apart.opens(secret, found.apart) if found.apart else self._try(secret, found)
        except Overloaded:
            raise
        except Exception as fault:  # the libraries raise whatever a broken hash leads to
            self._warn(f"it is damaged: {type(fault).__name__}")
            return None

    def _try(self, secret: bytes, found: Stored) -> bool:
        """Whether the password made this hash, computed in this thread."""
        return found.opens(secret)

    def _warn(self, why: str) -> None:
        """Tell of a hash that is not tried, a kind of fault once a minute: guessers must not fill the log."""
        kind, now = why.partition(":")[0], time.monotonic()
        if now >= self._said.get(kind, now):
            self._said[kind] = now + _SILENCE
            log.warning("a stored password hash is not tried: %s; see authgate user lint", why)


_SALT, _DIGEST = 16, 32  # bytes
_SILENCE = 60  # seconds
_PATIENCE = 10  # seconds that a renewal may wait


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _start_of_today(options: Hashing) -> str:
    return f"$argon2id$v=19$m={options.memory},t={options.time},p={options.parallelism}$"


def _decoy(options: Hashing) -> str:
    """A hash of today's parameters that no password opens: its digest is random."""
    salt, digest = (base64.b64encode(os.urandom(size)).decode().rstrip("=") for size in (_SALT, _DIGEST))
    return f"{_start_of_today(options)}{salt}${digest}"
