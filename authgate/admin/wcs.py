"""The media server's REST API: whether each node that is configured can be asked, and what it says."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from authgate.errors import Refused, WcsError

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.wcs import WcsNode, WcsOptions


@dataclass(frozen=True, slots=True)
class WcsReport:
    """What one node answers, and what is wrong."""

    node: str  # as the configuration has it, maybe a pattern
    url: str
    reachable: bool = False
    authenticated: bool | None = None  # None: it is not known
    connections: int | None = None
    streams: int | None = None
    seconds: float = 0.0  # that both questions took
    fault: str = ""  # what is wrong and what to do; "" where nothing is


async def check_wcs(sections: Sequence["WcsOptions"]) -> list[WcsReport]:
    """What each node answers, one after the other.

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
        return [await _ask(each) for each in nodes.all]
    finally:
        await nodes.close()


async def _ask(node: "WcsNode") -> WcsReport:
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
    return WcsReport(options.node, options.url, True, True, len(connections), len(streams), seconds, fault)
