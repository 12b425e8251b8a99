"""A webhook gets each event at least once and in order, from one process at a time, however often that fails."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from authgate.errors import StoreError
from authgate.feed import Feed, Filter, delivery, tenure
from authgate.feed import feed as feed_module
from authgate.feed.webhook import WebhookOptions
from authgate.feed.webhooks import Webhooks
from authgate.model import Secret
from tests.feed.made import Trail
from tests.feed.receiver import SECRET, Receiver

OTHER = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY="


@pytest.fixture
def backend():
    return "sqlite"


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    for module, name, seconds in (
        (feed_module, "EVERY", 0.02),
        (feed_module, "PACE", 0.0),
        (tenure, "RENEWED", 0.05),
        (tenure, "TENURE", 0.5),
        (delivery, "NOTED", 0.02),
        (delivery, "FIRST_PAUSE", 0.02),
    ):
        monkeypatch.setattr(module, name, seconds)


@pytest.fixture
def receiver():
    with Receiver() as made:
        yield made


class Duties:
    """Obeys ``tenure.Duties``, for the processes of one test: each asks in a name of its own."""

    def __init__(self):
        self.held_by = {}
        self.away = False

    def of(self, process):
        return _Held(self, process)


class _Held:
    def __init__(self, duties, process):
        self.duties, self.process = duties, process

    async def hold(self, name, seconds):
        if self.duties.away:
            raise StoreError("the store is away")
        now = asyncio.get_running_loop().time()
        holder, until = self.duties.held_by.get(name, ("", 0))
        if holder != self.process and until > now:
            return False
        self.duties.held_by[name] = self.process, now + seconds
        return True


@pytest.fixture
def process(store, receiver):
    """Runs a process: ``async with process(trail, duties, name)``."""

    @asynccontextmanager
    async def run(trail, duties=None, name="p1", **changes):
        url = Secret(changes.pop("url", receiver.url))
        made = {"name": "crm", "url": url, "secrets": (Secret(SECRET),), **changes}
        feed = Feed(trail, 100)
        webhooks = Webhooks([WebhookOptions(**made)], feed, store.webhooks, (duties or Duties()).of(name))
        webhooks.start()
        try:
            yield webhooks
        finally:
            await webhooks.close()
            await feed.close()

    return run


async def until(condition):
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110 - what is waited for is on another thread
            await asyncio.sleep(0.01)


async def state_is(store, **wanted):
    async with asyncio.timeout(15):
        while True:
            state = await store.webhooks.find("crm")
            if state is not None and all(getattr(state, name) == value for name, value in wanted.items()):
                return state
            await asyncio.sleep(0.01)


def numbers(receiver):
    return [message["data"]["id"] for _, message in receiver.taken]


async def test_a_new_one_begins_with_what_comes_from_now_on(process, receiver, store):
    trail = Trail(5)
    async with process(trail):
        await state_is(store, at=5)
        trail.write(3)
        await until(lambda: len(receiver.taken) == 3)
        state = await state_is(store, at=8, failures=0, error="")
    assert numbers(receiver) == [6, 7, 8]
    assert state.delivered_at is not None


async def test_who_comes_back_goes_on_where_it_stopped(process, receiver, store):
    trail = Trail()
    async with process(trail):
        await state_is(store, at=0)
        trail.write(3)
        await until(lambda: len(receiver.taken) == 3)
    trail.write(200)
    async with process(trail):
        await state_is(store, at=203)
    assert numbers(receiver) == [*range(1, 204)]


async def test_what_is_not_wanted_is_not_sent_and_its_place_goes_on(process, receiver, store):
    trail = Trail()
    async with process(trail, only=Filter(apps=("other",))):
        await state_is(store, at=0)
        trail.write(5)
        trail.write(app_key="other")
        trail.write(5)
        state = await state_is(store, at=11)
    assert numbers(receiver) == [6]
    assert state.delivered_at is not None


FAILING = {
    "it has a fault": 500,
    "it is away behind a proxy": 502,
    "it does not know the path": 404,
    "it wants other credentials": 401,
    "it redirects": (302, {"location": "/elsewhere"}),
    "it redirects for good": (308, {"location": "/elsewhere"}),
    "it has not changed": 304,
    "it is busy": (429, {"retry-after": "0"}),
}


@pytest.mark.parametrize("answer", FAILING.values(), ids=FAILING)
async def test_what_is_not_taken_is_sent_again_with_the_same_id_and_what_follows_waits(
    process, receiver, store, answer
):
    trail = Trail()
    receiver.answer = lambda number: answer if number in (2, 3, 4) else 200
    async with process(trail):
        await state_is(store, at=0)
        trail.write(3)
        await until(lambda: len(receiver.taken) == 3)
        await state_is(store, at=3, failures=0, error="", next_at=None)
    assert numbers(receiver) == [1, 2, 3]
    assert [message["data"]["id"] for _, message in receiver.seen] == [1, 2, 2, 2, 2, 3]
    assert len({id_ for id_, _ in receiver.seen[1:5]}) == 1


async def test_each_attempt_is_signed_for_its_own_time(process, receiver, store):
    """Else whoever comes back after five minutes would be sent nothing that it could take any more."""
    trail = Trail()
    receiver.answer = lambda number: 500 if number == 1 else 200
    async with process(trail):
        await state_is(store, at=0)
        trail.write()
        await until(lambda: len(receiver.taken) == 1)
    assert all(abs(int(each["webhook-timestamp"]) - int(receiver.headers[0]["webhook-timestamp"])) < 60
               for each in receiver.headers)  # fmt: skip
    assert {each["content-type"] for each in receiver.headers} == {"application/json"}


async def test_trouble_is_to_be_seen_and_never_the_end(process, receiver, store, caplog):
    trail = Trail()
    receiver.answer = lambda _number: 503
    async with process(trail):
        await state_is(store, at=0)
        trail.write(2)
        await until(lambda: len(receiver.seen) >= 4)
        state = await state_is(store, error="answers with status 503")
        assert (state.at, state.delivered_at) == (0, None)
        assert state.failures >= 3
        assert state.next_at > state.tried_at
    assert receiver.taken == []
    told = [each.message for each in caplog.records if each.levelname == "WARNING"]
    assert told == ["webhook crm answers with status 503; events wait until it takes them"]


async def test_one_that_is_slow_is_not_waited_for(process, receiver, store):
    trail = Trail()
    receiver.slow = 1.0
    async with process(trail, timeout=0.05):
        await state_is(store, at=0)
        trail.write()
        await state_is(store, error="did not answer within 0.05 seconds")
        receiver.slow = 0.0
        await state_is(store, at=1)


async def test_one_that_is_not_there(process, store):
    trail = Trail()
    async with process(trail, url="http://127.0.0.1:1/hook?token=hidden"):
        await state_is(store, at=0)
        trail.write()
        state = await state_is(store, failures=1)
    assert state.error.startswith("cannot be reached: ")
    assert "hidden" not in state.error


async def test_gone_is_the_end_until_somebody_says_otherwise(process, receiver, store, caplog):
    trail = Trail()
    receiver.answer = lambda number: 410 if number == 2 else 200
    async with process(trail):
        await state_is(store, at=0)
        trail.write(3)
        await until(lambda: len(receiver.seen) == 2)
        await state_is(store, at=1, error="answers with status 410")
        await asyncio.sleep(0.2)
        assert len(receiver.seen) == 2
        assert "authgate webhook enable crm" in caplog.text
        await store.webhooks.enable("crm", None)
        await until(lambda: len(receiver.taken) == 3)
    assert numbers(receiver) == [1, 2, 3]


async def test_one_that_waits_is_tried_at_once_where_somebody_says_so(process, receiver, store, monkeypatch):
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 3600.0)
    trail = Trail()
    receiver.answer = lambda number: 500 if number == 1 else 200
    async with process(trail, retry_max=86_400):
        await state_is(store, at=0)
        trail.write()
        await state_is(store, failures=1)
        await store.webhooks.enable("crm", None)
        await until(lambda: len(receiver.taken) == 1)


async def test_one_that_is_set_to_the_present_skips_what_waits(process, receiver, store):
    trail = Trail()
    receiver.answer = lambda _number: 500
    async with process(trail):
        await state_is(store, at=0)
        trail.write(5)
        await until(lambda: len(receiver.seen) >= 2)
        receiver.answer = lambda _number: 200
        receiver.slow = 0.2
        await store.webhooks.enable("crm", 4)
        await until(lambda: numbers(receiver)[-1:] == [5])
    assert set(numbers(receiver)) <= {1, 5}


async def test_one_process_delivers_and_another_goes_on_when_it_is_gone(process, receiver, store):
    trail, duties = Trail(), Duties()
    async with process(trail, duties, "first"):
        await state_is(store, at=0)
        async with process(trail, duties, "second"):
            trail.write(50)
            await until(lambda: len(receiver.taken) == 50)
            await asyncio.sleep(0.1)
            assert numbers(receiver) == [*range(1, 51)]
            assert duties.held_by["webhook crm"][0] == "first"
            duties.held_by["webhook crm"] = "second", asyncio.get_running_loop().time() + 0.5
            trail.write(50)
            await state_is(store, at=100)
            await until(lambda: duties.held_by["webhook crm"][0] == "second")
    assert sorted(set(numbers(receiver))) == [*range(1, 101)]
    assert {id_ for id_, _ in receiver.taken} == {f"evt_{record.id}" for _, record in trail.rows}


async def test_while_nobody_can_tell_whose_duty_it_is_nothing_is_sent_for_long(process, receiver, store):
    trail, duties = Trail(), Duties()
    async with process(trail, duties):
        await state_is(store, at=0)
        duties.away = True
        await asyncio.sleep(0.7)
        trail.write(3)
        await asyncio.sleep(0.2)
        assert receiver.seen == []
        duties.away = False
        await until(lambda: len(receiver.taken) == 3)


async def test_what_was_pruned_before_it_was_delivered_is_told(process, receiver, store):
    trail = Trail(5)
    await store.webhooks.begin("crm", 1)
    trail.prune(4)
    async with process(trail):
        await until(lambda: len(receiver.taken) == 3)
    assert [message["type"] for _, message in receiver.taken] == ["events.gap", "hook.allowed", "hook.allowed"]
    assert receiver.ids[0] == "note_3"
    assert receiver.taken[0][1]["data"]["text"].startswith("the events from 2 to 3 are not in the store any more")


async def test_another_store_that_is_not_so_far_is_told_and_goes_on_from_there(process, receiver, store):
    trail = Trail(5)
    await store.webhooks.begin("crm", 900)
    async with process(trail):
        await until(lambda: len(receiver.taken) == 1)
        trail.write(2)
        await state_is(store, at=7)
    assert [message["type"] for _, message in receiver.taken] == ["events.gap", "hook.allowed", "hook.allowed"]


async def test_another_configuration_is_taken_over_between_two_events(process, receiver, store):
    trail = Trail()
    async with process(trail) as webhooks:
        await state_is(store, at=0)
        trail.write(3)
        await until(lambda: len(receiver.taken) == 3)
        [before] = webhooks._options
        webhooks.adopt([before])
        kept = webhooks._running["crm"]
        webhooks.adopt([before])
        assert webhooks._running["crm"] is kept
        with Receiver(OTHER) as other:
            webhooks.adopt([WebhookOptions("crm", Secret(other.url), (Secret(SECRET), Secret(OTHER)))])
            trail.write(3)
            await state_is(store, at=6)
            assert numbers(other)[-3:] == [4, 5, 6]
        webhooks.adopt([])
        trail.write(3)
        await asyncio.sleep(0.2)
    assert len(receiver.taken) == 3


async def test_it_stops_while_it_waits_for_another_attempt(process, receiver, store, monkeypatch):
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 3600.0)
    trail = Trail()
    receiver.answer = lambda _number: 500
    async with asyncio.timeout(10), process(trail, retry_max=86_400):
        await state_is(store, at=0)
        trail.write()
        await until(lambda: len(receiver.seen) == 1)
