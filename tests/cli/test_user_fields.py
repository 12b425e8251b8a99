"""What ``authgate user add`` and ``user set`` say of a user, and what ``user show`` tells of it."""

import json
import re
import time

import click
import pytest

from authgate import admin
from authgate.cli.user_options import NONE, number, when

TIMES = {
    "a day": ("2026-01-31", 1_769_817_600),
    "a time": ("2026-01-31T12:00", 1_769_860_800),
    "a time in UTC": ("2026-01-31T12:00Z", 1_769_860_800),
    "a time elsewhere": ("2026-01-31T12:00+02:00", 1_769_853_600),
    "with spaces around it": (" 2026-01-31 ", 1_769_817_600),
    "a fraction of a second": ("2026-01-31T12:00:00.9Z", 1_769_860_800),
    "none": ("none", NONE),
    "none in capitals": (" NONE ", NONE),
    "the year 1": ("0001-01-01T00:00+23:59", -62_135_683_140),
    "the last second": ("9999-12-31T23:59:59Z", 253_402_300_799),
}


@pytest.mark.parametrize(("text", "seconds"), TIMES.values(), ids=TIMES)
def test_when(text, seconds):
    assert when(text) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("+0", 0), ("+90s", 90), ("+1h", 3600), ("+30d", 2_592_000), ("+2W", 1_209_600)]
)
def test_a_time_from_now_on(text, seconds):
    before = int(time.time())
    assert before + seconds <= when(text) <= time.time() + seconds


@pytest.mark.parametrize(
    "text", ["", "30d", "-1d", "+", "+-1d", "+1y", "++1d", "2026-13-01", "tomorrow", "1e9", "\0", "+１d"]
)
def test_what_is_no_time(text):
    with pytest.raises(click.BadParameter):
        when(text)


NUMBERS = {"0": 0, " 7 ": 7, "999999999": 999_999_999, "none": NONE}


@pytest.mark.parametrize(("text", "value"), NUMBERS.items(), ids=NUMBERS)
def test_number(text, value):
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "-1", "1.0", "1e3", "٣", "²", "1_000", "9" * 5000, "nonee"])
def test_what_is_no_number(text):
    with pytest.raises(click.BadParameter):
        number(text)


def shown(authgate, name="ann"):
    return json.loads(authgate("user", "show", name, "--json").stdout)


ALL = (
    *("--not-before", "2026-01-31", "--expires", "2027-01-31T12:00Z", "--max-sessions", "2"),
    *("--notes", "of the choir", "--grant", "play:*", "--group", "staff", "--group", "Board"),
)
SHOWN = {
    "not_before": "2026-01-31T00:00:00.000Z",
    "expires_at": "2027-01-31T12:00:00.000Z",
    "max_sessions": 2,
    "notes": "of the choir",
    "grants": ["play:*"],
    "groups": ["board", "staff"],
}


@pytest.fixture
def groups(authgate):
    for name in ("staff", "board"):
        authgate("group", "add", name)


def test_all_is_said_when_a_user_is_added(authgate, groups):
    authgate("user", "add", "Ann", "--no-password", "--disabled", *ALL)
    fields = shown(authgate)
    assert {name: fields[name] for name in SHOWN} == SHOWN
    assert (fields["display"], fields["enabled"]) == ("Ann", False)


def test_all_is_set_and_taken_away_again(authgate, groups):
    authgate("user", "add", "ann", "--no-password")
    before = shown(authgate)
    assert authgate("user", "set", "ANN", "--display", "Anna", "--disabled", *ALL).stdout == "changed ann\n"
    fields = shown(authgate)
    assert {name: fields[name] for name in SHOWN} == SHOWN
    assert (fields["display"], fields["enabled"]) == ("Anna", False)
    nothing = ("--not-before", "none", "--expires", "none", "--max-sessions", "none", "--notes", "", "--default-grants")
    authgate("user", "set", "ann", *nothing, "--enabled", "--no-group", "staff", "--no-group", "board")
    fields = shown(authgate)
    assert {name: fields[name] for name in SHOWN} == {name: before[name] for name in SHOWN}
    assert fields["enabled"]


def test_all_is_shown_to_people(authgate, groups):
    authgate("user", "add", "ann", "--no-password", *ALL)
    lines = authgate("user", "show", "ann").stdout
    for told in ("2027-01-31T12:00:00.000Z", "2", "of the choir", "play:*", "board, staff"):
        assert re.search(rf"^\w+ +{re.escape(told)}$", lines, re.MULTILINE)


def test_a_time_from_now_on_is_kept_as_the_time_it_was(authgate):
    before = int(time.time())
    authgate("user", "add", "ann", "--no-password", "--expires", "+30d")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", shown(authgate)["expires_at"])
    assert when(shown(authgate)["expires_at"]) - before in range(2_592_000, 2_592_060)


USAGE = {
    "no time": ("--expires", "soon"),
    "a time without a sign": ("--expires", "30d"),
    "less than no sessions": ("--max-sessions", "-1"),
    "nothing to set": (),
    "a group in and out": ("--group", "staff", "--no-group", "STAFF"),
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE)
def test_usage(authgate, groups, arguments):
    authgate("user", "add", "ann", "--no-password")
    before = shown(authgate)
    assert "Usage: authgate user set" in authgate("user", "set", "ann", *arguments, status=2).output
    assert shown(authgate) == before


REFUSED = {
    "a group that is not there": ("--group", "choir"),
    "a time after the last year": ("--expires", "+999999999w"),
    "a time before 1970": ("--not-before", "1969-12-31"),
    "too many sessions": ("--max-sessions", "999999999"),
    "over before it begins": ("--not-before", "2026-02-01", "--expires", "2026-01-01"),
    "notes that a terminal would obey": ("--notes", "\x1b[2J"),
}


@pytest.mark.parametrize("arguments", REFUSED.values(), ids=REFUSED)
def test_refused(authgate, groups, arguments):
    authgate("user", "add", "ann", "--no-password")
    before = shown(authgate)
    for command in (("set", "ann"), ("add", "bob", "--no-password")):
        result = authgate("user", *command, *arguments, status=1)
        assert (result.stdout, result.stderr.count("\n")) == ("", 1)
    assert shown(authgate) == before
    authgate("user", "show", "bob", status=1)


def test_fields_are_looked_at_before_anybody_types_a_password(authgate, groups):
    result = authgate("user", "add", "ann", "--notes", "\0", stdin="secret-1\nsecret-1\n", status=1)
    assert "Password" not in result.output


def test_notes_of_several_lines_are_one_for_a_terminal(authgate, on_store):
    on_store(lambda store: admin.add_user(store, None, "ann", None, None, {"notes": "a\nname  forged"}))
    assert r"a\nname  forged" in authgate("user", "show", "ann").stdout
