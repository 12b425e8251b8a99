"""How far the trail was sent on to a stream of another system, in SQL."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from authgate.store.database import Database
from authgate.store.index_tables import record_streams
from authgate.store.tables import LABEL_LENGTH, SUBJECT_LENGTH, clipped, storable


@dataclass(frozen=True, slots=True)
class RecordStreamState:
    """How far one has come."""

    name: str
    at: int  # the number of the record up to which everything was sent
    sent_at: int | None = None  # milliseconds since the epoch: when anything last was; None: nothing yet
    error: str = ""  # that keeps anything from being sent now, "" where nothing does
    failing_at: int | None = None  # milliseconds since the epoch: since when; None: nothing does
    strange_at: int | None = None  # the number at which it was found, and that is none of ours; None: it was not

    def waiting(self, oldest: int | None, newest: int) -> int:
        """How many numbers of records wait, where these two are the oldest that is there and the newest."""
        return max(0, newest - max(self.at, (oldest or 1) - 1))


class SqlRecordStreams:
    """The places of the streams among the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, name: str) -> RecordStreamState:
        """How far it has come; one that is new begins before the first record.

        Raises:
            StoreError: the store is away or too slow.
        """
        found = await self.find(name)
        if found is not None:
            return found
        row = {"name": name, "seq": 0, "error": ""}
        statement = self._database.insert_unless_there(record_streams)
        await self._database.write(lambda connection: connection.execute(statement, row))
        return await self.find(name) or RecordStreamState(name, 0)

    async def find(self, name: str) -> RecordStreamState | None:
        """How far it has come; None: it was never begun.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not storable(name, LABEL_LENGTH):
            return None
        query = select(record_streams).where(record_streams.c.name == name)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else RecordStreamState(*row)

    async def sent(self, name: str, at: int, sent_at: int | None) -> bool:
        """It has come so far, and nothing is wrong; ``sent_at`` in milliseconds since the epoch, None: nothing was.

        False where it is further already: whoever was taken for dead and goes on for a moment sets nobody back.

        Raises:
            StoreError: the store is away or too slow.
        """
        told: dict[str, Any] = {"seq": at, "error": "", "failing_at": None, "strange_seq": None}
        if sent_at is not None:
            told["sent_at"] = sent_at
        return await self._set(name, told, record_streams.c.seq <= at)

    async def failed(self, name: str, error: str, failing_at: int, strange_at: int | None) -> None:
        """Nothing can be sent, since a time in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow.
        """
        told: dict[str, Any] = {"error": clipped(error, SUBJECT_LENGTH), "failing_at": failing_at}
        if strange_at is not None:
            told["strange_seq"] = strange_at
        await self._set(name, told)

    async def set_back(self, name: str, at: int) -> None:
        """What follows this record is not there any more.

        Raises:
            StoreError: the store is away or too slow.
        """
        await self._set(name, {"seq": at, "strange_seq": None})

    async def _set(self, name: str, told: dict[str, Any], *conditions: Any) -> bool:
        statement = update(record_streams).where(record_streams.c.name == name, *conditions).values(**told)
        return bool(await self._database.write(lambda connection: connection.execute(statement).rowcount))
