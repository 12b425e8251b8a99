"""Why there is no answer; and what may be said of it, not too often."""

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

_PAUSE = 60.0  # seconds between two lines that say the same


class Failure(Exception):
    """A target gave no answer that counts; the message says why and holds nothing that is secret."""

    def __init__(self, why: str, *, away: bool = False, unsent: bool = False, unheard: bool = False) -> None:
        super().__init__(why)
        self.away = away  # it did not answer in time or at all, or says itself that it cannot: asking on is of no use
        self.unsent = unsent  # it knows nothing of what it was asked
        self.unheard = unheard  # it may know of it, and nothing has come back


class Seldom:
    """Writes to the log what would otherwise be written with each hook: once a minute, and how often it was."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[str, tuple[float, int]] = {}

    def warn(self, what: str, message: str) -> None:
        """A warning, unless one of the same kind (``what``: one of a few) was given within the last minute."""
        now = self._clock()
        at, withheld = self._said.get(what, (-_PAUSE, 0))
        if now - at < _PAUSE:
            self._said[what] = at, withheld + 1
            return
        self._said[what] = now, 0
        log.warning("%s%s", message, f" (and {withheld} times more since it was last said)" if withheld else "")
