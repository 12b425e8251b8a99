"""A node of the media server, and who asks it."""

from collections.abc import AsyncIterator, Callable

import pytest

from authgate.wcs import WcsOptions
from authgate.wcs.node import WcsNode

from .fake import FakeWcs, running


@pytest.fixture
async def fake() -> AsyncIterator[FakeWcs]:
    async with running() as one:
        yield one


@pytest.fixture
async def node_of() -> AsyncIterator[Callable[..., WcsNode]]:
    """Who asks a node; the options are those of its section."""
    made: list[WcsNode] = []

    def make(url: str, **options: object) -> WcsNode:
        made.append(WcsNode(WcsOptions("n", url, **options)))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        await each.close()
