"""The nodes of the media server that the configuration knows how to reach."""

from collections.abc import Sequence

from authgate.wcs.node import WcsNode
from authgate.wcs.options import WcsOptions


class WcsNodes:
    """All sections ``[[wcs]]``, in their order."""

    def __init__(self, options: Sequence[WcsOptions]) -> None:
        self.all = tuple(WcsNode(each) for each in options)

    def of(self, node: str) -> WcsNode | None:
        """Where the node of this nodeId is reached: the first section that covers it; None: there is none."""
        return next((each for each in self.all if each.options.covers(node)), None)

    async def close(self) -> None:
        """Hang up."""
        for each in self.all:
            await each.close()
