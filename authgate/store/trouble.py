"""What an error of the store means: its own trouble, one item's fault, or a chance to try again."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from authgate.errors import StoreError

T = TypeVar("T")

_AT_FAULT = ("22", "23")  # SQLSTATE classes: data exception, integrity constraint violation
_COLLISIONS = {"40001", "40P01"}  # PostgreSQL: serialization failure, deadlock detected
_MARIADB_COLLISIONS = {1213, 1020}  # deadlock found; record has changed since it was read
_READ_ONLY = "25006"  # SQLSTATE of PostgreSQL: a standby, or a server that was told to take no more writes
_MARIADB_READ_ONLY = {1290, 1836}  # the server runs with --read-only; runs in read-only mode
_GRACE = 0.05  # seconds beyond the time-out


class Unstorable(StoreError):
    """The store is there and cannot take this one item."""


def worth_a_retry(error: Exception) -> bool:
    """Whether the same work may succeed at once: a deadlock, or a connection that had gone stale."""
    if not isinstance(error, DBAPIError) or takes_no_writes(error.orig):
        return False  # what was read of such a server may be out of date
    if error.connection_invalidated:
        return True
    first = error.orig.args[0] if error.orig and error.orig.args else None
    return _sqlstate(error) in _COLLISIONS or first in _MARIADB_COLLISIONS


def takes_no_writes(error: BaseException | None) -> bool:
    """Whether it is a driver's error that says that the server only reads."""
    first = error.args[0] if error is not None and error.args else None
    return getattr(error, "sqlstate", None) == _READ_ONLY or first in _MARIADB_READ_ONLY


def is_of_one_item(error: Exception) -> bool:
    """Whether a value may be the cause, so that the same work without that value would succeed."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return False
        # asyncpg tells of a value that it cannot encode by an InterfaceError, other drivers by a DataError.
        faults = (DataError, IntegrityError, InterfaceError)
        return isinstance(error, faults) or _sqlstate(error).startswith(_AT_FAULT)
    return not isinstance(error, SQLAlchemyError | OSError | TimeoutError)


def told(error: Exception, of: str = "the store") -> StoreError:
    """The error as the rest of authgate knows it, without a value in its words; ``of`` is the database it is of."""
    if isinstance(error, StoreError):
        return error
    if is_of_one_item(error):
        cause = error.orig if isinstance(error, DBAPIError) else error
        return Unstorable(f"{of} cannot take what it was given: {type(cause).__name__}")
    if isinstance(error, DBAPIError) and error.orig is not None:
        words = error.orig.args[-1] if error.orig.args else ""  # a server's words; values stand in its details only
        return StoreError(f"{of} fails: {str(words).splitlines()[0] if words else type(error.orig).__name__}")
    if isinstance(error, TimeoutError):
        return StoreError(f"{of} does not answer")
    if isinstance(error, PoolTimeoutError):
        return StoreError(f"every connection to {of} is taken")
    if isinstance(error, SQLAlchemyError):
        return StoreError(f"{of} fails: {type(error).__name__}")
    return StoreError(f"{of} is away: {error.strerror if isinstance(error, OSError) and error.strerror else error}")


async def within(timeout: float, work: Coroutine[Any, Any, T], of: str = "the store") -> T:
    """What the work gives back, which is done on the database that messages call ``of``.

    It is given up after ``timeout`` seconds and is not waited for while it puts its connection away, which
    can take a silent server's time again.

    Raises:
        StoreError: it took longer, or the driver broke it off.
    """
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=timeout)
        if not done:  # perhaps it was this process that stood still, and the answer only waits to be read
            done, _ = await asyncio.wait({task}, timeout=_GRACE)
    except asyncio.CancelledError:
        _give_up(task)
        raise
    if not done:
        _give_up(task)
        raise StoreError(f"{of} does not answer within {timeout:g} seconds")
    if task.cancelled():  # not by us: we are still here
        raise StoreError(f"{of} broke off what it was asked for")
    return task.result()


async def settled(timeout: float) -> None:
    """Come back when what was given up on this loop has put its connections away, or after ``timeout`` seconds."""
    loop = asyncio.get_running_loop()
    if unsettled := [task for task in _given_up if task.get_loop() is loop]:
        await asyncio.wait(unsettled, timeout=timeout)


_given_up: set[asyncio.Task[Any]] = set()  # a task that nobody holds could be collected while it cleans up


def _give_up(task: asyncio.Task[Any]) -> None:
    task.cancel()
    _given_up.add(task)
    task.add_done_callback(_forget)


def _forget(task: asyncio.Task[Any]) -> None:
    _given_up.discard(task)
    if not task.cancelled():
        task.exception()  # looked at, so that it is not reported as forgotten


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""
