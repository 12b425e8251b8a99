"""What workers keep in memory of the store: a number for each kind of it, which goes up with every change.

Each worker reads the numbers a few times a second, and the rest only when one has changed; so a change is in force
everywhere within a second, and a hook costs no read for it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from sqlalchemy import Connection, select, update

from authgate.errors import StoreError
from authgate.store.database import Database
from authgate.store.tables import versions

log = logging.getLogger(__name__)

EVERY = 0.25  # seconds between two looks
PAUSE = 0.2  # seconds from one look that was asked for until the next one
BLIND = 5.0  # seconds without a look after which what is in memory counts for nothing

Reload = Callable[[], Awaitable[None]]


def bump(database: Database, connection: Connection, name: str) -> int:
    """The next number of this kind, in the transaction that makes the change; others wait for its end."""
    if connection.execute(
        update(versions).where(versions.c.name == name).values(number=versions.c.number + 1)
    ).rowcount:
        return int(connection.execute(select(versions.c.number).where(versions.c.name == name)).scalar_one())
    connection.execute(database.insert_unless_there(versions), {"name": name, "number": 0})
    return bump(database, connection, name)


class Watch:
    """Has what is kept in memory read again when it has changed."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._reloads: dict[str, Reload] = {}
        self._seen: dict[str, int] = {}
        self._looked_at: float | None = None
        self._looking = asyncio.Lock()
        self._asked_at = 0.0
        self._due_at = float("-inf")
        self._coming: asyncio.Task[None] | None = None  # a look that was asked for and has not begun
        self._asked: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()
        database.when_moved(self._forget)

    def when_changed(self, name: str, reload: Reload) -> None:
        """Have ``reload`` called when a change of this kind is seen, and once before anything is asked of it."""
        self._reloads[name] = reload
        self._seen.pop(name, None)
        self._looked_at = None

    async def number(self, name: str) -> int:
        """The number of a kind, 0 before its first change.

        Raises:
            StoreError: the store is away or too slow.
        """
        return (await self._numbers()).get(name, 0)

    def seen(self, name: str) -> int | None:
        """The number of a kind that is in force here, without a look; None: there was none yet."""
        return self._seen.get(name)

    async def raise_number(self, name: str) -> None:
        """Tell everybody who watches that something of this kind has changed.

        Raises:
            StoreError: the store is away or too slow.
        """
        await self._database.write(lambda connection: bump(self._database, connection, name))

    def start(self) -> None:
        """Look regularly from now on. Who does not start it has everything read when it is first asked for."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Look no more. A look that is under way is waited for: a read that is broken off leaves a thread behind."""
        self._closed.set()
        if self._task is not None:
            await self._task
            self._task = None
        await asyncio.gather(*self._asked, return_exceptions=True)

    @property
    def fresh(self) -> bool:
        """Whether what is in memory is what the store has, or had a moment ago."""
        return self._looked_at is not None and self._clock() - self._looked_at <= BLIND

    async def ready(self) -> None:
        """Come back if what is in memory is what the store has, or had a moment ago.

        Raises:
            StoreError: it is not known what the store has.
        """
        if not self.fresh:
            asked_at = self._clock()
            async with self._looking:
                if self._looked_at is None or self._looked_at < asked_at:
                    await self._look()

    async def look(self) -> None:
        """Look now.

        Raises:
            StoreError: the store is away or too slow.
        """
        async with self._looking:
            await self._look()

    async def look_again(self) -> None:
        """Come back once a look is over that began after this was asked, whoever's it was.

        All who ask meanwhile share one, and the next follows after ``PAUSE``: so strangers may make somebody ask, and
        that costs the store next to nothing and delays nobody longer than the regular look would.

        Raises:
            StoreError: the store is away or too slow.
        """
        self._asked_at = self._clock()
        if self._coming is None:
            self._coming = asyncio.create_task(self._look_when_due())
            self._asked.add(self._coming)
            self._coming.add_done_callback(self._done)
        await asyncio.shield(self._coming)  # whoever gives up leaves it to the others

    async def _look_when_due(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), max(0.0, self._due_at - self._clock()))
        async with self._looking:
            self._coming = None  # whoever asks from now on waits for another
            if self._looked_at is None or self._looked_at <= self._asked_at:
                self._due_at = self._clock() + PAUSE
                await self._look()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._asked.discard(task)
        if not task.cancelled():
            task.exception()  # those who asked are told; if none is left, nobody need be

    async def _look(self) -> None:
        began_at = self._clock()
        numbers = await self._numbers()
        for name, reload in self._reloads.items():
            number = numbers.get(name, 0)
            if self._seen.get(name) != number:
                await reload()
                self._seen[name] = number
        self._looked_at = began_at

    def _forget(self) -> None:
        """Another server may have lost changes, and counted others with the same numbers."""
        self._seen.clear()
        self._looked_at = None

    async def _numbers(self) -> dict[str, int]:
        query = select(versions.c.name, versions.c.number)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row[0]: int(row[1]) for row in rows}

    async def _run(self) -> None:
        told = False
        while not self._closed.is_set():
            try:
                await self.look()
                told = False
            except StoreError as error:
                if not told:
                    log.warning("could not see what was changed in the store: %s", error)
                told = True
            except Exception:
                log.exception("could not take over what was changed in the store")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), EVERY)
