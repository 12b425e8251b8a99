"""When a rule speaks: hours of the week, or from one moment to another."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60  # minutes
_WEEK = 7 * _DAY
_MONDAY = datetime(2026, 1, 5)
_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
_EXAMPLES = "'mon-fri 08:00-18:00', 'sat,sun', '22:00-06:00' or '2026-12-24T00:00/2026-12-26T00:00'"

Window = Callable[[datetime], bool]  # whether a local time lies in it


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The time zone of this name.

    Raises:
        ValueError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("no such time zone; write a name such as 'Europe/Berlin' or 'UTC'") from None


def local(now: float, where: ZoneInfo) -> datetime:
    """A time in seconds since the epoch as the clock on the wall shows it there."""
    return datetime.fromtimestamp(now, UTC).astimezone(where).replace(tzinfo=None)


def window(text: str) -> Window:
    """The window that a text describes: days, hours or both, or two moments.

    Hours over midnight belong to the day on which they begin.

    Raises:
        ValueError: it describes none.
    """
    if "/" in text:
        return _between(*text.split("/", 1))
    words = text.lower().split()
    hours = words.pop() if words and _HOURS.fullmatch(words[-1]) else None
    if len(words) > 1 or not (words or hours):
        raise ValueError(f"{text!r} is no time such as {_EXAMPLES}")
    days = _days(words[0], text) if words else frozenset(range(7))
    start, end = _minutes(hours, text) if hours else (0, _DAY)
    if start < end:
        return lambda at: at.weekday() in days and start <= at.hour * 60 + at.minute < end
    return lambda at: (
        (at.weekday() in days if at.hour * 60 + at.minute >= start else (at.weekday() - 1) % 7 in days)
        and not end <= at.hour * 60 + at.minute < start
    )


def within(narrow: Iterable[str], wide: Iterable[str]) -> bool:
    """Whether all the time of some windows lies in others, as far as that can be told."""
    week = {minute for text in wide if "/" not in text for minute in _minutes_of_week(text)}
    spans = [tuple(map(_moment, text.split("/", 1))) for text in wide if "/" in text]
    for text in narrow:
        if "/" not in text:
            if not _minutes_of_week(text) <= week:
                return False
            continue
        start, end = map(_moment, text.split("/", 1))
        if len(week) < _WEEK and not any(first <= start and end <= last for first, last in spans):
            return False
    return True


@lru_cache(maxsize=256)
def _minutes_of_week(text: str) -> frozenset[int]:
    holds = window(text)
    return frozenset(minute for minute in range(_WEEK) if holds(_MONDAY + timedelta(minutes=minute)))


def over(text: str, now: float, where: ZoneInfo) -> bool:
    """Whether a window is past for good."""
    return "/" in text and local(now, where) >= _moment(text.split("/", 1)[1])


def _between(first: str, last: str) -> Window:
    start, end = _moment(first), _moment(last)
    if start >= end:
        raise ValueError(f"'{first}/{last}' ends before it begins")
    return lambda at: start <= at < end


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no moment such as '2026-12-24T00:00'") from None
    if found.tzinfo is not None:
        raise ValueError(f"{text!r} names a time zone; leave it out and set the rule's timezone")
    return found


def _days(text: str, whole: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if first not in _DAYS or (dash and last not in _DAYS):
            raise ValueError(f"{whole!r} is no time such as {_EXAMPLES}")
        at = _DAYS.index(first)
        days.add(at)
        while dash and at != _DAYS.index(last):
            at = (at + 1) % 7
            days.add(at)
    return frozenset(days)


def _minutes(hours: str, whole: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(hours)
    assert found is not None  # noqa: S101 - the caller looked
    from_hour, from_minute, to_hour, to_minute = map(int, found.groups())
    start, end = from_hour * 60 + from_minute, to_hour * 60 + to_minute
    if start >= _DAY or end > _DAY or from_minute > 59 or to_minute > 59 or start == end:
        raise ValueError(f"{whole!r} is no time such as {_EXAMPLES}")
    return start, end
