"""Kept key sets, alike on every engine."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from authgate.errors import StoreError
from authgate.ports import KeySource
from authgate.store import Store
from authgate.store.key_sets import SqlKeySets, key_set_id
from authgate.store.watch import Watch

SOURCE = KeySource("https://id.example.com", "https://id.example.com/keys?appid=hunter2", ("RS256",))
DOCUMENT = b'{"keys":[]}'


@pytest.fixture
def shelf(store: Store) -> SqlKeySets:
    return SqlKeySets(store._database, Watch(store._database))


async def test_a_document_is_kept_until_the_next(shelf: SqlKeySets):
    assert await shelf.load(SOURCE) is None
    await shelf.keep(SOURCE, DOCUMENT, 1_800_000_000_123, "")
    assert await shelf.load(SOURCE) == (DOCUMENT, 1_800_000_000_123)
    await shelf.keep(SOURCE, b"{}", 1_800_000_000_456, "")
    assert await shelf.load(SOURCE) == (b"{}", 1_800_000_000_456)
    assert len(await shelf.list()) == 1


async def test_a_failed_try_keeps_the_document_of_before(shelf: SqlKeySets):
    await shelf.keep(SOURCE, DOCUMENT, 1, "")
    for _ in range(2):  # the second one changes nothing
        await shelf.keep(SOURCE, None, 2, "it answers with status 500")
        assert await shelf.load(SOURCE) == (DOCUMENT, 1)
        (found,) = await shelf.list()
        assert (found.fetched_at, found.tried_at, found.fault) == (1, 2, "it answers with status 500")
    await shelf.keep(SOURCE, DOCUMENT, 3, "")
    (found,) = await shelf.list()
    assert (found.document, found.fetched_at, found.tried_at, found.fault) == (DOCUMENT, 3, 3, "")


async def test_a_try_that_failed_from_the_beginning(shelf: SqlKeySets):
    await shelf.keep(SOURCE, None, 1, "it cannot be reached")
    await shelf.keep(SOURCE, None, 2, "it cannot be reached")
    assert await shelf.load(SOURCE) is None
    (found,) = await shelf.list()
    assert (found.document, found.fetched_at, found.tried_at) == (None, None, 2)
    await shelf.keep(SOURCE, DOCUMENT, 3, "")
    assert await shelf.load(SOURCE) == (DOCUMENT, 3)


OTHERS = {
    "another issuer at the same address": replace(SOURCE, issuer="https://other.example.com"),
    "another case of the issuer": replace(SOURCE, issuer="https://ID.example.com"),
    "an issuer with a slash": replace(SOURCE, issuer="https://id.example.com/"),
    "another address": replace(SOURCE, url="https://id.example.com/keys"),
    "another query": replace(SOURCE, url=f"{SOURCE.url}2"),
    "a discovered one": replace(SOURCE, url=""),
    "parts shifted": replace(SOURCE, issuer=f"{SOURCE.issuer}\n", url=SOURCE.url[1:]),
    "NUL": replace(SOURCE, issuer=f"{SOURCE.issuer}\0"),
    "a lone surrogate": replace(SOURCE, issuer="\ud800"),
    "an endless issuer": replace(SOURCE, issuer="https://" + "x" * 5_000),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
async def test_sources_are_told_apart(shelf: SqlKeySets, other: KeySource):
    await shelf.keep(SOURCE, DOCUMENT, 1, "")
    assert await shelf.load(other) is None
    await shelf.keep(other, b"{}", 2, "")
    assert await shelf.load(SOURCE) == (DOCUMENT, 1)
    assert await shelf.load(other) == (b"{}", 2)


async def test_algorithms_share_what_is_kept(shelf: SqlKeySets):
    await shelf.keep(SOURCE, DOCUMENT, 1, "")
    assert await shelf.load(replace(SOURCE, algorithms=("ES256",))) == (DOCUMENT, 1)


DOCUMENTS = {
    "the longest": b"x" * 65_535,
    "the longest in 4 bytes each": "😀".encode() * 16_383,
    "escapes": b'{"keys":[],"a":"\\u0000 \' \\" %s :x"}',
    "a trailing space": b"{} ",
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
async def test_documents_come_back_as_they_were(shelf: SqlKeySets, document: bytes):
    await shelf.keep(SOURCE, document, 1, "")
    assert await shelf.load(SOURCE) == (document, 1)


async def test_a_fault_of_any_length_is_kept(shelf: SqlKeySets):
    await shelf.keep(SOURCE, None, 1, "é\0" * 2_000)
    (found,) = await shelf.list()
    assert len(found.fault) == 512


async def test_they_are_listed_by_issuer_and_no_query_is_shown(shelf: SqlKeySets):
    later = KeySource("https://z.example.com", "", ("RS256",))
    await shelf.keep(later, DOCUMENT, 1, "")
    await shelf.keep(SOURCE, DOCUMENT, 2, "")
    found = await shelf.list()
    assert [(each.id, each.issuer, each.url) for each in found] == [
        (key_set_id(SOURCE), "https://id.example.com", "https://id.example.com/keys"),
        (key_set_id(later), "https://z.example.com", ""),
    ]


async def test_many_workers_keep_at_once(shelf: SqlKeySets):
    keeping = [shelf.keep(SOURCE, None if each % 2 else DOCUMENT, each, "") for each in range(20)]
    await asyncio.gather(*keeping)
    assert (await shelf.load(SOURCE) or (b"", 0))[0] == DOCUMENT
    assert len(await shelf.list()) == 1


async def test_a_change_is_told(store: Store, shelf: SqlKeySets):
    watch = Watch(store._database)
    before = await watch.number("key_sets")
    await shelf.changed()
    assert await watch.number("key_sets") == before + 1


async def test_a_store_that_is_not_there(store: Store, shelf: SqlKeySets):
    async with store.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE key_sets RENAME TO gone"))
    try:
        with pytest.raises(StoreError):
            await shelf.load(SOURCE)
        with pytest.raises(StoreError):
            await shelf.keep(SOURCE, DOCUMENT, 1, "")
    finally:
        async with store.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE gone RENAME TO key_sets"))
