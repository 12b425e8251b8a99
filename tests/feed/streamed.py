"""Processes that send the trail of one store on to a Redis, and what they come to."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis import Redis

from authgate.errors import StoreError
from authgate.feed import RecordStream, StreamOptions
from authgate.model import Entry, Record, Secret
from authgate.store import Store, StoreOptions
from authgate.store.record_streams import RecordStreamState
from tests.store.samples import a_record

_GAPS = 2.0  # seconds that a number may be missing: no transaction of a test takes as long as one may that is real
PATIENCE = 60  # seconds until what should come is given up


@dataclass
class Process:
    """One of those that share a store."""

    store: Store
    stream: RecordStream

    async def write(self, count: int = 1) -> list[str]:
        """Write so many records, several at a time; their ids."""
        written: list[Record] = [a_record() for _ in range(count)]
        for begin in range(0, count, 20):
            await asyncio.gather(*(self.store.ledger.write(Entry(each)) for each in written[begin : begin + 20]))
        return [each.id for each in written]


@asynccontextmanager
async def process(store_options: StoreOptions, url: str, key: str, most: int = 0) -> AsyncIterator[Process]:
    """One that runs until it is left, as one does that is stopped."""
    store = Store(store_options)
    await store.start()
    tail = store.records._tail
    tail._wait = min(tail._wait, _GAPS)
    stream = RecordStream(options(url, key, most), store.records, store.record_streams, store.duties)
    stream.start()
    try:
        yield Process(store, stream)
    finally:
        await stream.close()
        await store.duties.lay_down()
        await store.close()


def options(url: str, key: str, most: int = 0) -> StreamOptions:
    return StreamOptions(Secret(url), key, most)


async def sent(store: Store, key: str, **wanted: object) -> RecordStreamState:
    """How far it has come, as soon as that is so: all is sent, if nothing else is wanted."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                state = await store.record_streams.find(key)
                expected = wanted or {"at": await store.records.newest_seq(), "error": ""}
            except StoreError:
                state, expected = None, {}
            if state is not None and all(getattr(state, name) == value for name, value in expected.items()):
                return state
            await asyncio.sleep(0.01)


async def fails(store: Store, key: str, words: str) -> RecordStreamState:
    """How it stands, as soon as it fails in these words."""
    async with asyncio.timeout(PATIENCE):
        while True:
            state = await store.record_streams.find(key)
            if state is not None and words in state.error:
                return state
            await asyncio.sleep(0.01)


def read(client: Redis, key: str) -> list[tuple[int, str]]:
    """What a consumer reads: numbers and ids of records, each as its entry has it.

    Raises:
        AssertionError: an entry contradicts itself.
    """
    found = []
    for id_, fields in client.xrange(key):
        told = json.loads(fields[b"record"])
        assert id_ == b"%d-0" % told["id"]
        assert int(fields[b"seq"]) == told["id"]
        found.append((told["id"], told["record"]))
    return found
