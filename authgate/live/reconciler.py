"""One node of the media server: what it has -> what the store has, and each difference repaired and counted."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from authgate.errors import WcsError
from authgate.hooks.subject import without_secrets
from authgate.live.means import Means
from authgate.model import MediaKey, Over, Session, SessionKey, Stream
from authgate.store import Store
from authgate.store.tables import SESSION_LENGTH, clipped, storable
from authgate.store.upkeep import Live, Tombstone
from authgate.wcs import WcsConnection, WcsStream

if TYPE_CHECKING:
    from authgate.wcs.node import WcsNode

log = logging.getLogger(__name__)

_SOON = 5.0  # seconds until a node that did not answer is asked again, at most
_SEEN = 600_000  # milliseconds after which it is noted again that a session is there
_PAGE = 1000
_AT_ONCE = 100  # strangers that are ended at once
_OVER = ("UNPUBLISHED", "STOPPED", "FAILED", "DISCONNECTED")  # of streams that are on their way out
_CALL_OVER = ("FINISH", "FAILED", "BUSY")
_NOTHING = Live(("", "", ""), 0, 0)
_UNPROVEN = "answers 404 to everything: nothing is connected to it, or its url is wrong"


@dataclass(slots=True)
class State:
    """How it stands with one node, for people."""

    node: str  # as the configuration has it
    fault: str = "it was not asked yet"
    compared_at: float | None = None  # seconds since the epoch
    connections: int = 0
    streams: int = 0
    unknown_connections: int = 0  # of which authgate knows nothing: other applications live there too
    unknown_streams: int = 0

    @property
    def word(self) -> str:
        """The same in a word, for everybody to see."""
        return "trouble" if self.fault else "compared"


@dataclass(slots=True)
class _Found:
    """What the store has of the nodes that a section covers."""

    here: dict[str, str] = field(default_factory=dict)  # sessions that are there: id -> node
    gone: dict[str, list[Live]] = field(default_factory=dict)  # by node: sessions that are not there
    counts: Counter[str] = field(default_factory=Counter)  # by node: sessions that are there
    stale: list[Live] = field(default_factory=list)  # of those that are there: not noted lately


class Reconciler:
    """Compares again and again. A node that does not answer, or answers what cannot be read, changes nothing."""

    def __init__(
        self,
        node: "WcsNode",
        store: Store,
        means: Callable[[], Means],
        tally: Counter[str],
        ordered: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``ordered`` is called when something is to be ended."""
        self.state = State(node.options.node)
        self.speaks_for: frozenset[str] = frozenset()  # the nodes that it was last compared for
        self._node = node
        self._store = store
        self._means = means
        self._tally = tally
        self._ordered = ordered
        self._clock = clock
        self._failures = 0
        self._strangers: dict[str, int] = {}  # connections that nobody knows: when they were first seen

    async def round(self) -> float:
        """Ask and compare once; the seconds until it is time to do so again.

        Raises:
            StoreError: the store is away or too slow.
        """
        every = self._means().options.reconcile
        try:
            fault = await self._compare()
        except WcsError as error:
            self._failures += 1
            self._tell(str(error))
            return min(every, 2.0 ** min(self._failures - 1, 8), _SOON)
        self._failures = 0
        self._tell(fault)
        return every

    async def _compare(self) -> str:
        """What is not as it should be with this node, "" for nothing."""
        began = int(self._clock() * 1000)
        connections = {each.session: each for each in await self._node.connections()}
        streams = [each for each in await self._node.streams() if each.status.upper() not in _OVER]
        calls = await self._asked_for_calls()
        self.state.connections, self.state.streams = len(connections), len(streams)
        if not self._node.proven:
            return _UNPROVEN
        means = self._means()
        cutoff = began - means.margin
        nodes = [each for each in await self._store.upkeep.nodes() if means.nodes.of(each) is self._node]
        found = await self._find(nodes, connections, began)
        spoken_for = _spoken_for(found, connections.values())
        await self._end_of(spoken_for, found, cutoff, began)
        await self._store.upkeep.seen(found.stale, began)
        strangers = await self._revive(nodes, connections, found, cutoff, began)
        await self._streams(nodes, spoken_for, streams, found, cutoff, began)
        if calls is not None:
            await self._calls(spoken_for, calls, cutoff, began)
        await self._strange(strangers, cutoff, began)
        self.speaks_for = frozenset(spoken_for)
        self.state.compared_at = self._clock()
        silent = sorted(each for each in found.gone if found.gone[each] and each not in spoken_for)
        if silent:
            return (
                f"covers several nodes, and has no session of {', '.join(map(repr, silent))}, "
                "which are left as they are: write a section [[wcs]] for each node"
            )
        return ""

    async def _find(self, nodes: Iterable[str], connections: dict[str, WcsConnection], began: int) -> _Found:
        """Which of the store's sessions are there, and which are not."""
        found = _Found()
        for node in nodes:
            after, page = "", [_NOTHING] * _PAGE
            gone = found.gone.setdefault(node, [])
            while len(page) == _PAGE:
                page = await self._store.upkeep.sessions(node, after, _PAGE)
                for each in page:
                    after = each.key[1]
                    there = connections.get(after)
                    if there is None or there.node not in ("", node):
                        gone.append(each)
                        continue
                    found.here[after] = node
                    found.counts[node] += 1
                    if began - each.seen_at > _SEEN:
                        found.stale.append(each)
        return found

    async def _end_of(self, nodes: Iterable[str], found: _Found, cutoff: int, at: int) -> None:
        """Close the sessions that are not there any more; of those that came or were heard of just now, that may be."""
        gone = [each for node in nodes for each in found.gone.get(node, ()) if each.seen_at < cutoff]
        for reason, what in ((Over.LOST, "sessions_lost"), (Over.ENDED, "sessions_ended")):
            over = [
                Session(SessionKey(each.key[0], each.key[1]), "", each.since)
                for each in gone
                if each.ending == (reason is Over.ENDED)
            ]
            if over:
                self._count(what, await self._store.sessions.over(over, reason, at))

    async def _revive(
        self, nodes: Iterable[str], connections: dict[str, WcsConnection], found: _Found, cutoff: int, at: int
    ) -> list[WcsConnection]:
        """Take what is there and was taken to be over as live again; the connections of which nothing is known."""
        missing = {id_ for id_ in connections if id_ not in found.here and storable(id_, SESSION_LENGTH)}
        over: dict[str, Tombstone] = {}
        for node in nodes:
            asked = sorted(id_ for id_ in missing if connections[id_].node in ("", node))
            for each in await self._store.upkeep.over_sessions(node, asked):
                before = over.get(each.key[1])
                if before is None or before.over_at < each.over_at:
                    over[each.key[1]] = each
        again = [each for each in over.values() if each.over_at < cutoff and (each.ended or each.may_live)]
        await self._again(again, at, sessions=True)
        found.here |= {each.key[1]: each.key[0] for each in again if not each.ended}
        known = {id_ for id_, each in over.items() if each.over_at >= cutoff or each in again}
        return [each for id_, each in connections.items() if id_ not in found.here and id_ not in known]

    async def _streams(
        self,
        nodes: Iterable[str],
        spoken_for: Sequence[str],
        streams: Sequence[WcsStream],
        found: _Found,
        cutoff: int,
        at: int,
    ) -> None:
        """The same for streams; those of sessions that are known are added where no hook has told of them."""
        there = {_id_of(each): each for each in streams}
        of_none = {media for session, media in there if not session}
        here: set[tuple[str, str]] = set()
        gone: list[Live] = []
        for node in nodes:
            after, page = ("", ""), [_NOTHING] * _PAGE
            while len(page) == _PAGE:
                page = await self._store.upkeep.streams(node, after, _PAGE)
                for each in page:
                    after = each.key[1], each.key[2]
                    if after in there or after[1] in of_none:
                        here |= {after, ("", after[1])}
                    elif each.seen_at < cutoff and node in spoken_for:
                        gone.append(each)
        for reason, what in ((Over.LOST, "streams_lost"), (Over.ENDED, "streams_ended")):
            over = [_closing(each) for each in gone if each.ending == (reason is Over.ENDED)]
            if over:
                self._count(what, await self._store.streams.over(over, reason, at))
        missing = {id_: each for id_, each in there.items() if id_ not in here}
        await self._missing({id_: each for id_, each in missing.items() if id_[0] in found.here}, found, cutoff, at)
        self.state.unknown_streams = sum(id_[0] not in found.here for id_ in missing)

    async def _missing(self, missing: dict[tuple[str, str], WcsStream], found: _Found, cutoff: int, at: int) -> None:
        """Streams of live sessions that the store does not have as live."""
        over: dict[tuple[str, str], Tombstone] = {}
        for node in {found.here[session] for session, _ in missing}:
            asked = sorted(id_ for id_ in missing if found.here[id_[0]] == node)
            over |= {(each.key[1], each.key[2]): each for each in await self._store.upkeep.over_streams(node, asked)}
        again = [each for each in over.values() if each.over_at < cutoff and (each.ended or each.may_live)]
        await self._again(again, at, sessions=False)
        fresh = [_stream(found.here[id_[0]], id_, each, at) for id_, each in missing.items() if id_ not in over]
        if fresh:
            await self._store.upkeep.add_streams(fresh)
            self._count("streams_added", len(fresh))

    async def _asked_for_calls(self) -> set[str] | None:
        """The ids of the calls that go on; None: it cannot tell, and nothing else suffers for that."""
        try:
            calls = await self._node.calls()
        except WcsError as error:
            if error.away:
                raise
            return None
        if calls is None:
            return None
        return {clipped(each.call, SESSION_LENGTH) for each in calls if each.status.upper() not in _CALL_OVER}

    async def _calls(self, nodes: Sequence[str], there: set[str], cutoff: int, at: int) -> None:
        """Close the calls that are not there any more; what is there and is not known is told by its next event."""
        gone: list[Live] = []
        for node in nodes:
            after, page = ("", ""), [_NOTHING] * _PAGE
            while len(page) == _PAGE:
                page = await self._store.upkeep.calls(node, after, _PAGE)
                gone += [each for each in page if each.key[2] not in there and each.seen_at < cutoff]
                after = (page[-1].key[1], page[-1].key[2]) if page else after
        self._count("calls_lost", await self._store.upkeep.lose_calls(gone, at))

    async def _again(self, over: Sequence[Tombstone], at: int, *, sessions: bool) -> None:
        if not over:
            return
        revive = self._store.upkeep.revive_sessions if sessions else self._store.upkeep.revive_streams
        self._count("sessions_revived" if sessions else "streams_revived", await revive(over, at))
        if any(each.ended for each in over):
            self._ordered()

    async def _strange(self, strangers: Sequence[WcsConnection], cutoff: int, at: int) -> None:
        """Count the connections of which nothing is known, and end those of applications where that is wanted.

        One that was only just seen may be on its way in.
        """
        self._strangers = {each.session: self._strangers.get(each.session, at) for each in strangers}
        self.state.unknown_connections = len(strangers)
        apps = self._node.options.end_strangers_of
        to_end = [each.session for each in strangers if each.app_key in apps and self._strangers[each.session] < cutoff]
        for start in range(0, len(to_end), _AT_ONCE):
            part = to_end[start : start + _AT_ONCE]
            ended = await asyncio.gather(*map(self._node.terminate_session, part))
            self._count("strangers_ended", sum(ended))

    def _count(self, what: str, count: int) -> None:
        if count:
            self._tally[f"live_{what}"] += count
            log.info("wcs %r: %s %d", self.state.node, what.replace("_", " "), count)

    def _tell(self, fault: str) -> None:
        """One line when something becomes wrong, and one when all is well again."""
        before, self.state.fault = self.state.fault, fault
        if fault and fault != before:
            named = fault if fault.startswith("wcs ") else f"wcs {self.state.node!r} {fault}"
            log.warning("cannot compare with the media server: %s", named)
        elif before and not fault:
            state = self.state
            log.info("wcs %r: compared: %d connections, %d streams", state.node, state.connections, state.streams)


def _spoken_for(found: _Found, connections: Iterable[WcsConnection]) -> list[str]:
    """The nodes that an answer is about: of several that a section covers, those of which it has a session."""
    live = [node for node, gone in found.gone.items() if gone or found.counts[node]]
    if len(live) <= 1:
        return [*found.gone]
    named = {each.node for each in connections}
    return [node for node in live if found.counts[node] or node in named]


def _id_of(stream: WcsStream) -> tuple[str, str]:
    """As the store has it."""
    return clipped(stream.session, SESSION_LENGTH), clipped(stream.media, SESSION_LENGTH)


def _closing(each: Live) -> Stream:
    return Stream(MediaKey(*each.key), "", "", None, "", each.since, each.seen_at)


def _stream(node: str, id_: tuple[str, str], told: WcsStream, at: int) -> Stream:
    since = at if told.created_at is None else min(told.created_at, at)
    name = without_secrets(told.name)
    return Stream(MediaKey(node, *id_), told.app_key, name, told.published, told.status.upper(), since, at)
