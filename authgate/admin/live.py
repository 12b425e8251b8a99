"""What goes on: sessions, streams and calls, found and ended."""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from authgate import names
from authgate.admin.pages import some_of
from authgate.errors import Refused
from authgate.model import Call, CallKey, MediaKey, Over, Session, SessionKey, Stream
from authgate.patterns import Match, Pattern, read_name

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.store import Store
    from authgate.wcs import WcsOptions

T = TypeVar("T", Session, Stream)

BY_HAND = "by hand"  # why something is ended that somebody has chosen


@dataclass(frozen=True, slots=True)
class Meant:
    """Which sessions, streams or calls: those for which all that is given is true."""

    user: str | None = None  # a name, or a pattern of names, see ``names.pattern``
    node: str | None = None  # nodeId
    session: str | None = None  # sessionId
    app_key: str | None = None
    token_id: str | None = None  # jti of the token that opened the session; of sessions only
    media: str | None = None  # mediaSessionId; of streams only
    name: str | None = None  # a pattern, see ``patterns.Pattern``; of streams only
    published: bool | None = None  # False: those that are played; of streams only
    only: Callable[[Session], bool] | None = None  # of sessions only

    @property
    def everything(self) -> bool:
        """Whether nothing is given."""
        return self == Meant()


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of ending some."""

    ordered: int  # that the media server is going to be told to end; they are refused until then
    closed: int  # of nodes that cannot be told: they are refused from their next hook on

    @property
    def count(self) -> int:
        """How many there were."""
        return self.ordered + self.closed


async def sessions(
    store: "Store", meant: Meant = Meant(), *, after: SessionKey | None = None, limit: int | None = None
) -> list[Session]:
    """The live sessions that are meant, by node and session: at most ``limit``, from the one that follows ``after``.

    Raises:
        BadName: it cannot be a user's name, or a pattern of such.
        StoreError: the store is away or too slow.
    """
    fits = _user(meant)
    return await some_of(
        partial(store.sessions.list, **_asked(meant)),
        lambda session: session.key,
        lambda each: fits(each.client.user if each.client else None) and _is_meant(each, meant),
        after,
        limit,
    )


async def streams(
    store: "Store", meant: Meant = Meant(), *, after: MediaKey | None = None, limit: int | None = None
) -> list[Stream]:
    """The live streams that are meant, by node, session and id: at most ``limit``, from the one behind ``after``.

    Raises:
        BadName: it cannot be a user's name, or a pattern of such.
        Refused: it cannot be a pattern of stream names.
        StoreError: the store is away or too slow.
    """
    named, fits = _pattern(meant.name), _user(meant)
    return await some_of(
        partial(store.streams.list, published=meant.published, **_asked(meant)),
        lambda stream: stream.key,
        lambda each: fits(each.user) and meant.media in (None, each.key.media) and named(each.name),
        after,
        limit,
    )


async def calls(
    store: "Store", meant: Meant = Meant(), *, after: CallKey | None = None, limit: int | None = None
) -> list[Call]:
    """The calls that are meant, by node, session and id: at most ``limit``, from the one that follows ``after``.

    Raises:
        BadName: it cannot be a user's name, or a pattern of such.
        StoreError: the store is away or too slow.
    """
    page, fits = partial(store.calls.list, **_asked(meant)), _user(meant)
    return await some_of(page, lambda call: call.key, lambda each: fits(each.user), after, limit)


async def end_sessions(store: "Store", meant: Meant, reached: Callable[[str], bool], reason: str = BY_HAND) -> Ended:
    """End the live sessions that are meant.

    ``reached`` says of a nodeId whether that node can be told. It is told in the background; until then, and where it
    cannot be told, their clients are refused from their next hook on, as far as the media server obeys for it.

    Raises:
        BadName: it cannot be a user's name.
        Refused: nothing was given, which would mean everybody.
        StoreError: the store is away or too slow; some may have been ended.
    """
    if meant.everything:
        raise Refused("say which sessions: by their id, --node, --user, --app, --token or --older")
    found, now = await sessions(store, meant), time.time_ns() // 1_000_000
    told, others = _divided(found, reached)
    await store.sessions.order_end(told, reason, now)
    return Ended(len(told), await store.sessions.over(others, Over.ENDED, now))


async def end_streams(store: "Store", meant: Meant, reached: Callable[[str], bool], reason: str = BY_HAND) -> Ended:
    """End the live streams that are meant; of nodes that cannot be told there are none to end.

    Raises:
        BadName: it cannot be a user's name.
        Refused: nothing was given, which would mean all of them, or none of them can be ended.
        StoreError: the store is away or too slow; some may have been ended.
    """
    if meant.everything:
        raise Refused("say which streams: by their id, --name, --node, --session, --user or --app")
    found, now = await streams(store, meant), time.time_ns() // 1_000_000
    told, others = _divided(found, reached)
    if others:
        nodes = ", ".join(sorted({each.key.node for each in others}))
        raise Refused(
            f"no [[wcs]] section of the configuration covers {nodes}, so its streams cannot be ended from here"
        )
    await store.streams.order_end(told, reason, now)
    return Ended(len(told), 0)


def reached(sections: "Sequence[WcsOptions]") -> Callable[[str], bool]:
    """Tells of a nodeId whether a ``[[wcs]]`` section says how to reach that node."""
    return lambda node: any(each.covers(node) for each in sections)


async def older_sessions(store: "Store", is_current: Callable[[str, str], bool]) -> int:
    """How many live sessions were opened with another ``restClientConfig`` than they would get now.

    Raises:
        StoreError: the store is away or too slow.
    """
    counts = await store.sessions.count_by_config()
    return sum(count for (app_key, digest), count in counts.items() if not is_current(app_key, digest))


def _asked(meant: Meant) -> dict[str, Any]:
    """What the store is asked for: of users, a name and no pattern."""
    user = None if meant.user is None or _is_pattern(meant.user) else names.canonical(meant.user)
    return {"user": user, "node": meant.node, "session": meant.session, "app_key": meant.app_key}


def _is_meant(session: Session, meant: Meant) -> bool:
    token = session.client.token_id if session.client is not None else None
    return meant.token_id in (None, token) and (meant.only is None or meant.only(session))


def _is_pattern(text: str) -> bool:
    return bool({"*", "?", "\\"} & set(text))


def _user(meant: Meant) -> Callable[[str | None], bool]:
    if meant.user is None or not _is_pattern(meant.user):
        return lambda _name: True
    runs = [""]
    for part in names.pattern(meant.user):
        if part is names.Wild.ANY:
            runs.append("")
        else:
            runs[-1] += "." if isinstance(part, names.Wild) else re.escape(part)
    first, *others = runs
    # What was found for a * is never looked for again: many of them would take for ever.
    text = first + "".join(f"(?>.*?{run})" for run in others[:-1]) + (f".*{others[-1]}" if others else "")
    compiled = re.compile(text, re.DOTALL)
    return lambda name: name is not None and compiled.fullmatch(name) is not None


def _pattern(text: str | None) -> Callable[[str], bool]:
    if text is None:
        return lambda _name: True
    try:
        compiled = Pattern(text)
    except ValueError as fault:
        raise Refused(f"{text!r} is no pattern of stream names: {fault}") from fault
    return lambda name: compiled.match(read_name(name)) is not Match.NO


def _divided(found: Iterable[T], reached: Callable[[str], bool]) -> tuple[list[T], list[T]]:
    told: list[T] = []
    others: list[T] = []
    for each in found:
        (told if reached(each.key.node) else others).append(each)
    return told, others
