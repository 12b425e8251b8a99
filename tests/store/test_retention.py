"""How long records are kept."""

from dataclasses import replace

import pytest

from authgate.model import Entry, SessionKey
from authgate.store import Store, StoreOptions
from authgate.store.record_index import RecordIndex
from authgate.store.record_terms import SEGMENT
from authgate.store.retention import RecordOptions, Retention
from authgate.wanted import RecordFilter

from .samples import a_record, eventually
from .test_records import at, note, numbered, rows_of
from .test_records import store as store  # a fixture: one that is waited for as commands wait

DAY = 86_400
NOW = 1_800_000_000_000 + 10 * DAY * 1000  # milliseconds; the records are of the ten days before


@pytest.fixture
def store_options(store_options: StoreOptions) -> StoreOptions:
    """The index waits for what may still come: as long as a transaction may last, which is some times this."""
    return replace(store_options, timeout=1.0)


@pytest.fixture(params=[0, 1], ids=["no index", "index"])
async def ten_days(request: pytest.FixtureRequest, store: Store) -> Store:
    """Ten records, of a day each, in three segments."""
    await numbered(store, {1 + n * SEGMENT // 4: at(n * DAY, user=f"user-{n}") for n in range(10)})
    await note(store, request.param)
    return store


async def kept(store: Store, options: RecordOptions, now: int = NOW, sent: int | None = None) -> str:
    retention = Retention(store._database)
    while await retention.step(options, now, sent):
        pass
    found = [record async for page in store.records.each(RecordFilter()) for _, record in page]
    assert retention.removed == 10 - len(found)
    return "".join((record.user or "").removeprefix("user-") for record in found)


KEPT = {
    "without a limit, all": (RecordOptions(), "0123456789"),
    "days": (RecordOptions(keep_days=4), "6789"),
    "part of a day": (RecordOptions(keep_days=1.5), "9"),
    "longer than any is old": (RecordOptions(keep_days=10), "0123456789"),
    "so many numbers": (RecordOptions(keep_records=SEGMENT), "6789"),
    "more than there are": (RecordOptions(keep_records=9 * SEGMENT), "0123456789"),
    "days or a number, whichever is less": (RecordOptions(keep_days=3, keep_records=SEGMENT), "789"),
    "a number or days, whichever is less": (RecordOptions(keep_days=8, keep_records=SEGMENT), "6789"),
    "more bytes than there are": (RecordOptions(keep_bytes=10**9), "0123456789"),
    "a byte: the newest stays": (RecordOptions(keep_bytes=1), "9"),
    "one: the newest": (RecordOptions(keep_records=1), "9"),
}


@pytest.mark.parametrize(("options", "left"), KEPT.values(), ids=KEPT)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_what_is_kept(ten_days: Store, options: RecordOptions, left: str):
    assert await kept(ten_days, options) == left


def nth(n: int) -> int:
    """The number of one of the ten."""
    return 1 + n * SEGMENT // 4


UNSENT = {
    "nothing was sent": (RecordOptions(keep_days=4), 0, "0123456789", True),
    "none of those that are kept": (RecordOptions(keep_days=4), nth(2), "3456789", True),
    "all but the last that is too old": (RecordOptions(keep_days=4), nth(5) - 1, "56789", True),
    "all that are too old": (RecordOptions(keep_days=4), nth(5), "6789", False),
    "all": (RecordOptions(keep_days=4), nth(9), "6789", False),
    "of so many numbers, nothing": (RecordOptions(keep_records=SEGMENT), 0, "0123456789", True),
    "of so many numbers, some": (RecordOptions(keep_records=SEGMENT), nth(3), "456789", True),
    "of so many numbers, all": (RecordOptions(keep_records=SEGMENT), nth(9), "6789", False),
    "of so many bytes, nothing": (RecordOptions(keep_bytes=1), 0, "0123456789", True),
    "of so many bytes, some": (RecordOptions(keep_bytes=1), nth(7), "89", True),
    "of so many bytes, all": (RecordOptions(keep_bytes=1), nth(9), "9", False),
    "one, and a segment beyond was sent": (RecordOptions(keep_records=1), nth(4), "56789", True),
    "without a limit": (RecordOptions(), 0, "0123456789", False),
    "with a limit that is far": (RecordOptions(keep_days=100), 0, "0123456789", False),
    "further than there is anything": (RecordOptions(keep_days=4), 10**12, "6789", False),
}


@pytest.mark.parametrize(("options", "sent", "left", "held"), UNSENT.values(), ids=UNSENT)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_what_was_not_sent_on_is_kept(ten_days: Store, options: RecordOptions, sent: int, left: str, held: bool):
    assert await kept(ten_days, options, NOW, sent) == left
    retention = Retention(ten_days._database)
    assert not await retention.step(options, NOW, sent)
    assert retention.held == held


async def test_what_was_not_sent_on_is_kept_by_every_engine(ten_days: Store):
    assert await kept(ten_days, RecordOptions(keep_days=4, keep_records=SEGMENT), NOW, nth(3)) == "456789"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_it_is_told_where_that_lasts_long(store: Store, monkeypatch, caplog):
    caplog.set_level("INFO")
    await numbered(store, {n: at(n) for n in range(1, 10)})
    options, came_to = RecordOptions(keep_records=3), [2]

    async def sent():
        return came_to[0]

    async def look():
        await store.record_upkeep.once(options, sent)
        return [each.levelname for each in caplog.records if "sen" in each.message]

    assert await look() == []
    monkeypatch.setattr("authgate.store.record_upkeep._LONG", 0.0)
    assert await look() == ["WARNING"]
    assert await look() == ["WARNING"]
    assert "authgate record stream" in caplog.text
    assert len(await store.records.list()) == 7
    came_to[0] = 9
    assert await look() == ["WARNING", "INFO"]
    assert len(await store.records.list()) == 3
    came_to[0] = 0
    assert await look() == ["WARNING", "INFO"]  # nothing is too much now


async def test_what_is_kept_can_be_found_as_before(ten_days: Store):
    assert await kept(ten_days, RecordOptions(keep_days=4)) == "6789"
    for n in range(10):
        found = await ten_days.records.list(RecordFilter(users=(f"user-{n}",)))
        assert len(found) == (n >= 6)


async def test_all_of_a_time_goes(ten_days: Store):
    """Not even the newest record stays, and what comes then has a number of its own."""
    newest = await ten_days.records.newest_seq()
    assert await kept(ten_days, RecordOptions(keep_days=1), NOW + 100 * DAY * 1000) == ""
    assert await ten_days.records.oldest_seq() is None
    await ten_days.ledger.write(Entry(a_record()))
    if ten_days.engine.dialect.name != "postgresql":  # whose numbers were not drawn here
        assert (await ten_days.records.oldest_seq() or 0) > newest


async def test_a_clock_that_ran_ahead_keeps_nothing_else(store: Store):
    await numbered(store, {1: at(99 * DAY), SEGMENT + 1: at(99 * DAY), **{n: at(n) for n in range(2, 10)}})
    for noted in (0, 1):
        await note(store, noted)
        retention = Retention(store._database)
        while await retention.step(RecordOptions(keep_days=4), NOW):
            pass
        assert [record.at for record in await store.records.list()] == [at(99 * DAY).at] * 2


async def test_the_index_of_what_is_gone_goes_too(store: Store):
    many = {1 + n * 30: at(0, user=f"user-{n}", key=SessionKey("n", f"s-{n}")) for n in range(1_000)}
    await numbered(store, {**many, 3 * SEGMENT: at(9 * DAY)})
    await note(store, 1)
    assert await rows_of(store, "record_terms") > 1_000
    retention = Retention(store._database)
    while await retention.step(RecordOptions(keep_days=4), NOW):
        pass
    assert await store.records.list() == [at(9 * DAY, id=(await store.records.list())[0].id)]
    for name in ("record_terms", "record_segments"):
        assert await rows_of(store, f"{name} WHERE segment < 3") == 0
        assert await rows_of(store, name) > 0


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("apart", "noted"), [(1, 0), (40, 1)], ids=["no index", "index"])
async def test_no_more_bytes_are_kept_than_may_be(store: Store, apart: int, noted: int):
    """With and without the index, in which case all numbers are taken for records."""
    await numbered(store, {1 + n * apart: at(n, facts="x" * 1_000) for n in range(2_500)})
    await note(store, noted)
    retention = Retention(store._database)
    while await retention.step(RecordOptions(keep_bytes=1_300_000), NOW):
        pass
    left = sum(len(record.facts) + 200 for record in await store.records.list(limit=10_000))
    assert 300_000 < left < 1_300_000


async def test_upkeep_is_one_process_duty(store: Store, store_options):
    """It brings what is whole into the index, and removes what is not kept; the others leave it to that one."""
    await numbered(store, {n * 50: at(n) for n in range(1, SEGMENT // 25)})
    others = [Store(store_options, 10) for _ in range(2)]
    options = RecordOptions(keep_records=60_000)
    await store.record_upkeep.once(options)
    for other in others:
        await other.record_upkeep.once(options)
        assert other.record_upkeep.retention.removed == 0
    assert store.record_upkeep.retention.removed > 0
    newest = await store.records.newest_seq()
    assert await RecordIndex(store._database).missing(newest) == []
    assert newest - (await store.records.oldest_seq() or 0) < 60_000
    for other in others:
        await other.close()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_it_goes_on_in_the_background(store: Store):
    await numbered(store, {n: at(n) for n in range(1, 10)})
    store.record_upkeep.start(lambda: RecordOptions(keep_records=3))

    async def count():
        return len(await store.records.list())

    await eventually(3, count)
    await store.record_upkeep.close()
