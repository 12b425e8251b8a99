"""API keys, alike on every engine."""

import asyncio
import json
from dataclasses import replace

import pytest
from sqlalchemy import text, update

from authgate.api_keys import ApiKey, ApiScope, make
from authgate.errors import Refused
from authgate.store import Store, tables
from authgate.store.api_keys import SqlApiKeys

from .samples import now

SCOPE = ApiScope(("guest-*", "ann"), ("publish:room-*", "play:*"), ("app", "другое"), 90, True, 7)
SHOP = ApiKey("aaaaaaaa", "0" * 64, "shop", SCOPE, created_at=1, expires_at=2_000_000_000)


@pytest.fixture
def keys(store: Store) -> SqlApiKeys:
    return SqlApiKeys(store._database)


SCOPES = {
    "everything said": SCOPE,
    "as little as may be": ApiScope(("*",)),
    "nobody": ApiScope(()),
    "administers alone": ApiScope(admin=("users:read", "metrics:read")),
    "administers beside tokens": replace(SCOPE, admin=("tokens:write",)),
    "no grants": ApiScope(("*",), ()),
    "any grants": ApiScope(("*",), None),
    "other scripts": ApiScope(("😀*", "äöü"), ("play:комната-*",), ("'\"`\\%_",)),
}


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
async def test_a_key_comes_back_as_given(keys: SqlApiKeys, scope: ApiScope):
    given = replace(SHOP, scope=scope)
    await keys.add(given)
    assert await keys.find("aaaaaaaa") == given
    assert await keys.list() == [given]


async def test_the_time_it_was_made(keys: SqlApiKeys):
    before = now()
    await keys.add(replace(SHOP, created_at=0))
    found = await keys.find("aaaaaaaa")
    assert found is not None
    assert before <= found.created_at <= now()


ABSENT = {
    "another": "aaaaaaab",
    "capitals": "AAAAAAAA",
    "a space": "aaaaaaaa ",
    "a part": "aaaa",
    "nothing": "",
    "NUL": "aaaaaaaa\0",
    "a lone surrogate": "\ud800",
    "too long": "a" * 17,
    "a pattern": "aaaaaaa_",
    "SQL": "' OR 1=1 --",
}


@pytest.mark.parametrize("prefix", ABSENT.values(), ids=ABSENT)
async def test_absent(keys: SqlApiKeys, prefix: str):
    await keys.add(SHOP)
    assert await keys.find(prefix) is None
    assert not await keys.remove(prefix)
    assert await keys.find("aaaaaaaa") == SHOP


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\0", "\udcff", "\x1b[2J", "x\u202e", "x" * 191])
async def test_a_name_that_no_key_has(keys: SqlApiKeys, name: str):
    with pytest.raises(Refused, match="characters that can be seen"):
        await keys.add(replace(SHOP, name=name))
    assert await keys.list() == []


async def test_a_scope_that_is_too_long(keys: SqlApiKeys):
    with pytest.raises(Refused, match="65,535 bytes at most"):
        await keys.add(replace(SHOP, scope=ApiScope(tuple("u" * 500 + str(n) for n in range(140)))))


async def test_a_prefix_is_taken_once(keys: SqlApiKeys):
    outcomes = await asyncio.gather(*(keys.add(SHOP) for _ in range(5)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", *["Refused"] * 4]


async def test_remove(keys: SqlApiKeys):
    await keys.add(SHOP)
    await keys.add(replace(SHOP, prefix="bbbbbbbb"))
    assert await keys.remove("aaaaaaaa")
    assert not await keys.remove("aaaaaaaa")
    assert [each.prefix for each in await keys.list()] == ["bbbbbbbb"]


async def test_list(keys: SqlApiKeys):
    made = sorted(make()[1] for _ in range(5))
    for prefix in reversed(made):
        await keys.add(replace(SHOP, prefix=prefix))
    assert [each.prefix for each in await keys.list(limit=2)] == made[:2]
    assert [each.prefix for each in await keys.list(after=made[1], limit=2)] == made[2:4]
    assert [each.prefix for each in await keys.list(after=made[4])] == []


MINUTE = 60_000
USES = {
    "never": ([], None),
    "once": ([5 * MINUTE + 1_234], 5 * MINUTE),
    "twice in a minute": ([5 * MINUTE, 5 * MINUTE + 59_999], 5 * MINUTE),
    "a minute later": ([5 * MINUTE, 6 * MINUTE], 6 * MINUTE),
    "a worker that is behind": ([6 * MINUTE, 5 * MINUTE], 6 * MINUTE),
}


@pytest.mark.parametrize(("times", "noted"), USES.values(), ids=USES)
async def test_the_last_use_is_noted_to_the_minute(keys: SqlApiKeys, times: list[int], noted: int | None):
    await keys.add(SHOP)
    await keys.add(replace(SHOP, prefix="bbbbbbbb"))
    for at in times:
        await keys.used("aaaaaaaa", at)
    assert [each.last_used_at for each in await keys.list()] == [noted, None]


async def test_a_key_that_is_gone_is_not_used(keys: SqlApiKeys):
    await keys.used("aaaaaaaa", 5 * MINUTE)
    assert await keys.list() == []


GOOD = {"users": ["*"], "grants": None, "apps": [], "max_ttl": 60, "once_only": False, "rate": 60}
BROKEN = {
    "no JSON": "{",
    "another type": "[]",
    "nothing": "{}",
    "deep": "[" * 5_000,
    "text in place of users": GOOD | {"users": "*"},
    "a number among users": GOOD | {"users": ["*", 1]},
    "no users": {name: value for name, value in GOOD.items() if name != "users"},
    "no word on grants": {name: value for name, value in GOOD.items() if name != "grants"},
    "text in place of grants": GOOD | {"grants": "play:*"},
    "no grant": GOOD | {"grants": ["play"]},
    "a denial": GOOD | {"grants": ["!play:*"]},
    "text in place of applications": GOOD | {"apps": "app"},
    "a word on something else": GOOD | {"addresses": ["192.0.2.1"]},
    "a number as truth": GOOD | {"once_only": 0},
    "truth as a number": GOOD | {"max_ttl": True},
    "text as a number": GOOD | {"rate": "60"},
    "text in place of admin scopes": GOOD | {"admin": "users:read"},
    "an admin scope there is not": GOOD | {"admin": ["users:read", "everything"]},
    "a number among admin scopes": GOOD | {"admin": [1]},
    "null in place of admin scopes": GOOD | {"admin": None},
    "no end": GOOD | {"max_ttl": 10**12},
}


@pytest.mark.parametrize("scope", BROKEN.values(), ids=BROKEN)
async def test_a_scope_that_cannot_be_read_is_leave_for_nobody(store: Store, keys: SqlApiKeys, scope):
    await keys.add(SHOP)
    written = scope if isinstance(scope, str) else json.dumps(scope)
    async with store.engine.begin() as connection:
        await connection.execute(update(tables.api_keys).values(scope=written))
    found = await keys.find("aaaaaaaa")
    assert found is not None
    assert found.scope == ApiScope(())


async def test_the_scope_that_the_broken_ones_are_made_of_is_good(store: Store, keys: SqlApiKeys):
    await keys.add(SHOP)
    async with store.engine.begin() as connection:
        await connection.execute(update(tables.api_keys).values(scope=json.dumps(GOOD)))
    assert [each.scope for each in await keys.list()] == [ApiScope(("*",), max_ttl=60)]


async def test_a_key_that_administers_nothing_is_written_as_it_was_before(store: Store, keys: SqlApiKeys):
    await keys.add(SHOP)
    async with store.engine.connect() as connection:
        written = json.loads((await connection.execute(text("SELECT scope FROM api_keys"))).scalar_one())
    assert set(written) == {"users", "grants", "apps", "max_ttl", "once_only", "rate"}


async def test_only_a_digest_is_kept(store: Store, keys: SqlApiKeys):
    key, prefix, digest = make()
    await keys.add(replace(SHOP, prefix=prefix, digest=digest))
    async with store.engine.connect() as connection:
        [row] = (await connection.execute(text("SELECT * FROM api_keys"))).all()
    assert key.rpartition("_")[2] not in str(tuple(row))
