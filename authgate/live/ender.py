"""Ends at the media server what is to be ended: sessions and streams that the store has an order for."""

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from authgate.errors import WcsError
from authgate.live.means import Means
from authgate.model import Over, Session, Stream
from authgate.store import Store

if TYPE_CHECKING:
    from authgate.wcs.node import WcsNode

log = logging.getLogger(__name__)

Item = TypeVar("Item", Session, Stream)

EVERY = 0.5  # seconds between two looks for what is to be ended
_PAGE = 500  # at a time
_PART = 100  # told at once, after which the store is told
_LONGEST = 15.0  # seconds until what could not be ended is tried again
_UNREACHED = 60.0  # seconds until a stream is looked at again that nobody can end
_NOBODY = (
    "no [[wcs]] section covers its node: the stream goes on until its next keep-alive is refused, or its session ends"
)


class Ender:
    """Each order is carried out, or tried again later; what was ended is told to the store at once."""

    def __init__(
        self, store: Store, means: Callable[[], Means], tally: Counter[str], clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._means = means
        self._tally = tally
        self._clock = clock
        self._failing: dict[str, str] = {}  # what is wrong with a node, as the log has it

    async def round(self) -> float:
        """Carry out what is due; the seconds until it is time to look again.

        Raises:
            StoreError: the store is away or too slow.
        """
        nodes = self._means().nodes
        sessions: dict[WcsNode | None, list[Session]] = defaultdict(list)
        streams: dict[WcsNode | None, list[Stream]] = defaultdict(list)
        due_sessions = await self._store.sessions.to_end(self._now(), _PAGE)
        for session in due_sessions:
            sessions[nodes.of(session.key.node) if session.key.session.strip() else None].append(session)
        due_streams = await self._store.streams.to_end(self._now(), _PAGE)
        for stream in due_streams:
            streams[nodes.of(stream.key.node)].append(stream)
        await self._alone(sessions.pop(None, []), streams.pop(None, []))
        work = [self._sessions(node, some) for node, some in sessions.items()]
        await _all([*work, *(self._streams(node, some) for node, some in streams.items())])
        return 0.0 if _PAGE in (len(due_sessions), len(due_streams)) else EVERY

    async def _alone(self, sessions: Sequence[Session], streams: Sequence[Stream]) -> None:
        """What no node can be told: a session is over in the store, and its client is refused from its next hook on."""
        if sessions:
            self._tally["live_sessions_ended"] += await self._store.sessions.over(sessions, Over.ENDED, self._now())
        if streams:
            await self._store.streams.not_ended(streams, _NOBODY, self._now() + int(_UNREACHED * 1000))

    async def _sessions(self, node: "WcsNode | None", due: Sequence[Session]) -> None:
        if node is None:
            return
        tell, kept = node.terminate_session, self._store.sessions
        async for ended, failed, error in self._told(node, due, lambda each: tell(each.key.session)):
            if ended:
                self._tally["live_sessions_ended"] += await kept.over(ended, Over.ENDED, self._now())
            for some, next_at in _by_patience(failed, self._now()):
                await kept.not_ended(some, error, next_at)

    async def _streams(self, node: "WcsNode | None", due: Sequence[Stream]) -> None:
        if node is None:
            return
        tell, kept = node.terminate_stream, self._store.streams
        async for ended, failed, error in self._told(node, due, lambda each: tell(each.key.media)):
            if ended:
                self._tally["live_streams_ended"] += await kept.over(ended, Over.ENDED, self._now())
            for some, next_at in _by_patience(failed, self._now()):
                await kept.not_ended(some, error, next_at)

    async def _told(self, node: "WcsNode", due: Sequence[Item], tell: Callable[[Item], Awaitable[bool]]) -> Any:
        """Tell a node to end these, part by part: what was ended, what was not, and why not.

        A node that is away is not told the rest: each would wait in vain.
        """
        for at in range(0, len(due), _PART):
            part = due[at : at + _PART]
            outcomes = await asyncio.gather(*(tell(each) for each in part), return_exceptions=True)
            errors = [each for each in outcomes if isinstance(each, BaseException)]
            for strange in (each for each in errors if not isinstance(each, WcsError)):
                raise strange
            ended = [each for each, outcome in zip(part, outcomes, strict=True) if isinstance(outcome, bool)]
            failed = [each for each, outcome in zip(part, outcomes, strict=True) if not isinstance(outcome, bool)]
            away = any(isinstance(each, WcsError) and each.away for each in errors)
            if away:
                failed += due[at + _PART :]
            error = str(errors[0]) if errors else ""
            self._tell(node, len(failed), error)
            if failed:
                self._tally["live_ends_failed"] += len(failed)
            yield ended, failed, error
            if away:
                return

    def _tell(self, node: "WcsNode", count: int, error: str) -> None:
        """One line when something goes wrong at a node, and one when it goes well again."""
        name = node.options.node
        if error and self._failing.get(name) != error:
            log.warning("could not end what is to be ended (%d): %s; tries again", count, error)
            self._failing[name] = error
        elif not error and self._failing.pop(name, ""):
            log.info("what is to be ended at wcs %r is ended again", name)

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _by_patience(failed: Sequence[Item], now: int) -> list[tuple[list[Item], int]]:
    """What could not be ended, by when to try again, in milliseconds since the epoch."""
    found: dict[float, list[Item]] = defaultdict(list)
    for each in failed:
        tries = each.ending.tries if each.ending else 0
        found[min(2.0**tries, _LONGEST)].append(each)
    return [(some, now + int(seconds * 1000)) for seconds, some in found.items()]


async def _all(work: Sequence[Awaitable[None]]) -> None:
    """Have all of it done, also where some of it fails; then raise the first failure."""
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
