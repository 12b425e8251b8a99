"""Sources of users: which there are, what one answers, and what is made of it."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from authgate.errors import Refused
from authgate.model import Reason, User
from authgate.names import canonical

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.passwords import Form, Hashing
    from authgate.sources import SourceOptions
    from authgate.sources.source import Seen, Source
    from authgate.store import Store


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What a source answers to its query, and what is wrong with it."""

    name: str
    asked: str  # the name that it was asked for
    made_up: bool  # whether nobody has that name
    read_only: bool  # whether its sessions have promised only to read
    rows: int  # 2: more than one
    seconds: float  # that the query took
    unused: tuple[str, ...] = ()  # columns that it gives and that mean nothing
    user: User | None = None  # as authgate understands it
    hash: "Form | None" = None
    faults: tuple[str, ...] = ()  # what keeps users out, or lets in the wrong ones
    kept_out: tuple[str, ...] = ()  # why this user cannot log in, though its row is understood


async def adopted(store: "Store") -> dict[str, int]:
    """How many users of each source the store has adopted, who are not its own yet.

    Raises:
        StoreError: the store is away or too slow.
    """
    return await store.adopted.counts()


async def release(store: "Store", source: str, name: str | None = None) -> int:
    """Make users that were adopted from a source the store's own, without a password; how many there were.

    Raises:
        BadName: it cannot be a user's name.
        Refused: there is no such user.
        StoreError: the store is away or too slow.
    """
    user = None if name is None else canonical(name)
    count = await store.adopted.release(source, user)
    if user is not None and not count:
        raise Refused(f"there is no user {user!r} that was adopted from user source {source!r}")
    return count


async def check_source(options: "SourceOptions", hashing: "Hashing", user: str | None = None) -> SourceReport:
    """What a source says of this user, or of one that nobody is, and what comes of the user's hash.

    Raises:
        BadName: it cannot be a user's name.
        ConfigError: a file that its address names cannot be used.
        SourceError: it is away, too slow, or does not answer its query.
    """
    from authgate.sources.source import Source

    given = user or f"authgate-{secrets.token_hex(8)}"
    name = canonical(given)
    asked = given if options.parameter == "typed" else name
    source = Source(options)
    try:
        promised = await source.promises()
        seen = await source.see(asked)
        report = _report(source, seen, name, asked, promised, made_up=user is None)
        return replace(report, kept_out=tuple(_why_refused(report, hashing)))
    finally:
        await source.close()


def _report(source: "Source", seen: "Seen", name: str, asked: str, promised: bool, *, made_up: bool) -> SourceReport:
    from authgate.passwords import recognise

    meant = dict(source.options.columns.given())
    faults = [
        f"columns.{meaning}: the query gives no column {column!r}; it gives {', '.join(seen.columns)}"
        for meaning, column in meant.items()
        if column not in seen.columns
    ]
    found = None
    if not faults:
        found, faults = _found(source, seen, name, made_up=made_up)
    return SourceReport(
        source.name,
        asked,
        made_up,
        promised,
        len(seen.rows),
        seen.seconds,
        tuple(column for column in seen.columns if column not in meant.values()),
        found,
        recognise(found.hash) if found is not None and found.hash is not None else None,
        tuple(faults),
    )


def _found(source: "Source", seen: "Seen", name: str, *, made_up: bool) -> tuple[User | None, list[str]]:
    """The user that rows are of, and what is wrong with them."""
    from authgate.sources.mapping import OtherUser, Unusable

    if made_up and seen.rows:
        return None, ["query: gives a row for a name that nobody has; does it compare :name with the names of users?"]
    if made_up:
        return None, []
    if not seen.rows:
        return None, [f"query: gives no row for {name!r}"]
    if len(seen.rows) > 1:
        return None, [f"query: gives more than one row for {name!r}, who is refused; have it give one"]
    try:
        return source.read(name, seen.rows[0]), []
    except OtherUser:
        return None, [
            f"query: gives the row of somebody else, which counts as none: its column {source.options.columns.name!r} "
            f"holds another name than {name!r}"
        ]
    except Unusable as fault:
        return None, [f"columns.{fault}; this user is refused"]


def _why_refused(report: SourceReport, hashing: "Hashing") -> Iterator[str]:
    from authgate.passwords.schemes import refusal as refused

    found, form = report.user, report.hash
    if found is None:
        return
    refusal = found.refusal(time.time())
    if refusal is not None:
        yield _REFUSED[refusal]
    if form is None:
        yield "it has no password, so only a token lets it in"
    elif why := refused(form, hashing):
        yield f"its password hash cannot be used: {why}"


_REFUSED = {
    Reason.USER_DISABLED: "it is disabled",
    Reason.USER_EXPIRED: "its time is over",
    Reason.USER_NOT_YET_VALID: "its time has not come yet",
}
