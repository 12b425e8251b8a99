"""The options of ``authgate user add`` and ``authgate user set``: what can be said of a user."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import click

from authgate.cli.common import duration, grants_given
from authgate.model import UserChanges

F = TypeVar("F", bound=Callable[..., Any])
NONE: Literal["none"] = "none"


def when(text: str) -> int | Literal["none"]:
    """Seconds since the epoch, from a duration from now on (``+30d``) or an ISO 8601 time; UTC where it says none."""
    text = text.strip()
    if text.lower() == NONE:
        return NONE
    if text.startswith("+"):
        return int(time.time()) + duration(text[1:])
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is neither a time such as 2026-01-31T12:00Z or +30d, nor none") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def number(text: str) -> int | Literal["none"]:
    """A whole number, 0 or more."""
    text = text.strip()
    if text.lower() == NONE:
        return NONE
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise click.BadParameter(f"{text!r} is neither a number of 0 or more, nor none")
    return int(text)


def fields_options(command: F) -> F:
    """What ``fields_given`` reads, but the grants."""
    for option in (
        click.option(
            "--group", "groups", multiple=True, metavar="GROUP", help="A group that the user is to be in; several."
        ),
        click.option("--notes", metavar="TEXT", help="Notes for people."),
        click.option(
            "--max-sessions",
            type=number,
            metavar="N",
            help="How many sessions may be open at a time, or none: any.",
        ),
        click.option(
            "--expires",
            type=when,
            metavar="TIME",
            help="Let in until then: +30d, 2026-01-31T12:00Z, or none: for ever.",
        ),
        click.option(
            "--not-before",
            type=when,
            metavar="TIME",
            help="Let in from then on: +1h, 2026-01-31T12:00Z, or none: now.",
        ),
        click.option("--display", metavar="TEXT", help="The name as people write it."),
    ):
        command = option(command)
    return command


def fields_given(
    *,
    display: str | None = None,
    enabled: bool | None = None,
    grants: Sequence[str] = (),
    no_grants: bool = False,
    default_grants: bool = False,
    not_before: int | Literal["none"] | None = None,
    expires: int | Literal["none"] | None = None,
    max_sessions: int | Literal["none"] | None = None,
    notes: str | None = None,
) -> UserChanges:
    """What was said of a user, and nothing else; a ``none`` is None there.

    Raises:
        UsageError: two things were said of the grants.
    """
    said, granted = grants_given(grants, no_grants, default_grants)
    made = UserChanges()
    if display is not None:
        made["display"] = display
    if enabled is not None:
        made["enabled"] = enabled
    if said:
        made["grants"] = None if granted is None else tuple(granted)
    if not_before is not None:
        made["not_before"] = _limit(not_before)
    if expires is not None:
        made["expires_at"] = _limit(expires)
    if max_sessions is not None:
        made["max_sessions"] = _limit(max_sessions)
    if notes is not None:
        made["notes"] = notes
    return made


def _limit(value: int | Literal["none"]) -> int | None:
    return None if isinstance(value, str) else value
