"""Rows of the table of records <-> records."""

from typing import Any

from authgate.model import Reason, Record, SessionKey
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

COLUMNS = tuple(column.name for column in records.columns if column is not records.c.seq)  # of a row, in their order
ROW = tuple(records.c[name] for name in COLUMNS)


def load(row: Any) -> Record:
    """A row, in the order of ``COLUMNS``, as a record."""
    id_, at, node, session, app_key, method, user, allowed, reason, rule, status, subject, facts = row
    key = SessionKey(node, session)
    told = "" if facts is None else facts
    return Record(id_, at, key, app_key, method, user, bool(allowed), Reason(reason), rule, status, subject, told)


def dump(record: Record) -> tuple[object, ...]:
    """A record as a row, in the order of ``COLUMNS``."""
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
