"""How far webhooks have come is kept alike on every engine."""

from authgate.store.webhooks import WebhookState


async def test_one_that_is_new_begins_where_it_is_told(store):
    assert await store.webhooks.begin("crm", 7) == WebhookState("crm", 7)
    assert await store.webhooks.begin("crm", 9) == WebhookState("crm", 7)


async def test_it_goes_on_and_never_back(store):
    await store.webhooks.begin("crm", 7)
    assert await store.webhooks.failed("crm", 8, "it is away", 3, 1000, 2000)
    failing = WebhookState("crm", 7, tried_at=1000, failures=3, next_at=2000, error="it is away")
    assert await store.webhooks.find("crm") == failing
    assert await store.webhooks.delivered("crm", 9, 3000)
    assert await store.webhooks.delivered("crm", 9, None)
    there = WebhookState("crm", 9, delivered_at=3000, tried_at=1000)
    assert await store.webhooks.find("crm") == there
    assert not await store.webhooks.delivered("crm", 8, 4000)
    assert not await store.webhooks.failed("crm", 8, "it is away", 1, 5000, 6000)
    assert await store.webhooks.find("crm") == there


async def test_what_is_gone_can_be_had_back(store):
    await store.webhooks.begin("crm", 7)
    await store.webhooks.disable("crm", 1000, "gone")
    assert (await store.webhooks.find("crm")).disabled_at == 1000
    assert await store.webhooks.enable("crm", None)
    assert await store.webhooks.find("crm") == WebhookState("crm", 7, tried_at=1000)
    assert await store.webhooks.enable("crm", 30)
    assert (await store.webhooks.find("crm")).at == 30


async def test_each_has_a_place_of_its_own(store):
    await store.webhooks.begin("b", 2)
    await store.webhooks.begin("a", 1)
    await store.webhooks.begin("A", 3)
    await store.webhooks.delivered("a", 5, 1000)
    assert [(each.name, each.at) for each in await store.webhooks.list()] == [("A", 3), ("a", 5), ("b", 2)]
    assert await store.webhooks.forget("a")
    assert not await store.webhooks.forget("a")
    assert [each.name for each in await store.webhooks.list()] == ["A", "b"]


async def test_one_that_there_is_not(store):
    assert await store.webhooks.find("crm") is None
    assert await store.webhooks.find("\0") is None
    assert not await store.webhooks.enable("crm", None)
    assert not await store.webhooks.enable("\0", None)
    assert not await store.webhooks.forget("\0")
    assert not await store.webhooks.delivered("crm", 1, None)


async def test_an_error_without_end_is_cut(store):
    await store.webhooks.begin("crm", 0)
    await store.webhooks.failed("crm", 1, "\0" + "x" * 10_000, 1, 1, 1)
    assert len((await store.webhooks.find("crm")).error) == 512
