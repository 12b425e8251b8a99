"""Whose turn it is where many wait for the same few workers."""

import math
from dataclasses import replace

from authgate.value import value


@value(frozen=True, slots=True)
class Turn:
    """On whose behalf a password is hashed, and until when anybody waits for it."""

    app_key: str = ""  # "" where no application asks
    until: float = math.inf  # seconds of ``time.monotonic``, which is the event loop's clock
    user: str = ""  # who the client says it is
    lets_in: bool = False  # whether a right password lets that user in: then it may be known from before

    def of(self, user: str, *, lets_in: bool) -> "Turn":
        """The same for one user."""
        return replace(self, user=user, lets_in=lets_in)


ANY_TIME = Turn()
