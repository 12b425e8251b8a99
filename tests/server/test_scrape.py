"""What is live in a scrape: with bounded labels, counted seldom, and left out while the store is away."""

import asyncio
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from authgate.errors import StoreError
from authgate.feed import StreamOptions
from authgate.metrics import APPS, Meter, table
from authgate.server import scrape
from authgate.server.scrape import Scrapes, delivered, going_on, sent
from authgate.store.live import Live
from authgate.store.record_streams import RecordStreamState
from authgate.store.webhooks import WebhookState

NAMED = frozenset(APPS)


class FakeStore:
    """Counts how often it is asked; it is away where ``live`` is None."""

    def __init__(self, live):
        self.kept, self.asked = live, 0
        self.live = self.blocks = self

    async def count(self, *of):
        self.asked += 1
        await asyncio.sleep(0)
        if self.kept is None:
            raise StoreError("the store is away")
        return self.kept


class FakeBlocks:
    def count(self, kind, _now):
        return {"ban": 2, "lock": 1}[kind]


def scrapes(store, now=(0.0,)):
    store.blocks = FakeBlocks()
    records = SimpleNamespace(stream=StreamOptions())
    config, verdicts = SimpleNamespace(webhooks=(), records=records), SimpleNamespace(apps=NAMED)
    return Scrapes(SimpleNamespace(store=store, meter=Meter(), verdicts=verdicts, config=config), lambda: now[0])


async def scraped(found):
    families = text_string_to_metric_families((await found.text()).decode())
    return {(each.name, *sorted(each.labels.items())): each.value for family in families for each in family.samples}


def numbers(live):
    return {metric.name: found for metric, found in going_on(live, NAMED)}


def test_applications_of_strangers_are_one():
    live = Live({("defaultApp", "n1"): 5, ("x", "n1"): 2, ("y", "n1"): 3, ("", "n1"): 1})
    assert numbers(live)[table.SESSIONS.name] == {("defaultApp", "n1"): 5, ("other", "n1"): 6}


def test_the_nodes_with_the_most_sessions_have_names_and_the_others_are_one(monkeypatch):
    monkeypatch.setattr(scrape, "_MOST_NODES", 2)
    live = Live({("callApp", "a"): 1, ("defaultApp", "b"): 5, ("defaultApp", "c"): 3, ("defaultApp", "d"): 2})
    assert numbers(live)[table.SESSIONS.name] == {
        ("defaultApp", "b"): 5,
        ("defaultApp", "c"): 3,
        ("defaultApp", "other"): 2,
        ("callApp", "other"): 1,
    }


def test_streams_have_a_role():
    live = Live(
        {("defaultApp", "n1"): 1},
        {("defaultApp", "n1", True): 1, ("defaultApp", "n1", False): 7, ("x", "n1", None): 2},
        {("callApp", "n1"): 4},
        sessions_to_end=3,
        messages=9,
    )
    found = numbers(live)
    assert found[table.STREAMS.name] == {
        ("defaultApp", "n1", "published"): 1,
        ("defaultApp", "n1", "played"): 7,
        ("other", "n1", "unknown"): 2,
    }
    assert found[table.CALLS.name] == {("callApp", "n1"): 4}
    assert found[table.MESSAGES_WAITING.name] == {(): 9}
    assert found[table.TO_END.name] == {("session",): 3, ("stream",): 0}


def test_of_webhooks_it_says_how_far_each_has_come():
    states = [WebhookState("crm", 90), WebhookState("sms", 120, failures=3), WebhookState("off", 1, disabled_at=1)]
    found = {metric.name: numbers for metric, numbers in delivered(states, 100)}
    assert found == {
        table.WEBHOOK_BEHIND.name: {("crm",): 10, ("sms",): 0, ("off",): 99},
        table.WEBHOOK_FAILURES.name: {("crm",): 0, ("sms",): 3, ("off",): 0},
        table.WEBHOOK_ON.name: {("crm",): True, ("sms",): True, ("off",): False},
    }


STREAMS = {
    "new": (RecordStreamState("k", 0), 41, 100, 60, True),
    "it has come half way": (RecordStreamState("k", 90), 41, 100, 10, True),
    "all is sent": (RecordStreamState("k", 100), 41, 100, 0, True),
    "all is sent, and nothing is kept": (RecordStreamState("k", 100), None, 0, 0, True),
    "it fails": (RecordStreamState("k", 90, 1, "is full", 2), 41, 100, 10, False),
}


@pytest.mark.parametrize(("state", "oldest", "newest", "behind", "up"), STREAMS.values(), ids=STREAMS)
def test_of_a_stream_of_records_it_says_how_many_wait(state, oldest, newest, behind, up):
    found = {metric.name: numbers for metric, numbers in sent(state, oldest, newest)}
    assert found == {table.STREAM_BEHIND.name: {(): behind}, table.STREAM_UP.name: {(): up}}


async def test_many_who_scrape_at_once_ask_the_store_once():
    store = FakeStore(Live({("defaultApp", "n1"): 5}))
    found = scrapes(store)
    for each in await asyncio.gather(*(scraped(found) for _ in range(10))):
        assert each["authgate_sessions", ("app", "defaultApp"), ("node", "n1")] == 5
        assert each["authgate_blocks", ("kind", "ban")] == 2
    assert store.asked == 1


async def test_what_takes_long_to_count_is_counted_seldom():
    now = [1000.0]
    store = FakeStore(Live())
    asked = store.count

    async def slow():
        now[0] += 1.0
        return await asked()

    store.count = slow
    found = scrapes(store, now)
    for seconds, times in ((0.0, 1), (18.0, 1), (2.0, 2)):
        now[0] += seconds
        await scraped(found)
        assert store.asked == times


async def test_a_store_that_is_away_leaves_out_what_only_it_knows_and_is_asked_again_later():
    store, now = FakeStore(None), [1000.0]
    found = scrapes(store, now)
    for _ in range(3):
        each = await scraped(found)
        assert each["authgate_live_known",] == 0
        assert not [name for name in each if name[0] == "authgate_sessions"]
        assert each["authgate_records_lost_total",] == 0
    assert store.asked == 1
    now[0] += 5
    store.kept = Live({("defaultApp", "n1"): 5})
    assert (await scraped(found))["authgate_live_known",] == 1


@pytest.mark.parametrize("node", ['n"1', "n\n1", "n\\1", "", "узел"])
async def test_a_node_may_have_any_name(node):
    each = await scraped(scrapes(FakeStore(Live({("defaultApp", node): 5}))))
    assert each["authgate_sessions", ("app", "defaultApp"), ("node", node)] == 5
