"""Alias tables, alike on every engine."""

import asyncio

import pytest
from sqlalchemy import insert, text

from authgate.errors import Refused
from authgate.model import Alias
from authgate.store import Store, tables
from authgate.store.aliases import by_key

from .samples import now, visits, writing

SECRET = "rtsp://u:hunter2@cam.example.com/1?token=hunter2"
LOBBY = Alias("cams", "lobby", SECRET)

DISTINCT = {
    "another table": ("cam", "lobby"),
    "another case of the table": ("Cams", "lobby"),
    "another case": ("cams", "Lobby"),
    "a trailing space": ("cams", "lobby "),
    "a leading space": ("cams", " lobby"),
    "a trailing space of the table": ("cams ", "lobby"),
    "parts shifted": ("camsl", "obby"),
    "an accent": ("cams", "löbby"),
    "combining accent": ("cams", "lo\u0308bby"),
    "a joiner": ("cams", "lob\u200cby"),
    "emoji": ("cams", "lobby😀"),
    "a like pattern": ("cams", "lobb_"),
    "a quote": ("ca'ms", 'lob"by`\\'),
    "longest": ("t" * 64, "x" * 190),
    "longest in 4 bytes each": ("😀" * 64, "😀" * 190),
}


@pytest.mark.parametrize(("table", "name"), DISTINCT.values(), ids=DISTINCT)
async def test_names_are_compared_exactly(store: Store, table: str, name: str):
    await store.aliases.add(LOBBY)
    assert await store.aliases.find(table, name) is None
    assert not await store.aliases.remove(table, name)
    await store.aliases.add(Alias(table, name, "other"))
    assert await store.aliases.find(table, name) == "other"
    assert await store.aliases.find("cams", "lobby") == SECRET
    await store.aliases.add(Alias(table, name, "another"), replace=True)
    assert await store.aliases.find("cams", "lobby") == SECRET
    assert await store.aliases.remove(table, name)
    assert await store.aliases.find(table, name) is None
    assert await store.aliases.find("cams", "lobby") == SECRET


ABSENT = {
    "another name": ("cams", "yard"),
    "no name": ("cams", ""),
    "no table": ("", "lobby"),
    "NUL": ("cams", "lobby\0"),
    "NUL in the table": ("cams\0", "lobby"),
    "lone surrogate": ("cams", "\ud800"),
    "lone surrogate in the table": ("\ud800", "lobby"),
    "too long": ("cams", "x" * 191),
    "a table too long": ("x" * 65, "lobby"),
    "a path": ("cams", "../lobby"),
    "SQL": ("cams", "' OR 1=1 --"),
}


@pytest.mark.parametrize(("table", "name"), ABSENT.values(), ids=ABSENT)
async def test_absent(store: Store, table: str, name: str):
    await store.aliases.add(LOBBY)
    assert await store.aliases.find(table, name) is None
    assert not await store.aliases.remove(table, name)
    assert (await store.aliases.list(table=table) == []) == (table != "cams")
    assert await store.aliases.find("cams", "lobby") == SECRET


REFUSED = {
    "no table": ("", "n", "v"),
    "no name": ("t", "", "v"),
    "no value": ("t", "n", ""),
    "NUL": ("t", "n", "v\0"),
    "NUL in the name": ("t", "n\0", "v"),
    "a line end": ("t", "n", "v\n"),
    "a line end in the name": ("t", "n\nm", "v"),
    "an escape in the table": ("\x1b[2J", "n", "v"),
    "what turns the line around": ("t", "n\u202e", "v"),
    "lone surrogate": ("t", "n", "\udcff"),
    "lone surrogate in the name": ("t", "\ud800", "v"),
    "a name that nobody sees": ("t", "\u200d", "v"),
    "a value that nobody sees": ("t", "n", "\u200c\u200d"),
    "table too long": ("t" * 65, "n", "v"),
    "name too long": ("t", "n" * 191, "v"),
    "value too long": ("t", "n", "v" * 4_097),
}


@pytest.mark.parametrize("replace", [False, True], ids=["add", "replace"])
@pytest.mark.parametrize("parts", REFUSED.values(), ids=REFUSED)
async def test_what_no_table_holds(store: Store, parts: tuple[str, str, str], replace: bool):
    with pytest.raises(Refused, match="characters that can be seen"):
        await store.aliases.add(Alias(*parts), replace=replace)
    assert await store.aliases.list() == []


@pytest.mark.parametrize("value", [SECRET, "v" * 4_096, "😀" * 4_096, "'\"`\\%_", "a b", "{user}", "x "])
async def test_a_value_comes_back_as_given(store: Store, value: str):
    before = now()
    await store.aliases.add(Alias("t", "n", value, created_at=1))
    [found] = await store.aliases.list()
    assert (found.table, found.name, found.value) == ("t", "n", value)
    assert await store.aliases.find("t", "n") == value
    assert before <= found.created_at <= now()


async def test_taken(store: Store):
    await store.aliases.add(LOBBY)
    with pytest.raises(Refused) as refusal:
        await store.aliases.add(Alias("cams", "lobby", "other-hunter2"))
    assert str(refusal.value) == "'lobby' is in table 'cams' already; --replace replaces it"
    assert await store.aliases.find("cams", "lobby") == SECRET


async def test_replace(store: Store):
    await store.aliases.add(Alias("cams", "lobby", "old"), replace=True)  # also where there is none
    await store.aliases.add(Alias("cams", "yard", "yard"))
    async with store.engine.begin() as connection:
        await connection.execute(text("UPDATE aliases SET created_at = 9999999999999"))  # by a clock that was ahead
    await store.aliases.add(Alias("cams", "lobby", "new"), replace=True)
    assert [each.value for each in await store.aliases.list()] == ["new", "yard"]
    assert (await store.aliases.list())[0].created_at < 9999999999999


async def test_many_add_the_same_at_once(store: Store):
    adds = (store.aliases.add(Alias("t", "n", f"v{n}")) for n in range(5))
    outcomes = await asyncio.gather(*adds, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", *["Refused"] * 4]


async def test_many_replace_the_same_at_once(store: Store, store_options):
    other = Store(store_options)
    replaced = [Alias("t", "n", f"v{n}") for n in range(10)]
    await asyncio.gather(*((store, other)[n % 2].aliases.add(each, replace=True) for n, each in enumerate(replaced)))
    await other.close()
    [found] = await store.aliases.list()
    assert found.value in {each.value for each in replaced}


async def test_list(store: Store):
    rows = [("a", "1"), ("a", "2"), ("a", "ä"), ("b", "0"), ("b", "1")]
    for table, name in reversed(rows):
        await store.aliases.add(Alias(table, name, "v"))

    async def listed(**asked):
        return [(each.table, each.name) for each in await store.aliases.list(**asked)]

    assert await listed() == rows
    assert await listed(limit=2) == rows[:2]
    assert await listed(after=rows[1], limit=2) == rows[2:4]
    assert await listed(table="a", after=rows[0]) == rows[1:3]
    assert await listed(table="A") == []


async def test_no_value_is_shown_where_an_alias_is_printed(store: Store):
    await store.aliases.add(LOBBY)
    assert "hunter2" not in repr(await store.aliases.list())


async def test_finds_that_wait_together_share_one_statement(store: Store, monkeypatch: pytest.MonkeyPatch):
    await store.watch.close()  # it reads now and then
    for n in range(20):
        await store.aliases.add(Alias("t", f"n{n}", f"v{n}"))
    checkouts = visits(store, monkeypatch)
    asked = [("t", f"n{n}") for n in range(30)] * 3 + [("u", "n1")]
    found = await asyncio.gather(*(store.aliases.find(*key) for key in asked))
    values = {("t", f"n{n}"): f"v{n}" for n in range(20)}
    assert found == [values.get(key) for key in asked]
    assert len(checkouts) == 1


EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN ", "mariadb": "EXPLAIN "}
BY_KEY = {
    "sqlite": "SEARCH aliases USING INDEX sqlite_autoindex_aliases_1 (table_name=? AND name=?)",
    "postgresql": "Index Scan using aliases_pkey on aliases",
    "mariadb": "'aliases', 'eq_ref', 'PRIMARY', 'PRIMARY', '1020'",  # both parts of the key, no more
}


async def test_they_are_found_by_their_key(backend: str, store: Store):
    rows = [{"table_name": f"t{n % 3}", "name": f"n{n}", "value": "v" * 400, "created_at": 1} for n in range(3000)]
    async with writing(store) as connection:
        await connection.execute(insert(tables.aliases), rows)
    async with store.engine.connect() as connection:
        if backend != "sqlite":  # what any server does by itself after a while
            await connection.execute(text("ANALYZE" if backend == "postgresql" else "ANALYZE TABLE aliases"))
        for size in (1, 16):
            asked = [(row["table_name"], row["name"]) for row in rows[:: len(rows) // size]][:size]
            query = by_key(asked).compile(store.engine, compile_kwargs={"literal_binds": True})
            plan = (await connection.exec_driver_sql(EXPLAIN[backend] + str(query).replace("%", "%%"))).all()
            assert BY_KEY[backend] in "\n".join(str(tuple(row)) for row in plan), size
