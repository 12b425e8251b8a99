"""What a row comes to: a user, or nobody where it cannot be understood."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from authgate.model import Origin, Reason, User
from authgate.sources.mapping import OtherUser, Unusable, mapped, refused, version_of
from authgate.sources.options import Columns

HASH = "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA"
EVERY = Columns(
    enabled="on",
    disabled="off",
    display="shown",
    grants="grants",
    groups="groups",
    not_before="since",
    expires_at="until",
)
PLAIN = {"on": True, "off": None, "shown": None, "grants": None, "groups": None, "since": None, "until": None}


def user(columns=EVERY, asked="ann", **row):
    return mapped("old", columns, asked, {"name": "ann", "hash": HASH, **PLAIN, **row})


def test_a_user():
    version = version_of("old", HASH)
    assert user() == User("ann", "ann", True, HASH, generation=version, origin=Origin("old", "ann", version))
    assert version < 0


def test_only_what_is_mapped_is_looked_at():
    assert user(Columns(), on="nonsense", grants=7, since="soon").enabled


NAMES = {
    "as it was asked for": ("ann", "ann", "ann"),
    "in capitals": ("ANN", "ann", "ANN"),
    "in a column of a fixed width": ("ann   ", "ann", "ann"),
    "with another sharp s": ("Straße", "strasse", "Straße"),
    "as bytes": (b"Ann", "ann", "Ann"),
}


@pytest.mark.parametrize(("there", "asked", "display"), NAMES.values(), ids=NAMES)
def test_the_name_comes_back(there, asked, display):
    found = user(asked=asked, name=there)
    assert (found.name, found.display) == (asked, display)


OTHERS = {
    "another user": "bob",
    "a name that only a collation takes for it: an accent": "ànn",
    "a name that only a collation takes for it: a letter more": "annn",
    "no possible name": "a\nnn",
    "an empty one": "",
}


@pytest.mark.parametrize("there", OTHERS.values(), ids=OTHERS)
def test_the_row_of_somebody_else_is_not_taken(there):
    with pytest.raises(OtherUser):
        mapped("old", Columns(), "ann", {"name": there, "hash": HASH})


HASHES = {
    "text": (HASH, HASH),
    "bytes": (HASH.encode(), HASH),
    "filled up": (f"{HASH}   ", HASH),
    "null": (None, None),
    "empty": ("", None),
    "blank": ("   ", None),
}


@pytest.mark.parametrize(("there", "hashed"), HASHES.values(), ids=HASHES)
def test_the_hash(there, hashed):
    assert user(hash=there).hash == hashed


ON = {
    "true": (True, True),
    "false": (False, False),
    "null": (None, False),
    "one": (1, True),
    "nought": (0, False),
    "a number with a point": (Decimal("1"), True),
    "t": ("t", True),
    "YES": ("YES", True),
    "off": ("off", False),
    "an empty text": ("", False),
    "a bit": (b"\x01", True),
    "a bit that is not set": (b"\x00", False),
}


@pytest.mark.parametrize(("there", "enabled"), ON.values(), ids=ON)
def test_enabled(there, enabled):
    assert user(on=there).enabled is enabled


VALUES = {
    "one of them": ("active", True),
    "a number": (0, True),
    "true": (True, True),
    "in another case": ("Active", False),
    "another": ("banned", False),
    "null": (None, False),
    "nothing": ("", False),
}


@pytest.mark.parametrize(("there", "enabled"), VALUES.values(), ids=VALUES)
def test_values_that_mean_enabled(there, enabled):
    columns = Columns(enabled="on", enabled_values=("active", "0", "true"))
    assert user(columns, on=there).enabled is enabled


OFF = {
    "null": (None, True),
    "false": (False, True),
    "nought": (0, True),
    "true": (True, False),
    "the time of a ban": (datetime(2026, 1, 1, tzinfo=UTC), False),
    "any text": ("spam", False),
    "a number": (2, False),
}


@pytest.mark.parametrize(("there", "enabled"), OFF.values(), ids=OFF)
def test_disabled(there, enabled):
    assert user(off=there).enabled is enabled
    assert not user(on=False, off=there).enabled


LISTS = {
    "null is no list": (None, None),
    "an empty text is an empty list": ("", ()),
    "one": ("play:*", ("play:*",)),
    "spaces": (" publish:a-*  play:* ", ("publish:a-*", "play:*")),
    "commas": ("publish:a-*, play:*,!play:x", ("publish:a-*", "play:*", "!play:x")),
    "lines": ("publish:a\nplay:b\r\n", ("publish:a", "play:b")),
    "one twice": ("play:* play:*", ("play:*",)),
    "JSON": ('["publish:my stream", "play:a,b"]', ("publish:my stream", "play:a,b")),
    "empty JSON": ("[]", ()),
    "an array": (["play:*"], ("play:*",)),
    "bytes": (b"play:*", ("play:*",)),
}


@pytest.mark.parametrize(("there", "grants"), LISTS.values(), ids=LISTS)
def test_grants(there, grants):
    assert user(grants=there).grants == grants


def test_groups_have_canonical_names():
    assert user(groups='["Staff", "staff", "Ärzte im Dienst"]').groups == {"staff", "ärzte im dienst"}
    assert user(groups=None).groups == user(groups="").groups == frozenset()


NOON = int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp())
TIMES = {
    "null": (None, None),
    "seconds": (NOON, NOON),
    "seconds with a fraction": (NOON + 0.5, NOON),
    "seconds as text": (str(NOON), NOON),
    "a number with a point": (Decimal(NOON), NOON),
    "a time in UTC": (datetime(2026, 1, 31, 12, tzinfo=UTC), NOON),
    "a time elsewhere": (datetime(2026, 1, 31, 14, tzinfo=timezone(timedelta(hours=2))), NOON),
    "a time that does not say where": (datetime(2026, 1, 31, 12), NOON),
    "a day": (date(2026, 1, 31), NOON - 12 * 3600),
    "text": ("2026-01-31T12:00Z", NOON),
    "text as databases write it": ("2026-01-31 12:00:00", NOON),
    "before the epoch": (datetime(1960, 1, 1, tzinfo=UTC), -315619200),
}


@pytest.mark.parametrize(("there", "seconds"), TIMES.values(), ids=TIMES)
def test_times(there, seconds):
    assert (user(since=there).not_before, user(until=there).expires_at) == (seconds, seconds)


def test_whose_time_is_over_is_refused_by_it():
    assert user(until=NOON).refusal(NOON) is Reason.USER_EXPIRED
    assert user(since=NOON).refusal(NOON - 1) is Reason.USER_NOT_YET_VALID


SHOWN = {
    "given": ("Ann of the Hills", "Ann of the Hills"),
    "null": (None, "ann"),
    "blank": ("  ", "ann"),
    "what a terminal would obey": ("\x1b[2JAnn\u202e\r\n", "[2JAnn"),
    "long": ("x" * 500, "x" * 190),
}


@pytest.mark.parametrize(("there", "display"), SHOWN.values(), ids=SHOWN)
def test_display(there, display):
    assert user(shown=there).display == display


UNUSABLE = {
    "a name that is null": ({"name": None}, "name: is null"),
    "a name that is a number": ({"name": 7}, "name: is no text"),
    "a name that is no UTF-8": ({"name": b"\xff"}, "name: is no text"),
    "a hash that is a number": ({"hash": 7}, "hash: is no text"),
    "a hash beyond all measure": ({"hash": "x" * 513}, "hash: has more than 512 characters"),
    "enabled that says nothing": (
        {"on": "maybe"},
        "enabled: is neither true nor false; say what means enabled in columns.enabled_values",
    ),
    "enabled that is a time": (
        {"on": datetime(2026, 1, 1, tzinfo=UTC)},
        "enabled: is neither true nor false; say what means enabled in columns.enabled_values",
    ),
    "a grant that is none": ({"grants": "play:* shout:*"}, "grants: 'shout:*': no such action"),
    "a list that does not end": ({"grants": '["play:*"'}, "grants: begins like a list in JSON, and is none"),
    "a list that is nested without end": ({"grants": "[" * 10_000}, "grants: begins like a list in JSON, and is none"),
    "a list of numbers": ({"grants": "[1]"}, "grants: is a list of other things than text"),
    "a list beyond all measure": ({"grants": "x " * 40_000}, "grants: has more than 65,535 characters"),
    "a list that is a number": ({"grants": 7}, "grants: is no text"),
    "a group of no possible name": ({"groups": '["a\\u0000b"]'}, "groups: a user name holds no control characters"),
    "a time that is none": ({"until": "soon"}, "expires_at: is no time such as 2026-01-31T12:00Z"),
    "a time of a database that has none": (
        {"since": "0000-00-00 00:00:00"},
        "not_before: is no time such as 2026-01-31T12:00Z",
    ),
    "an empty time": ({"until": ""}, "expires_at: is no time such as 2026-01-31T12:00Z"),
    "a time beyond all measure": (
        {"until": 10**18},
        "expires_at: is no time, and no seconds since the epoch before the year 10000",
    ),
    "a time that is not a number": (
        {"until": float("nan")},
        "expires_at: is no time, and no seconds since the epoch before the year 10000",
    ),
    "a time that is true": (
        {"until": True},
        "expires_at: is no time, and no seconds since the epoch before the year 10000",
    ),
}


@pytest.mark.parametrize(("row", "told"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_row_that_cannot_be_understood(row, told):
    with pytest.raises(Unusable) as caught:
        user(**row)
    assert str(caught.value).startswith(told)
    assert "$argon2id" not in str(caught.value)


def test_who_is_refused_is_there_and_not_let_in():
    found = refused("old", "ann")
    assert (found.refusal(NOON), found.hash) == (Reason.USER_DISABLED, None)


def test_a_version_is_of_one_source_and_one_hash():
    versions = {version_of(source, hashed) for source in ("a", "b") for hashed in (None, HASH, f"{HASH}x")}
    assert len(versions) == 6
    assert all(-(1 << 63) <= version < 0 for version in versions)
