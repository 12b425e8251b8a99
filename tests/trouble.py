"""How the database of a running authgate fails: somebody holds its tables, or the line to it is cut, or silent."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from authgate.model import Record, Secret, Session
from authgate.store import Store, StoreOptions
from authgate.store.engine import store_url
from tests.store.proxy import Proxy

TABLES = ("users", "sessions", "records")
PATIENCE = 20  # seconds until what should come is given up
# How a driver says that a transaction is to be committed.
COMMIT = {"postgresql": b"COMMIT;\0", "mariadb": b"\x03COMMIT"}


class Line:
    """The line to a database's server: a proxy on a thread of its own, so that a test may wait for anything."""

    def __init__(self, url: str) -> None:
        address = make_url(url)
        self.proxy = Proxy(address.host or "", address.port or 0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.start()
        self.url = address.set(host="127.0.0.1", port=self.proxy.port).render_as_string(hide_password=False)

    def start(self) -> None:
        """The server can be reached."""
        self._do(self.proxy.start())

    def stop(self) -> None:
        """The server cannot be reached, and open connections are reset."""
        self._do(self.proxy.stop())

    def freeze(self) -> None:
        """Nothing moves any more."""
        self._loop.call_soon_threadsafe(self.proxy.freeze)

    def freeze_behind(self, data: bytes | None) -> None:
        """Nothing moves any more, once these bytes have reached the server."""
        self.proxy.freeze_behind = data

    def thaw(self) -> None:
        """Everything moves again."""
        self._loop.call_soon_threadsafe(self.proxy.thaw)

    def close(self) -> None:
        self.thaw()
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)


@contextmanager
def held(url: str) -> Iterator[None]:
    """Until the end of the block, another process is writing to every table and does not come to an end."""
    loop = asyncio.new_event_loop()
    engine = create_async_engine(store_url(url), poolclass=NullPool)
    lock, unlock = _LOCKS[engine.dialect.name]

    async def take() -> Any:
        connection = await engine.connect()
        raw = await connection.get_raw_connection()
        if engine.dialect.name == "sqlite":
            raw.driver_connection.isolation_level = None  # type: ignore[union-attr]  # a transaction begins where we say so
        await connection.execute(text(lock))
        return connection

    async def release(connection: Any) -> None:
        await connection.execute(text(unlock))
        await connection.close()
        await engine.dispose()

    connection = loop.run_until_complete(take())
    try:
        yield
    finally:
        loop.run_until_complete(release(connection))
        loop.close()


_LOCKS = {
    "sqlite": ("BEGIN EXCLUSIVE", "ROLLBACK"),
    "postgresql": (f"LOCK TABLE {', '.join(TABLES)} IN ACCESS EXCLUSIVE MODE", "ROLLBACK"),
    "mariadb": (f"LOCK TABLES {', '.join(f'{table} WRITE' for table in TABLES)}", "UNLOCK TABLES"),
}


def kept(url: str) -> tuple[Sequence[Record], list[Session]]:
    """All records, the newest first, and all live sessions."""

    async def read() -> tuple[Sequence[Record], list[Session]]:
        store = Store(StoreOptions(url=Secret(url), timeout=PATIENCE))
        try:
            return await store.records.list(limit=1_000_000), await store.sessions.list(limit=1_000_000)
        finally:
            await store.close()

    return asyncio.run(read())


def awaited(what: Callable[[], bool]) -> None:
    """Come back as soon as this is so.

    Raises:
        AssertionError: it takes too long.
    """
    give_up = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < give_up, "it did not come"
        time.sleep(0.05)
