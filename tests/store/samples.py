"""Values for the tests of the store."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from authgate.errors import StoreError
from authgate.model import Close, Entry, Open, Over, Principal, Reason, Record, Session, SessionKey, User
from authgate.store import Store, direct
from authgate.store.ids import record_id

KEY = SessionKey("node-1", "/203.0.113.7:52791/192.0.2.10:8443")
ANN = User("ann", "Ann", hash="$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA")


@asynccontextmanager
async def writing(store: Store) -> AsyncIterator[AsyncConnection]:
    """A transaction, in SQLite too: its driver begins none, and each of many rows would be put on the disk alone."""
    async with store.engine.begin() as connection:
        if store.engine.dialect.name == "sqlite":
            await connection.exec_driver_sql("BEGIN")
        yield connection


def now() -> int:
    return time.time_ns() // 1_000_000


def a_record(**changes: Any) -> Record:
    record = Record(
        record_id(), now(), KEY, "defaultApp", "publishStream", "ann", True, Reason.OK, "rule", "", "stream"
    )
    return replace(record, **changes)


def a_session(key: SessionKey = KEY, opened_at: int = 1000, **changes: Any) -> Session:
    """Ann's; changes of ``user_enabled`` and ``hook`` are the session's, all others its client's."""
    enabled, hook = changes.pop("user_enabled", True), changes.pop("hook", "")
    client = replace(Principal("ann", "passwords"), **changes)
    return Session(key, "defaultApp", opened_at, client, enabled, hook=hook)


def opening(session: Session) -> Entry:
    return Entry(a_record(key=session.key, method="connect"), Open(session))


def closing(key: SessionKey = KEY, at: int = 2000, why: Over = Over.TOLD) -> Entry:
    return Entry(a_record(key=key, method="ConnectionStatusEvent"), Close(key, at, why))


async def eventually(answer: Any, question: Callable[..., Awaitable[Any]], *arguments: Any, **named: Any) -> None:
    """Wait until the question is answered so; trouble with the store is no answer yet."""
    async with asyncio.timeout(10):
        while True:
            try:
                if await question(*arguments, **named) == answer:
                    return
            except StoreError:
                pass
            await asyncio.sleep(0.01)


def visits(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each connection that is fetched, and with each visit to a thread that has one of its own."""
    seen: list[int] = []
    event.listen(store.engine.sync_engine, "checkout", lambda *_: seen.append(1))
    do = direct.Line._do
    monkeypatch.setattr(direct.Line, "_do", lambda *given: (seen.append(1), do(*given))[1])
    return seen
