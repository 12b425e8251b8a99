"""Users filtered, in order and page by page, alike on every engine; and what a page costs among many."""

import itertools
import random
import re
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
from sqlalchemy import insert, text

from authgate.errors import BadName
from authgate.model import Group, User, UserQuery
from authgate.store import Store, StoreOptions
from authgate.store.tables import user_group_members, users
from authgate.store.user_walk import Place, Walk
from authgate.store.users import COLUMNS, dump

from .samples import writing

NOW = 1_700_000_000  # long ago: whoever expires then has expired
LATER = 253_402_300_799

NAMES = [
    "a",
    "a%",
    "a_",
    "ab",
    "a!b",
    "b",
    "cam-1",
    "cam-10",
    "cam-2",
    "cam_1",
    "z",
    "ä",
    "éa",
    "ж",
    "😀",
    "\U0010fffd",
]


def everybody() -> list[User]:
    """Users who differ in all that is asked for, many of them alike in it."""
    dice = random.Random(5)
    return [
        User(
            name,
            name,
            enabled=dice.random() < 0.6,
            hash=None if dice.random() < 0.4 else "$h",
            created_at=dice.choice([1, 2, 2, 2, 3]),
            updated_at=dice.choice([5, 6]),
            generation=1,
            expires_at=dice.choice([None, None, NOW, NOW - 5, LATER]),
        )
        for name in NAMES
    ]


MEMBERS = {"staff": NAMES[::2], "nobody": [], "strangers": ["gone", *NAMES[3:5]]}


async def planted(store: Store) -> list[User]:
    every = everybody()
    async with writing(store) as connection:
        await connection.execute(insert(users), [dump(user) for user in every])
    for group, names in MEMBERS.items():
        await store.groups.add(Group(group))
        async with writing(store) as connection:
            rows = [{"user_name": name, "group_name": group} for name in names]
            if rows:
                await connection.execute(insert(user_group_members), rows)
    return every


def expected(every: list[User], query: UserQuery) -> list[str]:
    """The same by hand."""
    found = [
        user
        for user in every
        if query.enabled in (None, user.enabled)
        and (query.group is None or user.name in MEMBERS[query.group])
        and (not query.expired or (user.expires_at is not None and user.expires_at <= NOW + 5))
        and (not query.without_password or user.hash is None)
        and (query.name is None or fnmatchcase(user.name, query.name))
    ]
    values = {"name": lambda _: 0, "created": lambda u: u.created_at, "updated": lambda u: u.updated_at}
    values["expires"] = lambda u: LATER + 1 if u.expires_at is None else u.expires_at
    found.sort(key=lambda user: (values[query.by](user), user.name.encode()), reverse=query.reverse)
    return [user.name for user in found]


async def listed(store: Store, query: UserQuery, limit: int) -> list[str]:
    names: list[str] = []
    after = None
    while found := await store.users.page(query, after=after, limit=limit):
        assert len(found) <= limit
        names += [user.name for user in found]
        after = found[-1]
    return names


ORDERS = ("name", "created", "updated", "expires")
FILTERS = {
    "everybody": {},
    "enabled": {"enabled": True},
    "disabled": {"enabled": False},
    "in a group": {"group": "staff"},
    "in an empty group": {"group": "nobody"},
    "in a group with strangers": {"group": "strangers"},
    "expired": {"expired": True},
    "without a password": {"without_password": True},
    "a name": {"name": "a"},
    "a beginning": {"name": "cam-*"},
    "an end": {"name": "*b"},
    "one character": {"name": "?"},
    "a wildcard in the middle": {"name": "c?m*1"},
    "nothing of LIKE": {"name": "a%"},
    "nothing of LIKE either": {"name": "cam_*"},
    "an escape of ours": {"name": "a!*"},
    "all that is asked for": {"enabled": True, "group": "staff", "name": "*", "without_password": True},
    "what nobody is": {"expired": True, "group": "strangers", "name": "z"},
}


@pytest.mark.parametrize(("step", "limit"), [(4, 3), (10_000, 4), (10_000, 100)], ids=["in steps", "at once", "whole"])
@pytest.mark.parametrize("by", ORDERS)
async def test_pages_have_everybody_once_and_in_order(
    store_options: StoreOptions, monkeypatch: pytest.MonkeyPatch, by: str, step: int, limit: int
):
    monkeypatch.setattr("authgate.store.users._STEP", step)
    store = Store(
        replace(store_options, timeout=60.0)
    )  # how busy the machine is that it runs on is no fault of the code
    try:
        every = await planted(store)
        for reverse, (name, filters) in itertools.product((False, True), FILTERS.items()):
            query = UserQuery(by=by, reverse=reverse, **filters)
            assert await listed(store, query, limit) == expected(every, query), (reverse, name)
    finally:
        await store.close()


async def test_a_page_goes_on_behind_a_user_who_is_not_asked_for(store: Store):
    every = await planted(store)
    for by, reverse in itertools.product(ORDERS, (False, True)):
        query = UserQuery(enabled=True, by=by, reverse=reverse)
        whole = expected(every, UserQuery(by=by, reverse=reverse))
        for user in every:
            behind = set(whole[whole.index(user.name) + 1 :])
            found = [each.name for each in await store.users.page(query, after=user)]
            assert found == [name for name in expected(every, query) if name in behind]


async def test_a_page_goes_on_behind_a_user_who_is_gone(store: Store):
    await planted(store)
    found = await store.users.page(UserQuery(), after=User("ac", "ac"), limit=2)
    assert [user.name for user in found] == ["b", "cam-1"]


async def test_users_come_whole(store: Store):
    every = await planted(store)
    assert sorted(await store.users.page(UserQuery(group="staff")), key=lambda user: NAMES.index(user.name)) == [
        user for user in every if user.name in MEMBERS["staff"]
    ]


PATTERNS = {"capitals": "CAM-*", "full width": "ｃａｍ-*", "spaces around it": " cam-* ", "escaped": r"\cam-*"}


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
async def test_a_pattern_means_names_in_their_one_form(store: Store, pattern: str):
    await planted(store)
    found = await store.users.page(UserQuery(name=pattern))
    assert [user.name for user in found] == ["cam-1", "cam-10", "cam-2"]


@pytest.mark.parametrize("pattern", ["", " ", "a\\", "a\0", "\u202e*", "*" * 761])
async def test_what_is_no_pattern(store: Store, pattern: str):
    with pytest.raises(BadName):
        await store.users.page(UserQuery(name=pattern))


MANY = 20_000
EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN ", "mariadb": "EXPLAIN "}
# The words by which an engine tells that it sorts, or reads a table that is in no order.
BAD = {
    "sqlite": re.compile(r"TEMP B-TREE|SCAN \w+'"),
    "postgresql": re.compile("Sort|Seq Scan"),
    "mariadb": re.compile("filesort|'ALL'|temporary"),
}


async def explained(store: Store, backend: str, query: str) -> str:
    async with store.engine.connect() as connection:
        rows = (await connection.exec_driver_sql(EXPLAIN[backend] + query.replace("%", "%%"))).all()
    return "\n".join(str(tuple(row)) for row in rows)


async def test_each_page_is_read_off_an_index(backend: str, store: Store):
    """Whatever the order and wherever the page begins: nothing is sorted, and no table is read as a whole."""
    rows = [
        dump(User(f"u{n:06}", "x", created_at=n % 7 + 1, updated_at=n + 1, expires_at=n if n % 3 else None))
        for n in range(MANY)
    ]
    async with writing(store) as connection:
        for at in range(0, MANY, 5000):
            await connection.execute(insert(users), rows[at : at + 5000])
        members = [{"user_name": f"u{n * 2:06}", "group_name": "staff"} for n in range(MANY // 2)]
        await connection.execute(insert(user_group_members), members)
    if backend != "sqlite":  # what any server does by itself after a while
        async with writing(store) as connection:
            tables = "" if backend == "postgresql" else " TABLE users, user_group_members"
            await connection.execute(text(f"ANALYZE{tables}"))
    asked = [*itertools.product(ORDERS, (False, True), (None,)), ("name", False, "staff"), ("name", True, "staff")]
    for by, reverse, group in asked:
        query = UserQuery(by=by, reverse=reverse, group=group)
        walk = Walk(query, NOW, sorts_nulls=backend == "mariadb")
        middle = Place(None if by == "name" else 4 if by == "created" else MANY // 2, "u010000")
        for after in (None, middle, Place(None, "u010000")):
            for part in walk.ranges(after):
                compiled = walk.users(part, COLUMNS, 100).compile(store.engine, compile_kwargs={"literal_binds": True})
                plan = await explained(store, backend, str(compiled))
                assert not BAD[backend].search(plan), (by, reverse, group, after, str(compiled), plan)
