"""The store: users, live sessions and records in SQL, and what is kept until it can be written there."""

from dataclasses import replace
from typing import cast

from sqlalchemy import QueuePool

from authgate.spool import Spool
from authgate.store import migrate
from authgate.store.activity import SqlCalls, SqlStreams
from authgate.store.adopted import SqlAdopted
from authgate.store.aliases import SqlAliases
from authgate.store.api_keys import SqlApiKeys
from authgate.store.authorities import SqlAuthorities
from authgate.store.beyond import SqlBeyond
from authgate.store.blocks import SqlBlocks
from authgate.store.database import Database
from authgate.store.duties import SqlDuties
from authgate.store.engine import StoreOptions
from authgate.store.groups import SqlGroups
from authgate.store.guesses import SqlGuesses
from authgate.store.ids import record_id
from authgate.store.imports import Change, RowChanges, SqlImports
from authgate.store.key_sets import SqlKeySets
from authgate.store.known import SqlKnown
from authgate.store.ledger import SqlLedger
from authgate.store.live import SqlLive
from authgate.store.one_time import SqlOneTime
from authgate.store.outbox import SqlOutbox
from authgate.store.record_streams import SqlRecordStreams
from authgate.store.record_upkeep import RecordUpkeep
from authgate.store.records import SqlRecords
from authgate.store.revocations import SqlRevocations
from authgate.store.sessions import SqlSessions
from authgate.store.signals import Desk
from authgate.store.signing_keys import SqlSigningKeys
from authgate.store.staging import Staging
from authgate.store.statistics import Statistics
from authgate.store.stream_keys import SqlStreamKeys
from authgate.store.trouble import within
from authgate.store.upkeep import SqlUpkeep
from authgate.store.users import SqlUsers
from authgate.store.watch import Watch
from authgate.store.webhooks import SqlWebhooks

__all__ = ["Change", "RowChanges", "Staging", "Store", "StoreOptions"]


class Store:
    """Everything that is kept. It connects when it is first used, and belongs to the event loop it is used on."""

    def __init__(self, options: StoreOptions, patience: float = 0) -> None:
        """``patience`` is how many seconds to wait for it at least; hooks have the ``timeout`` of the options."""
        longest = options.longest_transaction
        options = replace(options, timeout=max(options.timeout, patience))
        self._database = Database(options)
        self.engine = self._database.engine
        self.users = SqlUsers(self._database)
        self.adopted = SqlAdopted(self._database)
        self.authorities = SqlAuthorities(self._database)
        self.imports = SqlImports(self._database)
        self.groups = SqlGroups(self._database)
        self.aliases = SqlAliases(self._database)
        self.sessions = SqlSessions(self._database)
        self.streams = SqlStreams(self._database)
        self.calls = SqlCalls(self._database)
        self.beyond = SqlBeyond(self._database, self.streams)
        self.duties = SqlDuties(self._database)
        self.upkeep = SqlUpkeep(self._database)
        self.records = SqlRecords(self._database, longest)
        self.record_upkeep = RecordUpkeep(self._database, self.records.settled_seq, self.duties)
        self.record_streams = SqlRecordStreams(self._database)
        self.statistics = Statistics(self._database, self.duties)
        self.live = SqlLive(self._database)
        self.watch = Watch(self._database)
        self.revocations = SqlRevocations(self._database, self.watch)
        self.one_time = SqlOneTime(self._database)
        self.stream_keys = SqlStreamKeys(self._database)
        self.signing_keys = SqlSigningKeys(self._database)
        self.key_sets = SqlKeySets(self._database, self.watch)
        self.api_keys = SqlApiKeys(self._database)
        self.guesses = SqlGuesses(self._database)
        self.blocks = SqlBlocks(self._database, self.watch)
        self.known = SqlKnown(self._database)
        self.webhooks = SqlWebhooks(self._database)
        desk = Desk(self._database)
        self.outbox = SqlOutbox(self._database, self.watch, desk)
        spool = Spool(options.spool, options.spool_max_bytes)
        self.ledger = SqlLedger(self._database, spool, options.retry_after, desk)
        self.new_id = record_id

    async def start(self) -> None:
        """Begin to write what waits in the spool. Commands do without; whoever defers entries needs it.

        Raises:
            ConfigError: the spool's folder cannot be used.
        """
        self.ledger.start()
        self.watch.start()

    def states(self) -> dict[str, tuple[bool, int]]:
        """Of each kind of operation whether the store answered when it was last tried, and how often it did not."""
        breakers = {"read": self._database.reads, "write": self._database.writes}
        return {name: (not each.away, each.failed) for name, each in breakers.items()}

    @property
    def connections(self) -> tuple[int, int]:
        """How many connections to the database are in use, and how many there may be."""
        pool = cast("QueuePool", self.engine.pool)
        return pool.checkedout(), pool.size()

    async def ping(self) -> None:
        """Come back if the database can be reached, whatever is in it.

        Raises:
            StoreError: it is away, or could not be written to when that was last tried.
        """
        await self._database.ping()

    async def revision(self) -> migrate.Revision:
        """What revision the store is at.

        Raises:
            StoreError: it is away.
        """
        return await within(self._database.timeout, migrate.check(self.engine))

    async def check(self) -> None:
        """Come back if the store is at the newest revision.

        Raises:
            StoreError: it is not, or it is away; says what to do.
        """
        (await self.revision()).demand_newest()

    async def close(self) -> None:
        """Finish what waits, and let go of everything. What is in the spool stays there."""
        await self.record_upkeep.close()
        await self.statistics.close()
        await self.watch.close()
        await self.ledger.close()
        await self.one_time.close()
        await self.stream_keys.close()
        await self.guesses.close()
        await self.known.close()
        await self.users.close()
        await self.authorities.close()
        await self.aliases.close()
        await self.sessions.close()
        await self._database.close()
