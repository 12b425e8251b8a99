"""What administration does, on every store."""

import itertools

import pytest

from authgate import admin, wanted
from authgate.errors import BadName, Refused
from authgate.model import Entry, Reason, Record, Secret, SessionKey, UserQuery
from authgate.passwords import Hasher, Hashing
from authgate.store import Store, StoreOptions, migrate
from authgate.store.ids import first_id
from authgate.verifiers import PasswordVerifier, TokenVerifier

NOW = 1_900_000_000
TOKENS = TokenVerifier(Secret("k" * 32))
LOOSE = TokenVerifier(Secret("o" * 32), name="loose", issuer="loose", users="optional")
PASSWORDS = PasswordVerifier()


@pytest.fixture(scope="module")
def hasher():
    hasher = Hasher(Hashing(memory=1024, time=1))
    yield hasher
    hasher.close()


async def test_add(store, hasher):
    added = await admin.add_user(store, hasher, " Ann ", None, "pässword")
    assert (added.name, added.display, added.enabled) == ("ann", "Ann", True)
    assert await hasher.verify("pässword", added.hash)
    assert added.created_at == added.updated_at > 0
    assert await admin.user(store, "ANN") == added


async def test_add_without_a_password(store, hasher):
    added = await admin.add_user(store, hasher, "ann", "Ann A.", None)
    assert (added.display, added.hash) == ("Ann A.", None)


REFUSED = {
    "empty name": (("", None, "pw"), BadName),
    "name with a control character": (("a\0", None, "pw"), BadName),
    "name that is taken in capitals": (("BOB", None, "pw"), Refused),
    "empty password": (("ann", None, ""), Refused),
    "password over the length": (("ann", None, "x" * 129), Refused),
    "password that is no Unicode": (("ann", None, "\udcff"), Refused),
    "empty display name": (("ann", " ", "pw"), Refused),
    "display name over the length": (("ann", "x" * 191, "pw"), Refused),
    "display name with an escape": (("ann", "\x1b[2J", "pw"), Refused),
}


@pytest.mark.parametrize(("given", "error"), REFUSED.values(), ids=REFUSED)
async def test_add_refused(store, hasher, given, error):
    before = await admin.add_user(store, hasher, "bob", None, None)
    with pytest.raises(error):
        await admin.add_user(store, hasher, *given)
    assert list(await store.users.list()) == [before]


async def test_users_come_by_name_page_by_page(store, hasher, monkeypatch):
    monkeypatch.setattr("authgate.admin.pages.PAGE", 2)
    for name in ("eve", "ann", "émile", "bob", "dan"):
        await admin.add_user(store, hasher, name, None, None)
    pages = {
        "all": ({}, [["ann", "bob"], ["dan", "eve"], ["émile"]]),
        "some": ({"limit": 3}, [["ann", "bob"], ["dan"]]),
        "none": ({"limit": 0}, []),
        "behind one": ({"after": " BOB "}, [["dan", "eve"], ["émile"]]),
        "behind the last": ({"after": "émile"}, []),
        "behind nobody": ({"after": "cid", "limit": 1}, [["dan"]]),
    }
    for asked, expected in pages.values():
        assert [[user.name for user in page] async for page in admin.users(store, **asked)] == expected


NOBODY = {
    "a group that is not there": (UserQuery(group="staff"), None, Refused),
    "a group that cannot be": (UserQuery(group="a\0"), None, BadName),
    "no pattern": (UserQuery(name=""), None, BadName),
    "behind no possible name": (UserQuery(), "a\0", BadName),
    "behind nobody, in another order": (UserQuery(by="created"), "nobody", Refused),
}


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("query", "after", "error"), NOBODY.values(), ids=NOBODY)
async def test_users_who_cannot_be_asked_for(store, query, after, error):
    with pytest.raises(error):
        async for _ in admin.users(store, query, after=after):
            pass


async def test_set_password(store, hasher):
    await admin.add_user(store, hasher, "ann", None, "old")
    await admin.set_password(store, hasher, "Ann", "new")
    hashed = (await admin.user(store, "ann")).hash
    assert await hasher.verify("new", hashed)
    assert not await hasher.verify("old", hashed)


@pytest.mark.parametrize("password", ["", "x" * 129])
async def test_set_password_refused(store, hasher, password):
    before = await admin.add_user(store, hasher, "ann", None, "old")
    with pytest.raises(Refused):
        await admin.set_password(store, hasher, "ann", password)
    assert await admin.user(store, "ann") == before


async def test_change(store, hasher):
    await admin.add_user(store, hasher, "ann", None, "old")
    await admin.change_user(store, "ann", {"display": "Ann A."})
    assert (await admin.user(store, "ann")).display == "Ann A."
    await admin.change_user(store, "ann", {"hash": None})
    assert (await admin.user(store, "ann")).hash is None


async def test_disable_and_enable(store, hasher):
    await admin.add_user(store, hasher, "ann", None, None)
    await admin.set_enabled(store, "ann", enabled=False)
    assert not (await admin.user(store, "ann")).enabled
    await admin.set_enabled(store, "ann", enabled=True)
    assert (await admin.user(store, "ann")).enabled


async def test_delete(store, hasher):
    await admin.add_user(store, hasher, "ann", None, None)
    await admin.delete_user(store, "ANN")
    assert list(await store.users.list()) == []


UNKNOWN = {
    "show": lambda store, hasher: admin.user(store, "bob"),
    "password": lambda store, hasher: admin.set_password(store, hasher, "bob", "pw"),
    "display": lambda store, hasher: admin.change_user(store, "bob", {"display": "Bob"}),
    "no password": lambda store, hasher: admin.change_user(store, "bob", {"hash": None}),
    "disable": lambda store, hasher: admin.set_enabled(store, "bob", enabled=False),
    "delete": lambda store, hasher: admin.delete_user(store, "bob"),
}


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("action", UNKNOWN.values(), ids=UNKNOWN)
async def test_unknown_user(store, hasher, action):
    with pytest.raises(Refused, match="there is no user 'bob'"):
        await action(store, hasher)


ONLY_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


COUNT = itertools.count()


def record(at, **changes):
    given = {"key": SessionKey("n", "s"), "app_key": "a", "method": "connect", "user": "ann", "allowed": True}
    given |= {"reason": Reason.OK, "rule": "r"} | changes
    return Record(f"{first_id(at)}{next(COUNT):014x}", at, **given)


async def test_records_that_match(store):
    now = NOW * 1000
    ann = record(now)
    bob = record(now + 1, user="bob", allowed=False, reason=Reason.PASSWORD_WRONG)
    other = record(now + 2, key=SessionKey("n", "t"), app_key="b", method="publishStream")
    for each in (ann, bob, other):
        await store.ledger.write(Entry(each))

    async def found(**filters):
        limit = filters.pop("limit", 10)
        return [each.id for _, each in await admin.records(store, wanted.asked(**filters), limit=limit)]

    assert await found() == [other.id, bob.id, ann.id]
    assert await found(limit=1) == [other.id]
    assert await found(users="BOB") == [bob.id]
    assert await found(sessions="t") == [other.id]
    assert await found(methods="publishStream") == [other.id]
    assert await found(apps="a", allowed=True) == [ann.id]
    assert await found(allowed=False) == [bob.id]
    assert await found(reasons="password_wrong") == [bob.id]
    assert await found(since=now + 1) == [other.id, bob.id]
    assert await found(users="nobody") == []


async def test_groups(store, hasher, monkeypatch):
    monkeypatch.setattr("authgate.admin.pages.PAGE", 2)
    await admin.add_user(store, hasher, "ann", None, None)
    for name in (" Staff ", "BOARD", "Straße"):
        await admin.add_group(store, name, None)
    added = await admin.add_group(store, "guests", ["play:*", "play:*", "!play:x"])
    assert (added.name, added.grants, added.members) == ("guests", ("play:*", "!play:x"), 0)
    assert [group.name for group in await admin.groups(store)] == ["board", "guests", "staff", "strasse"]
    assert await admin.join(store, "STAFF", ["Ann", "bob", "EVE", "ann"]) == 3
    assert await admin.members(store, "staff") == ["ann", "bob", "eve"]
    assert await admin.strangers(store, ["Ann", "EVE", "bob", "eve"]) == ["bob", "eve"]
    assert await admin.groups_of(store, "BOB") == ["staff"]
    assert await admin.leave(store, "Staff", ["EVE", "nobody"]) == 1
    await admin.delete_group(store, "STRASSE")
    with pytest.raises(Refused, match="there is no group 'strasse'"):
        await admin.group(store, "Straße")


BAD_GRANTS = {
    "no grant": "play",
    "empty": "",
    "an action that there is not": "watch:*",
    "a placeholder that there is not": "play:{nobody}",
    "a single brace": "play:{",
    "a space before the pattern": "play: x",
    "a denial that denies nothing": "!",
    "twice denied": "!!play:x",
    "NUL": "play:\0",
    "no Unicode": "play:\udcff",
    "too long": "play:" + "x" * 1_100,
}


@pytest.mark.parametrize("grant", BAD_GRANTS.values(), ids=BAD_GRANTS)
async def test_what_is_no_grant_is_given_to_nobody(store, hasher, grant):
    await admin.add_user(store, hasher, "ann", None, None, {"grants": ("play:own",)})
    await admin.add_group(store, "staff", ["play:own"])
    for refused in (
        admin.add_user(store, hasher, "bob", None, None, {"grants": ("play:*", grant)}),
        admin.set_grants(store, "ann", ["play:*", grant]),
        admin.add_group(store, "board", ["play:*", grant]),
        admin.set_group_grants(store, "staff", ["play:*", grant]),
    ):
        with pytest.raises(Refused, match="grant "):
            await refused
    assert [(user.name, user.grants) for user in await store.users.list()] == [("ann", ("play:own",))]
    assert [(group.name, group.grants) for group in await admin.groups(store)] == [("staff", ("play:own",))]


async def test_aliases_page_by_page(store, monkeypatch):
    monkeypatch.setattr("authgate.admin.pages.PAGE", 2)
    rows = [(table, name) for table in ("a", "b") for name in ("1", "2", "3")]
    for table, name in reversed(rows):
        await admin.add_alias(store, table, name, "v")
    assert [(each.table, each.name) for each in await admin.aliases(store)] == rows
    assert [(each.table, each.name) for each in await admin.aliases(store, "b")] == rows[3:]
    await admin.remove_alias(store, "b", "2")
    with pytest.raises(Refused, match="there is no '2' in table 'b'"):
        await admin.remove_alias(store, "b", "2")


@pytest.fixture
def empty(databases):
    return databases.empty()


async def test_upgrade(empty, tmp_path):
    store = Store(StoreOptions(url=Secret(empty), spool=tmp_path))
    try:
        with pytest.raises(Refused, match="run: authgate db upgrade"):
            await admin.demand_newest(store)
        before = await admin.upgrade(store)
        assert before.current is None
        await admin.demand_newest(store)
        assert (await admin.upgrade(store)).current == (await admin.revision(store)).current == migrate.head()
    finally:
        await store.close()
