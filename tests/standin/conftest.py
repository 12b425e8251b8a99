"""A stand-in with a back end whose answers the test decides."""

from contextlib import AsyncExitStack

import pytest

from tests.standin.backend import backend
from tests.standin.client import client
from tests.standin.server import stand_in


class Bench(AsyncExitStack):
    """A back end, a stand-in and clients, put away together."""

    async def start(self, answers, properties=None, **options):
        self.backend = await self.enter_async_context(backend(**answers))
        self.wcs = await self.enter_async_context(stand_in(self.backend.url, properties=properties, **options))
        return self

    async def client(self):
        return await self.enter_async_context(client(self.wcs.url))

    async def session(self, **fields):
        one = await self.client()
        await one.establish(**fields)
        return one


@pytest.fixture
async def bench():
    async with Bench() as bench:
        yield bench
