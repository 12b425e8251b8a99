"""The newest events in memory, for all who listen: each reader has a place in them, and none a queue of its own."""

from collections import deque
from collections.abc import Sequence
from itertools import islice

from authgate.feed.event import Event


class Window:
    """All events behind ``start`` up to ``end``, in order; when there are too many the oldest fall out."""

    def __init__(self, most: int, start: int) -> None:
        self._most = most
        self._events: deque[Event] = deque()
        self.start = start  # the id behind which all are here
        self.end = start  # the id up to which all are here

    def add(self, events: Sequence[Event]) -> None:
        """Put in those that follow the end, in order."""
        self._events.extend(events)
        self.end = events[-1].id
        while len(self._events) > self._most:
            self.start = self._events.popleft().id

    def behind(self, id_: int, most: int) -> Sequence[Event] | None:
        """The first of those that follow an id, at most so many; None where some of them are not here any more."""
        if id_ < self.start:
            return None
        if id_ >= self.end:
            return ()
        events = self._events
        # Most readers are near the end, and ids have gaps: the place is looked for from there.
        at = len(events)
        while at and events[at - 1].id > id_:
            at -= 1
        return tuple(islice(events, at, min(at + most, len(events))))
