"""Many callers, one piece of work: what waits together is read by one statement, or written by one commit."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from authgate.errors import StoreError
from authgate.store.breaker import Breaker
from authgate.store.trouble import Unstorable, told, within, worth_a_retry

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MOST = 500  # items carried out together: more would make the first wait for the last


class Batch(Generic[Item, Answer]):
    """Carries items out together, in the order in which they came, and gives each caller its own answer.

    While one batch is carried out the next one gathers, so that a busy store makes batches larger, not
    longer queues. When nothing waits, nothing runs.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        breaker: Breaker,
        timeout: float,
        most: int = MOST,
    ) -> None:
        """``work`` answers all of its items or fails as a whole; ``timeout`` in seconds is for each batch.

        ``most`` is how many items one batch has at most.
        """
        self._most = most
        self._work = work
        self._breaker = breaker
        self._timeout = timeout
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._runner: asyncio.Task[None] | None = None
        self._closed = False

    async def ask(self, item: Item) -> Answer:
        """The answer to this item. A caller that is cancelled before its item is taken withdraws it.

        Raises:
            StoreError: the store is away or too slow, or cannot take this item (``Unstorable``).
        """
        if self._closed:
            raise StoreError("the store is closed")
        self._breaker.check()
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return await answer

    @property
    def waiting(self) -> int:
        """How many items are not taken yet."""
        return len(self._waiting)

    async def close(self) -> None:
        """Take nothing more, and return when what waits has its answer."""
        self._closed = True
        if self._runner is not None:
            await self._runner

    async def _run(self) -> None:
        try:
            while taken := self._take():
                try:
                    self._breaker.check()
                    await within(self._timeout, self._carry_out(taken))
                except Exception as error:
                    trouble = told(error)
                    self._breaker.trip(trouble)
                    _fail(taken, trouble)
        finally:
            self._runner = None

    def _take(self) -> list[tuple[Item, asyncio.Future[Answer]]]:
        taken: list[tuple[Item, asyncio.Future[Answer]]] = []
        while self._waiting and len(taken) < self._most:
            item, answer = self._waiting.popleft()
            if not answer.done():
                taken.append((item, answer))
        return taken

    async def _carry_out(self, taken: Sequence[tuple[Item, asyncio.Future[Answer]]], again: bool = True) -> None:
        try:
            answers = await self._work([item for item, _ in taken])
        except Exception as error:
            if again and worth_a_retry(error):
                return await self._carry_out(taken, again=False)
            trouble = told(error)
            if not isinstance(trouble, Unstorable):
                if worth_a_retry(error):  # the store is there; it was twice a deadlock
                    return _fail(taken, trouble)
                raise trouble from error
            if len(taken) == 1:
                log.error("%s", trouble)
                return _fail(taken, trouble)
            # One of them is at fault: halves, and halves of halves, until it stands alone.
            middle = len(taken) // 2
            await self._carry_out(taken[:middle])
            await self._carry_out(taken[middle:])
        else:
            for (_, waiting), answer in zip(taken, answers, strict=True):
                if not waiting.done():
                    waiting.set_result(answer)
        return None


def _fail(taken: Sequence[tuple[Item, asyncio.Future[Answer]]], error: StoreError) -> None:
    for _, waiting in taken:
        if not waiting.done():
            waiting.set_exception(type(error)(str(error)))  # one each: a traceback belongs to one caller
