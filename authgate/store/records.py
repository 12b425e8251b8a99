"""The audit trail in SQL: rows <-> records, and reading them back."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, select

from authgate.model import Reason, Record, SessionKey
from authgate.store.database import Database
from authgate.store.ids import first_id
from authgate.store.tables import (
    FACTS_LENGTH,
    LABEL_LENGTH,
    METHOD_LENGTH,
    NAME_LENGTH,
    NODE_LENGTH,
    REASON_LENGTH,
    SESSION_LENGTH,
    SUBJECT_LENGTH,
    clipped,
    records,
    storable,
)

_STEP = 20_000  # records that one statement of a listing looks at: its time does not grow with the table


class SqlRecords:
    """The records, for people to read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(
        self,
        *,
        limit: int = 50,
        user: str | None = None,
        session: str | None = None,
        method: str | None = None,
        app_key: str | None = None,
        allowed: bool | None = None,
        reason: Reason | None = None,
        since: int | None = None,
    ) -> Sequence[Record]:
        """Records that match all that is given, newest first: at most ``limit``.

        ``since`` (included) is in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow.
        """
        wanted = {
            records.c.user_name: user,
            records.c.session: session,
            records.c.method: method,
            records.c.app_key: app_key,
            records.c.allowed: allowed,
            records.c.reason: reason,
        }
        if any(isinstance(value, str) and not storable(value, SUBJECT_LENGTH) for value in wanted.values()):
            return []
        query = select(records).where(*(column == value for column, value in wanted.items() if value is not None))
        if since is not None:
            query = query.where(records.c.at >= since, records.c.id >= first_id(since))
        oldest, before = first_id(since or 0), ""
        found: list[Record] = []
        while len(found) < limit:
            lower, rows = await self._database.read(partial(_step, query, before, limit - len(found)))
            found += map(load, rows)
            if lower is None or lower < oldest:
                break
            before = lower
        return found

    async def find(self, id_: str) -> Record | None:
        """The record of this id.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not storable(id_, 26):
            return None
        query = select(records).where(records.c.id == id_)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else load(row)

    async def page(self, since: int, before: str = "", limit: int = 1000) -> Sequence[Record]:
        """Records from the newest back: at most ``limit``, of those before an id, and not older than ``since``.

        ``since`` (included) is in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = select(records).where(records.c.at >= since, records.c.id >= first_id(since))
        if before:
            query = query.where(records.c.id < before)
        query = query.order_by(records.c.id.desc()).limit(limit)
        return await self._database.read(lambda connection: [load(row) for row in connection.execute(query)])


def load(row: Any) -> Record:
    """A row, in the order of the table's columns, as a record."""
    id_, at, node, session, app_key, method, user, allowed, reason, rule, status, subject, facts = row
    key = SessionKey(node, session)
    told = "" if facts is None else facts
    return Record(id_, at, key, app_key, method, user, bool(allowed), Reason(reason), rule, status, subject, told)


def dump(record: Record) -> tuple[object, ...]:
    """A record as a row, in the order of the table's columns."""
    return (
        clipped(record.id, 26),
        record.at,
        clipped(record.key.node, NODE_LENGTH),
        clipped(record.key.session, SESSION_LENGTH),
        clipped(record.app_key, LABEL_LENGTH),
        clipped(record.method, METHOD_LENGTH),
        None if record.user is None else clipped(record.user, NAME_LENGTH),
        record.allowed,
        clipped(record.reason.value, REASON_LENGTH),
        clipped(record.rule, LABEL_LENGTH),
        clipped(record.status, LABEL_LENGTH),
        clipped(record.subject, SUBJECT_LENGTH),
        _facts(record.facts),
    )


def _facts(text: str) -> str | None:
    """Facts as the column holds them: half of them could not be read, so too many are none."""
    return text if text and storable(text, FACTS_LENGTH) else None


def _step(query: Select[Any], before: str, limit: int, connection: Connection) -> tuple[str | None, Sequence[Any]]:
    """The matches among the next records below an id, and the id at which to go on (None: there are no more)."""
    below = records.c.id < before if before else records.c.id >= ""
    newest = select(records.c.id).where(below).order_by(records.c.id.desc())
    lower: str | None = connection.execute(newest.offset(_STEP - 1).limit(1)).scalar()
    query = query.where(below).order_by(records.c.id.desc()).limit(limit)
    if lower is not None:
        query = query.where(records.c.id >= lower)
    return lower, connection.execute(query).all()
