"""A bounded pool of threads: hashing stays away from the event loop, and what cannot be done in time is refused."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from authgate.errors import Overloaded
from authgate.passwords.lanes import Costs, Effort, Job, Lanes
from authgate.passwords.machine import Size, step_back
from authgate.turn import ANY_TIME, Turn

_T = TypeVar("_T")


class Pool:
    """Does jobs on a few threads, of low priority in a server: hooks that need none of them are answered as ever.

    Who is done when, and who is refused, is told in ``Lanes``. Jobs that take more memory than there is together are
    done one after the other.
    """

    def __init__(
        self,
        size: Size,
        queue: int = 0,
        clock: Callable[[], float] = time.monotonic,
        took: Callable[[str, float], None] = lambda _kind, _seconds: None,
    ) -> None:
        """``queue``: how many jobs may wait; 0: as many as their deadlines allow.

        ``took`` is told the kind of each job that was done and the seconds it took, by one thread at a time.
        """
        self._took = took
        self._clock = clock
        self.size = size
        self._costs = Costs()
        self._lanes = Lanes(size.workers, self._costs, queue)
        self._changed = threading.Condition()  # holds all that follows, and the two before
        self._threads = 0
        self._running: dict[Job, float] = {}  # since when
        self._done = 0
        self._closed = False

    async def run(self, work: Callable[[], _T], effort: Effort, turn: Turn = ANY_TIME, *, spare: bool = False) -> _T:
        """What the work comes to. A caller that is cancelled withdraws a job that has not begun.

        ``spare``: it is done only when there is nothing else to do.

        Raises:
            Overloaded: it would not be done before its deadline, or the pool is closed.
        """
        return await self.begin(work, effort, turn, spare=spare)

    def begin(
        self, work: Callable[[], _T], effort: Effort, turn: Turn = ANY_TIME, *, spare: bool = False
    ) -> "asyncio.Future[_T]":
        """The same for who does not wait yet: to cancel what comes back withdraws the job.

        Raises:
            Overloaded: it would not be done before its deadline, or the pool is closed; to wait may raise it as well.
        """
        job = Job(work, effort, turn, spare)
        self._submit(job)
        answer: asyncio.Future[_T] = asyncio.wrap_future(job.answer)
        answer.add_done_callback(lambda answer: self._withdraw(job) if answer.cancelled() else None)
        return answer

    def demand_room(self, turn: Turn) -> None:
        """Nothing, where somebody may wait in this turn: to ask first is cheap, when thousands are to be refused.

        Raises:
            Overloaded: there is no room.
        """
        with self._changed:
            self._demand(turn)

    @contextmanager
    def room(self, turn: Turn) -> Iterator[None]:
        """A place that is kept for a job in this turn, until the end of the block: then it may begin.

        Raises:
            Overloaded: there is no room.
        """
        with self._changed:
            self._demand(turn)
            self._lanes.keep(turn)
        try:
            yield
        finally:
            with self._changed:
                self._lanes.let_go(turn)

    def _demand(self, turn: Turn) -> None:
        if self._lanes.hopeless(turn, self._began(), self._clock()):
            raise Overloaded(_TOO_MANY)

    def close(self) -> None:
        """Take no more work. Jobs that wait are still done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def state(self) -> Mapping[str, Any]:
        """How it stands, for everybody to see."""
        with self._changed:
            return {
                "workers": self.size.workers,
                "running": len(self._running),
                "waiting": len(self._lanes),
                "done": self._done,
                "seconds": round(self._costs.mean, 4),  # that one has taken lately
            }

    def _withdraw(self, job: Job) -> None:
        with self._changed:
            self._lanes.withdraw(job)

    def _submit(self, job: Job) -> None:
        with self._changed:
            if self._closed:
                raise Overloaded("password hashing has ended")
            taken, late = self._lanes.offer(job, self._began(), self._clock())
            _refuse(late)
            if not taken:
                raise Overloaded(_TOO_MANY)
            self._one_more_thread(job)
            self._changed.notify()

    def _one_more_thread(self, job: Job) -> None:
        if self._threads == self.size.workers:
            return
        try:
            threading.Thread(target=self._work, name=f"hashing-{self._threads + 1}", daemon=True).start()
            self._threads += 1
        except RuntimeError:  # those that are there do it
            if not self._threads:
                self._lanes.withdraw(job)
                raise Overloaded("no thread can be started to hash passwords") from None

    def _work(self) -> None:
        if self.size.gives_way:
            step_back()
        while (job := self._next()) is not None:
            result, fault = _do(job)
            with self._changed:
                seconds = self._clock() - self._running.pop(job)
                self._costs.note(job.effort.kind, seconds)
                self._took(job.effort.kind, seconds)
                self._done += 1
                if len(self._lanes):
                    self._changed.notify_all()  # for some there was no room
            if fault is None:
                job.answer.set_result(result)
            else:
                job.answer.set_exception(fault)

    def _next(self) -> Job | None:
        """Something to do, as soon as there is; None: never again."""
        with self._changed:
            while True:
                now = self._clock()
                job, late = self._lanes.take(now, self._room())
                _refuse(late)
                if job is None:
                    if self._closed and not len(self._lanes):
                        return None
                    self._changed.wait()
                elif job.answer.set_running_or_notify_cancel():
                    self._running[job] = now
                    return job

    def _began(self) -> list[tuple[str, float]]:
        return [(each.effort.kind, began) for each, began in self._running.items()]

    def _room(self) -> int | None:
        """KiB that are left for another job; None: whatever it takes."""
        if not self._running:
            return None
        return self.size.memory - sum(each.effort.memory for each in self._running)


_TOO_MANY = "more passwords wait to be hashed than can be before their deadlines"


def _do(job: Job) -> tuple[Any, BaseException | None]:
    """What a job comes to, or what it raised."""
    try:
        return job.work(), None
    except BaseException as fault:
        return None, fault


def _refuse(jobs: Iterable[Job]) -> None:
    for each in jobs:
        if each.answer.set_running_or_notify_cancel():
            each.answer.set_exception(Overloaded(_TOO_MANY))
