"""Groups and who is in them, alike on every engine."""

import asyncio

import pytest
from sqlalchemy import insert, text

from authgate.errors import Refused
from authgate.model import Group, User
from authgate.store import Store
from authgate.store.tables import user_group_members

from .samples import ANN, now, writing

DISTINCT = {
    "another case": "Staff",
    "a trailing space": "staff ",
    "an accent": "stäff",
    "sharp s": "straße",
    "its expansion": "strasse",
    "emoji": "staff😀",
    "another emoji": "staff😁",
    "a like pattern": "staf%",
    "a quote": "sta'ff\"`\\",
    "longest": "x" * 190,
    "longest in 4 bytes each": "😀" * 190,
}


@pytest.mark.parametrize("name", DISTINCT.values(), ids=DISTINCT)
async def test_names_are_compared_exactly(store: Store, name: str):
    await store.groups.add(Group("staff", ("play:*",)))
    await store.groups.join("staff", ["ann"])
    assert await store.groups.find(name) is None
    await store.groups.add(Group(name))
    assert await store.groups.join(name, [name]) == 1
    assert await store.groups.members(name) == [name]
    assert await store.groups.set_grants(name, ["publish:*"])
    assert await store.groups.leave(name, ["ann"]) == 0
    assert await store.groups.delete(name)
    found = await store.groups.find("staff")
    assert (found.grants, found.members, await store.groups.members("staff")) == (("play:*",), 1, ["ann"])


ABSENT = {"nothing": "board", "empty": "", "NUL": "staff\0", "too long": "s" * 191, "lone surrogate": "\ud800"}


@pytest.mark.parametrize("name", ABSENT.values(), ids=ABSENT)
async def test_absent(store: Store, name: str):
    await store.groups.add(Group("staff"))
    await store.groups.join("staff", ["ann"])
    assert await store.groups.find(name) is None
    assert not await store.groups.set_grants(name, ())
    assert await store.groups.leave(name, ["ann"]) == 0
    assert await store.groups.members(name) == []
    assert await store.groups.of(name) == []
    assert not await store.groups.delete(name)
    with pytest.raises(Refused, match="there is no group"):
        await store.groups.join(name, ["ann"])
    assert await store.groups.of("ann") == ["staff"]


async def test_a_group_comes_back_as_given(store: Store):
    before = now()
    for grants in (None, (), ("publish:ж😀*", "!play:\ud800\0")):
        await store.groups.add(Group("staff", grants))
        found = await store.groups.find("staff")
        assert (found.grants, found.members) == (grants, 0)
        assert before <= found.created_at == found.updated_at <= now()
        await store.groups.delete("staff")


async def test_taken(store: Store):
    await store.groups.add(Group("staff", ("play:*",)))
    with pytest.raises(Refused) as refusal:
        await store.groups.add(Group("staff"))
    assert str(refusal.value) == "there is a group 'staff' already"
    assert (await store.groups.find("staff")).grants == ("play:*",)


async def test_many_add_the_same_at_once(store: Store):
    outcomes = await asyncio.gather(
        *(store.groups.add(Group("staff", (f"play:{n}",))) for n in range(5)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if outcome is not None]
    assert [isinstance(refusal, Refused) for refusal in refused] == [True] * 4


TOO_LONG = ["play:" + "x" * 1_000] * 70


@pytest.mark.parametrize("change", ["add", "set", "user's add", "user's set"])
async def test_a_list_that_is_too_long_for_a_column_is_refused_everywhere(store: Store, change: str):
    await store.groups.add(Group("staff"))
    await store.users.add(ANN)
    changes = {
        "add": lambda: store.groups.add(Group("board", tuple(TOO_LONG))),
        "set": lambda: store.groups.set_grants("staff", TOO_LONG),
        "user's add": lambda: store.users.add(User("bob", "Bob", grants=tuple(TOO_LONG))),
        "user's set": lambda: store.users.change("ann", {"grants": TOO_LONG}),
    }
    with pytest.raises(Refused, match="65,535 bytes"):
        await changes[change]()
    assert [group.grants for group in await store.groups.list()] == [None]
    assert [user.grants for user in await store.users.list()] == [None]


async def test_a_long_list_is_kept_whole(store: Store):
    grants = tuple(f"play:{n}😀" for n in range(2_000))
    await store.groups.add(Group("staff", grants))
    assert (await store.groups.find("staff")).grants == grants


async def test_set_grants(store: Store):
    await store.groups.add(Group("staff"))
    async with store.engine.begin() as connection:
        await connection.execute(text("UPDATE user_groups SET created_at = 1, updated_at = 1"))
    assert await store.groups.set_grants("staff", ["play:*"])
    assert await store.groups.set_grants("staff", ["play:*"])  # it is there, though nothing changes
    found = await store.groups.find("staff")
    assert (found.grants, found.created_at) == (("play:*",), 1)
    assert found.updated_at > 1
    assert await store.groups.set_grants("staff", [])
    assert (await store.groups.find("staff")).grants == ()
    assert await store.groups.set_grants("staff", None)
    assert (await store.groups.find("staff")).grants is None


async def test_join_and_leave(store: Store):
    await store.groups.add(Group("staff"))
    assert await store.groups.join("staff", ["bob", "ann", "bob"]) == 2
    assert await store.groups.join("staff", ["ann", "eve"]) == 1
    assert await store.groups.join("staff", []) == 0
    assert await store.groups.members("staff") == ["ann", "bob", "eve"]
    assert (await store.groups.find("staff")).members == 3
    assert await store.groups.leave("staff", ["bob", "nobody", "bob"]) == 1
    assert await store.groups.leave("staff", []) == 0
    assert await store.groups.leave("staff", ["ann\0", "\ud800", "x" * 191, ""]) == 0
    assert await store.groups.members("staff") == ["ann", "eve"]


@pytest.mark.parametrize("user", ["", "ann\0", "\ud800", "x" * 191], ids=["empty", "NUL", "lone surrogate", "long"])
async def test_who_cannot_join(store: Store, user: str):
    await store.groups.add(Group("staff"))
    with pytest.raises(Refused, match="the name of a user is 1 to 190 characters"):
        await store.groups.join("staff", ["bob", user])
    assert await store.groups.members("staff") == [], "all of them or none"


async def test_more_join_than_one_statement_can_name(store: Store):
    people = [f"user-{n}" for n in range(1_201)]
    await store.groups.add(Group("staff"))
    assert await store.groups.join("staff", people[:700]) == 700
    assert await store.groups.join("staff", people) == 501
    assert (await store.groups.find("staff")).members == 1_201
    assert await store.groups.leave("staff", [*people[1:], "nobody"]) == 1_200
    assert await store.groups.members("staff") == people[:1]


async def test_many_join_at_once(store: Store, store_options):
    other = Store(store_options)
    await store.groups.add(Group("staff"))
    people = [f"u{n:02}" for n in range(40)]
    await asyncio.gather(
        *(to.groups.join("staff", people[n:] + people[:n]) for to in (store, other) for n in (0, 10, 20, 30))
    )
    await other.close()
    assert await store.groups.members("staff") == people


async def test_nobody_is_left_in_a_group_that_is_deleted_while_they_join(store: Store, store_options):
    """Or a later group of the same name would begin with members whom nobody put there."""
    other = Store(store_options)
    for _ in range(5):
        await store.groups.add(Group("staff"))
        joins = [to.groups.join("staff", [f"u{n}"]) for n in range(6) for to in (store, other)]
        joins.insert(5, store.groups.delete("staff"))
        outcomes = await asyncio.gather(*joins, return_exceptions=True)
        assert outcomes[5] is True
        assert all(outcome in (0, 1) or isinstance(outcome, Refused) for outcome in outcomes)
        await store.groups.add(Group("staff"))
        assert await store.groups.members("staff") == []
        await store.groups.delete("staff")
    await other.close()


async def test_a_user_who_is_deleted_leaves_its_groups(store: Store):
    await store.users.add(ANN)
    await store.users.add(User("ann2", "Ann"))
    for name in ("staff", "board"):
        await store.groups.add(Group(name, ("play:*",)))
        await store.groups.join(name, ["ann", "ann2"])
    assert await store.users.delete("ann")
    assert await store.groups.of("ann") == []
    assert await store.groups.members("staff") == ["ann2"]
    await store.users.add(ANN)
    assert (await store.authorities.of("ann")).groups == frozenset(), "another of the same name begins anew"
    assert await store.groups.of("ann2") == ["board", "staff"]


async def test_lists(store: Store):
    for name in ("b", "a", "ab", "B", "ä", "a_"):
        await store.groups.add(Group(name))
    await store.groups.join("a_", ["z", "Z", "ä", "y"])

    async def names(**asked):
        return [group.name for group in await store.groups.list(**asked)]

    assert await names() == ["B", "a", "a_", "ab", "b", "ä"]  # by code point on every engine
    assert await names(limit=2) == ["B", "a"]
    assert await names(after="a_", limit=2) == ["ab", "b"]
    assert [group.members for group in await store.groups.list()] == [0, 0, 4, 0, 0, 0]
    assert await store.groups.members("a_") == ["Z", "y", "z", "ä"]
    assert await store.groups.members("a_", limit=2) == ["Z", "y"]
    assert await store.groups.members("a_", after="y", limit=2) == ["z", "ä"]


EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN ", "mariadb": "EXPLAIN "}
MEMBERS = {
    "sqlite": "SEARCH user_group_members USING COVERING INDEX user_group_members_in_order (group_name=?)",
    "postgresql": "user_group_members_in_order",
    "mariadb": "'user_group_members', 'ref', 'user_group_members_in_order', 'user_group_members_in_order'",
}


async def test_members_are_found_by_their_group(backend: str, store: Store):
    members = [{"user_name": f"u{n}", "group_name": f"g{n % 300}"} for n in range(3000)]
    async with writing(store) as connection:
        await connection.execute(insert(user_group_members), members)
    async with store.engine.connect() as connection:
        if backend != "sqlite":  # what any server does by itself after a while
            await connection.execute(text("ANALYZE" if backend == "postgresql" else "ANALYZE TABLE user_group_members"))
        query = "SELECT count(*) FROM user_group_members WHERE group_name = 'g7'"
        plan = (await connection.exec_driver_sql(EXPLAIN[backend] + query)).all()
    assert MEMBERS[backend] in "\n".join(str(tuple(row)) for row in plan)
