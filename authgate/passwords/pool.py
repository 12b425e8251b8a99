"""A bounded pool of threads: hashing stays away from the event loop, and what cannot be done in time is refused."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from authgate.errors import Overloaded

_T = TypeVar("_T")


class Pool:
    """Runs so many jobs at once, has so many more wait, and refuses the rest at once."""

    def __init__(self, workers: int, queue: int) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="hashing")
        self._places = threading.Semaphore(workers + queue)

    async def run(self, job: Callable[..., _T], *arguments: object) -> _T:
        """What the job returns. A caller that is cancelled withdraws a job that has not begun.

        Raises:
            Overloaded: more jobs wait than the deadline can hold, or the pool is closed.
        """
        if not self._places.acquire(blocking=False):
            raise Overloaded("too many passwords wait to be hashed")
        try:
            future = self._threads.submit(job, *arguments)
        except RuntimeError:  # the pool is closed
            self._places.release()
            raise Overloaded("password hashing has ended") from None
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Take no more work. Jobs that wait are still done."""
        self._threads.shutdown(wait=False)
