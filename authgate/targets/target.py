"""One target: asked about hooks, and sent those that it observes."""

import asyncio
from collections import Counter
from pathlib import Path

from authgate.errors import TargetError
from authgate.model import Hook, Record
from authgate.ports import Answered
from authgate.spool import Spool
from authgate.targets.answer import understood
from authgate.targets.breaker import Breaker
from authgate.targets.client import Client
from authgate.targets.failure import Failure, Seldom
from authgate.targets.observer import Observer
from authgate.targets.options import TargetOptions

# Asking these again changes nothing. Of the others a back end may do something each time: place a call, pass a
# message on.
REPEATABLE = frozenset(
    {
        "connect",
        "publishStream",
        "playStream",
        "snapshot",
        "availableStream",
        "playHLS",
        "playRTSP",
        "StreamKeepAliveEvent",
    }
)


class Target:
    """What is done with one section ``[targets.NAME]``."""

    def __init__(
        self, name: str, options: TargetOptions, folder: Path, tally: Counter[str], patience: float, pause: float
    ) -> None:
        """``folder`` keeps the queue; the rest as for ``Observer``."""
        self._name = name
        self._tally = tally
        self._what = f"target {name}"
        self.options = options
        self._client = Client(options)
        self._breaker = Breaker(self._what, options.trip_after, options.retry_after)
        self._free = asyncio.Semaphore(options.connections)
        self._seldom = Seldom()
        self._closed = False
        self._failed = 0
        self._passed_over = 0
        # Who observed once may have left something to be sent.
        self._observer: Observer | None = None
        if options.observe or folder.exists():
            queue = Spool(folder, options.queue_max_bytes)
            self._observer = Observer(name, queue, self._client, self._seldom, tally, patience, pause)

    async def ask(self, hook: Hook) -> Answered:
        """What the target says to a hook.

        Raises:
            TargetError: it said nothing that can be understood, and may not be passed over.
        """
        if self._closed:
            raise TargetError(f"{self._what} is not asked any more: authgate stops, or has another configuration")
        try:
            with self._breaker.asking():
                answered = await self._in_time(hook)
            self._tally[f"targets_answered:{self._name}"] += 1
            return answered
        except Failure as failure:
            self._failed += 1
            self._tally[f"targets_unanswered:{self._name}"] += 1
            trouble = f"{self._what} {failure}"
        self._seldom.warn("trouble", trouble)
        if not self.options.insecure_fail_open:
            raise TargetError(trouble)
        self._passed_over += 1
        self._tally[f"targets_passed_over:{self._name}"] += 1
        return Answered(True, trouble=trouble)

    def keep(self, hook: Hook, record: Record, body: bytes) -> None:
        """Keep a hook that the target observes, to be sent soon."""
        if self._observer is not None:
            self._observer.keep(hook, record, body)

    def start(self) -> None:
        """Begin to send what is kept.

        Raises:
            ConfigError: the queue's folder cannot be used.
        """
        if self._observer is not None:
            self._observer.start()

    async def close(self) -> None:
        """Ask nothing more, let what is being asked be answered, and let go."""
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(self.options.timeout):
                for _ in range(self.options.connections):
                    await self._free.acquire()
        except TimeoutError:
            pass  # whoever still waits has run out of time too
        if self._observer is not None:
            await self._observer.close()
        await self._client.close()

    def state(self) -> dict[str, str | int]:
        """How it is, and what has been counted."""
        state: dict[str, str | int] = {
            "breaker": self._breaker.state.value,
            "unanswered": self._failed,
            "passed_over": self._passed_over,
            "connections": self._client.connections,
        }
        if (observer := self._observer) is not None:
            state |= {
                "queue_bytes": observer.waiting,
                "sent": observer.sent,
                "failed": observer.failed,
                "lost": observer.lost,
            }
        return state

    async def _in_time(self, hook: Hook) -> Answered:
        try:
            async with asyncio.timeout(self.options.timeout), self._free:
                answer = await self._client.post(hook.method.name, hook.body, repeatable=hook.method.name in REPEATABLE)
        except TimeoutError:
            raise Failure(f"does not answer within {self.options.timeout:g} seconds", away=True) from None
        verdict = understood(answer)
        if not verdict.allowed and answer.status != 403:
            self._seldom.warn(
                f"status {answer.status}",
                f"{self._what} refuses with status {answer.status} in place of 403; is its url right?",
            )
        return verdict
