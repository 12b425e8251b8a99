"""The feed of a real store, on every engine, while several processes write: all of it, once, in one order for all."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

from sqlalchemy import delete

from authgate.feed import Feed
from authgate.model import Entry
from authgate.store import Store
from authgate.store.tables import records
from tests.feed.made import Heard
from tests.store.samples import a_record, writing


async def test_what_several_write_at_once_is_told_once_and_alike_to_all(store_options):
    store_options = replace(store_options, timeout=1.0)  # a gap is waited for some times as long on MariaDB
    async with AsyncExitStack() as stack:
        stores = []
        for _ in range(3):
            stores.append(Store(store_options))
            stack.push_async_callback(stores[-1].close)
        feeds = [Feed(each.records, 32) for each in stores[:2]]
        for store, feed in zip(stores, feeds, strict=False):
            store.ledger.when_written(feed.wake)
            stack.push_async_callback(feed.close)
        heard = [Heard(feed, 0) for feed in (*feeds, feeds[0])]
        slow = heard[2]
        slow.slow.clear()
        written = [a_record() for _ in range(240)]

        async def write(store, mine):
            for each in mine:
                await store.ledger.write(Entry(each))

        writers = [write(stores[number % 3], written[number::12]) for number in range(12)]
        await asyncio.gather(*writers)
        slow.slow.set()
        for each in heard:
            await each.until(240)
        told = [[(event.id, event.record.id) for event in each.events] for each in heard]
        assert told[0] == told[1] == told[2]
        assert [id_ for id_, _ in told[0]] == sorted({id_ for id_, _ in told[0]})
        assert sorted(record for _, record in told[0]) == sorted(each.id for each in written)
        for each in heard:
            await each.stop()


async def test_what_was_pruned_is_told_in_words(store):
    for _ in range(5):
        await store.ledger.write(Entry(a_record()))
    newest = await store.records.newest_seq()
    async with writing(store) as connection:
        await connection.execute(delete(records).where(records.c.seq < newest))
    feed = Feed(store.records, 32)
    heard = Heard(feed, 1)
    await store.ledger.write(Entry(a_record()))
    feed.wake()
    await heard.until(2)
    assert (heard.kinds[0], heard.ids[1]) == ("events.gap", newest)
    await heard.stop()
    await feed.close()
