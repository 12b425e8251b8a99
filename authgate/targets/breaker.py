"""A target that does not answer is left alone for a while: nobody waits for it, and it can come to itself."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from authgate.targets.failure import Failure

log = logging.getLogger(__name__)


class State(StrEnum):
    """How a target is dealt with."""

    CLOSED = "closed"  # it is asked
    OPEN = "open"  # it is not asked
    HALF_OPEN = "half-open"  # one question decides


class Breaker:
    """Counts the questions in a row that went without an answer."""

    def __init__(
        self, what: str, trip_after: int, retry_after: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """It opens after ``trip_after`` of them, for ``retry_after`` seconds; then one question at a time is let in."""
        self._what = what
        self._trip_after = trip_after
        self._retry_after = retry_after
        self._clock = clock
        self._failed = 0
        self._retry_at: float | None = None  # the time from which one may try; None: all may
        self._trying = False

    @property
    def state(self) -> State:
        """How the target is dealt with now."""
        if self._retry_at is None:
            return State.CLOSED
        return State.OPEN if self._clock() < self._retry_at else State.HALF_OPEN

    @contextmanager
    def asking(self) -> Iterator[None]:
        """In it, the target may be asked.

        Raises:
            Failure: it is left alone just now.
        """
        trying = self._let_in()
        try:
            yield
        except Failure as failure:
            if failure.away:
                self._unanswered(failure, trying)
            else:
                self._answered()  # not well, but it costs nobody his time
            raise
        else:
            self._answered()
        finally:
            if trying:
                self._trying = False

    def _let_in(self) -> bool:
        """Whether this question is the one that decides."""
        state = self.state
        if state is State.CLOSED:
            return False
        if state is State.OPEN or self._trying:
            raise Failure("is not asked for a while, since it did not answer")
        self._trying = True
        return True

    def _answered(self) -> None:
        self._failed = 0
        if self._retry_at is not None:
            self._retry_at = None
            log.warning("%s answers again", self._what)

    def _unanswered(self, failure: Failure, trying: bool) -> None:
        self._failed += 1
        if self._retry_at is None and self._failed >= self._trip_after:
            log.error("%s %s; it is asked again in %g seconds", self._what, failure, self._retry_after)
            self._retry_at = self._clock() + self._retry_after
        elif trying:
            self._retry_at = self._clock() + self._retry_after
