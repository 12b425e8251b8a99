"""How many sessions and publishers there may be, looked at by whoever adds one: so that no two slip past.

What is limited is locked first, so that whoever adds to the same, in whatever process, waits; what is too many when
all is in place is taken out again, or others are ordered to end for it. Nobody pays who has no limit.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import delete, null, select, update

from authgate.limits import EXCEEDED
from authgate.model import Entry, Limit, MediaKey, Open, Over, Per, Reason, Session, SessionKey, StreamNews
from authgate.store import places
from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.engine import SQLITE
from authgate.store.limit_slots import Slots
from authgate.store.padded import Padded
from authgate.store.places import Places
from authgate.store.tables import sessions, streams, users
from authgate.store.turned import Bound, Bounds, Key, Row, Scope, turned, within


@dataclass(frozen=True, slots=True)
class Held:
    """What a batch of entries is held to. All at rest: to nothing."""

    bounds: Bounds = field(default_factory=dict)
    added: Mapping[bool, Sequence[Row]] = field(default_factory=dict)  # True: publishers; where it could be too much
    sessions: Sequence[SessionKey] = ()  # that may have to end, to be locked with those that change
    streams: Sequence[MediaKey] = ()


FREE = Held()


class Limits:
    """The limits, for the ledger's transactions."""

    def __init__(self, database: Database) -> None:
        self._slots = Slots(database)
        self._alone = database.is_a(SQLITE)  # it has one writer at a time: nothing need be locked
        self._places = {False: database.once(places.of_sessions), True: database.once(places.of_streams)}
        self._numbers: Padded[str] = Padded(
            lambda size: database.text(select(users.c.name, users.c.max_sessions).where(users.c.name.in_([""] * size)))
        )

        this = (sessions.c.node == "", sessions.c.session == "")
        over = {"over_at": 0, "over_reason": "", "end_next_at": None}
        self._reject = database.text(update(sessions).where(*this).values(over))
        stream = (streams.c.node == "", streams.c.session == "", streams.c.media == "")
        self._remove = database.text(delete(streams).where(*stream))
        again = {"since": 0, "over_at": null(), "over_reason": null(), "end_at": null(), "end_next_at": null()}
        self._again = database.text(update(streams).where(*stream, streams.c.over_at < 0).values(again))

    def begin(self, connection: Direct, entries: Sequence[Entry], opened: Mapping[SessionKey, Session]) -> Held:
        """Lock what these entries add to, before anything else is; ``opened`` are the sessions that they come to."""
        limits = {places.of_limit(limit): limit for entry in entries for limit in entry.limits}
        if not limits:
            return FREE
        self._slots.take(connection, [scope.name for scope in limits])
        bounds = self._bounds(connection, limits)
        added: dict[bool, Sequence[Row]] = {}
        going: dict[bool, list[Key]] = {False: [], True: []}
        wanted = {False: [places.row_of(each) for each in opened.values()], True: _published(entries)}
        for publishers, rows in wanted.items():
            asked = Counter(scope for row in rows for scope in within(row, bounds))
            counts = self._places[publishers].count(connection, asked)
            full = {scope: counts[scope] + more - bounds[scope].most for scope, more in asked.items()}
            if (publishers and asked) or any(lacking > 0 for lacking in full.values()):
                added[publishers] = rows
            for scope, lacking in full.items():
                if lacking > 0 and bounds[scope].ends_oldest and not self._alone:
                    older = self._places[publishers].oldest(connection, scope, lacking)
                    going[publishers] += [row.key for row in older]
        of_sessions, of_streams = ([*dict.fromkeys(each)] for each in going.values())
        return Held(bounds, added, [SessionKey(*key) for key in of_sessions], [MediaKey(*key) for key in of_streams])

    def settle(self, connection: Direct, held: Held, at: int) -> Mapping[Key, Reason]:
        """When all is in place: the sessions and streams that are turned away after all, and why.

        Others are ordered to end for those that are not, at a time in milliseconds since the epoch.
        """
        away: dict[Key, Reason] = {}
        for publishers, rows in held.added.items():
            of = self._places[publishers]
            # Some have come late, or are over by now: those make no room and take none.
            there = self._there(connection, rows, publishers)
            new = [row for row in rows if row.key in there and _is_it(row, there[row.key], publishers)]
            wanted = Counter(scope for row in new for scope in within(row, held.bounds))
            counts = of.count(connection, wanted)
            if any(counts[scope] > held.bounds[scope].most for scope in wanted):
                counts.subtract(wanted)
                older = partial(_older, connection, of, held.bounds, Counter(counts), wanted, {row.key for row in new})
                found = turned(new, held.bounds, counts, older)
                of.end(connection, found, at)
                self._take_out(connection, [row for row in new if row.key in found.away], publishers)
                away |= found.away
        return away

    def _there(self, connection: Direct, rows: Sequence[Row], publishers: bool) -> dict[Key, Row]:
        """Those of the rows that hold a place. Whoever publishes under an id whose stream is over has begun another."""
        of = self._places[publishers]
        there = {row.key: row for row in of.find(connection, [row.key for row in rows])}
        lacking = [row for row in rows if row.key not in there] if publishers else []
        if lacking:
            connection.exec_driver_sql(self._again, [(row.since, *row.key, row.since) for row in lacking])
            there |= {row.key: row for row in of.find(connection, [row.key for row in lacking])}
        return there

    def _take_out(self, connection: Direct, rows: Sequence[Row], publishers: bool) -> None:
        """Let those that are turned away be over, or never have been there.

        The same connect, sent again, is looked at anew, and may come in the same millisecond.
        """
        if rows and publishers:
            connection.exec_driver_sql(self._remove, sorted(row.key for row in rows))
        elif rows:
            rejected = (Over.REJECTED.value, None)
            connection.exec_driver_sql(self._reject, sorted((row.since - 1, *rejected, *row.key) for row in rows))

    def _bounds(self, connection: Direct, limits: Mapping[Scope, Limit]) -> Bounds:
        """What the limits come to now: a user who has been deleted is held to what was said of it when verified."""
        names = sorted(scope.value for scope in limits if scope.per is Per.USER)
        now: Mapping[str, int | None] = {}
        if names:
            text, asked = self._numbers.of(names)
            now = dict(connection.exec_driver_sql(text, tuple(asked)).fetchall())
        found = {}
        for scope, limit in limits.items():
            own = now.get(scope.value, limit.stored) if scope.per is Per.USER and not scope.app_key else None
            most = limit.most if own is None else own
            if most is not None:
                found[scope] = Bound(most, limit.ends_oldest, EXCEEDED[scope.per])
        return found


def turned_away(entry: Entry, away: Mapping[Key, Reason], opened: Mapping[SessionKey, Session]) -> Reason | None:
    """Why what an entry adds is not let in after all; None: it is, or it adds nothing."""
    if isinstance(entry.change, Open):
        session = entry.change.session
        same = session.key in away and _owner(session) == _owner(opened[session.key])
        return away[session.key] if same else None
    if entry.limits and isinstance(entry.news, StreamNews):
        return away.get(places.key_of_stream(entry.news.key))
    return None


def _owner(session: Session) -> str:
    return session.client.user if session.client is not None else ""


def _published(entries: Sequence[Entry]) -> list[Row]:
    """The streams that somebody wants to publish, each once."""
    found = {}
    for entry in entries:
        if entry.limits and isinstance(entry.news, StreamNews):
            key = places.key_of_stream(entry.news.key)
            found[key] = Row(key, entry.news.at, tuple(map(places.of_limit, entry.limits)))
    return list(found.values())


def _is_it(row: Row, there: Row, publishers: bool) -> bool:
    """Whether a row of the store is the one that was to be added, which may have been known before it was."""
    return there.scopes == row.scopes and (publishers or there.since == row.since)


def _older(
    connection: Direct,
    of: Places,
    bounds: Bounds,
    counts: Counter[Scope],
    wanted: Counter[Scope],
    new: Collection[Key],
    scope: Scope,
) -> list[Row]:
    """Those who were there before, in their order, as many as could have to go."""
    most = max(0, counts[scope] - bounds[scope].most) + 2 * wanted[scope]  # new ones may stand among them
    return [row for row in of.oldest(connection, scope, most) if row.key not in new]
