"""The addresses from which users have logged in with their passwords."""

import time
from collections import OrderedDict
from collections.abc import Sequence

from sqlalchemy import delete, select

from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.padded import Padded
from authgate.store.tables import ADDRESS_LENGTH, NAME_LENGTH, known_addresses, storable

_FRESH = 3_600.0  # seconds for which a login from the same address is not noted again
_MAX_FRESH = 50_000  # pairs that are kept in memory for it
_PRUNED = 3_600.0  # seconds between two times that what is too old for everybody is forgotten
_OLDEST = 365 * 86_400_000  # milliseconds: the longest for which an address may be configured to be known


class SqlKnown:
    """Which user has logged in from where: obeys ``guessing.Known``. Written after the answer, read when it matters."""

    def __init__(self, database: Database) -> None:
        self._notes = database.shared_writes(self._note)
        self._looks = database.shared_reads(self._look)
        columns = known_addresses.c
        query = select(columns.user_name, columns.address, columns.seen_at)
        self._selects: Padded[str] = Padded(lambda size: database.text(query.where(columns.user_name.in_([""] * size))))
        self._put = database.text(database.insert_or_replace(known_addresses))
        self._prune = database.text(delete(known_addresses).where(known_addresses.c.seen_at < 0))
        self._fresh: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._pruned_at = time.monotonic()

    async def knows(self, user: str, address: str, since: float) -> bool:
        """See ``guessing.Known``."""
        if not storable(user, NAME_LENGTH):
            return False
        return await self._looks.ask((user, address, int(since * 1000)))

    async def note(self, user: str, address: str, now: float) -> None:
        """See ``guessing.Known``."""
        key = (user, address)
        if now - self._fresh.get(key, 0.0) < _FRESH or not storable(address, ADDRESS_LENGTH):
            return
        self._fresh[key] = now
        self._fresh.move_to_end(key)
        while len(self._fresh) > _MAX_FRESH:
            self._fresh.popitem(last=False)
        try:
            await self._notes.ask((user, address, int(now * 1000)))
        except BaseException:
            self._fresh.pop(key, None)
            raise

    async def close(self) -> None:
        """Finish what waits."""
        await self._notes.close()
        await self._looks.close()

    def _look(self, connection: Direct, asked: Sequence[tuple[str, str, int]]) -> Sequence[bool]:
        text, names = self._selects.of([user for user, _, _ in asked])
        seen = {tuple(row[:2]): row[2] for row in connection.exec_driver_sql(text, tuple(names))}
        return [seen.get((user, address), -1) >= since for user, address, since in asked]

    def _note(self, connection: Direct, noted: Sequence[tuple[str, str, int]]) -> Sequence[None]:
        if time.monotonic() - self._pruned_at > _PRUNED:
            self._pruned_at = time.monotonic()
            connection.exec_driver_sql(self._prune, (noted[0][2] - _OLDEST,))
        # Each once, and in one order, so that two processes lock the same rows in the same order.
        connection.exec_driver_sql(self._put, sorted({row[:2]: row for row in noted}.values()))
        return [None] * len(noted)
