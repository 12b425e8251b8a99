"""What PostgreSQL's planner is told about tables that grow faster than PostgreSQL looks at them itself.

A statement that was prepared while a table was small reads it from one end to the other, which is right then. It goes
on so until the table is analysed, and PostgreSQL's own round comes by each minute: enough time for every client of a
media server to come, and for each commit to read the rows of all who came before.
"""

import asyncio
import logging
import time
from contextlib import suppress

from sqlalchemy import Connection, text

from authgate.errors import StoreError
from authgate.store.database import Database
from authgate.store.duties import SqlDuties
from authgate.store.engine import POSTGRESQL

log = logging.getLogger(__name__)

_DUTY = "statistics"
_HELD = 15.0  # seconds for which the duty is taken
_EVERY = 2.0  # seconds between two looks

# Tables of which as much has changed as there was. The largest, that of records, is found by its own index.
_OUTGROWN = text(
    "SELECT quote_ident(known.relname) FROM pg_class AS known"
    " JOIN pg_stat_user_tables AS counted ON counted.relid = known.oid"
    " WHERE counted.schemaname = current_schema() AND known.relname <> 'records'"
    " AND pg_has_role(known.relowner, 'USAGE')"  # nobody else may analyse it
    " AND counted.n_mod_since_analyze > GREATEST(500, known.reltuples) ORDER BY known.relname"
)


class Statistics:
    """Has tables analysed that have outgrown what is known of them; one process does it for all who share the store."""

    def __init__(self, database: Database, duties: SqlDuties) -> None:
        self._database = database
        self._duties = duties
        self._closed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look after them from now on, where the store needs it."""
        if self._task is None and self._database.is_a(POSTGRESQL):
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Do no more; what is under way is waited for."""
        self._closed.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def once(self) -> list[str]:
        """Analyse what has outgrown its statistics; the names of these tables.

        Raises:
            StoreError: the store is away, or analysing takes longer than ``store.timeout``.
        """
        outgrown = await self._database.read(lambda connection: [*connection.execute(_OUTGROWN).scalars()])
        for table in outgrown:
            began = time.monotonic()
            await self._database.write(lambda connection, table=table: _analyse(connection, table))  # type: ignore[misc]
            log.info("table %s has outgrown its statistics: analysed in %.2f s", table, time.monotonic() - began)
        return outgrown

    async def _run(self) -> None:
        told = False
        while not self._closed.is_set():
            try:
                if await self._duties.hold(_DUTY, _HELD):
                    await self.once()
                told = False
            except StoreError as error:
                if not told:
                    log.info("tables are analysed when PostgreSQL does so itself: %s", error)
                told = True
            except Exception:
                log.exception("could not look after the statistics of tables")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), _EVERY)


def _analyse(connection: Connection, table: str) -> None:
    connection.exec_driver_sql(f"ANALYZE {table}")
