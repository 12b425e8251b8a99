"""The media server's REST API: whether each node that is configured can be asked, and what it says."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from authgate.errors import Refused, WcsError

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.store import Store
    from authgate.wcs import WcsNodes, WcsOptions
    from authgate.wcs.node import WcsNode

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class WcsReport:
    """What one node answers, and what is wrong."""

    node: str  # as the configuration has it, maybe a pattern
    url: str
    reachable: bool = False
    authenticated: bool | None = None  # None: it is not known
    connections: int | None = None
    streams: int | None = None
    unknown: int | None = None  # connections that are no live session; None: the store was not asked
    seconds: float = 0.0  # that both questions took
    fault: str = ""  # what is wrong and what to do; "" where nothing is


async def known_sessions(store: "Store") -> dict[str, set[str]]:
    """The ids of the live sessions of each node.

    Raises:
        StoreError: the store is away or too slow.
    """
    found: dict[str, set[str]] = {}
    for node in await store.upkeep.nodes():
        ids, after, full = found.setdefault(node, set()), "", True
        while full:
            page = await store.upkeep.sessions(node, after, _PAGE)
            ids.update(each.key[1] for each in page)
            after, full = page[-1].key[1] if page else "", len(page) == _PAGE
    return found


async def check_wcs(sections: Sequence["WcsOptions"], live: Mapping[str, set[str]] | None = None) -> list[WcsReport]:
    """What each node answers, one after the other; ``live`` has the ids of the live sessions of each node.

    Raises:
        Refused: the configuration has none.
    """
    from authgate.wcs import WcsNodes

    if not sections:
        raise Refused(
            "the configuration has no [[wcs]] section", "add one for each node: node, url, username, password"
        )
    nodes = WcsNodes(sections)
    try:
        return [await _ask(each, nodes, live) for each in nodes.all]
    finally:
        await nodes.close()


async def _ask(node: "WcsNode", nodes: "WcsNodes", live: Mapping[str, set[str]] | None) -> WcsReport:
    options, began = node.options, time.monotonic()
    try:
        connections, streams = await node.connections(), await node.streams()
    except WcsError as error:
        seconds = time.monotonic() - began
        known = False if error.status in (401, 403) else None
        return WcsReport(options.node, options.url, not error.away, known, seconds=seconds, fault=str(error))
    seconds, fault = time.monotonic() - began, ""
    if not node.proven:
        fault = "answers 404 to everything: nothing is connected to it, or url is wrong; it ends in /rest-api as a rule"
    unknown = None
    if live is not None:
        ours = set().union(*(ids for each, ids in live.items() if nodes.of(each) is node))
        unknown = sum(each.session not in ours for each in connections)
    return WcsReport(options.node, options.url, True, True, len(connections), len(streams), unknown, seconds, fault)
