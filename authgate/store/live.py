"""How much is going on: live sessions, streams and calls, counted for people who watch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, Select, func, select

from authgate.store.activity import live
from authgate.store.database import Database
from authgate.store.sessions import LIVE
from authgate.store.signal_tables import messages
from authgate.store.tables import calls, sessions, streams

_MOST = 1000  # groups that are told, the largest ones


@dataclass(frozen=True, slots=True)
class Live:
    """How many there are of each."""

    sessions: Mapping[tuple[str, str], int] = field(default_factory=dict)  # by appKey and nodeId
    streams: Mapping[tuple[str, str, bool | None], int] = field(default_factory=dict)  # and by whether it is published
    calls: Mapping[tuple[str, str], int] = field(default_factory=dict)  # by appKey and nodeId
    sessions_to_end: int = 0  # that are to be ended, and are not
    streams_to_end: int = 0
    messages: int = 0  # to clients that wait to be delivered


class SqlLive:
    """Counts what is live."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self) -> Live:
        """What is live now.

        Raises:
            StoreError: the store is away or too slow.
        """
        return await self._database.read(_count)


def _count(connection: Connection) -> Live:
    def groups(query: Select[Any], *by: Column[Any]) -> dict[Any, int]:
        grouped = query.with_only_columns(*by, func.count()).group_by(*by).order_by(func.count().desc(), *by)
        return {tuple(key): count for *key, count in connection.execute(grouped.limit(_MOST))}

    def number(query: Select[Any]) -> int:
        return int(connection.execute(query.with_only_columns(func.count())).scalar_one())

    of_session, of_stream, of_call = ((each.c.app_key, each.c.node) for each in (sessions, streams, calls))
    return Live(
        sessions=groups(select(sessions).where(LIVE), *of_session),
        streams=groups(live(streams), *of_stream, streams.c.published),
        calls=groups(live(calls), *of_call),
        sessions_to_end=number(select(sessions).where(LIVE, sessions.c.end_next_at.is_not(None))),
        streams_to_end=number(live(streams).where(streams.c.end_next_at.is_not(None))),
        messages=number(select(messages).where(messages.c.done_at.is_(None))),
    )
