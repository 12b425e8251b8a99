"""How far the trail was sent on is kept alike on every engine."""

from authgate.store.record_streams import RecordStreamState


async def test_one_that_is_new_begins_before_the_first_record(store):
    assert await store.record_streams.begin("k") == RecordStreamState("k", 0)
    await store.record_streams.sent("k", 7, 1000)
    assert await store.record_streams.begin("k") == RecordStreamState("k", 7, 1000)


async def test_it_goes_on_and_back_only_where_that_is_said(store):
    await store.record_streams.begin("k")
    assert await store.record_streams.sent("k", 7, 1000)
    assert await store.record_streams.sent("k", 7, 1000)
    assert await store.record_streams.sent("k", 9, None)
    assert not await store.record_streams.sent("k", 8, 2000)
    assert await store.record_streams.find("k") == RecordStreamState("k", 9, 1000)
    await store.record_streams.set_back("k", 3)
    assert await store.record_streams.find("k") == RecordStreamState("k", 3, 1000)


async def test_trouble_is_kept_until_it_is_over(store):
    await store.record_streams.begin("k")
    await store.record_streams.failed("k", "is full", 500, None)
    await store.record_streams.failed("k", "has come further", 500, 70)
    await store.record_streams.failed("k", "is full", 500, None)
    assert await store.record_streams.find("k") == RecordStreamState("k", 0, None, "is full", 500, 70)
    await store.record_streams.set_back("k", 0)
    assert await store.record_streams.find("k") == RecordStreamState("k", 0, None, "is full", 500)
    await store.record_streams.failed("k", "has come further", 500, 70)
    await store.record_streams.sent("k", 1, 1000)
    assert await store.record_streams.find("k") == RecordStreamState("k", 1, 1000)


async def test_each_has_a_place_of_its_own(store):
    for at, name in enumerate(("k", "K", "k ")):
        await store.record_streams.begin(name)
        await store.record_streams.sent(name, at, None)
    assert [(await store.record_streams.find(name)).at for name in ("k", "K", "k ")] == [0, 1, 2]


async def test_one_that_there_is_not(store):
    assert await store.record_streams.find("k") is None
    assert await store.record_streams.find("\0") is None
    assert await store.record_streams.find("k" * 191) is None
    assert not await store.record_streams.sent("k", 1, None)
    await store.record_streams.failed("k", "x", 1, None)
    await store.record_streams.set_back("k", 1)
    assert await store.record_streams.find("k") is None


async def test_an_error_without_end_is_cut(store):
    await store.record_streams.begin("k")
    await store.record_streams.failed("k", "\0" + "x" * 10_000, 1, None)
    assert len((await store.record_streams.find("k")).error) == 512


def test_how_many_wait():
    state = RecordStreamState("k", 50)
    waiting = {(41, 100): 50, (51, 100): 50, (91, 100): 10, (None, 0): 0, (41, 50): 0, (None, 100): 50}
    assert {given: state.waiting(*given) for given in waiting} == waiting
