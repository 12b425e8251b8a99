"""What errors of drivers mean, and in which words they are told."""

import asyncio
import sqlite3
import time

import pytest
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from authgate.errors import StoreError
from authgate.store.trouble import Unstorable, is_of_one_item, settled, told, within, worth_a_retry

SECRET = "hunter2"


def driver(kind: type[Exception], *arguments: object, sqlstate: str | None = None, gone: bool = False) -> Exception:
    """An error as SQLAlchemy hands it on."""
    orig = type(kind.__name__, (kind,), {"sqlstate": sqlstate})(*arguments)
    return DBAPIError.instance(
        f"SELECT '{SECRET}'", (SECRET,), orig, sqlite3.Error, hide_parameters=True, connection_invalidated=gone
    )


# The error; whether the work is done again; whether one item is to blame; what is told.
ERRORS = {
    "locked": (driver(sqlite3.OperationalError, "database is locked"), False, False, "fails: database is locked"),
    "away": (ConnectionRefusedError(111, "Connection refused"), False, False, "away: Connection refused"),
    "unresolved": (OSError("no such host"), False, False, "away: no such host"),
    "silent": (TimeoutError(), False, False, "does not answer"),
    "pool": (PoolTimeoutError("QueuePool limit"), False, False, "every connection to the store is taken"),
    "misused": (InvalidRequestError(SECRET), False, False, "fails: InvalidRequestError"),
    "no table": (driver(sqlite3.ProgrammingError, "no table\nSQL"), False, False, "fails: no table"),
    "wordless": (driver(sqlite3.OperationalError), False, False, "fails: OperationalError"),
    "stale": (driver(sqlite3.OperationalError, "gone", gone=True), True, False, "fails: gone"),
    "stale and strange": (driver(sqlite3.InterfaceError, "gone", gone=True), True, False, "fails: gone"),
    "deadlock": (driver(sqlite3.Error, "deadlock detected", sqlstate="40P01"), True, False, "deadlock detected"),
    "moved": (driver(sqlite3.Error, "read-only", sqlstate="25006", gone=True), False, False, "fails: read-only"),
    "moved, of MariaDB": (driver(sqlite3.Error, 1290, "read-only", gone=True), False, False, "fails: read-only"),
    "serialization": (driver(sqlite3.Error, "could not", sqlstate="40001"), True, False, "could not"),
    "deadlock in MariaDB": (driver(sqlite3.OperationalError, 1213, "Deadlock found"), True, False, "Deadlock found"),
    "lock wait in MariaDB": (driver(sqlite3.OperationalError, 1205, "Lock wait"), False, False, "Lock wait"),
    "taken": (driver(sqlite3.IntegrityError, SECRET), False, True, "given: IntegrityError"),
    "data": (driver(sqlite3.DataError, SECRET), False, True, "given: DataError"),
    "PostgreSQL's data": (driver(sqlite3.Error, SECRET, sqlstate="22021"), False, True, "given: Error"),
    "unbindable": (driver(sqlite3.InterfaceError, SECRET), False, True, "given: InterfaceError"),
    "unencodable": (UnicodeEncodeError("utf-8", SECRET, 0, 1, "no"), False, True, "given: UnicodeEncodeError"),
    "too big": (OverflowError(SECRET), False, True, "given: OverflowError"),
    "our mistake": (TypeError(SECRET), False, True, "given: TypeError"),
    "told before": (StoreError("as it was"), False, True, "as it was"),
}


@pytest.mark.parametrize(("error", "again", "one", "words"), ERRORS.values(), ids=ERRORS)
def test_meaning(error: Exception, again: bool, one: bool, words: str):
    assert worth_a_retry(error) == again
    assert is_of_one_item(error) == one
    trouble = told(error)
    assert words in str(trouble)
    assert SECRET not in str(trouble)
    assert isinstance(trouble, Unstorable) == (one and error is not trouble)


async def test_within_time():
    assert await within(1, asyncio.sleep(0, "done")) == "done"


async def test_trouble_within_time():
    with pytest.raises(ZeroDivisionError):
        await within(1, fail())


async def fail():
    await asyncio.sleep(0)
    return 1 / 0


async def broken_off():
    raise asyncio.CancelledError


async def test_broken_off_by_the_driver():
    with pytest.raises(StoreError, match="broke off"):
        await within(1, broken_off())


async def test_a_loop_that_stands_still_is_not_a_store_that_is_away():
    asyncio.get_running_loop().call_soon(time.sleep, 0.1)  # somebody's second of hashing, before the work begins
    assert await within(0.05, asyncio.sleep(0.01, "done")) == "done"


class Stubborn:
    """Work that takes its time to stop."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()
        self.over = False

    async def work(self) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await self.stopped.wait()
            self.over = True
            raise ValueError("nobody is there to hear this")


async def test_too_late_is_not_waited_for():
    stubborn = Stubborn()
    with pytest.raises(StoreError, match=r"within 0\.01 seconds"):
        await within(0.01, stubborn.work())
    await settled(0.01)
    assert not stubborn.over
    stubborn.stopped.set()
    await settled(5)
    assert stubborn.over


async def test_a_cancelled_caller_is_not_waited_for():
    stubborn = Stubborn()
    caller = asyncio.create_task(within(60, stubborn.work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert not stubborn.over
    stubborn.stopped.set()
    await settled(5)
    assert stubborn.over
