"""The ledger in SQL: each hook's record and what it changes in the sessions, many hooks to a commit."""

from collections.abc import Callable, Sequence

from authgate.model import Begin, Entry, Open, Reason, Session, SessionKey
from authgate.sessions import as_answered
from authgate.spool import Spool
from authgate.store import record_rows as trail
from authgate.store.activity_rows import ActivityRows
from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.drain import Drain
from authgate.store.limits import Limits, turned_away
from authgate.store.one_time import TokensThatBegan
from authgate.store.session_rows import SessionRows
from authgate.store.signals import Desk
from authgate.store.tables import records


class SqlLedger:
    """The ledger: obeys ``ports.Ledger``."""

    def __init__(self, database: Database, spool: Spool, retry_after: float, desk: Desk) -> None:
        self._database = database
        self._commits = database.shared_writes(self._commit)
        self._drain = Drain(spool, self.write, retry_after)
        database.writes.when_back(self._drain.wake)
        self._limits = Limits(database)
        self._desk = desk
        self._insert = database.once(_insertion)
        self._sessions = SessionRows(database)
        self._activity = database.once(ActivityRows)
        self._tokens = database.once(TokensThatBegan)
        self._tell: Callable[[], None] = _nobody

    def when_written(self, tell: Callable[[], None]) -> None:
        """Have this called after each entry that this process has committed; it must cost next to nothing."""
        self._tell = tell

    async def write(self, entry: Entry) -> Reason | None:
        """See ``ports.Ledger``."""
        answer = await self._commits.ask(entry)
        self._tell()
        return answer

    def defer(self, entry: Entry) -> bool:
        """See ``ports.Ledger``. A session is not opened late: its client was told otherwise long ago."""
        return self._drain.defer(entry)

    @property
    def waiting(self) -> int:
        """How many entries wait to be committed."""
        return self._commits.waiting

    @property
    def deferred(self) -> int:
        """Bytes of entries that wait in the spool of this process."""
        return self._drain.waiting

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
        entries = self._sessions.owned(connection, entries)
        opened = newest(entries)
        held = self._limits.begin(connection, entries, opened)
        placed = self._sessions.write(connection, entries, held.sessions)
        self._activity.write(connection, entries, held.streams)
        begun = {each.change.holder: each.change.at for each in entries if isinstance(each.change, Begin)}
        self._tokens.begin(connection, begun)
        away = self._limits.settle(connection, held, max(entry.record.at for entry in entries)) if held.added else {}
        answers = [turned_away(entry, away, opened) if away else None for entry in entries]
        answers = [*self._sessions.as_opened(connection, entries, answers, {} if held.added else placed)]
        for at, reason in self._desk.take(connection, entries).items():
            answers[at] = reason
        rows = [trail.dump(as_answered(entry.record, answer)) for entry, answer in zip(entries, answers, strict=True)]
        connection.exec_driver_sql(self._insert, rows)
        return answers


def _insertion(database: Database) -> str:
    return database.text(database.insert_unless_there(records, records.c.id).inline(), trail.COLUMNS)


def _nobody() -> None:
    """Nobody wants to know."""


def newest(entries: Sequence[Entry]) -> dict[SessionKey, Session]:
    """The sessions that these entries open; of several under one key, the one that came last.

    Times decide, not the order: a hook that took long to decide is written after those that came later.
    """
    opened: dict[SessionKey, Session] = {}
    for entry in entries:
        if isinstance(entry.change, Open):
            session = entry.change.session
            other = opened.get(session.key)
            if other is None or other.opened_at <= session.opened_at:
                opened[session.key] = session
    return opened
