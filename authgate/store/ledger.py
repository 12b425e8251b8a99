"""The ledger in SQL: each hook's record and what it changes in the sessions, many hooks to a commit."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby

from sqlalchemy import delete, select, update

from authgate.model import Begin, Close, Entry, Open, Reason, Session, SessionKey
from authgate.sessions import as_answered, holder_that_is_over
from authgate.spool import Spool
from authgate.store import records as trail
from authgate.store import sessions as live
from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.drain import Drain
from authgate.store.limits import Limits
from authgate.store.one_time import digest
from authgate.store.tables import one_time_tokens, records, sessions


class SqlLedger:
    """The ledger: obeys ``ports.Ledger``."""

    def __init__(self, database: Database, spool: Spool, retry_after: float) -> None:
        self._database = database
        self._commits = database.shared_writes(self._commit)
        self._drain = Drain(spool, self.write, retry_after)
        database.writes.when_back(self._drain.wake)
        self._limits = Limits(database)
        self._insert = database.text(database.insert_unless_there(records))
        self._open = database.text(database.insert_or_replace(sessions, unless_newer_by=sessions.c.opened_at))
        over = (sessions.c.node == "", sessions.c.session == "", sessions.c.opened_at <= 0)
        self._close = database.text(delete(sessions).where(*over))
        held = (one_time_tokens.c.holder == "") & (one_time_tokens.c.began_at.is_(None))
        self._begin = database.text(update(one_time_tokens).where(held).values(began_at=0))
        lived = held & select(sessions.c.node).where(*over).exists()
        self._end = database.text(update(one_time_tokens).where(lived).values(began_at=0))

    async def write(self, entry: Entry) -> Reason | None:
        """See ``ports.Ledger``."""
        return await self._commits.ask(entry)

    def defer(self, entry: Entry) -> bool:
        """See ``ports.Ledger``. A session is not opened late: its client was told otherwise long ago."""
        return self._drain.defer(entry)

    def start(self) -> None:
        """Write what was deferred, here or by a process that is no more, as soon as the store takes it.

        Raises:
            ConfigError: the spool's folder cannot be used.
        """
        self._drain.start()

    async def close(self) -> None:
        """Finish what waits; what is deferred stays in the spool."""
        await self._drain.close()
        await self._commits.close()

    def _commit(self, connection: Direct, entries: Sequence[Entry]) -> Sequence[Reason | None]:
        limits = self._limits.lock(connection, entries)
        opened, closed = changes(entries)
        ended = {key: digest(holder) for key, holder in map(_ended, entries) if holder is not None}
        # In the order of their keys, so that two processes lock the same rows in the same order: opened ones and closed
        # ones together, for what is opened here may be closed there.
        for closing, keys in in_runs(opened, closed):
            if not closing:
                connection.exec_driver_sql(self._open, [live.dump(opened[key]) for key in keys])
                continue
            if told := [key for key in keys if key in ended]:
                connection.exec_driver_sql(self._end, [(closed[key], ended[key], *key, closed[key]) for key in told])
            connection.exec_driver_sql(self._close, [(*key, closed[key]) for key in keys])
        begun = {digest(each.change.holder): each.change.at for each in entries if isinstance(each.change, Begin)}
        if begun:
            connection.exec_driver_sql(self._begin, [(begun[holder], holder) for holder in sorted(begun)])
        out = self._limits.take_out(connection, limits, opened)
        answers = [Reason.SESSIONS_EXCEEDED if out and _opens_one_of(entry, out) else None for entry in entries]
        rows = [trail.dump(as_answered(entry.record, answer)) for entry, answer in zip(entries, answers, strict=True)]
        connection.exec_driver_sql(self._insert, rows)
        return answers


def in_runs(
    opened: Collection[SessionKey], closed: Collection[SessionKey]
) -> Iterator[tuple[bool, Sequence[SessionKey]]]:
    """All keys in their order, cut where closing begins or ends (True: close them); what is both is opened first."""
    steps = sorted([*((key, False) for key in opened), *((key, True) for key in closed)])
    for closing, run in groupby(steps, lambda step: step[1]):
        yield closing, [key for key, _ in run]


def _ended(entry: Entry) -> tuple[SessionKey, str | None]:
    return entry.record.key, holder_that_is_over(entry)


def _opens_one_of(entry: Entry, sessions: Mapping[SessionKey, str]) -> bool:
    change = entry.change
    if not isinstance(change, Open) or change.session.client is None:
        return False
    return sessions.get(change.session.key) == change.session.client.user


def changes(entries: Sequence[Entry]) -> tuple[dict[SessionKey, Session], dict[SessionKey, int]]:
    """What these entries come to: sessions to open and then, if they were opened by a time, some to close.

    Times decide, not the order: a hook that took long to decide is written after those that came later.
    """
    opened: dict[SessionKey, Session] = {}
    closed: dict[SessionKey, int] = {}
    for entry in entries:
        match entry.change:
            case Open(session):
                other = opened.get(session.key)
                if other is None or other.opened_at <= session.opened_at:
                    opened[session.key] = session
            case Close(key, at):
                closed[key] = max(at, closed.get(key, at))
    return opened, closed
