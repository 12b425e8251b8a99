"""Finds the live sessions that may not go on, by what the judge would say of each, and orders their end."""

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from authgate.errors import StoreError
from authgate.judge.standing import why_to_end
from authgate.live.means import Means
from authgate.model import Reason, Session, SessionKey
from authgate.store import Store

log = logging.getLogger(__name__)

EVERY = 0.5  # seconds between two looks, at least
_SHARE = 20  # times as long as the store was busy with a look it is left alone
_MOST = 2.0  # seconds between two looks, at most
WALK = 60.0  # seconds between two walks over all sessions, at most
_REST = 4  # times as long as a walk took there is no other
_LONGEST = 5.0  # seconds without a walk for that, at most
_PEEK = 0.25  # seconds between two looks at whether a walk is due
_PAGE = 250  # sessions at a time
_AT_ONCE = 20  # sessions whose users are looked up at once


class Watcher:
    """What the store can say itself is asked often; every session is judged when bans or revocations have changed.

    Sessions of nodes that cannot be told are left as they are: each of their hooks is refused, for its own reason.
    Nobody's end is ordered by SQL alone: the judge has the last word, so that hooks and this never disagree.
    """

    def __init__(
        self,
        store: Store,
        means: Callable[[], Means],
        tally: Counter[str],
        ordered: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``ordered`` is called when something is to be ended."""
        self._store = store
        self._means = means
        self._tally = tally
        self._ordered = ordered
        self._clock = clock
        self._numbers: tuple[int | None, ...] | None = None
        self._walked_at = float("-inf")  # by the loop's clock

    async def look(self) -> float:
        """Order the end of those of whom the store itself says so; the seconds until it is time to look again.

        Raises:
            StoreError: the store is away or too slow.
        """
        began = time.perf_counter()
        covered, options = self._means().nodes, self._means().options
        if not covered.all:
            return EVERY
        nodes = [each for each in await self._store.upkeep.nodes() if covered.of(each) is not None]
        grace = None if options.insecure_outlive_token else options.grace
        while True:
            found = await self._store.upkeep.suspects(nodes, int(self._clock() * 1000), grace, _PAGE)
            took = time.perf_counter() - began
            if not await self._judge(found) or len(found) < _PAGE:
                break
            began = time.perf_counter()
        await self._crowded(nodes)
        return min(max(EVERY, took * _SHARE), _MOST)

    async def _crowded(self, nodes: Sequence[str]) -> None:
        """Order the end of what is more than there may be, since a limit was lowered."""
        beyond, limits = self._store.beyond, self._means().limits
        while found := await beyond.sessions(limits, nodes, _PAGE):
            if not await self._order(found[0][1], [session for session, _ in found]):
                break
        for stream, why in await beyond.streams(limits, nodes, _PAGE):
            if await self._store.streams.order_end([stream], why.value, int(self._clock() * 1000)):
                log.info("ends a stream: %s", why.value)
                self._ordered()

    async def walk(self) -> float:
        """Judge every session, if that is due; the seconds until it is time to see again whether it is.

        Raises:
            StoreError: the store is away or too slow.
        """
        numbers = (self._store.watch.seen("revocations"), self._store.blocks.bans)
        loop = asyncio.get_running_loop()
        covered = self._means().nodes
        if not covered.all or (numbers == self._numbers and loop.time() - self._walked_at < WALK):
            return _PEEK
        walked_at, after = loop.time(), None
        while True:
            page = await self._store.sessions.list(after=after, limit=_PAGE)
            await self._judge([each for each in page if each.ending is None and covered.of(each.key.node) is not None])
            if len(page) < _PAGE:
                break
            after = SessionKey(*page[-1].key)
            await asyncio.sleep(0)
        self._numbers, self._walked_at = numbers, walked_at
        return min(max(_PEEK, (loop.time() - walked_at) * _REST), _LONGEST)

    async def _judge(self, found: Sequence[Session]) -> int:
        """Order the end of those of these that may not go on; how many."""
        refused: dict[Reason, list[Session]] = defaultdict(list)
        for at in range(0, len(found), _AT_ONCE):
            part = found[at : at + _AT_ONCE]
            for session, why in zip(part, await asyncio.gather(*map(self._why, part)), strict=True):
                if why is not None:
                    refused[why].append(session)
        return sum([await self._order(why, sessions) for why, sessions in refused.items()])

    async def _why(self, session: Session) -> Reason | None:
        means = self._means()
        try:
            session = await means.as_of_now(session)
        except StoreError:  # nobody is thrown out because a source of users is away
            return None
        return await why_to_end(session, self._clock(), means.options, means.revocations, means.guessing)

    async def _order(self, why: Reason, sessions: Sequence[Session]) -> int:
        at = int((self._clock() + self._means().options.end_after) * 1000)
        count = await self._store.sessions.order_end(sessions, why.value, at)
        if count:
            self._tally["live_sessions_to_end"] += count
            log.info("ends %d %s: %s", count, "session" if count == 1 else "sessions", why.value)
            self._ordered()
        return count
