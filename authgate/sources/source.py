"""One source of users: asked for a user at a time, on a few connections of its own, and never written to."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import String, bindparam, text
from sqlalchemy.exc import DBAPIError

from authgate.errors import Overloaded, SourceError, StoreError, Trouble
from authgate.model import User
from authgate.sources.engine import SQLITE, backend, create_engine, source_url
from authgate.sources.mapping import OtherUser, Unusable, mapped, refused
from authgate.sources.memory import Memory
from authgate.sources.options import SourceOptions
from authgate.sources.query import MYSQL, PARAMETER, POSTGRESQL
from authgate.store.breaker import Breaker
from authgate.store.engine import Opened
from authgate.store.trouble import settled, told, within, worth_a_retry

log = logging.getLogger(__name__)

Key = tuple[str, str]  # the canonical name, and the name to ask by

# The database is there and says that no such text can be in it: PostgreSQL's SQLSTATE, MySQL's number.
_NOWHERE = {"22021", "22P05"}
_NOWHERE_MYSQL = {1267, 1300, 3854, 3988}
# It took too long for the database itself.
_SLOW = {"57014"}
_SLOW_MYSQL = {1969, 3024}

_PROMISES = {
    POSTGRESQL: ("SHOW transaction_read_only", "on"),
    MYSQL: ("SHOW VARIABLES WHERE Variable_name IN ('tx_read_only', 'transaction_read_only')", "on"),
    SQLITE: ("PRAGMA query_only", "1"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a source answers to its query."""

    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]  # two at most
    seconds: float  # that it took, on a connection that was there


class _Said(Exception):
    """The database is there, and refuses the query."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__()
        self.error = error


class Source:
    """Users of a table that belongs to somebody else."""

    def __init__(
        self,
        options: SourceOptions,
        key: str = "user_sources",
        clock: Callable[[], float] = time.monotonic,
        tally: Counter[str] | None = None,
    ) -> None:
        """``key`` names its section in messages; looks are counted in ``tally``.

        Raises:
            ConfigError: a file that its address names cannot be used.
        """
        self.options = options
        self.name = options.name
        self._of = f"user source {options.name}"
        self._opened = Opened()
        self._engine = create_engine(options, key, self._opened)
        self._backend = backend(source_url(options.url.reveal()))
        name = bindparam(PARAMETER, type_=String())
        self._statement = text(options.read().text).bindparams(name)
        self._closed = False
        self._tally: Counter[str] = Counter() if tally is None else tally
        self._turns = asyncio.Semaphore(options.pool)
        self._breaker = Breaker("looking users up", self._probe, options.retry_after, self._of)
        self._memory: Memory[Key, User | None] = Memory(
            self._look, options.recheck, clock, _without_hash, self._remembered
        )

    @property
    def away(self) -> bool:
        """Whether it was away when it was last asked."""
        return self._breaker.away

    async def find(self, name: str, asked: str, *, fresh: bool) -> User | None:
        """The user under this canonical name, who is asked for as ``asked``; ``fresh``: as it is now, not lately.

        A user of whom the source says nothing that can be understood is there, and not enabled.

        Raises:
            SourceError: the source is away, too slow, or does not answer its query.
            Overloaded: more looks wait than it answers in time.
        """
        return await (self._memory.fresh if fresh else self._memory.known)((name, asked))

    async def see(self, asked: str) -> Seen:
        """What it answers when it is asked for this name.

        Raises:
            SourceError: the source is away, too slow, or does not answer its query.
        """
        seen = await self._asked(asked)
        if isinstance(seen, _Said):
            raise self._refusal(seen)
        return seen

    def read(self, name: str, row: Mapping[str, Any]) -> User:
        """A row that was seen, as a user who was asked for by this canonical name.

        Raises:
            OtherUser: it is somebody else's.
            Unusable: it cannot be understood.
        """
        return mapped(self.name, self.options.columns, name, row)

    async def close(self) -> None:
        """Let go of every connection; a silent server is not waited for longer than for a look."""
        self._closed = True
        await self._memory.close()
        await self._breaker.close()
        await settled(self.options.timeout)
        try:
            await within(self.options.timeout, self._engine.dispose(), self._of)
        except StoreError as error:
            log.warning("%s", error)
        await self._opened.cut()

    async def _look(self, key: Key) -> User | None:
        try:
            user = await self._found(key)
        except Trouble:
            self._tally[f"source_users_unanswered:{self.name}"] += 1
            raise
        self._tally[f"source_users_asked:{self.name}"] += 1
        return user

    def _remembered(self) -> None:
        self._tally[f"source_users_remembered:{self.name}"] += 1

    async def _found(self, key: Key) -> User | None:
        name, asked = key
        if self._closed:
            raise SourceError(f"{self._of} is closed")
        self._breaker.check()
        async with self._turn():
            seen = await self._asked(asked)
        if isinstance(seen, _Said):
            if _is_nowhere(seen.error):
                return None
            raise self._refusal(seen)
        if missing := [column for _, column in self.options.columns.given() if column not in seen.columns]:
            raise SourceError(f"{self._of}: its query gives no column {missing[0]!r}")
        return self._user(name, seen.rows)

    def _user(self, name: str, rows: Sequence[Mapping[str, Any]]) -> User | None:
        if not rows:
            return None
        if len(rows) > 1:
            log.warning("%s: more than one row for user %s, who is refused", self._of, name)
            return refused(self.name, name)
        try:
            return self.read(name, rows[0])
        except OtherUser:
            log.warning("%s: asked for one name, it gives the row of another, which counts as none", self._of)
            return None
        except Unusable as fault:
            log.warning("%s: user %s is refused: %s", self._of, name, fault)
            return refused(self.name, name)

    async def _asked(self, asked: str) -> Seen | _Said:
        """What it answers, or that it refuses to.

        Raises:
            SourceError: it is away or too slow, which everybody is told from now on, until it is back.
        """
        try:
            return await within(self.options.timeout, self._query(asked), self._of)
        except _Said as said:
            return said
        except Exception as error:
            trouble = SourceError(str(told(error, self._of)))
            self._breaker.trip(trouble)
            raise trouble from error

    async def _query(self, asked: str, again: bool = True) -> Seen:
        try:
            async with self._engine.connect() as connection:
                try:
                    began_at = time.monotonic()
                    result = await connection.execute(self._statement, {PARAMETER: asked})
                    columns, rows = tuple(result.keys()), [dict(row) for row in result.mappings().fetchmany(2)]
                    seconds = time.monotonic() - began_at
                except DBAPIError as error:
                    if error.connection_invalidated or _is_slow(error):
                        raise
                    raise _Said(error) from error
                return Seen(columns, rows, seconds)
        except DBAPIError as error:
            if again and worth_a_retry(error):  # the connection had gone stale
                return await self._query(asked, again=False)
            raise

    async def promises(self) -> bool:
        """Whether its sessions have promised only to read.

        Raises:
            SourceError: the source is away or too slow.
        """
        statement, value = _PROMISES.get(self._backend, ("", ""))
        if not statement:
            return False

        async def ask() -> bool:
            async with self._engine.connect() as connection:
                row = (await connection.execute(text(statement))).first()
                return row is not None and str(row[-1]).lower() == value

        try:
            return await within(self.options.timeout, ask(), self._of)
        except Exception as error:
            raise SourceError(str(told(error, self._of))) from error

    async def _probe(self) -> None:
        """The query itself, for a name that nobody has."""
        try:
            await within(self.options.timeout, self._query(""), self._of)
        except _Said:
            return  # it is there; what it thinks of the query, it tells everybody itself
        except Exception as error:
            raise SourceError(str(told(error, self._of))) from error

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """In it, one of the few connections is free.

        Raises:
            Overloaded: none became free in time.
        """
        try:
            async with asyncio.timeout(self.options.timeout):
                await self._turns.acquire()
        except TimeoutError:
            raise Overloaded(f"{self._of}: more users are looked up than it answers in time") from None
        try:
            yield
        finally:
            self._turns.release()

    def _refusal(self, said: _Said) -> SourceError:
        return SourceError(f"{self._of} does not answer its query: {_words(said.error)}")


def _without_hash(user: User | None) -> User | None:
    """A user as it is remembered: a password is always proven by a hash that was read just then."""
    return None if user is None else replace(user, hash=None)


def _is_nowhere(error: DBAPIError) -> bool:
    return _sqlstate(error) in _NOWHERE or _number(error) in _NOWHERE_MYSQL


def _is_slow(error: DBAPIError) -> bool:
    return _sqlstate(error) in _SLOW or _number(error) in _SLOW_MYSQL


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _number(error: DBAPIError) -> object:
    return error.orig.args[0] if error.orig is not None and error.orig.args else None


def _words(error: DBAPIError) -> str:
    words = error.orig.args[-1] if error.orig is not None and error.orig.args else ""
    return str(words).splitlines()[0] if str(words).strip() else type(error.orig).__name__
