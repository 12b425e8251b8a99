"""Users, alike on every engine."""

import asyncio
from dataclasses import replace

import pytest

from authgate.errors import Refused
from authgate.model import Principal, Session, SessionKey, User
from authgate.store import Store

from .samples import ANN, now, opening, visits

DISTINCT = {
    "another case": "Ann",
    "a trailing space": "ann ",
    "an accent": "änn",
    "combining accent": "an\u0308n",
    "sharp s": "straße",
    "its expansion": "strasse",
    "emoji": "ann😀",
    "another emoji": "ann😁",
    "a like pattern": "an%",
    "a quote": "an'n\"`\\",
    "longest": "x" * 190,
    "longest in 4 bytes each": "😀" * 190,
}


@pytest.mark.parametrize("name", DISTINCT.values(), ids=DISTINCT)
async def test_names_are_compared_exactly(store: Store, name: str):
    await store.users.add(ANN)
    assert await store.users.find(name) is None
    await store.users.add(User(name, name))
    assert (await store.users.find(name)) == {each.name: each for each in await store.users.list()}[name]
    assert (await store.users.find("ann")).display == "Ann"
    assert await store.users.change(name, {"enabled": False})
    assert (await store.users.find("ann")).enabled
    assert await store.users.delete(name)
    assert [each.name for each in await store.users.list()] == ["ann"]


ABSENT = {"nobody": "bob", "empty": "", "NUL": "ann\0", "too long": "a" * 191, "lone surrogate": "\ud800", "%": "a%"}


@pytest.mark.parametrize("name", ABSENT.values(), ids=ABSENT)
async def test_absent(store: Store, name: str):
    await store.users.add(ANN)
    assert await store.users.find(name) is None
    assert not await store.users.change(name, {"enabled": False})
    assert not await store.users.change(name, {"display": "x"})
    assert not await store.users.change(name, {"hash": "x"})
    assert not await store.users.change(name, {"grants": ()})
    assert not await store.users.delete(name)
    assert not await store.users.renew(name, ANN.hash or "", "x")


async def test_a_user_comes_back_as_given(store: Store):
    given = User("ann", "Änn 😀", enabled=False, hash="$h", created_at=1, updated_at=2, generation=3, cut_off_at=4)
    await store.users.add(given)
    assert await store.users.find("ann") == given
    assert (await store.users.find("ann")).hash == "$h"


LIMITS = {
    "a beginning": {"not_before": 1},
    "an end": {"expires_at": 253_402_300_799},
    "no sessions": {"max_sessions": 0},
    "some sessions": {"max_sessions": 2_147_483_647},
    "notes": {"notes": "ж😀\nof two lines"},
    "all of them": {"not_before": 1, "expires_at": 2, "max_sessions": 3, "notes": "x" * 2000},
}


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
async def test_limits_come_back_as_given(store: Store, limits):
    given = User("ann", "Ann", created_at=1, updated_at=2, generation=3, **limits)
    await store.users.add(given)
    await store.users.add(User("bob", "Bob", created_at=1, updated_at=2, generation=3))
    assert await store.users.find("ann") == given
    assert list(await store.users.list()) == [given, User("bob", "Bob", created_at=1, updated_at=2, generation=3)]


async def test_notes_are_made_storable(store: Store):
    await store.users.add(User("ann", "Ann", notes="a\0\ud800" + "😀" * 2000))
    assert (await store.users.find("ann")).notes == "a\ufffd\ufffd" + "😀" * 1997


GRANTS = {"no list": None, "an empty list": (), "some": ("publish:ж😀*", "!play:\ud800\0", "")}


@pytest.mark.parametrize("before", GRANTS.values(), ids=GRANTS)
@pytest.mark.parametrize("after", GRANTS.values(), ids=GRANTS)
async def test_grants_come_back_as_given(store: Store, before, after):
    """No list and an empty one are two things."""
    await store.users.add(User("ann", "Ann", grants=before, created_at=1, updated_at=1))
    await store.users.add(User("bob", "Bob", grants=("play:*",)))
    assert (await store.users.find("ann")).grants == before
    assert await store.users.change("ann", {"grants": after})
    found = await store.users.find("ann")
    assert found.grants == after
    assert found.updated_at > 1
    assert [user.grants for user in await store.users.list()] == [after, ("play:*",)]


async def test_times_are_filled_in(store: Store):
    before = now()
    await store.users.add(ANN)
    found = await store.users.find("ann")
    assert before <= found.created_at == found.updated_at <= now()


@pytest.mark.parametrize("hashed", [None, ""], ids=["no hash", "empty hash"])
async def test_without_a_password(store: Store, hashed: str | None):
    await store.users.add(User("ann", "Ann", hash=hashed))
    assert (await store.users.find("ann")).hash == hashed


async def test_taken(store: Store):
    await store.users.add(ANN)
    with pytest.raises(Refused) as refusal:
        await store.users.add(User("ann", "Other"))
    assert str(refusal.value) == "there is a user 'ann' already"
    assert (await store.users.find("ann")).display == "Ann"


@pytest.mark.parametrize("hashed", ["x" * 513, "x\0"], ids=["too long", "NUL"])
async def test_a_hash_is_never_cut(store: Store, hashed: str):
    with pytest.raises(Refused):
        await store.users.add(User("ann", "Ann", hash=hashed))
    await store.users.add(ANN)
    with pytest.raises(Refused):
        await store.users.change("ann", {"hash": hashed})


async def test_display_is_made_storable(store: Store):
    await store.users.add(User("ann", "a\0b\ud800" + "x" * 200))
    assert (await store.users.find("ann")).display == "a\ufffdb\ufffd" + "x" * 186


async def test_changes(store: Store):
    await store.users.add(User("ann", "Ann", created_at=1, updated_at=1))
    assert await store.users.change("ann", {"hash": "h"})
    assert await store.users.change("ann", {"display": "Anna"})
    assert await store.users.change("ann", {"enabled": False})
    assert await store.users.change("ann", {"enabled": False})  # she is there, though nothing changes
    found = await store.users.find("ann")
    assert (found.hash, found.display, found.enabled, found.created_at) == ("h", "Anna", False, 1)
    assert found.updated_at > 1


async def test_renew_puts_a_hash_in_place_of_the_one_that_was_verified(store: Store):
    await store.users.add(User("ann", "Ann", hash="old"))
    assert await store.users.renew("ann", "old", "new")
    assert not await store.users.renew("ann", "old", "newer")  # a password set in the meantime wins
    assert (await store.users.find("ann")).hash == "new"


async def test_many_renew_at_once(store: Store):
    await store.users.add(User("ann", "Ann", hash="old"))
    outcomes = await asyncio.gather(*(store.users.renew("ann", "old", f"new{n}") for n in range(8)))
    assert sum(outcomes) == 1


async def test_list(store: Store):
    for name in ("b", "a", "ab", "B", "ä", "a_", "z"):
        await store.users.add(User(name, name))

    async def names(**asked):
        return [user.name for user in await store.users.list(**asked)]

    assert await names() == ["B", "a", "a_", "ab", "b", "z", "ä"]  # by code point on every engine
    assert await names(limit=2) == ["B", "a"]
    assert await names(after="a_", limit=2) == ["ab", "b"]


async def test_any(store: Store):
    assert not await store.users.any()
    await store.users.add(ANN)
    assert await store.users.any()


KEPT_OUT = {
    "disabled": {"enabled": False},
    "expired": {"expires_at": 1},
    "of tomorrow": {"not_before": 253_402_300_799},
}


@pytest.mark.parametrize("kept_out", KEPT_OUT.values(), ids=KEPT_OUT)
async def test_who_is_kept_out_is_no_user_who_may_log_in(store: Store, kept_out):
    await store.users.add(replace(ANN, **kept_out))
    assert not await store.users.any()


async def test_finds_that_wait_together_share_one_statement(store: Store, monkeypatch: pytest.MonkeyPatch):
    await store.watch.close()  # it reads now and then
    await store.users.add(ANN)
    names = ["ann", "bob", "ann", "eve"] * 50 + [f"u{n}" for n in range(100)]
    checkouts = visits(store, monkeypatch)
    found = await asyncio.gather(*map(store.users.find, names))
    assert [user and user.name for user in found] == [name if name == "ann" else None for name in names]
    assert len(checkouts) == 1


CUTS = {
    "cut off": (lambda users: users.cut_off("ann"), True),
    "another password": (lambda users: users.change("ann", {"hash": "$h"}), True),
    "no password": (lambda users: users.change("ann", {"hash": None}), True),
    "disabled": (lambda users: users.change("ann", {"enabled": False}), True),
    "enabled": (lambda users: users.change("ann", {"enabled": True}), False),
    "other grants": (lambda users: users.change("ann", {"grants": ("play:*",)}), True),
    "shown otherwise": (lambda users: users.change("ann", {"display": "x"}), False),
    "a newer hash of the same password": (lambda users: users.renew("ann", "$2", "$3"), False),
}


@pytest.mark.parametrize(("change", "cuts"), CUTS.values(), ids=CUTS)
async def test_what_begins_the_next_generation_of_a_user(store: Store, change, cuts: bool):
    await store.users.add(User("ann", "Ann", hash="$2"))
    await store.users.add(User("bob", "Bob"))
    before, bob = await store.users.find("ann"), await store.users.find("bob")
    assert (before.generation > 0, before.cut_off_at) == (True, None)
    assert await change(store.users)
    after = await store.users.find("ann")
    assert (after.generation > before.generation) == cuts
    # Tokens of others name no generation, and by other grants they are judged anyway.
    assert (after.cut_off_at is not None) == (cuts and after.grants is None)
    assert await store.users.find("bob") == bob


async def test_each_cut_begins_another_generation_also_within_a_millisecond(store: Store):
    await store.users.add(User("ann", "Ann", generation=9_999_999_999_999))
    for number in (1, 2, 3):
        await store.users.cut_off("ann")
        assert (await store.users.find("ann")).generation == 9_999_999_999_999 + number


async def test_a_user_is_created_once(store: Store):
    found = await asyncio.gather(*(store.users.create("ann") for _ in range(5)))
    assert len({user.generation for user in found}) == 1
    assert (found[0].enabled, found[0].hash, found[0].display) == (True, None, "ann")
    assert await store.users.create("x" * 191) is None


@pytest.mark.parametrize("keeps", [True, False], ids=["other grants", "cut off"])
async def test_what_becomes_of_the_sessions_of_a_user_who_is_cut_off(store: Store, keeps: bool):
    await store.users.add(User("ann", "Ann"))
    generation = (await store.users.find("ann")).generation
    key = SessionKey("n", "s")
    opened = Session(key, "app", 1, Principal("ann", stored_user=True, generation=generation))
    await store.ledger.write(opening(opened))
    await (store.users.change("ann", {"grants": ()}) if keeps else store.users.cut_off("ann"))
    found = await store.sessions.find(key)
    assert found.user_generation > generation
    assert (found.client.generation == found.user_generation) == keeps
