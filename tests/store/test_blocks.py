"""Bans and locks on all three databases, and in the memory of every worker."""

import asyncio
import dataclasses
import time

import pytest

from authgate.errors import Refused
from authgate.guessing import Block, GuessingOptions
from authgate.store import Store, blocks

OPTIONS = GuessingOptions(forget=7_200)
HERE = "203.0.113.7"
NOW = time.time()
MS = int(NOW * 1000)


def ban(user="", address="", expires_at=None, note=""):
    return Block("ban", user, address, MS, expires_at, note=note)


@pytest.fixture
async def other(store_options):
    """Another worker on the same database."""
    store = Store(store_options)
    await store.start()
    yield store
    await store.close()


async def seen(*stores):
    """Each has looked at what was changed."""
    for each in stores:
        await each.watch.look()


BANNED = {
    "the user": (ban(user="ann"), ("ann", "")),
    "the address": (ban(address=HERE), ("", HERE)),
    "an address of the network": (ban(address="203.0.113.0/24"), ("", HERE)),
    "everybody": (ban(address="0.0.0.0/0"), ("", HERE)),
    "an address of IPv6": (ban(address="2001:db8::/32"), ("", "2001:db8:1::2")),
    "until later": (ban(user="ann", expires_at=MS + 86_400_000), ("ann", "")),
}
NOT_BANNED = {
    "another user": (ban(user="ann"), ("bob", "")),
    "a user called like an address": (ban(address=HERE), (HERE, "")),
    "another address": (ban(address=HERE), ("", "203.0.113.8")),
    "beside the network": (ban(address="203.0.113.0/25"), ("", "203.0.113.128")),
    "the other kind of address": (ban(address="::/0"), ("", HERE)),
    "nobody": (ban(address=HERE), ("", "")),
    "until before": (ban(user="ann", expires_at=MS - 1), ("ann", "")),
}


@pytest.mark.parametrize(("made", "whom"), BANNED.values(), ids=BANNED)
async def test_banned(store, other, made, whom):
    await store.blocks.ban(made)
    await seen(store, other)
    assert [each.blocks.banned(*whom, NOW) for each in (store, other)] == [True, True]


@pytest.mark.parametrize(("made", "whom"), NOT_BANNED.values(), ids=NOT_BANNED)
async def test_not_banned(store, made, whom):
    await store.blocks.ban(made)
    await seen(store)
    assert not store.blocks.banned(*whom, NOW)


async def test_a_ban_is_in_force_everywhere_within_a_second_and_so_is_its_end(store, other):
    await other.blocks.ready()
    assert not other.blocks.banned("ann", "", NOW)

    async def becomes(claim):
        async with asyncio.timeout(5):  # a busy machine has more time
            while other.blocks.banned("ann", "", NOW) is not claim:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)

    await store.blocks.ban(ban(user="ann"))
    await becomes(True)
    await store.blocks.lift("ann", "", kinds=("ban",), now=NOW)
    await becomes(False)


async def test_a_worker_that_starts_later_knows_of_it(store, store_options):
    await store.blocks.ban(ban(address="203.0.113.0/24"))
    await store.blocks.ban(ban(user="bob", expires_at=MS - 1))
    late = Store(store_options)
    try:
        await late.blocks.ready()
        assert late.blocks.banned("", HERE, NOW)
        assert len(late.blocks._held) == 1
    finally:
        await late.close()


async def test_each_lock_is_longer_than_the_one_before(store):
    now, seconds = NOW, []
    for _ in range(6):
        seconds.append(await store.blocks.lock("ann", HERE, OPTIONS, now))
        now += seconds[-1] + 1
    assert seconds == [300, 600, 1200, 2400, 3600, 3600]
    now += OPTIONS.forget
    assert await store.blocks.lock("ann", HERE, OPTIONS, now) == 300
    assert await store.blocks.lock("bob", HERE, OPTIONS, now) == 300


async def test_what_is_locked_is_not_locked_again(store, other):
    now = time.time()  # a lock lasts for less time than all the tests before it may take
    both = [store.blocks, other.blocks] * 5
    made = await asyncio.gather(*(each.lock("ann", HERE, OPTIONS, now) for each in both))
    assert sorted(made, key=str) == [300] + [None] * 9
    await seen(store, other)
    assert [each.locked("ann", HERE, now) for each in both[:2]] == [True, True]
    assert [store.blocks.locked(*whom, now) for whom in (("ann", ""), ("", HERE), ("bob", HERE))] == [False] * 3
    assert not store.blocks.locked("ann", HERE, now + 301)


async def test_what_is_lifted_counts_from_the_first_lock_again(store):
    now = time.time()  # a lock lasts for less time than all the tests before it may take
    await store.blocks.lock("ann", HERE, OPTIONS, now)
    await store.blocks.lock("ann", "", OPTIONS, now)
    await store.blocks.lock("bob", HERE, OPTIONS, now)
    before = store.blocks.epoch("ann", HERE)
    ended = await store.blocks.lift("ann", "", kinds=("lock",), now=now + 1)
    assert [(each.user, each.address) for each in ended] == [("ann", ""), ("ann", HERE)]
    await seen(store)
    assert [store.blocks.locked(*whom, now + 1) for whom in (("ann", HERE), ("ann", ""), ("bob", HERE))] == [
        False,
        False,
        True,
    ]
    assert store.blocks.epoch("ann", HERE) != before
    assert store.blocks.epoch("bob", HERE) == before
    assert await store.blocks.lock("ann", HERE, OPTIONS, now + 2) == 300


async def test_an_address_is_lifted_for_all_users(store):
    for user in ("bob", "ann", ""):
        await store.blocks.lock(user, HERE, OPTIONS, NOW)
    await store.blocks.ban(ban(address=HERE))
    ended = await store.blocks.lift("", HERE, kinds=("lock", "ban"), now=NOW + 1)
    assert [(each.kind, each.user) for each in ended] == [("ban", ""), ("lock", ""), ("lock", "ann"), ("lock", "bob")]
    assert await store.blocks.list(NOW + 1) == []
    assert await store.blocks.lift("", HERE, kinds=("ban", "lock"), now=NOW + 2) == []


async def test_pages_of_bans_and_locks(store, monkeypatch):
    monkeypatch.setattr(blocks, "_PAGE", 3)
    made = [("ban", "", f"203.0.113.{n}") for n in range(4)] + [("ban", "ann", ""), ("ban", "bob", "")]
    for _, user, address in made:
        await store.blocks.ban(ban(user, address))
    await store.blocks.lock("ann", HERE, OPTIONS, NOW)
    found, after = [], ("", "", "")
    while rows := await store.blocks.list(NOW, after=after):
        assert len(rows) <= 3
        found += [(each.kind, each.user, each.address) for each in rows]
        after = found[-1]
    assert found == [*made, ("lock", "ann", HERE)]
    assert [each.kind for each in await store.blocks.list(NOW, user="ann")] == ["ban", "lock"]


UNSTORABLE = {
    "a name that is too long": ban(user="a" * 191),
    "NUL": ban(user="a\0"),
    "a note that is too long": ban(user="ann", note="n" * 191),
    "a note that nobody can see": ban(user="ann", note="\x1b[2J"),
}


@pytest.mark.parametrize("made", UNSTORABLE.values(), ids=UNSTORABLE)
async def test_what_cannot_be_kept(store, made):
    with pytest.raises(Refused):
        await store.blocks.ban(made)


async def test_locks_of_long_ago_are_deleted(store):
    await store.blocks.lock("ann", HERE, OPTIONS, NOW - 100_000)
    store.blocks._pruned_at -= 100
    await store.blocks.lock("bob", HERE, OPTIONS, NOW)

    def count(connection):
        return connection.execute(blocks.select(blocks.blocks.c.user_name)).scalars().all()

    assert await store.blocks._database.read(count) == ["bob"]


async def test_a_ban_replaces_the_one_before(store):
    await store.blocks.ban(ban(user="ann", note="first"))
    await store.blocks.ban(dataclasses.replace(ban(user="ann"), expires_at=MS + 86_400_000, note="second"))
    assert [(each.note, each.expires_at) for each in await store.blocks.list(NOW)] == [("second", MS + 86_400_000)]
