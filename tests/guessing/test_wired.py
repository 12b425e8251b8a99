"""Two workers count together where the configuration says, as they are built from it."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import select

from authgate.config import load
from authgate.model import Delivery
from authgate.store.tables import guesses
from authgate.wiring import build
from tests import process
from tests.fakes import FakeVerdicts
from tests.guessing.conftest import REDIS

PASSWORD = "correct-horse-of-the-test"
GUESSING = """
[guessing]
storage = "{}"
delay = 0
answer_after = 0.0
"""


@pytest.fixture
async def workers(kind, store_url, redis_prefix, tmp_path):
    """Two of one configuration, each with a store of its own."""
    storage = REDIS if kind == "redis" else "store"
    path = process.prepare(tmp_path / "authgate", GUESSING.format(storage), store_url, ann=PASSWORD)
    config = load(path, process.CHEAPEST)
    async with AsyncExitStack() as stack:
        made = [build(config, FakeVerdicts()) for _ in range(2)]
        for each in made:
            await stack.enter_async_context(each.running())
            each.guard._pace.most = 0.0  # when is not asked here
        yield made


async def connect(worker, password):
    """The status of a connect with this password, and the reason of the record about it."""
    custom = {"login": "ann", "password": password}
    body = {"nodeId": "n", "appKey": "app", "sessionId": "/203.0.113.7:5643/192.0.2.10:8443", "custom": custom}
    until = asyncio.get_running_loop().time() + process.PATIENCE
    reply = await worker.gateway.answer(Delivery("connect", json.dumps(body).encode()), until)
    [record] = await worker.store.records.list(limit=1)
    return reply.status, str(record.reason)


@pytest.mark.parametrize("kind", ["redis", "sqlite"])
async def test_workers_count_together_where_the_configuration_says(kind, workers):
    said = [await connect(workers[n % 2], f"wrong {n}") for n in range(6)]
    assert said == [(403, "password_wrong")] * 5 + [(403, "guessing_locked")]
    assert [await connect(each, PASSWORD) for each in workers] == [(403, "guessing_locked")] * 2
    database = workers[0].store._database
    in_the_store = await database.read(lambda connection: connection.execute(select(guesses)).all())
    assert bool(in_the_store) is (kind != "redis")
