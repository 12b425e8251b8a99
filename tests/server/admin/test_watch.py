"""What goes on by a key ends with it, and is no load however much there is of it."""

import asyncio
import time
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from authgate.api_keys import ApiKey, ApiScope
from authgate.errors import StoreError
from authgate.server.admin import access
from authgate.server.admin.access import Access

KEY = ApiKey("aaaaaaaa", "0" * 64, "ops", ApiScope(admin=("events:read",)))


class Keys:
    """A store of one key, or of trouble."""

    def __init__(self) -> None:
        self.found: ApiKey | StoreError | None = KEY
        self.looks = 0

    async def find(self, prefix: str) -> ApiKey | None:
        self.looks += 1
        if isinstance(self.found, StoreError):
            raise self.found
        return self.found


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def watching(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> Access:
    monkeypatch.setattr(access, "LOOK_AGAIN", 0.01)
    service: Any = SimpleNamespace(store=SimpleNamespace(api_keys=keys), gateway=SimpleNamespace(tally=Counter[str]()))
    return Access(service)


async def looked(keys: Keys, times: int = 2) -> None:
    """Come back after so many more looks."""
    until = keys.looks + times
    while keys.looks < until:  # noqa: ASYNC110 - the store of the test tells nobody
        await asyncio.sleep(0.005)


ENDS = {
    "it is revoked": None,
    "its scopes are others": replace(KEY, scope=ApiScope(admin=("users:read",))),
    "another has its prefix": replace(KEY, digest="1" * 64),
}


@pytest.mark.parametrize("found", ENDS.values(), ids=ENDS)
async def test_it_ends_when(keys: Keys, watching: Access, found: ApiKey | None):
    ended = asyncio.create_task(watching.ended(KEY))
    await looked(keys)
    assert not ended.done()
    keys.found = found
    assert await asyncio.wait_for(ended, 5) == "was revoked"


async def test_it_ends_when_it_expires(watching: Access):
    key = replace(KEY, expires_at=int(time.time()) - 1)
    assert await asyncio.wait_for(watching.ended(key), 5) == "has expired"


GOES_ON: dict[str, ApiKey | StoreError] = {
    "the store is away": StoreError("the store is away"),
    "it was used": replace(KEY, last_used_at=60_000),
}


@pytest.mark.parametrize("found", GOES_ON.values(), ids=GOES_ON)
async def test_it_goes_on_while(keys: Keys, watching: Access, found: ApiKey | StoreError):
    keys.found = found
    ended = asyncio.create_task(watching.ended(KEY))
    await looked(keys)
    assert not ended.done()
    ended.cancel()


async def test_a_thousand_who_wait_for_one_key_are_one_look_at_a_time(keys: Keys, watching: Access):
    waiting = [asyncio.create_task(watching.ended(KEY)) for _ in range(1000)]
    await looked(keys)
    before = keys.looks
    await asyncio.sleep(0.05)
    assert keys.looks - before <= 10  # 0.05 seconds hold five looks, and not five thousand
    for each in waiting[1:]:
        each.cancel()
    await looked(keys)  # the one who is left still waits
    keys.found = None
    assert await asyncio.wait_for(waiting[0], 5) == "was revoked"
    await asyncio.gather(*waiting[1:], return_exceptions=True)


async def test_nobody_is_looked_after_who_has_left(keys: Keys, watching: Access):
    ended = asyncio.create_task(watching.ended(KEY))
    await looked(keys)
    ended.cancel()
    await asyncio.gather(ended, return_exceptions=True)
    before = keys.looks
    await asyncio.sleep(0.05)
    assert keys.looks <= before + 1
