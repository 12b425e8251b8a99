"""Duties: what one process alone does at a time, of all that share the store."""

import secrets
import time
from collections.abc import Callable

from sqlalchemy import Connection, or_, select, update

from authgate.store.database import Database
from authgate.store.tables import duties


class SqlDuties:
    """Who has which duty. Clocks of hosts that share a store may differ by less than a duty is taken for."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._mine = secrets.token_hex(16)
        self._until: dict[str, int] = {}  # milliseconds since the epoch, of those that are ours

    async def hold(self, name: str, seconds: float) -> bool:
        """Whether the duty is ours from now on for so many seconds; it is taken where nobody has it any more.

        Whoever does it asks again well before they are over; only every second time that costs a write.

        Raises:
            StoreError: the store is away or too slow; then it is nobody's who cannot ask either.
        """
        now = int(self._clock() * 1000)
        if self._until.get(name, 0) - now > seconds * 500:
            return True
        until = now + int(seconds * 1000)
        held = await self._database.write(lambda connection: self._take(connection, name, now, until))
        if held:
            self._until[name] = until
        else:
            self._until.pop(name, None)
        return held

    async def lay_down(self) -> None:
        """Leave all duties to others, who need not wait for their time.

        Raises:
            StoreError: the store is away or too slow.
        """
        if self._until:
            self._until.clear()
            mine = update(duties).where(duties.c.holder == self._mine).values(until=0)
            await self._database.write(lambda connection: connection.execute(mine))

    def _take(self, connection: Connection, name: str, now: int, until: int) -> bool:
        # Most of those who ask have it or see that another has: neither may wait for a lock.
        found = connection.execute(select(duties.c.holder, duties.c.until).where(duties.c.name == name)).one_or_none()
        if found is None:
            connection.execute(self._database.insert_unless_there(duties), {"name": name, "holder": "", "until": 0})
        elif found.holder != self._mine and found.until >= now:
            return False
        free = or_(duties.c.holder == self._mine, duties.c.until < now)
        taken = update(duties).where(duties.c.name == name, free).values(holder=self._mine, until=until)
        return connection.execute(taken).rowcount == 1
