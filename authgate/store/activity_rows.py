"""How the rows of streams and calls change, in whatever order it is told."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Table, and_, case, func, literal_column, null, or_, update

from authgate.model import CallNews, Entry, MediaKey, Over, StreamNews
from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.tables import (
    LABEL_LENGTH,
    NODE_LENGTH,
    SESSION_LENGTH,
    SUBJECT_LENGTH,
    calls,
    clipped,
    streams,
)

_AGAIN = "10000"  # milliseconds after its end from which a stream that is asked for under the same id is another one
_EARLY = ("", "NEW", "PENDING", "TRYING")  # what is told of one that is asked for; later news may have come before


class ActivityRows:
    """The statements, for the ledger's transactions. They come after those of sessions."""

    def __init__(self, database: Database) -> None:
        self._stream = database.text(database.insert_or_update(streams, _stream))
        this = (streams.c.node == "", streams.c.session == "", streams.c.media == "")
        self._lock = database.text(update(streams).where(*this).values(end_tries=streams.c.end_tries))
        self._call = database.text(database.insert_or_update(calls, _call))

    def write(self, connection: Direct, entries: Sequence[Entry], locked: Sequence[MediaKey] = ()) -> None:
        """Carry out what these entries tell of streams and calls, in the order of their keys: see ``SessionRows``.

        Others are locked that may have to be changed then.
        """
        told = [entry.news for entry in entries if entry.news is not None]
        rows = [_stream_row(news) for news in told if isinstance(news, StreamNews) and (news.status or news.kept)]
        steps = sorted([*rows, *locked], key=_key)
        for locking, run in groupby(steps, lambda step: isinstance(step, MediaKey)):
            connection.exec_driver_sql(self._lock if locking else self._stream, list(run))
        rows = [_call_row(news) for news in told if isinstance(news, CallNews) and news.status]
        if rows:
            connection.exec_driver_sql(self._call, sorted(rows, key=_key))


def _key(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[:3]


def _stream_row(news: StreamNews) -> tuple[object, ...]:
    return (
        *_ids(news.key),
        clipped(news.app_key, LABEL_LENGTH),
        clipped(news.name, SUBJECT_LENGTH),
        news.published,
        clipped(news.status, LABEL_LENGTH),
        news.at,
        news.at,
        news.at if news.kept else None,
        *_over(news),
        *(None, None, 0, None, None),  # not to be ended
    )


def _call_row(news: CallNews) -> tuple[object, ...]:
    return (
        *_ids(news.key),
        clipped(news.app_key, LABEL_LENGTH),
        clipped(news.caller, SUBJECT_LENGTH),
        clipped(news.callee, SUBJECT_LENGTH),
        news.incoming,
        clipped(news.status, LABEL_LENGTH),
        news.at,
        news.at,
        *_over(news),
    )


def _ids(key: tuple[str, str, str]) -> tuple[str, str, str]:
    node, session, id_ = key
    return clipped(node, NODE_LENGTH), clipped(session, SESSION_LENGTH), clipped(id_, SESSION_LENGTH)


def _over(news: StreamNews | CallNews) -> tuple[int | None, str | None]:
    return (news.at, Over.TOLD.value) if news.over else (None, None)


def _stream(fresh: Any) -> Sequence[tuple[str, Any]]:
    old, again = streams.c, _again(streams, fresh)
    named = and_(_early(fresh), ~again, old.name != _NOTHING)
    return [
        ("app_key", _told(old.app_key, fresh.app_key)),
        (
            "name",
            case((named, old.name), else_=_told(old.name, fresh.name)),
        ),
        ("published", func.coalesce(fresh.published, old.published)),
        ("kept_at", func.coalesce(fresh.kept_at, old.kept_at)),
        ("end_at", case((again, null()), else_=old.end_at)),
        ("end_next_at", case((again, null()), else_=old.end_next_at)),
        *_life(streams, fresh, again),
    ]


def _call(fresh: Any) -> Sequence[tuple[str, Any]]:
    old = calls.c
    return [
        ("app_key", _told(old.app_key, fresh.app_key)),
        ("caller", _told(old.caller, fresh.caller)),
        ("callee", _told(old.callee, fresh.callee)),
        ("incoming", func.coalesce(fresh.incoming, old.incoming)),
        *_life(calls, fresh, _again(calls, fresh)),
    ]


def _life(table: Table, fresh: Any, again: Any) -> Sequence[tuple[str, Any]]:
    """What is over stays so, and what is told of one that was only asked for changes nothing of one that runs.

    The order matters, see ``Database.insert_or_update``: ``again`` is asked before what it asks for is set, and when
    ``over_at`` is null already there is no reason either.
    """
    old = table.c
    goes_on = and_(old.over_at.is_not(None), fresh.over_at.is_(None))
    as_before = or_(goes_on, and_(_early(fresh), old.status != _NOTHING))
    earlier = and_(fresh.since < old.since, ~again)
    return [
        ("since", case((or_(and_(again, _early(fresh)), earlier), fresh.since), else_=old.since)),
        ("status", case((and_(as_before, ~again), old.status), else_=_told(old.status, fresh.status))),
        ("seen_at", case((fresh.seen_at > old.seen_at, fresh.seen_at), else_=old.seen_at)),
        ("over_at", case((again, null()), else_=func.coalesce(old.over_at, fresh.over_at))),
        (
            "over_reason",
            case(
                (again, null()),
                (and_(fresh.over_at.is_(None), old.over_at.is_(None)), null()),
                (fresh.over_at.is_(None), old.over_reason),
                else_=func.coalesce(old.over_reason, fresh.over_reason),
            ),
        ),
    ]


def _again(table: Table, fresh: Any) -> Any:
    """Whether one that is over goes on: another has begun under its id, or it was only taken to be lost."""
    old = table.c
    another = and_(_early(fresh), fresh.since - old.over_at > literal_column(_AGAIN))
    found = and_(old.over_reason == literal_column(f"'{Over.LOST.value}'"), fresh.since > old.over_at)
    over = func.coalesce(old.over_at, literal_column("0")) > literal_column("0")
    again = and_(over, fresh.over_at.is_(None), or_(another, found))
    return func.coalesce(case((again, literal_column("1")), else_=literal_column("0")), literal_column("0")) == (
        literal_column("1")
    )


def _early(fresh: Any) -> Any:
    return fresh.status.in_([literal_column(f"'{status}'") for status in _EARLY])


def _told(old: Any, fresh: Any) -> Any:
    return case((fresh == _NOTHING, old), else_=fresh)


_NOTHING: Any = literal_column("''")
