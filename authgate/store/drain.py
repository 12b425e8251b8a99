"""Entry -> spool while the store is away -> ledger when it is back."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

from authgate.errors import ConfigError
from authgate.model import Begin, CallKey, CallNews, Close, Entry, MediaKey, Over, Record, StreamNews
from authgate.spool import Spool
from authgate.store import record_rows as trail
from authgate.store.trouble import Unstorable

log = logging.getLogger(__name__)

_GATHERS = 0.1  # seconds: where thousands are refused at once, a hundred are written together


class Drain:
    """Keeps entries in the spool, and writes them from there in the background."""

    def __init__(self, spool: Spool, write: Callable[[Entry], Awaitable[object]], retry_after: float) -> None:
        """``write`` is the ledger's; ``retry_after`` in seconds lies between two attempts that fail."""
        self._spool = spool
        self._write = write
        self._retry_after = retry_after
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Bytes that wait."""
        return self._spool.size

    def defer(self, entry: Entry) -> bool:
        """Keep an entry; False where it is lost."""
        try:
            kept = self._spool.append(dump(entry))
        except OSError as error:
            log.error("the spool cannot be written to: %s", error.strerror or error)
            kept = False
        if kept:
            self.wake()
        else:
            log.error("a record is lost, for the spool is full: %s", entry.record.id)
        return kept

    def wake(self) -> None:
        """Look at the spool: something may be in it that can be written now."""
        self._wanted.set()

    def start(self) -> None:
        """Begin, with what processes that are gone have left.

        Raises:
            ConfigError: the spool's folder cannot be used.
        """
        try:
            self._spool.adopt()
        except OSError as error:
            raise ConfigError([f"store.spool: the folder cannot be used: {error.strerror or error}"]) from None
        self._task = asyncio.create_task(self._run())
        self.wake()

    async def close(self) -> None:
        """Stop. What is in the spool stays there."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._spool.close()

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            await asyncio.sleep(_GATHERS)
            self._wanted.clear()
            while not await self._drained():  # noqa: ASYNC110 - the store says nothing when it comes back
                await asyncio.sleep(self._retry_after)

    async def _drained(self) -> bool:
        """Whether the spool is empty now; False: the rest has to wait for the store."""
        try:
            self._spool.adopt()
            while True:
                lines, size = self._spool.peek()
                if not lines:
                    return True
                if not await self._written([*lines]):
                    return False
                self._spool.drop(size)
        except OSError as error:
            log.error("the spool cannot be read: %s", error.strerror or error)
        except Exception:
            log.exception("the spool could not be emptied")
        return False

    async def _written(self, lines: list[bytes]) -> bool:
        """Write these lines or set them aside; False where that has to be done again, which does no harm."""
        unusable: list[bytes] = []
        entries: list[tuple[bytes, Entry]] = []
        for line in lines:
            try:
                entries.append((line, load(line)))
            except (ValueError, TypeError, RecursionError):
                unusable.append(line)
        outcomes = await asyncio.gather(*(self._write(entry) for _, entry in entries), return_exceptions=True)
        for (line, _), outcome in zip(entries, outcomes, strict=True):
            if isinstance(outcome, Unstorable):
                unusable.append(line)
            elif outcome is not None:
                return False
        if unusable:
            self._spool.set_aside(unusable)
        return True


def dump(entry: Entry) -> bytes:
    """An entry as one line of ASCII: the row of its record, and what it changes. No session is opened late."""
    changes: dict[str, object] = {}
    match entry.change:
        case Close(_, at, why):
            changes["close"] = [at, why]
        case Begin(holder, at):
            changes["begin"] = [holder, at]
    match entry.news:
        case StreamNews(key, _, _, name, published, status, over, kept):
            changes["stream"] = [key.media, name, published, status, over, kept]
        case CallNews(of_call, _, _, caller, callee, incoming, status, over):
            changes["call"] = [of_call.call, caller, callee, incoming, status, over]
    return json.dumps([*trail.dump(entry.record), changes]).encode()


def load(line: bytes) -> Entry:
    """An entry from its line.

    Raises:
        ValueError, TypeError, RecursionError: it is not one.
    """
    *row, changed = json.loads(line)
    if len(row) == _BEFORE_FACTS:
        row.append(None)
    record = trail.load(row)
    told = (record.status, record.subject, record.facts)
    texts = (record.id, *record.key, record.app_key, record.method, record.rule, *told)
    if not all(isinstance(text, str) for text in texts) or not isinstance(record.user, str | None):
        raise TypeError("not text")
    if not isinstance(record.at, int):
        raise TypeError("not a time")
    changes = changed if isinstance(changed, dict) else _of_before(changed)
    return Entry(record, _changed(record, changes), _news(record, changes))


def _of_before(changed: object) -> dict[str, object]:
    """The same of lines of before there were several changes."""
    match changed:
        case None:
            return {}
        case int(at):
            return {"close": [at, Over.TOLD]}
        case _:
            return {"begin": changed}


def _changed(record: Record, changes: dict[str, object]) -> Close | Begin | None:
    match changes:
        case {"close": [int(at), str(why)]}:
            return Close(record.key, at, Over(why))
        case {"begin": [str(holder), int(at)]}:
            return Begin(holder, at)
        case {"close": _} | {"begin": _}:
            raise TypeError("not a change")
        case _:
            return None


def _news(record: Record, changes: dict[str, object]) -> StreamNews | CallNews | None:
    match changes:
        case {"stream": [str(media), str(name), bool() | None as published, str(status), bool(over), bool(kept)]}:
            key = MediaKey(*record.key, media)
            return StreamNews(key, record.app_key, record.at, name, published, status, over, kept)
        case {"call": [str(call), str(caller), str(callee), bool() | None as incoming, str(status), bool(over)]}:
            of_call = CallKey(*record.key, call)
            return CallNews(of_call, record.app_key, record.at, caller, callee, incoming, status, over)
        case {"stream": _} | {"call": _}:
            raise TypeError("not news")
        case _:
            return None


_BEFORE_FACTS = 12  # values of a record in lines of version 0.1.0
