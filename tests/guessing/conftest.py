"""Counts in memory, in SQL and in Redis, and two processes' worth of each."""

import dataclasses
import os
import secrets
from contextlib import AsyncExitStack

import pytest
from redis import Redis
from redis.exceptions import RedisError

from authgate.guessing import MemoryStorage
from authgate.guessing.redis import RedisStorage
from authgate.store import Store

REDIS = os.environ.get("AUTHGATE_TEST_REDIS", "redis://127.0.0.1:6379/9")
EVERYWHERE = ("memory", "redis", "sqlite", "postgresql", "mariadb")


class Clock:
    """Seconds since the epoch, as a test wants them."""

    def __init__(self):
        self.now = 1_700_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def redis_prefix(kind, monkeypatch):
    """The keys of one test are its own; where there is no Redis, it is skipped."""
    if kind != "redis":
        yield ""
        return
    with Redis.from_url(REDIS) as client:
        try:
            client.ping()
        except RedisError as error:
            pytest.skip(f"redis is away: {error}")
        prefix = f"authgate-{secrets.token_hex(6)}"
        monkeypatch.setattr("authgate.guessing.redis._PREFIX", prefix)
        monkeypatch.setattr("authgate.guessing.redis.TIMEOUT", 20.0)
        yield prefix
        for key in client.scan_iter(f"{prefix}:*"):
            client.delete(key)


class Places:
    """What two workers count in. Each has a connection of its own, and a store of its own."""

    def __init__(self, kind, clock, options):
        self.kind, self._clock, self._options = kind, clock, options
        self._stack = AsyncExitStack()
        self._memory = MemoryStorage(clock) if clock else MemoryStorage()
        self.stores = []

    async def worker(self):
        """The storage of one more worker."""
        given = (self._clock,) if self._clock else ()
        if self.kind == "memory":
            return self._memory
        if self.kind == "redis":
            storage = RedisStorage(REDIS, *given)
            self._stack.push_async_callback(storage.close)
            return storage
        store = Store(self._options)
        await store.start()
        self._stack.push_async_callback(store.close)
        self.stores.append(store)
        if self._clock:
            store.guesses._clock = self._clock
        return store.guesses

    async def close(self):
        await self._stack.aclose()


@pytest.fixture(params=EVERYWHERE)
def kind(request):
    return request.param


@pytest.fixture
def backend(kind):
    """The database behind the store: where counts are elsewhere, any will do."""
    return kind if kind not in ("memory", "redis") else "sqlite"


@pytest.fixture
def store_options(store_options):
    """However busy this machine is, the store is not away."""
    return dataclasses.replace(store_options, timeout=20.0)


@pytest.fixture
async def places(kind, store_options, clock, redis_prefix):
    made = Places(kind, clock, store_options)
    yield made
    await made.close()
