"""What the background works with, as the configuration in force has it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from authgate.limits import NO_LIMITS, Limits
from authgate.model import Session
from authgate.ports import Guessing, Revocations
from authgate.sessions import SessionOptions
from authgate.wcs import WcsNodes

_CLOCKS = 3.0  # seconds by which the clocks of two machines may differ, and a node may be late


@dataclass(frozen=True, slots=True)
class Means:
    """Taken anew for each round, so that another configuration counts from the next one on."""

    nodes: WcsNodes
    options: SessionOptions
    revocations: Revocations
    guessing: Guessing
    as_of_now: Callable[[Session], Awaitable[Session]]  # with what is said of its user now, wherever that one is from
    deadline: float  # seconds within which a hook is answered
    limits: Limits = NO_LIMITS

    @property
    def margin(self) -> int:
        """Milliseconds for which what the store and the media server have may differ: a hook may be on its way."""
        return int((self.deadline + _CLOCKS) * 1000)
