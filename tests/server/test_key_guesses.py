"""Whoever guesses API keys has to wait, and nobody else does: not even who comes from the same address."""

import asyncio
from dataclasses import replace

import pytest

from authgate.api_keys import make
from authgate.server import bearer
from tests.server.issuing import DIGEST, KEY, PREFIX, SHOP, FakeApiKeys, FakeService, Web

WRONG = make()[0]
ANOTHER, ANOTHER_PREFIX, ANOTHER_DIGEST = make()
MANY = 3  # few enough that a slow machine gives none back meanwhile
BODY = {"user": "ann"}


class SlowApiKeys(FakeApiKeys):
    """Nothing is found while it is ``closed``, for keys with these prefixes."""

    def __init__(self, *rows):
        super().__init__(*rows)
        self.closed, self.slow, self.looking, self.most = asyncio.Event(), set(), 0, 0
        self.closed.set()

    async def find(self, prefix):
        self.looking += 1
        self.most = max(self.most, self.looking)
        try:
            await (self.closed.wait() if prefix in self.slow else asyncio.sleep(0))
            return await super().find(prefix)
        finally:
            self.looking -= 1


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr(bearer, "GUESSES", MANY)


@pytest.fixture
def service():
    service = FakeService(deadline=15)
    service.api_keys = SlowApiKeys(SHOP, replace(SHOP, prefix=ANOTHER_PREFIX, digest=ANOTHER_DIGEST, name="another"))
    return service


@pytest.fixture
def web(service):
    return Web(service)


async def statuses(web, *keys):
    return [(await web.ask(BODY, key)).status_code for key in keys]


WRONG_KEYS = {
    "an unknown one": WRONG,
    "one with a prefix that there is": f"ak_{PREFIX}_{WRONG.rpartition('_')[2]}",
    "one that is none": "secret",
    "its digest": DIGEST,
}


@pytest.mark.parametrize("wrong", WRONG_KEYS.values(), ids=WRONG_KEYS)
async def test_guesses_from_one_address(service, web, wrong):
    assert await statuses(web, *[wrong] * (MANY + 2)) == [401] * MANY + [429] * 2
    waits = await web.ask(BODY, wrong)
    assert (waits.json()["error"], 1 <= int(waits.headers["retry-after"]) <= 20) == ("slow_down", True)
    assert "www-authenticate" not in waits.headers
    assert service.tally == {"tokens_refused": MANY, "tokens_throttled": 3}


async def test_a_good_key_is_not_locked_out_by_guesses_behind_the_same_proxy(web):
    await statuses(web, *[WRONG] * (MANY + 1))
    assert await statuses(web, KEY, WRONG, KEY, ANOTHER, WRONG, ANOTHER) == [201, 429, 201, 201, 429, 201]


async def test_a_good_key_does_not_pay_for_guesses(web):
    assert await statuses(web, *[WRONG, KEY] * MANY, WRONG) == [401, 201] * MANY + [429]


NEIGHBOURS = {
    "one address": ("192.0.2.1", "192.0.2.1", 429),
    "another address": ("192.0.2.1", "192.0.2.2", 401),
    "one network of IPv6": ("2001:db8::1", "2001:db8::ffff:2", 429),
    "another network of IPv6": ("2001:db8::1", "2001:db8:0:1::1", 401),
}


@pytest.mark.parametrize(("first", "second", "status"), NEIGHBOURS.values(), ids=NEIGHBOURS)
async def test_guesses_from_another_address(service, first, second, status):
    web = Web(service, first)
    await statuses(web, *[WRONG] * MANY)
    web._client._transport.client = (second, 50_000)
    assert await statuses(web, WRONG) == [status]


async def test_an_address_that_is_made_up(service, web):
    for n in range(MANY):
        await web.ask(BODY, WRONG, headers=[("x-forwarded-for", f"203.0.113.{n}")])
    assert (await web.ask(BODY, WRONG, headers=[("x-forwarded-for", "198.51.100.1")])).status_code == 429


async def test_whoever_sends_no_key_guesses_none(web):
    assert await statuses(web, *[None] * (MANY + 2)) == [401] * (MANY + 2)
    for _ in range(MANY + 2):
        assert (await web.ask(BODY, None, headers=[("authorization", "Basic czpz")])).status_code == 401
    assert await statuses(web, WRONG) == [401]


async def test_an_expired_key_counts_like_a_wrong_one(service, web):
    service.api_keys.rows[PREFIX] = replace(SHOP, expires_at=1)
    assert await statuses(web, *[KEY] * (MANY + 1)) == [401] * MANY + [429]


async def test_guesses_that_are_made_at_once(service, web):
    answers = await asyncio.gather(*(web.ask(BODY, make()[0]) for _ in range(4 * MANY)))
    assert sorted(each.status_code for each in answers) == [401] * MANY + [429] * 3 * MANY
    assert service.api_keys.most == 2


async def blocked(service, web):
    """Have the queue for the store be full, until ``closed`` is set."""
    slow = [make() for _ in range(2)]
    service.api_keys.slow = {prefix for _, prefix, _ in slow}
    service.api_keys.closed.clear()
    waiting = [asyncio.create_task(web.ask(BODY, text)) for text, _, _ in slow]
    async with asyncio.timeout(10):
        while service.api_keys.looking < 2:  # noqa: ASYNC110 - until both have begun
            await asyncio.sleep(0)
    return waiting


async def finishes(service, web, key):
    """Whether it is answered while the queue is full, and how in the end."""
    task = asyncio.create_task(web.ask(BODY, key))
    for _ in range(100):
        await asyncio.sleep(0)
    at_once = task.done()
    service.api_keys.closed.set()
    return at_once, (await task).status_code


PROVEN = {
    "one that was good before": ([KEY], None, (True, 201)),
    "one that was never seen": ([], None, (False, 201)),
    "another than that was good before": ([ANOTHER], None, (False, 201)),
    "a guess with the prefix of one that was good before": ([KEY], WRONG_KEYS["one with a prefix that there is"], None),
}


@pytest.mark.parametrize(("before", "guess", "outcome"), PROVEN.values(), ids=PROVEN)
async def test_who_waits_for_guesses_that_fill_the_queue(service, web, before, guess, outcome):
    await statuses(web, *before)
    waiting = await blocked(service, web)
    assert await finishes(service, web, guess or KEY) == (outcome or (False, 401))
    assert {each.status_code for each in await asyncio.gather(*waiting)} == {401}


async def test_a_key_that_was_revoked_is_like_one_that_was_never_seen(service, web):
    await statuses(web, KEY)
    row = service.api_keys.rows.pop(PREFIX)
    assert await statuses(web, KEY) == [401]
    service.api_keys.rows[PREFIX] = row
    waiting = await blocked(service, web)
    assert await finishes(service, web, KEY) == (False, 201)
    await asyncio.gather(*waiting)


async def test_of_keys_that_were_good_the_oldest_is_forgotten(service, web, monkeypatch):
    monkeypatch.setattr(bearer, "_MAX_PROVEN", 1)
    await statuses(web, KEY, ANOTHER)
    waiting = await blocked(service, web)
    assert await finishes(service, web, KEY) == (False, 201)
    await asyncio.gather(*waiting)
