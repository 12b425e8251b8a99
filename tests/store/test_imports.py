"""Many users at a time on each engine: what goes in comes out, byte by byte."""

import io
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authgate import admin
from authgate.admin.imports import Imported, ImportOptions, Watched, export_users, import_users
from authgate.admin.wanted import Existing
from authgate.errors import BadName, Refused, StoreError
from authgate.model import Origin, User
from authgate.names import canonical
from authgate.passwords import Hasher, Hashing
from authgate.store import Change
from authgate.userfiles import READERS, WRITERS, Row, numbered

BCRYPT = "$2b$12$m/TSfY31AM9O4VU2EN6z4ek85iDn37QO1Sm0OmgT0hg7gbRiQ.Mwy"
HASHING = Hashing(memory=1024, time=1)


@pytest.fixture
def store_options(store_options):
    """As patient as the commands are."""
    return replace(store_options, timeout=10)


async def exported(store, form="csv"):
    writer = WRITERS[form](hashes=True)
    return writer.head + "".join([writer.text(user, groups) or "" async for user, groups in export_users(store)])


async def imported(store, text, form="csv", sources=("website",), **options):
    bad = []
    rows = READERS[form](numbered(io.BytesIO(text.encode())))
    watched = Watched(lambda line, why: bad.append((line, why)))
    hasher = Hasher(HASHING)
    try:
        done = await import_users(store, hasher, HASHING, rows, ImportOptions(sources=sources, **options), watched)
    finally:
        hasher.close()
    return done, bad


async def empty(store):
    async for user, _ in export_users(store):
        await store.users.delete(user.name)


FULL = "\r\n".join(
    (
        "name,display,enabled,hash,grants,groups,not_before,expires_at,max_sessions,notes,source,known_as",
        f'=1+1,=1+1,true,{BCRYPT},"[""play:*""]","[""a b"", ""staff""]",2026-01-31T00:00:00Z,,0,"a ""b"",\nc",,',
        'a:b,"A, b",false,,[],,,2027-01-31T12:00:00Z,2,,website,A:B',
        "émile,Émile,true,,,,,,,x,,",
        '安娜,安娜,true,,,"[""staff""]",,,,\U0001f600,website,安娜',
        "",
    )
)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
async def test_what_was_exported_is_imported_and_exported_as_the_same_bytes(store, form):
    done, bad = await imported(store, FULL, create_groups=True)
    assert (done.added, bad) == (4, [])
    assert await exported(store) == FULL
    text = await exported(store, form)
    await empty(store)
    done, bad = await imported(store, text, form, create_groups=True)
    assert (done.added, bad) == (4, [])
    assert await exported(store, form) == text
    assert await exported(store) == FULL


def _possible(name):
    try:
        canonical(name)
    except BadName:
        return False
    return name.strip("\u200c\u200d ") != ""


_letters = st.characters(exclude_categories=["C", "Z"], include_characters=" \u200c\u200d")
_lines = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" \n\",=;'\\"), max_size=60)
_users = st.fixed_dictionaries(
    {
        "name": st.text(_letters, min_size=1, max_size=40).filter(_possible),
        "notes": _lines,
        "enabled": st.booleans(),
        "hash": st.sampled_from([None, BCRYPT]),
        "grants": st.sampled_from([None, (), ("play:a, b",), ('publish:"x"', "!play:é*")]),
        "not_before": st.none() | st.integers(0, 10**9),
        "expires_at": st.none() | st.integers(10**9 + 1, 253_402_300_799),
        "max_sessions": st.none() | st.integers(0, 1_000_000),
    }
)


@given(st.lists(_users, max_size=5, unique_by=lambda user: canonical(user["name"])), st.sampled_from(["csv", "jsonl"]))
@settings(max_examples=60, deadline=None)
def test_any_user_is_read_as_it_was_written(found, form):
    writer = WRITERS[form](hashes=True)
    users = [User(canonical(each["name"]), each["name"].strip(), **{k: v for k, v in each.items() if k != "name"})
             for each in found]  # fmt: skip
    text = writer.head + "".join(writer.text(user, ["a b"]) for user in users)
    rows = list(READERS[form](numbered(io.BytesIO(text.encode()))))
    assert all(isinstance(row, Row) for row in rows)
    for user, row in zip(users, rows, strict=True):
        assert row.members.pop("groups") == ("a b",)
        assert (row.members.pop("source"), row.members.pop("known_as")) == (None, None)
        assert User(**row.members) == user


@given(st.lists(_users, min_size=1, max_size=5, unique_by=lambda user: canonical(user["name"])))
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
async def test_any_users_go_round(store, found):
    await empty(store)
    for each in found:
        fields = {key: value for key, value in each.items() if key not in ("name", "hash")}
        await admin.add_user(store, None, each["name"], None, None, fields)
    text = await exported(store)
    await empty(store)
    done, bad = await imported(store, text)
    assert (done.added, bad) == (len(found), [])
    assert await exported(store) == text


async def test_many_users_go_in_and_out_in_pages_by_name(store):
    rows = [f"user{number * 7919 % 3001},{number % 7}" for number in range(3001)]
    done, bad = await imported(store, "name,notes\n" + "\n".join(rows))
    assert (done.added, bad) == (3001, [])
    names = [line.split(",")[0] for line in (await exported(store)).splitlines()[1:]]
    assert names == sorted(f"user{number}" for number in range(3001))
    done, _ = await imported(
        store, "name,notes\n" + "\n".join(f"user{n},x" for n in range(1500)), existing=Existing.UPDATE
    )
    assert (done.changed, done.added) == (1500, 0)
    assert (await store.users.find("user1499")).notes == "x"
    assert (await store.users.find("user1501")).notes != "x"


async def test_nothing_is_written_where_the_last_of_many_rows_is_bad(store):
    rows = [f"user{number}" for number in range(2500)]
    done, bad = await imported(store, "name\n" + "\n".join([*rows, "user7"]))
    assert (done.written, bad) == (False, [(2502, "is the same user as line 9")])
    assert await store.imports.empty()


async def test_what_was_written_of_an_import_that_broke_off_is_unchanged_when_it_is_done_again(store, monkeypatch):
    rows = "name\n" + "\n".join(f"user{number:04}" for number in range(2500))
    write, calls = store.imports.write, []

    async def breaks(changes):
        calls.append(changes)
        if len(calls) > 2:
            raise StoreError("the store is away")
        await write(changes)

    monkeypatch.setattr(store.imports, "write", breaks)
    with pytest.raises(StoreError):
        await imported(store, rows)
    monkeypatch.undo()
    done, bad = await imported(store, rows)
    assert (done.added, done.unchanged, bad) == (500, 2000, [])


async def test_a_user_who_is_added_while_a_batch_is_written_is_looked_at_again(store, monkeypatch):
    write = store.imports.write

    async def late(changes):
        monkeypatch.undo()
        await store.users.add(User("user1", "Somebody"))
        await write(changes)

    monkeypatch.setattr(store.imports, "write", late)
    done, bad = await imported(store, "name,display\nuser1,Anna\nuser2,Bob\n", existing=Existing.UPDATE)
    assert (done.added, done.changed, bad) == (1, 1, [])
    assert (await store.users.find("user1")).display == "Anna"


async def test_a_batch_is_written_as_a_whole_or_not_at_all(store):
    await store.users.add(User("bob", "bob"))
    for changes in (
        [Change("ann", {"display": "ann"}, True), Change("bob", {"display": "bob"}, True)],
        [Change("ann", {"display": "ann"}, True), Change("bob", join=["choir"])],
    ):
        with pytest.raises(Refused):
            await store.imports.write(changes)
        assert await store.users.find("ann") is None


async def test_who_is_of_a_source_is_vouched_for_by_it_again(store):
    done, bad = await imported(store, "name,source,known_as\nann,website,Ann\nBob,website,\n")
    assert (done.added, bad) == (2, [])
    users = {user.name: user async for user, _ in export_users(store)}
    assert users["ann"].origin == Origin("website", "Ann", -1, linked=True)
    assert users["bob"].origin == Origin("website", "Bob", -1, linked=True)
    assert {user.hash for user in users.values()} == {None}


NOBODYS = {
    "no such source": ("name,source\nann,shop\n", "source: there is no such user source"),
    "a name there without a source": ("name,known_as\nann,Ann\n", "known_as: is what a source calls the user"),
    "somebody else there": ("name,source,known_as\nann,website,bob\n", "known_as: is another user's name"),
    "what is no name there": ('name,source,known_as\nann,website,"a\x07"\n', "known_as: a user name holds no control"),
    "a hash of ours": (f"name,source,hash\nann,website,{BCRYPT}\n", "has a source and a password or a hash"),
    "a password of ours": ("name,source,password\nann,website,secret-1\n", "has a source and a password or a hash"),
}


@pytest.mark.parametrize(("text", "why"), NOBODYS.values(), ids=NOBODYS)
async def test_who_cannot_be_of_a_source_is_a_bad_row(store, text, why):
    done, bad = await imported(store, text)
    assert (done.bad, [(line, said.startswith(why)) for line, said in bad]) == (1, [(2, True)])
    assert await store.users.find("ann") is None


CLAIMED = {
    "to its source, as it was": ("source,known_as", "website,Ann", ("unchanged", "website")),
    "to the store, with a password": ("source,hash", f",{BCRYPT}", ("changed", None)),
    "to another source": ("source", "shop", ("changed", "shop")),
    "to nobody else, where the file does not say": ("notes", "x", ("changed", "website")),
}


@pytest.mark.parametrize(("columns", "values", "outcome"), CLAIMED.values(), ids=CLAIMED)
async def test_a_user_who_was_adopted_goes(store, columns, values, outcome):
    await store.adopted.link(User("ann", "Ann", origin=Origin("website", "Ann", -7)))
    before = await store.users.find("ann")
    done, bad = await imported(
        store, f"name,{columns}\nann,{values}\n", sources=("website", "shop"), existing=Existing.UPDATE
    )
    ann = await store.users.find("ann")
    assert bad == []
    assert (getattr(done, outcome[0]), ann.origin and ann.origin.source) == (1, outcome[1])
    assert (ann.generation > before.generation) == (outcome[1] != "website")


async def test_a_user_who_was_adopted_gets_no_password_beside_that_of_the_source(store):
    await store.adopted.link(User("ann", "Ann", origin=Origin("website", "Ann", -7)))
    for column, value in (("hash", BCRYPT), ("password", "secret-1")):
        done, bad = await imported(store, f"name,{column}\nann,{value}\n", existing=Existing.UPDATE)
        why = "was adopted from user source 'website', and has the password of there"
        assert (done.changed, bad) == (0, [(2, why)])
    assert (await store.users.find("ann")).hash is None


async def test_a_user_of_ours_is_not_given_to_a_source_where_users_are_left_as_they_are(store):
    await imported(store, f"name,hash\nann,{BCRYPT}\n")
    done, bad = await imported(store, "name,source\nann,website\n")
    assert (done.changed, bad) == (0, [(2, "there is such a user already, who is otherwise: source, hash")])
    done, bad = await imported(store, "name,source\nann,website\n", existing=Existing.UPDATE)
    ann = await store.users.find("ann")
    assert (done.changed, bad, ann.hash, ann.origin.source) == (1, [], None, "website")


async def test_nothing_done_is_nothing_counted(store):
    done, bad = await imported(store, "name\n")
    assert (done, bad) == (Imported(written=True), [])
