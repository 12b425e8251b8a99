"""How the row of a session changes: opened, closed and renewed, in whatever order it is told."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, groupby
from typing import Any, NamedTuple, cast

from sqlalchemy import Select, String, and_, case, column, func, literal_column, not_, null, or_, select, update, values

from authgate.model import Close, Entry, Open, Over, Reason, Record, Session, SessionKey
from authgate.sessions import holder_that_is_over
from authgate.store.database import Database
from authgate.store.direct import Direct, Returning
from authgate.store.engine import POSTGRESQL, SQLITE
from authgate.store.one_time import TokensThatBegan
from authgate.store.padded import Padded
from authgate.store.sessions import LIVE, dump, tombstone
from authgate.store.tables import NODE_LENGTH, SESSION_LENGTH, sessions, storable

_LATE = 60_000  # milliseconds from a connect until which we may be told that the one before under its key is over
_RENEWED = 60_000  # milliseconds between two renewals
_MOST = 50_000  # sessions whose renewal is remembered


# Under a key, when the live session there was opened and what opened it; None: there is none.
Placed = Mapping[SessionKey, tuple[int, str | None] | None]


class _Step(NamedTuple):
    key: SessionKey
    what: str
    row: tuple[object, ...]
    held: tuple[object, ...] | None = None  # one-time tokens that are used up where the session lived


class SessionRows:
    """The statements, for the ledger's transactions.

    What tells that a connection is over names its key and nothing else, and keys are used again. So a row counts how
    many of these are still to come: one that is late ends nothing that began after it. If it was lost, the next one is
    taken for it only as long as it could be.
    """

    def __init__(self, database: Database) -> None:
        self._tokens = database.once(TokensThatBegan)
        self._texts = database.once(_texts)
        self._there = database.once(_there)
        self._owners = database.once(_owners)
        self._returning = returning(database)
        self._renewed: dict[SessionKey, int] = {}  # milliseconds since the epoch

    def write(self, connection: Direct, entries: Sequence[Entry], locked: Sequence[SessionKey] = ()) -> Placed:
        """Carry out what these entries say of sessions; others are locked that may have to be changed then.

        What is in place under the keys of those that were opened, as far as it was told on the way.

        In the order of their keys, so that two processes lock the same rows in the same order, whatever each does to
        them; of one key, in the order of the entries.
        """
        steps = [*self._steps(entries), *(_Step(key, "lock", key) for key in locked)]
        steps.sort(key=lambda step: step.key)
        placed: dict[SessionKey, tuple[int, str | None] | None] = {}
        for what, run in groupby(steps, lambda step: step.what):
            some = list(run)
            rows = [step.row for step in some]
            self._tokens.end(connection, [step.held for step in some if step.held is not None])
            if what == "open" and self._returning:
                told = cast("Returning", connection).returned(self._texts[what], rows)
                for node, session, opened_at, hook, over_at in told:
                    placed[SessionKey(node, session)] = (opened_at, hook) if over_at is None else None
            else:
                connection.exec_driver_sql(self._texts[what], rows)
                for step in some:
                    placed.pop(step.key, None)
        return placed

    def owned(self, connection: Direct, entries: Sequence[Entry]) -> Sequence[Entry]:
        """The same entries; what tells how it stands with somebody's session is recorded as that user's.

        It is asked before anything is written: of a key that was used again nobody knows whose end is told.
        """
        telling = {at: entry for at, entry in enumerate(entries) if _tells(entry.record)}
        if not telling:
            return entries
        text, asked = self._owners.of([entry.record.key for entry in telling.values()])
        rows = connection.exec_driver_sql(text, tuple(chain.from_iterable(asked)))
        users = {SessionKey(node, session): user for node, session, user in rows}
        owned = [*entries]
        for at, entry in telling.items():
            if entry.record.key in users:
                owned[at] = replace(entry, record=replace(entry.record, user=users[entry.record.key]))
        return owned

    def as_opened(
        self, connection: Direct, entries: Sequence[Entry], answers: Sequence[Reason | None], placed: Placed
    ) -> list[Reason | None]:
        """The same answers, but to a session that is not in place: whoever was not opened is not let in.

        Its connection is over, or another has come under its key since. Otherwise the media server would have a client
        that no limit counts, and whoever finds it there would take it for the one who had its key before.
        What is in place is looked up where it is not ``placed``.
        """
        opened = [entry.change.session for entry in entries if isinstance(entry.change, Open)]
        if not opened:
            return [*answers]
        there = placed
        if not all(session.key in placed for session in opened):
            text, asked = self._there.of([session.key for session in opened])
            rows = connection.exec_driver_sql(text, tuple(chain.from_iterable(asked)))
            there = {SessionKey(node, session): (opened_at, hook) for node, session, opened_at, hook in rows}
        return [
            Reason.SESSION_UNKNOWN
            if answer is None and isinstance(entry.change, Open) and not _is_there(entry.change.session, there)
            else answer
            for entry, answer in zip(entries, answers, strict=True)
        ]

    def _steps(self, entries: Sequence[Entry]) -> Iterable[_Step]:
        for entry in entries:
            match entry.change:
                case Open(session):
                    self._remember(session.key, session.opened_at)
                    yield _Step(session.key, "open", dump(session))
                case Close(key, at, why):
                    holder = holder_that_is_over(entry)
                    held = None if holder is None else self._tokens.of(holder, key, at)
                    yield _Step(key, why, tombstone(key, at, why), held)
                case _:
                    key, at = entry.record.key, entry.record.at
                    if key.session and at - self._renewed.get(key, 0) >= _RENEWED:
                        self._remember(key, at)
                        if storable(key.node, NODE_LENGTH) and storable(key.session, SESSION_LENGTH):
                            yield _Step(key, "renew", (at, *key))

    def _remember(self, key: SessionKey, at: int) -> None:
        if len(self._renewed) >= _MOST:
            self._renewed.clear()
        self._renewed[key] = at


def _texts(database: Database) -> Mapping[str, str]:
    this = (sessions.c.node == "", sessions.c.session == "")
    statements = {
        "open": database.insert_or_update(sessions, _opened).returning(*_PLACE if returning(database) else ()),
        Over.TOLD: database.insert_or_update(sessions, _told),
        Over.FAILED: database.insert_or_update(sessions, _failed),
        Over.REJECTED: database.insert_or_update(sessions, _rejected),
        "renew": update(sessions).where(*this, sessions.c.over_at.is_(None)).values(seen_at=0),
        "lock": update(sessions).where(*this).values(end_tries=sessions.c.end_tries),
    }
    return {what: database.text(statement) for what, statement in statements.items()}


def returning(database: Database) -> bool:
    """Whether an INSERT of many rows can tell what became of each."""
    return database.is_a(POSTGRESQL) or (database.is_a(SQLITE) and sqlite3.sqlite_version_info >= (3, 35))


def _there(database: Database) -> Padded[SessionKey]:
    return Padded(lambda size: database.text(_live_by_key([_NO_KEY] * size)))


def _owners(database: Database) -> Padded[SessionKey]:
    return Padded(lambda size: database.text(_owners_by_key([_NO_KEY] * size)))


_NO_KEY = SessionKey("", "")
_PLACE = (sessions.c.node, sessions.c.session, sessions.c.opened_at, sessions.c.hook, sessions.c.over_at)


def _live_by_key(keys: Sequence[SessionKey]) -> Select[Any]:
    """Since when there are live sessions under these keys, and what opened them."""
    asked = values(column("node", String), column("session", String), name="asked").data(list(keys)).cte("asked")
    same = (sessions.c.node == asked.c.node) & (sessions.c.session == asked.c.session) & LIVE
    columns = (sessions.c.node, sessions.c.session, sessions.c.opened_at, sessions.c.hook)
    return select(*columns).select_from(asked.join(sessions, same))


def _owners_by_key(keys: Sequence[SessionKey]) -> Select[Any]:
    """Whose the sessions under these keys are, or were until just now."""
    asked = values(column("node", String), column("session", String), name="asked").data(list(keys)).cte("asked")
    same = (sessions.c.node == asked.c.node) & (sessions.c.session == asked.c.session)
    known = (sessions.c.user_name.is_not(None)) & (sessions.c.due <= literal_column("1"))
    columns = (sessions.c.node, sessions.c.session, sessions.c.user_name)
    return select(*columns).select_from(asked.join(sessions, same & known))


def _tells(record: Record) -> bool:
    key = record.key
    tells = record.method.endswith("Event") and not record.method.startswith("On")  # those are asked for, or arrive
    told = tells and record.user is None and record.allowed and key.session != ""
    return told and storable(key.node, NODE_LENGTH) and storable(key.session, SESSION_LENGTH)


def _is_there(session: Session, there: Placed) -> bool:
    """Whether a session is in place, opened by its connect or by the same one, sent again."""
    found = there.get(session.key)
    if found is None or (found[1] or "") != session.hook:
        return False
    opened_at = found[0]
    return session.hook != "" or opened_at == session.opened_at


def _opened(fresh: Any) -> Sequence[tuple[str, Any]]:
    """Another session takes the place of an older one; of one that is over too, if it was over before.

    A connect that is sent again changes nothing of its own: what goes on in its session is not older for it, and what
    was ordered stays ordered.
    """
    old = sessions.c
    same = func.coalesce(old.hook, literal_column("''")) == func.coalesce(fresh.hook, literal_column("'none'"))
    soon = fresh.opened_at - old.opened_at < literal_column(str(_LATE))
    other = not_(and_(old.over_at.is_(None), same, soon))
    newer = and_(old.opened_at <= fresh.opened_at, or_(old.over_at.is_(None), old.over_at < fresh.opened_at), other)
    due = case((other, old.due + fresh.due), else_=old.due)
    # What is compared is set last, and when it is set the comparison still says the same, or there is nothing to set.
    last = ("opened_at", "over_at", "hook")
    names = [c.name for c in sessions.columns if not c.primary_key and c.name not in ("due", *last)]
    values = [("due", due), *((name, fresh[name]) for name in (*names, *last))]
    return [(name, case((newer, value), else_=old[name])) for name, value in values]


def _told(fresh: Any) -> Sequence[tuple[str, Any]]:
    old = sessions.c
    return [
        *_closed(fresh),
        ("due", case((old.due > literal_column("0"), old.due - literal_column("1")), else_=old.due)),
    ]


def _failed(fresh: Any) -> Sequence[tuple[str, Any]]:
    return _closed(fresh)  # that it is over will be told as well


def _closed(fresh: Any) -> Sequence[tuple[str, Any]]:
    old = sessions.c
    own = or_(old.due <= literal_column("1"), fresh.over_at - old.opened_at >= literal_column(str(_LATE)))
    closes = and_(old.over_at.is_(None), old.opened_at <= fresh.over_at, own)
    return [
        ("over_reason", case((closes, fresh.over_reason), else_=old.over_reason)),
        ("over_at", case((or_(closes, old.over_at < fresh.over_at), fresh.over_at), else_=old.over_at)),
    ]


def _rejected(fresh: Any) -> Sequence[tuple[str, Any]]:
    """Whoever is rejected must not stand on an older client's session."""
    old = sessions.c
    since = case((old.over_at.is_(None), old.opened_at), else_=old.over_at)
    closes = since <= fresh.over_at
    return [
        ("due", old.due + literal_column("1")),
        ("over_reason", case((closes, fresh.over_reason), else_=old.over_reason)),
        ("over_at", case((closes, fresh.over_at), else_=old.over_at)),
        ("end_next_at", case((closes, null()), else_=old.end_next_at)),
    ]
