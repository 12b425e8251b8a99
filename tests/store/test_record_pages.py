"""One record by its id, and all of a time, page by page."""

import pytest

from authgate.model import Entry, Reason, Record, SessionKey
from authgate.store.ids import first_id

AT = 1_700_000_000_000
RECORDS = [
    Record(f"{first_id(AT + at)}{at:014x}", AT + at, SessionKey("n", "s"), "app", "hold", None, True, Reason.OK, "r")
    for at in range(7)
]


@pytest.fixture
async def filled(store):
    for record in RECORDS:
        await store.ledger.write(Entry(record))
    return store


async def test_by_id(filled):
    for record in RECORDS:
        assert await filled.records.find(record.id) == record


@pytest.mark.parametrize("id_", ["", "x", RECORDS[0].id.upper(), RECORDS[0].id + " ", "\0", "\ud800", "9" * 27])
async def test_no_such_id(filled, id_):
    assert await filled.records.find(id_) is None


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
async def test_pages_are_all_of_it_newest_first(filled, limit):
    found, before = [], ""
    while page := await filled.records.page(AT, before, limit):
        assert len(page) <= limit
        found += page
        before = page[-1].id
    assert found == RECORDS[::-1]


@pytest.mark.parametrize(("since", "count"), [(AT + 3, 4), (AT + 6, 1), (AT + 7, 0), (0, 7)])
async def test_since(filled, since, count):
    assert list(await filled.records.page(since)) == RECORDS[::-1][:count]
