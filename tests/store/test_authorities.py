"""What users may do, on the three databases."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import insert, text, update

from authgate.errors import Refused
from authgate.model import (
    NO_AUTHORITY,
    Alias,
    Authority,
    Close,
    Entry,
    Group,
    Open,
    Principal,
    Session,
    SessionKey,
    User,
)
from authgate.store.tables import user_groups, users
from tests.store.samples import a_record as record


async def fill(store):
    await store.users.add(User("ann", "Ann", grants=("publish:ann-*",)))
    await store.users.add(User("bob", "Bob"))
    await store.users.add(User("eve", "Eve", grants=()))
    await store.groups.add(Group("staff", ("play:*", "publish:ann-*")))
    await store.groups.add(Group("guests"))
    await store.groups.add(Group("none", ()))


CASES = {
    "nothing at all": ("bob", [], Authority()),
    "a list of its own": ("ann", [], Authority(frozenset(), ("publish:ann-*",))),
    "an empty list": ("eve", [], Authority(frozenset(), ())),
    "a group without a list": ("bob", ["guests"], Authority(frozenset({"guests"}))),
    "a group with an empty list": ("bob", ["none"], Authority(frozenset({"none"}), ())),
    "a group with a list": ("bob", ["staff"], Authority(frozenset({"staff"}), ("play:*", "publish:ann-*"))),
    "both, each grant once": ("ann", ["staff"], Authority(frozenset({"staff"}), ("publish:ann-*", "play:*"))),
    "an empty list and a group": ("eve", ["staff"], Authority(frozenset({"staff"}), ("play:*", "publish:ann-*"))),
    "several groups": (
        "bob",
        ["staff", "guests", "none"],
        Authority(frozenset({"staff", "guests", "none"}), ("play:*", "publish:ann-*")),
    ),
    "a user who is not in the store": ("kim", ["staff"], Authority(frozenset({"staff"}), ("play:*", "publish:ann-*"))),
    "nobody": ("zoe", [], NO_AUTHORITY),
}


@pytest.mark.parametrize(("user", "groups", "authority"), CASES.values(), ids=CASES)
async def test_authority(store, user, groups, authority):
    await fill(store)
    for group in groups:
        await store.groups.join(group, [user])
    assert await store.authorities.of(user) == authority


async def test_many_at_once_each_get_their_own(store):
    await fill(store)
    await store.groups.join("staff", ["ann"])
    names = ["ann", "bob", "eve", "kim", "ann", "a" * 300, "\x00", "ANN", "ann "]
    found = await asyncio.gather(*map(store.authorities.of, names))
    assert [each.grants for each in found] == [
        ("publish:ann-*", "play:*"),
        None,
        (),
        None,
        ("publish:ann-*", "play:*"),
        *[None] * 4,
    ]


@pytest.mark.parametrize("broken", ["", "nonsense", "{}", "5", '"publish:*"', "[" * 3_000])
async def test_a_list_that_cannot_be_read_denies_everything(store, broken):
    await fill(store)
    await store.groups.join("staff", ["ann"])
    async with store.engine.begin() as connection:
        await connection.execute(update(users).where(users.c.name == "ann").values(grants=broken))
    assert "!*:*" in (await store.authorities.of("ann")).grants
    assert (await store.users.find("ann")).grants == ("!*:*",)


async def test_an_entry_that_is_no_text_denies_everything(store):
    async with store.engine.begin() as connection:
        row = {"name": "odd", "grants": '["play:*", 5]', "created_at": 0, "updated_at": 0}
        await connection.execute(insert(user_groups), row)
    await store.groups.join("odd", ["ann"])
    assert (await store.authorities.of("ann")).grants == ("play:*", "!*:*")


async def test_groups_page_by_page(store):
    await fill(store)
    first = await store.groups.list(limit=2)
    rest = await store.groups.list(after=first[-1].name, limit=2)
    assert [each.name for each in (*first, *rest)] == ["guests", "none", "staff"]
    assert await store.groups.join("staff", ["c", "a", "b", "a"]) == 3
    assert await store.groups.join("staff", []) == 0
    assert await store.groups.members("staff", limit=2) == ["a", "b"]
    assert await store.groups.members("staff", after="b") == ["c"]
    assert (await store.groups.find("staff")).members == 3
    assert await store.groups.of("a") == ["staff"]
    assert await store.groups.leave("staff", ["a", "zoe"]) == 1


@pytest.mark.parametrize("name", ["gone", "x" * 191, "\x00"])
async def test_a_group_that_is_not_there(store, name):
    assert await store.groups.find(name) is None
    assert not await store.groups.set_grants(name, None)
    assert not await store.groups.delete(name)
    assert await store.groups.of(name) == []


async def test_who_adds_a_group_second_is_refused(store):
    outcomes = await asyncio.gather(*(store.groups.add(Group("x")) for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in outcomes if each is not None] == [Refused] * 4


async def test_aliases_are_found_by_their_very_characters(store):
    names = ["lobby", "LOBBY", "lobby ", "löbby", "🎥", "x" * 190]
    for name in names:
        await store.aliases.add(Alias("cams", name, f"value of {name}"))
    await store.aliases.add(Alias("other", "lobby", "other"))
    asked = [("cams", name) for name in names] + [("other", "lobby"), ("cams", "gone"), ("CAMS", "lobby")]
    asked += [("cams", "y" * 191), ("c" * 65, "lobby"), ("cams", "\x00"), ("cams", "\ud800")]
    found = await asyncio.gather(*(store.aliases.find(*key) for key in asked))
    assert list(found) == [*(f"value of {name}" for name in names), "other", *[None] * 6]


async def test_aliases_page_by_page(store):
    for table, name in (("b", "2"), ("a", "2"), ("b", "1"), ("a", "1")):
        await store.aliases.add(Alias(table, name, "v"))
    first = await store.aliases.list(limit=3)
    rest = await store.aliases.list(after=(first[-1].table, first[-1].name), limit=3)
    assert [(each.table, each.name) for each in (*first, *rest)] == [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")]
    assert [each.name for each in await store.aliases.list(table="b")] == ["1", "2"]
    assert await store.aliases.remove("a", "1")
    for key in (("a", "1"), ("a" * 65, "1"), ("a", "\x00")):
        assert not await store.aliases.remove(*key)


ANN = Principal("ann", "token", ("play:*",), 9, "j", True, frozenset({"staff", "guests"}), {"room": "löbby"})


def live(id, app="app", config="", at=1_000, client=ANN):
    return Session(SessionKey("n", id), app, at, client, origin="https://page.example", config=config)


async def test_a_session_keeps_what_rules_ask_for(store):
    opened = live("s", config="0123456789abcdef")
    await store.users.add(User("ann", "Ann"))
    await store.ledger.write(Entry(record(), Open(opened)))
    assert await store.sessions.find(opened.key) == opened
    await store.ledger.write(Entry(record(), Close(opened.key, 2_000)))
    assert await store.sessions.find(opened.key) is None


async def test_sessions_are_counted_by_what_they_were_opened_with(store):
    for id, app, config in (("1", "a", "x"), ("2", "a", "x"), ("3", "a", ""), ("4", "b", "x")):
        await store.ledger.write(Entry(record(), Open(live(id, app, config))))
    assert await store.sessions.count_by_config() == {("a", "x"): 2, ("a", ""): 1, ("b", "x"): 1}


async def test_a_session_that_took_the_place_of_an_ended_one_stays(store):
    old, new = live("s"), live("s", at=2_000)
    await store.ledger.write(Entry(record(), Open(new)))
    assert await store.sessions.end([old]) == 0
    assert await store.sessions.find(old.key) is not None
    assert await store.sessions.end([new, live("other")]) == 1


async def test_facts_come_back_with_the_record(store):
    written = [replace(record(), facts=facts) for facts in ("", '{"client":{"user":"ann"}}')]
    for each in written:
        await store.ledger.write(Entry(each))
    assert sorted(each.facts for each in await store.records.list()) == ["", '{"client":{"user":"ann"}}']


async def test_rows_of_before_still_load(store):
    """As revision 0004 wrote them: what came later is null."""
    await store.ledger.write(Entry(record(), Open(live("s"))))
    async with store.engine.begin() as connection:
        for column in ("origin", "config", "token_groups", "claims"):
            await connection.execute(text(f"UPDATE sessions SET {column} = NULL"))
    found = await store.sessions.find(SessionKey("n", "s"))
    assert (found.origin, found.config, found.client.groups, dict(found.client.claims)) == ("", "", frozenset(), {})


PLANS = {
    "authorities": "SELECT group_name FROM user_group_members WHERE user_name = 'x'",
    "members": "SELECT user_name FROM user_group_members WHERE group_name = 'x'",
    "aliases": "SELECT value FROM aliases WHERE table_name = 'x' AND name = 'y'",
}


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("query", PLANS.values(), ids=PLANS)
async def test_no_hook_reads_a_whole_table(store, query):
    async with store.engine.connect() as connection:
        plan = (await connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))).all()
    assert all("SEARCH" in row[-1] for row in plan), plan
