"""What administration takes for a user's fields and groups, and that it changes all of them or none."""

import pytest

from authgate import admin
from authgate.admin.user_fields import LATEST
from authgate.errors import BadName, Refused
from authgate.model import Principal, Session, SessionKey, User

from .store.samples import opening

ONLY_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

FULL = {
    "enabled": False,
    "grants": ("play:*",),
    "not_before": 1,
    "expires_at": LATEST,
    "max_sessions": 2,
    "notes": "a\nb",
}


async def test_a_user_is_added_with_all_its_fields_and_groups(store):
    await admin.add_group(store, "staff", None)
    added = await admin.add_user(store, None, "Ann", "Ann A.", None, FULL, ["STAFF"])
    assert added == User("ann", "Ann A.", **FULL, **times(added))
    assert await admin.groups_of(store, "ann") == ["staff"]


async def test_each_field_is_changed_and_the_others_stay(store):
    before = await admin.add_user(store, None, "ann", None, None, FULL)
    for changes in (
        {"display": "Anna"},
        {"enabled": True},
        {"grants": None},
        {"not_before": None},
        {"expires_at": None},
        {"max_sessions": None},
        {"notes": ""},
    ):
        await admin.change_user(store, "ANN", changes)
        after = await admin.user(store, "ann")
        ((name, value),) = changes.items()
        assert getattr(after, name) == value
        before = after if name == "grants" else before  # which begins another generation
        kept = {each: getattr(before, each) for each in ("display", *FULL) if each != name}
        assert {each: getattr(after, each) for each in kept} == kept
        before = after


TAKEN = {
    "no line end at the end": ({"notes": " a\r\nb\n"}, {"notes": "a\nb"}),
    "a tab": ({"notes": "a\tb"}, {"notes": "a b"}),
    "as many notes as there may be": ({"notes": "ж" * 2000}, {"notes": "ж" * 2000}),
    "no notes": ({"notes": ""}, {"notes": ""}),
    "no sessions": ({"max_sessions": 0}, {"max_sessions": 0}),
    "the beginning of time": ({"expires_at": 0}, {"expires_at": 0}),
    "the end of time": ({"not_before": LATEST}, {"not_before": LATEST}),
    "a grant twice": ({"grants": ("play:a", "play:a")}, {"grants": ("play:a",)}),
}


@ONLY_SQLITE
@pytest.mark.parametrize(("given", "kept"), TAKEN.values(), ids=TAKEN)
async def test_what_a_field_is_kept_as(store, given, kept):
    await admin.add_user(store, None, "ann", None, None)
    await admin.change_user(store, "ann", given)
    found = await admin.user(store, "ann")
    assert {name: getattr(found, name) for name in kept} == kept


REFUSED = {
    "notes over the length": ({"notes": "x" * 2001}, "notes are 2,000 characters"),
    "notes with an escape": ({"notes": "\x1b[2J"}, "notes are"),
    "notes with a NUL": ({"notes": "a\0"}, "notes are"),
    "notes that are no Unicode": ({"notes": "\udcff"}, "notes are"),
    "notes that turn the line round": ({"notes": "a\u202eb"}, "notes are"),
    "a time before there was any": ({"expires_at": -1}, "expires_at is a time from 1970"),
    "a time after the last year": ({"not_before": LATEST + 1}, "not_before is a time from 1970"),
    "less than no sessions": ({"max_sessions": -1}, "max_sessions is 0 to"),
    "more sessions than a column holds": ({"max_sessions": 2**31}, "max_sessions is 0 to"),
    "an empty display name": ({"display": " "}, "a display name is"),
    "a grant that is none": ({"grants": ("publsh:x",)}, "did you mean 'publish'"),
    "a time that is over before it begins": ({"not_before": 10, "expires_at": 9}, "over before it begins"),
    "a time without a second in it": ({"not_before": 9, "expires_at": 9}, "over before it begins"),
    "the end before the beginning that is there": ({"expires_at": 5}, "over before it begins"),
}


@ONLY_SQLITE
@pytest.mark.parametrize(("fields", "words"), REFUSED.values(), ids=REFUSED)
async def test_a_field_that_cannot_be_changes_nothing(store, fields, words):
    before = await admin.add_user(store, None, "ann", None, None, {"not_before": 5})
    with pytest.raises(Refused, match=words):
        await admin.change_user(store, "ann", {"display": "Other"} | fields)
    with pytest.raises(Refused, match=words):
        await admin.add_user(store, None, "bob", None, None, {"not_before": 5} | fields)
    assert list(await store.users.list()) == [before]


@ONLY_SQLITE
async def test_a_user_whose_time_was_set_otherwise_can_still_be_changed(store):
    """Rows from elsewhere are not judged where another field is changed."""
    await store.users.add(User("ann", "Ann", not_before=9, expires_at=5))
    await admin.change_user(store, "ann", {"notes": "x"})
    assert (await admin.user(store, "ann")).notes == "x"


NO_GROUP = {
    "joined": {"join": ["staff", "nobody"]},
    "left": {"join": ["staff"], "leave": ["nobody"]},
}


@pytest.mark.parametrize("groups", NO_GROUP.values(), ids=NO_GROUP)
async def test_a_group_that_is_not_there_changes_nothing(store, groups):
    await admin.add_group(store, "staff", None)
    before = await admin.add_user(store, None, "ann", None, None)
    with pytest.raises(Refused, match="there is no group 'nobody'"):
        await admin.change_user(store, "ann", {"notes": "x"}, **groups)
    with pytest.raises(Refused, match="there is no group 'nobody'"):
        await admin.add_user(store, None, "bob", None, None, None, ["staff", "nobody"])
    assert list(await store.users.list()) == [before]
    assert await admin.groups_of(store, "ann") == await admin.groups_of(store, "bob") == []


async def test_a_user_who_is_not_there_joins_nothing(store):
    await admin.add_group(store, "staff", None)
    with pytest.raises(Refused, match="there is no user 'ann'"):
        await admin.change_user(store, "ann", {}, join=["staff"])
    assert await admin.members(store, "staff") == []


async def test_groups_are_changed_with_the_fields(store):
    for group in ("a", "b", "c"):
        await admin.add_group(store, group, None)
    await admin.add_user(store, None, "ann", None, None, None, ["a", "b"])
    await admin.change_user(store, "ann", {"notes": "x"}, join=["C", "b"], leave=["A"])
    assert await admin.groups_of(store, "ann") == ["b", "c"]
    assert (await admin.user(store, "ann")).notes == "x"


# What is changed, whether what was issued is cut off, and whether open sessions go on.
CUTS = {
    "a group joined": ({}, {"join": ["staff"]}, True, True),
    "a group left": ({}, {"leave": ["board"]}, True, True),
    "other grants": ({"grants": ("play:*",)}, {}, True, True),
    "other grants and a group": ({"grants": ()}, {"join": ["staff"]}, True, True),
    "disabled": ({"enabled": False}, {}, True, False),
    "disabled and a group": ({"enabled": False}, {"join": ["staff"]}, True, False),
    "no password": ({"hash": None}, {}, True, False),
    "enabled": ({"enabled": True}, {}, False, True),
    "an earlier end": ({"expires_at": 5}, {}, False, True),
    "a later beginning": ({"not_before": LATEST}, {}, False, True),
    "fewer sessions": ({"max_sessions": 0}, {}, False, True),
    "other notes": ({"notes": "x"}, {}, False, True),
    "nothing": ({}, {}, False, True),
}


@pytest.mark.parametrize(("changes", "groups", "cuts", "goes_on"), CUTS.values(), ids=CUTS)
async def test_what_a_change_cuts_off(store, changes, groups, cuts, goes_on):
    for group in ("staff", "board"):
        await admin.add_group(store, group, None)
    before = await admin.add_user(store, None, "ann", None, None, None, ["board"])
    key = SessionKey("n", "s")
    client = Principal("ann", stored_user=True, generation=before.generation)
    await store.ledger.write(opening(Session(key, "app", 1, client)))
    await admin.change_user(store, "ann", changes, **groups)
    after = await admin.user(store, "ann")
    assert (after.generation > before.generation) == cuts
    assert (after.cut_off_at is not None) == (cuts and not goes_on)
    session = await store.sessions.find(key)
    assert (session.client.generation == session.user_generation) == goes_on


@ONLY_SQLITE
@pytest.mark.parametrize("group", ["", "a\0"])
async def test_a_group_has_a_possible_name(store, group):
    await admin.add_user(store, None, "ann", None, None)
    with pytest.raises(BadName):
        await admin.change_user(store, "ann", {}, join=[group])


def times(user):
    return {name: getattr(user, name) for name in ("created_at", "updated_at", "generation", "cut_off_at")}
