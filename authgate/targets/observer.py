"""Hook -> queue on the local disk -> a target that observes, in order and at least once."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress

from authgate.errors import ConfigError
from authgate.model import Hook, Record
from authgate.spool import Spool
from authgate.targets import line as lines
from authgate.targets.answer import comes_back
from authgate.targets.client import Client
from authgate.targets.failure import Failure, Seldom
from authgate.targets.line import Line

log = logging.getLogger(__name__)

_LANES = 8  # hooks that are on their way at once; those of one session never are
_LONGEST_PAUSE = 60.0  # seconds between two attempts while the target is away
_LOOK_AROUND = 10.0  # seconds until it is looked whether a process that is gone has left something
_MOST_TRIES = 8  # of a hook that the target itself fails at: no hook may hold up the others for ever
_PARTING = 1.0  # seconds for what is on its way when we are told to stop


class Observer:
    """Sends hooks to one target in the background."""

    def __init__(
        self,
        name: str,
        spool: Spool,
        client: Client,
        seldom: Seldom,
        tally: Counter[str],
        patience: float,
        pause: float,
    ) -> None:
        """``patience`` in seconds is the target's time for each hook; ``pause`` follows its first failure, later ones
        are twice as long each."""
        self._name = name
        self._what = f"target {name}"
        self._tally = tally
        self._spool = spool
        self._client = client
        self._seldom = seldom
        self._patience = patience
        self._pause = pause
        self._wanted = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._failures = 0  # in a row
        self._trouble: Failure | None = None  # the last of them
        self.sent = 0
        self.failed = 0  # that the target did not want
        self.lost = 0  # for which there was no room

    @property
    def waiting(self) -> int:
        """Bytes in the queue."""
        return self._spool.size

    def keep(self, hook: Hook, record: Record, body: bytes) -> None:
        """Keep a hook, to be sent soon; counts it as lost where that cannot be."""
        try:
            if self._spool.append(lines.dump(hook, record, body)):
                self._wanted.set()
                return
            why = "its queue is full"
        except OSError as error:
            why = f"its queue cannot be written to: {error.strerror or error}"
        finally:
            if self._closed:
                self._spool.close()  # too late for us: whoever comes next takes it over
        self.lost += 1
        self._tally[f"observed_lost:{self._name}"] += 1
        self._seldom.warn("lost", f"{self._what} is not sent a hook that it observes: {why}")

    def start(self) -> None:
        """Begin, with what processes that are gone have left.

        Raises:
            ConfigError: the queue's folder cannot be used.
        """
        try:
            self._spool.adopt()
        except OSError as error:
            raise ConfigError([f"store.spool: the folder cannot be used: {error.strerror or error}"]) from None
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop. What is in the queue stays there."""
        self._stopping.set()
        self._wanted.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=_PARTING)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._closed = True
        self._spool.close()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._empty()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_AROUND):
                        await self._wanted.wait()
            except OSError as error:
                log.error("the queue of %s cannot be read: %s", self._what, error.strerror or error)
                await self._rest(_LOOK_AROUND)
            except Exception:
                log.exception("the queue of %s could not be emptied", self._what)
                await self._rest(_LOOK_AROUND)

    async def _empty(self) -> None:
        """Send what waits, until nothing does."""
        self._wanted.clear()
        self._spool.adopt()
        while True:
            read, size = self._spool.peek()
            if not read or not await self._settled(self._read(read)):
                return
            self._spool.drop(size)

    def _read(self, read: Sequence[bytes]) -> list[Line]:
        """The hooks in some lines; what is none is set aside."""
        found: list[Line] = []
        start = 0
        for text in read:
            try:
                if text.strip():  # blanks are done with
                    found.append(lines.load(text))
                    found[-1].start, found[-1].size = start, len(text)
            except (ValueError, TypeError, RecursionError):
                self._spool.set_aside([text])
                self._spool.strike(start, len(text))
            start += len(text) + 1
        return found

    async def _settled(self, waiting: list[Line]) -> bool:
        """Send these hooks; False where we were told to stop before."""
        while waiting and not self._stopping.is_set():
            self._trouble = None
            async with asyncio.TaskGroup() as group:
                # While the target is away, one hook at a time is tried.
                for lane in [waiting[:1]] if self._failures else _lanes(waiting):
                    group.create_task(self._send(lane))
            waiting = [line for line in waiting if not line.settled]
            if self._trouble is None:
                self._failures = 0
            else:
                self._failures += 1
                self._seldom.warn("away", f"{self._what} is not sent what it observes for now: it {self._trouble}")
                await self._rest(min(_LONGEST_PAUSE, self._pause * 2 ** min(self._failures - 1, 20)))
        return not waiting

    async def _send(self, lane: Iterable[Line]) -> None:
        """Send the hooks of a lane one after the other, until one cannot be sent."""
        for line in lane:
            if self._trouble is not None or self._stopping.is_set():
                return
            try:
                async with asyncio.timeout(self._patience):
                    answer = await self._client.post(line.method, line.body.encode(), line.headers(), repeatable=True)
                self._count(line, answer.status)
            except TimeoutError:
                self._trouble = Failure(f"does not answer within {self._patience:g} seconds")
            except Failure as failure:
                self._trouble = failure
            else:
                line.settled = True
                self._spool.strike(line.start, line.size)

    def _count(self, line: Line, status: int) -> None:
        """Be done with a hook that was answered with a status.

        Raises:
            Failure: it is to be sent again.
        """
        if 200 <= status < 300:
            self.sent += 1
            self._tally[f"observed_sent:{self._name}"] += 1
            return
        if comes_back(status) or not 300 <= status < 500:
            line.tries += not comes_back(status)
            if line.tries < _MOST_TRIES:
                raise Failure(f"answers with status {status}")
        self.failed += 1
        self._tally[f"observed_unwanted:{self._name}"] += 1
        self._seldom.warn("unwanted", f"{self._what} does not take a hook that it observes: status {status}")

    async def _rest(self, seconds: float) -> None:
        """Wait, unless we are told to stop; not all for the same time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds * random.uniform(0.5, 1)):  # noqa: S311 - nothing to be guessed
                await self._stopping.wait()


def _lanes(waiting: Iterable[Line]) -> list[list[Line]]:
    """The hooks in lists that can be sent at once: each session's are in one, in their order."""
    lanes: dict[int, list[Line]] = {}
    for line in waiting:
        lanes.setdefault(line.session % _LANES, []).append(line)
    return [*lanes.values()]
