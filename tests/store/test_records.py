"""Reading the audit trail."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest
from sqlalchemy import event, insert, text

from authgate.model import Entry, Reason, Record, SessionKey
from authgate.store import Store, StoreOptions
from authgate.store.ids import first_id
from authgate.store.record_index import RecordIndex
from authgate.store.record_rows import COLUMNS, dump
from authgate.store.record_terms import BLOCK, SEGMENT
from authgate.store.tables import records
from authgate.wanted import RecordFilter

from .samples import a_record, writing


@pytest.fixture
async def store(store_options: StoreOptions) -> AsyncIterator[Store]:
    """A store that is waited for as commands wait."""
    store = Store(store_options, 10)
    yield store
    await store.close()


T = 1_800_000_000_000  # milliseconds


def at(second: int, **changes):
    record = a_record(at=T + second * 1000, **changes)
    return replace(record, id=first_id(record.at) + record.id[12:])


TRAIL = [
    at(0, user="ann", rule="first"),
    at(1, user="bob", allowed=False, reason=Reason.PASSWORD_WRONG, method="connect", rule=""),
    at(2, user=None, key=SessionKey("node-2", "other")),
    at(3, user="ann", app_key="roomApp", subject="cam"),
    at(4, user="ann", allowed=False, reason=Reason.SESSION_UNKNOWN, subject=""),
    at(5, user="Ann", status="PUBLISHING"),
]

FILTERS = {
    "all, newest first": ({}, [5, 4, 3, 2, 1, 0]),
    "user": ({"users": ("ann",)}, [4, 3, 0]),
    "one of two users": ({"users": ("ann", "bob")}, [4, 3, 1, 0]),
    "session": ({"sessions": ("other",)}, [2]),
    "node": ({"nodes": ("node-2",)}, [2]),
    "subject": ({"subjects": ("cam",)}, [3]),
    "no subject": ({"subjects": ("",)}, [4]),
    "method": ({"methods": ("connect",)}, [1]),
    "app": ({"apps": ("roomApp",)}, [3]),
    "rejected": ({"allowed": False}, [4, 1]),
    "allowed": ({"allowed": True}, [5, 3, 2, 0]),
    "reason": ({"reasons": ("password_wrong",)}, [1]),
    "rule": ({"rules": ("first",)}, [0]),
    "no rule": ({"rules": ("",)}, [1]),
    "status": ({"statuses": ("PUBLISHING",)}, [5]),
    "since": ({"since": T + 4000}, [5, 4]),
    "since, between two": ({"since": T + 3001}, [5, 4]),
    "until": ({"until": T + 2000}, [1, 0]),
    "since and until": ({"since": T + 1000, "until": T + 3000}, [2, 1]),
    "no time at all": ({"since": T + 3000, "until": T + 3000}, []),
    "user and reason": ({"users": ("ann",), "reasons": ("session_unknown",)}, [4]),
    "user, rejected": ({"users": ("ann",), "allowed": False}, [4]),
    "user and another's reason": ({"users": ("ann",), "reasons": ("password_wrong",)}, []),
    "nothing like it": ({"users": ("eve",)}, []),
    "one that is there and one that is not": ({"users": ("bob", "eve")}, [1]),
}
# How far apart the numbers of the trail are, and how many of its segments are in the index: none, all, each second.
LAYOUTS = {
    "side by side, no index": (1, 0),
    "in other blocks, in the index": (BLOCK, 1),
    "in other segments, in the index": (SEGMENT, 1),
    "in other segments, in the index in part": (SEGMENT, 2),
}


@pytest.mark.parametrize(("apart", "noted"), LAYOUTS.values(), ids=LAYOUTS)
async def test_records_are_found_by_all_that_is_asked_for(store: Store, apart: int, noted: int):
    await numbered(store, {1_000 + n * apart: record for n, record in enumerate(TRAIL)})
    await note(store, noted)
    for what, (asked, found) in FILTERS.items():
        wanted, expected = RecordFilter(**asked), [TRAIL[n] for n in found]
        assert await store.records.list(wanted) == expected, what
        assert [record for record in TRAIL if wanted.wants(record)] == expected[::-1], what
    for what in ("all, newest first", "user", "allowed", "until"):
        asked, found = FILTERS[what]
        wanted, expected = RecordFilter(**asked), [TRAIL[n] for n in found]
        assert await exported(store, wanted) == expected[::-1], what
        assert await store.records.list(wanted, limit=0) == []
        paged, before = [], None
        while page := await store.records.newest(wanted, 2, before):
            assert len(page) <= 2
            paged += [record for _, record in page]
            before = page[-1][0]
        assert paged == expected, what


async def exported(store: Store, wanted: RecordFilter):
    return [record async for page in store.records.each(wanted) for _, record in page]


async def numbered(store: Store, given: Mapping[int, Record]):
    """Write records under these numbers."""
    rows = [dict(zip(COLUMNS, dump(record), strict=True)) | {"seq": seq} for seq, record in given.items()]
    async with writing(store) as connection:
        await connection.execute(insert(records), rows)


async def rows_of(store: Store, what: str) -> int:
    """How many rows there are of a table, or of what is named of it."""
    async with store.engine.connect() as connection:
        return int((await connection.execute(text(f"SELECT count(*) FROM {what}"))).scalar() or 0)


async def note(store: Store, every: int):
    """Bring each segment into the index, or each second one (2), or none (0)."""
    index = RecordIndex(store._database)
    for segment in range(0, 10, every) if every else ():
        while not await index.step(segment):
            pass


async def test_what_comes_after_the_index_is_found(store: Store):
    """A segment is noted when it is whole; what is being written is looked through."""
    ann = [at(n, user="ann") for n in range(4)]
    await numbered(store, {10: ann[0], SEGMENT - 1: ann[1], SEGMENT: ann[2], 2 * SEGMENT - 2: ann[3]})
    index = RecordIndex(store._database)
    assert await index.missing(2 * SEGMENT - 2) == [0]
    while not await index.step(0):
        pass
    assert await index.missing(2 * SEGMENT - 2) == []
    assert await index.missing(2 * SEGMENT - 1) == [1]
    assert await store.records.list(RecordFilter(users=("ann",))) == ann[::-1]


async def test_an_index_that_was_broken_off_is_made_anew(store: Store):
    many = {n: at(n % 7, user=f"user-{n}", key=SessionKey("n", f"s-{n}")) for n in range(1, SEGMENT, 40)}
    await numbered(store, many)
    first = RecordIndex(store._database)
    while not first._rows or len(first._rows) > 1_500:
        await first.step(0)
    await first.step(0)  # some of it is written, and not noted
    assert await store.records.list(RecordFilter(users=("user-41",))) == [many[41]]
    await note(store, 1)
    assert await RecordIndex(store._database).missing(SEGMENT) == []
    for n in (1, 41, 32_001):
        assert await store.records.list(RecordFilter(users=(f"user-{n}",))) == [many[n]]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_the_index_spares_what_cannot_be_wanted(store: Store):
    await numbered(store, {1 + n * 1_000: at(n % 7, user=f"user-{n}") for n in range(300)})
    await note(store, 1)
    looked = []
    event.listen(store.engine.sync_engine, "before_cursor_execute", lambda *told: looked.append(told[2:4]))
    assert len(await store.records.list(RecordFilter(users=("user-77",)))) == 1
    ranges = [given for said, given in looked if "user_name" in said and "LIMIT" in said]
    assert [(begin <= 77_001 <= end, end - begin) for begin, end, *_ in ranges] == [(True, BLOCK - 1)]


async def test_records_of_a_time_are_found_where_the_index_is_not_made_yet(store: Store):
    """Those who write may have clocks that differ by minutes."""
    hour = 3_600
    late = at(10 * hour + 60, user="late")
    given = {1 + n * SEGMENT: at(n * hour) for n in range(10)}
    await numbered(store, {**given, 5: at(9 * hour, user="far"), 9 * SEGMENT - 1: late})
    found = await store.records.list(RecordFilter(since=T + (9 * hour - 60) * 1000))
    assert [record.user for record in found] == ["ann", "late"]  # whose clock is a day ahead is not waited for


# What no column can hold is in no record, and no error of a database either.
UNSTORABLE = {"NUL": "ann\0", "lone surrogate": "\udcff", "longer than any": "x" * 10_000, "😀": "😀" * 600}
NAMES = ["users", "sessions", "nodes", "subjects", "methods", "apps", "reasons", "rules", "statuses"]


@pytest.mark.parametrize("given", UNSTORABLE.values(), ids=UNSTORABLE)
async def test_nothing_is_found_by_what_cannot_be_stored(store: Store, given: str):
    await store.ledger.write(Entry(at(0)))
    for by in NAMES:
        assert await store.records.list(RecordFilter(**{by: (given,)})) == [], by
        assert await exported(store, RecordFilter(**{by: (given,)})) == [], by
