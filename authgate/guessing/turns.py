"""Who waits for a place: in a queue for each key, so that a crowd asks the storage as often as it lets somebody in."""

import asyncio
from collections import deque
from collections.abc import Sequence


class Turns:
    """Queues of those in this process who wait. The first one tries now and then, for others may give places back."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues.values())

    def first_busy(self, keys: Sequence[str]) -> str | None:
        """The first of these keys for which others wait already."""
        return next((key for key in keys if key in self._queues), None)

    async def wait(self, key: str, poll: float, patience: float, *, again: bool) -> float:
        """Come back when it is worth a try; the seconds that it took.

        The first in the queue tries after ``poll`` seconds, the others when it is their turn, and all after
        ``patience``; ``again``: it was its turn already, and keeps its place. Whoever comes back says ``next`` as soon
        as it waits no more.
        """
        loop = asyncio.get_running_loop()
        began, turn = loop.time(), loop.create_future()
        queue = self._queues.setdefault(key, deque())
        first = again or not queue
        (queue.appendleft if again else queue.append)(turn)
        try:
            await asyncio.wait({turn}, timeout=min(poll, patience) if first else patience)
        except BaseException:
            if turn.done():  # it was woken, and leaves
                self.next(key)
            raise
        finally:
            self._leave(key, turn)
        return loop.time() - began

    def next(self, key: str) -> None:
        """Let the next one try."""
        queue = self._queues.get(key)
        if queue:
            turn = queue.popleft()
            turn.set_result(None)
            if not queue:
                del self._queues[key]

    def _leave(self, key: str, turn: "asyncio.Future[None]") -> None:
        queue = self._queues.get(key)
        if not turn.done():
            turn.cancel()
            if queue is not None:
                queue.remove(turn)
        if queue is not None and not queue:
            self._queues.pop(key, None)
