"""What users may do: their own lists and those of their groups, in one statement for all who ask."""

import asyncio
import re

import pytest
from sqlalchemy import insert, text, update

from authgate import grants
from authgate.errors import StoreError
from authgate.model import NO_AUTHORITY, Authority, Group, Principal, Reason, User
from authgate.patterns import Name
from authgate.store import Store
from authgate.store.authorities import _authority, by_user
from authgate.store.lists import DENY_ALL, loaded
from authgate.store.tables import user_group_members, user_groups, users

from .samples import visits, writing

OWN, STAFF, BOARD = "play:own", "play:staff", "publish:board"

# The user's own list, the list of each of its groups, and what comes of them.
LISTS = {
    "none anywhere": (None, {}, Authority()),
    "its own": ((OWN,), {}, Authority(grants=(OWN,))),
    "an empty one": ((), {}, Authority(grants=())),
    "a group without a list": (None, {"staff": None}, Authority(frozenset({"staff"}))),
    "a group's": (None, {"staff": (STAFF,)}, Authority(frozenset({"staff"}), (STAFF,))),
    "a group's empty one": (None, {"staff": ()}, Authority(frozenset({"staff"}), ())),
    "an empty one, and a group without": ((), {"staff": None}, Authority(frozenset({"staff"}), ())),
    "its own, and a group without": ((OWN,), {"staff": None}, Authority(frozenset({"staff"}), (OWN,))),
    "an empty one, and a group's": ((), {"staff": (STAFF,)}, Authority(frozenset({"staff"}), (STAFF,))),
    "all, its own first, then by the groups' names": (
        (OWN,),
        {"staff": (STAFF,), "board": (BOARD, "!play:x")},
        Authority(frozenset({"staff", "board"}), (OWN, BOARD, "!play:x", STAFF)),
    ),
    "one that several have": ((OWN,), {"staff": (STAFF, OWN)}, Authority(frozenset({"staff"}), (OWN, STAFF))),
}


@pytest.mark.parametrize(("own", "groups", "authority"), LISTS.values(), ids=LISTS)
async def test_lists_come_together(store: Store, own, groups, authority: Authority):
    await store.users.add(User("ann", "Ann", grants=own))
    await store.groups.add(Group("others", ("*:*",)))  # of which she is none
    for name, granted in groups.items():
        await store.groups.add(Group(name, granted))
        await store.groups.join(name, ["ann"])
    assert await store.authorities.of("ann") == authority


def test_their_order_does_not_depend_on_the_database():
    groups = {"b": ("2", "1"), "c": None, "a": ("3", "1")}
    assert _authority(("0",), groups) == Authority(frozenset("abc"), ("0", "3", "1", "2"))


async def test_who_has_no_row_may_be_in_a_group(store: Store):
    """Somebody whom a token alone lets in."""
    await store.groups.add(Group("staff", (STAFF,)))
    await store.groups.join("staff", ["guest"])
    assert await store.authorities.of("guest") == Authority(frozenset({"staff"}), (STAFF,))


UNKNOWN = {
    "nobody": "bob",
    "empty": "",
    "another case": "Ann",
    "a trailing space": "ann ",
    "NUL": "ann\0",
    "a lone surrogate": "ann\ud800",
    "an accent": "änn",
    "a like pattern": "an_",
    "too long": "a" * 191,
    "4 bytes each": "😀" * 190,
    "SQL": "' OR 1=1 --",
}


@pytest.mark.parametrize("name", UNKNOWN.values(), ids=UNKNOWN)
async def test_of_an_unknown_user_there_is_none(store: Store, name: str):
    await store.users.add(User("ann", "Ann", grants=(OWN,)))
    await store.groups.add(Group("staff", (STAFF,)))
    await store.groups.join("staff", ["ann"])
    assert await store.authorities.of(name) == NO_AUTHORITY


@pytest.mark.parametrize("name", ["ann😀", "straße", "x" * 190, "😀" * 190, "an'n\"`\\"])
async def test_names_are_compared_exactly(store: Store, name: str):
    await store.users.add(User("ann", "Ann", grants=(OWN,)))
    await store.users.add(User(name, name, grants=(BOARD,)))
    await store.groups.add(Group(name, (STAFF,)))
    await store.groups.join(name, [name])
    assert await store.authorities.of(name) == Authority(frozenset({name}), (BOARD, STAFF))
    assert await store.authorities.of("ann") == Authority(grants=(OWN,))


async def test_changes_are_seen_at_once(store: Store):
    await store.users.add(User("ann", "Ann"))
    await store.groups.add(Group("staff", (STAFF,)))
    seen = []
    for change in (
        store.groups.join("staff", ["ann"]),
        store.groups.set_grants("staff", ()),
        store.users.change("ann", {"grants": [OWN]}),
        store.groups.leave("staff", ["ann"]),
        store.users.change("ann", {"grants": None}),
    ):
        assert await change
        seen.append((await store.authorities.of("ann")).grants)
    assert seen == [(STAFF,), (), (OWN,), (OWN,), None]


async def test_a_group_that_was_deleted_gives_nothing_any_more(store: Store):
    await store.groups.add(Group("staff", (STAFF,)))
    await store.groups.join("staff", ["ann"])
    assert await store.groups.delete("staff")
    assert await store.authorities.of("ann") == NO_AUTHORITY
    await store.groups.add(Group("staff", (STAFF,)))
    assert await store.authorities.of("ann") == NO_AUTHORITY, "nor does another of its name"


async def test_a_member_of_a_group_that_is_not_there_is_in_none(store: Store):
    async with store.engine.begin() as connection:
        await connection.execute(insert(user_group_members).values(user_name="ann", group_name="gone"))
    assert await store.authorities.of("ann") == NO_AUTHORITY


# What another hand may have put into a column of grants.
UNREADABLE = {
    "no JSON": "play:*",
    "nothing": "",
    "torn": '["play:*"',
    "text": '"play:*"',
    "an object": '{"play:*": true}',
    "null": "null",
    "true": "true",
    "a number": "1",
    "an entry that is no text": '["play:*", 1]',
    "an entry that is a list": '["play:*", ["play:*"]]',
    "an entry that is null": "[null]",
    "nested beyond all measure": "[" * 60_000,
    "a number beyond all measure": "9" * 60_000,
}


@pytest.mark.parametrize("column", UNREADABLE.values(), ids=UNREADABLE)
def test_a_list_that_cannot_be_read_denies_everything(column: str):
    found = loaded(column)
    assert found is not None
    assert DENY_ALL in found
    for action in grants.ACTIONS:
        said = grants.judge(action, Name("x"), Authority(grants=("*:*", *found)), Principal("ann"))
        assert said is Reason.GRANT_DENIED


@pytest.mark.parametrize("table", [users, user_groups], ids=["of the user", "of a group"])
async def test_a_list_that_cannot_be_read_neither_widens_nor_fails(store: Store, table):
    await store.users.add(User("ann", "Ann", grants=(OWN,)))
    await store.users.add(User("bob", "Bob", grants=(OWN,)))
    await store.groups.add(Group("staff", (STAFF,)))
    await store.groups.join("staff", ["ann"])
    async with store.engine.begin() as connection:
        await connection.execute(update(table).where(table.c.name.in_(["ann", "staff"])).values(grants='["play:*"'))
    found, others = await asyncio.gather(store.authorities.of("ann"), store.authorities.of("bob"))
    assert DENY_ALL in found.grants
    assert others == Authority(grants=(OWN,))
    if table is users:
        assert (await store.users.find("ann")).grants == (DENY_ALL,)
        assert [user.name for user in await store.users.list()] == ["ann", "bob"]
    else:
        assert (await store.groups.find("staff")).grants == (DENY_ALL,)


async def test_a_store_without_the_tables_lets_nobody_in(store: Store):
    async with store.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE user_groups RENAME TO gone"))
    try:
        with pytest.raises(StoreError):
            await store.authorities.of("ann")
    finally:
        async with store.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE gone RENAME TO user_groups"))


async def test_all_who_wait_share_one_statement(store: Store, monkeypatch: pytest.MonkeyPatch):
    await store.watch.close()  # it reads now and then
    await store.users.add(User("ann", "Ann", grants=(OWN,)))
    await store.groups.add(Group("staff", (STAFF,)))
    await store.groups.join("staff", ["bob"])
    names = ["ann", "bob", "eve", "ann"] * 40 + [f"u{n}" for n in range(100)]
    checkouts = visits(store, monkeypatch)
    found = dict(zip(names, await asyncio.gather(*map(store.authorities.of, names)), strict=True))
    assert found.pop("ann") == Authority(grants=(OWN,))
    assert found.pop("bob") == Authority(frozenset({"staff"}), (STAFF,))
    assert set(found.values()) == {NO_AUTHORITY}
    assert len(checkouts) == 1


EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN ", "mariadb": "EXPLAIN "}
BY_KEY = {
    "sqlite": (
        r"SEARCH users USING INDEX sqlite_autoindex_users_1 \(name=\?\)",
        r"SEARCH user_group_members USING COVERING INDEX sqlite_autoindex_user_group_members_1 \(user_name=\?\)",
        r"SEARCH user_groups USING INDEX sqlite_autoindex_user_groups_1 \(name=\?\)",
    ),
    "postgresql": ("using users_pkey|on users_pkey", "using user_group_members_pkey|on user_group_members_pkey"),
    "mariadb": (
        "'users', '(const|range)', 'PRIMARY', 'PRIMARY', '762'",
        "'user_group_members', '(ref|range)', .*'PRIMARY', '762'",
        "'user_groups', 'eq_ref', 'PRIMARY', 'PRIMARY', '762'",
    ),
}
SCANS = {"sqlite": "SCAN", "postgresql": "Seq Scan on user_group_members", "mariadb": "'ALL'"}


async def test_they_are_found_by_their_keys(backend: str, store: Store):
    async with writing(store) as connection:
        people = [f"u{n}" for n in range(3000)]
        rows = {"display": "x", "enabled": True, "created_at": 1, "updated_at": 1}
        await connection.execute(insert(users), [{"name": name} | rows for name in people])
        times = {"created_at": 1, "updated_at": 1}
        await connection.execute(insert(user_groups), [{"name": f"g{n}"} | times for n in range(300)])
        members = [{"user_name": name, "group_name": f"g{n % 300}"} for n, name in enumerate(people)]
        await connection.execute(insert(user_group_members), members)
    inlined = {"literal_binds": True, "render_postcompile": True}
    tables = "users, user_groups, user_group_members"
    async with store.engine.connect() as connection:
        if backend != "sqlite":  # what any server does by itself after a while
            await connection.execute(text("ANALYZE" if backend == "postgresql" else f"ANALYZE TABLE {tables}"))
        for size in (1, 4):
            asked = people[:: len(people) // size][:size]
            query = by_user(asked).compile(store.engine, compile_kwargs=inlined)
            rows = (await connection.exec_driver_sql(EXPLAIN[backend] + str(query).replace("%", "%%"))).all()
            plan = "\n".join(str(tuple(row)) for row in rows)
            for step in BY_KEY[backend]:
                assert re.search(step, plan), plan
            assert SCANS[backend] not in plan
