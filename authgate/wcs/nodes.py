"""The nodes of the media server that the configuration knows how to reach."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from authgate.wcs.options import WcsOptions

if TYPE_CHECKING:
    from authgate.wcs.node import WcsNode


class WcsNodes:
    """All sections ``[[wcs]]``, in their order."""

    def __init__(self, options: Sequence[WcsOptions]) -> None:
        self.all: tuple[WcsNode, ...] = ()
        if options:
            from authgate.wcs import node  # here, for many have none, and httpx takes its time to load

            self.all = tuple(node.WcsNode(each) for each in options)

    def of(self, node: str) -> "WcsNode | None":
        """Where the node of this nodeId is reached: the first section that covers it; None: there is none."""
        return next((each for each in self.all if each.options.covers(node)), None)

    async def close(self) -> None:
        """Hang up."""
        for each in self.all:
            await each.close()
