from datetime import UTC, datetime

import pytest

from authgate.rules.times import local, over, window, zone

# 2026-11-25 is a Wednesday.
HOLDS = {
    "office hours": ("mon-fri 08:00-18:00", "2026-11-25T08:00"),
    "their last minute": ("mon-fri 08:00-18:00", "2026-11-25T17:59"),
    "every day": ("08:00-18:00", "2026-11-29T12:00"),
    "whole days": ("sat,sun", "2026-11-28T00:00"),
    "letter case": ("Mon-Fri 08:00-18:00", "2026-11-25T12:00"),
    "days over the weekend": ("fri-mon", "2026-11-30T23:59"),
    "to midnight": ("wed 18:00-24:00", "2026-11-25T23:59"),
    "over midnight, before it": ("wed 22:00-06:00", "2026-11-25T23:00"),
    "over midnight, the day after": ("wed 22:00-06:00", "2026-11-26T05:59"),
    "between two moments": ("2026-11-25T12:00/2026-11-26T12:00", "2026-11-25T12:00"),
    "between two days": ("2026-11-25/2026-11-26", "2026-11-25T23:59"),
}
MISSES = {
    "before office hours": ("mon-fri 08:00-18:00", "2026-11-25T07:59"),
    "as they end": ("mon-fri 08:00-18:00", "2026-11-25T18:00"),
    "at the weekend": ("mon-fri 08:00-18:00", "2026-11-28T12:00"),
    "over midnight, before it begins": ("wed 22:00-06:00", "2026-11-25T21:59"),
    "over midnight, as it ends": ("wed 22:00-06:00", "2026-11-26T06:00"),
    "over midnight of another day": ("wed 22:00-06:00", "2026-11-25T03:00"),
    "over midnight, the night after": ("wed 22:00-06:00", "2026-11-26T23:00"),
    "as the last moment comes": ("2026-11-25T12:00/2026-11-26T12:00", "2026-11-26T12:00"),
}
CASES = {name: (*case, True) for name, case in HOLDS.items()} | {name: (*case, False) for name, case in MISSES.items()}


@pytest.mark.parametrize(("text", "at", "holds"), CASES.values(), ids=CASES)
def test_window(text, at, holds):
    assert window(text)(datetime.fromisoformat(at)) is holds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "always",
        "mon-fri 8-18",
        "mon-fri 08:00-18:00 09:00-10:00",
        "08:00-08:00",
        "24:00-01:00",
        "08:00-24:01",
        "08:60-09:00",
        "mo-fr",
        "mon-",
        "mon,,tue",
        "2026-13-01/2026-12-01",
        "2026-12-01/2026-11-01",
        "2026-12-01/2026-12-01",
        "2026-12-01T00:00Z/2026-12-02T00:00Z",
        "today/tomorrow",
    ],
)
def test_no_window(text):
    with pytest.raises(ValueError, match=r"no time|no moment|ends before|time zone"):
        window(text)


@pytest.mark.parametrize("name", ["", "Berlin", "Europe/berlin/", "../etc/passwd", "/etc/passwd", "\0", "x" * 300])
def test_no_zone(name):
    with pytest.raises(ValueError, match="no such time zone"):
        zone(name)


def test_summer_and_winter_have_their_own_hours():
    def hour(month):
        return local(datetime(2026, month, 1, 12, tzinfo=UTC).timestamp(), zone("Europe/Berlin")).hour

    assert (hour(1), hour(7)) == (13, 14)


def test_only_a_window_with_an_end_is_ever_over():
    now = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()
    assert over("2026-11-24/2026-11-25", now, zone("UTC"))
    assert not over("2026-11-25/2026-11-26", now, zone("UTC"))
    assert not over("mon 08:00-09:00", now, zone("UTC"))
