"""Bans and locks: in SQL, and in the memory of every worker."""

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, select

from authgate.errors import Refused
from authgate.guessing.blocking import Block, Held
from authgate.guessing.decision import lock_after
from authgate.guessing.options import GuessingOptions
from authgate.store.database import Database
from authgate.store.tables import ADDRESS_LENGTH, LABEL_LENGTH, NAME_LENGTH, blocks, storable
from authgate.store.watch import Watch, bump

_NAME = "blocks"  # among the versions
_COLUMNS = (
    blocks.c.kind,
    blocks.c.user_name,
    blocks.c.address,
    blocks.c.made_at,
    blocks.c.expires_at,
    blocks.c.strikes,
    blocks.c.note,
)
_IN_ORDER = (blocks.c.kind, blocks.c.user_name, blocks.c.address)
_PAGE = 500  # rows that are read at once
_PRUNED = 60.0  # seconds between two times that locks are forgotten that were long ago


class SqlBlocks:
    """Whom nobody lets in for now: obeys ``guessing.Blocks``, and what administration asks of it."""

    def __init__(self, database: Database, watch: Watch) -> None:
        self._database = database
        self._watch = watch
        self._held = Held()
        self._serial = -1
        self._pruned_at = time.monotonic()
        watch.when_changed(_NAME, self._reload)

    @property
    def bans(self) -> int:
        """Another number whenever bans have changed, and not for a lock: there may be many of those."""
        return self._held.bans

    @property
    def any_banned(self) -> bool:
        """See ``guessing.Blocks``."""
        return self._held.any_banned

    @property
    def fresh(self) -> bool:
        """See ``guessing.Blocks``."""
        return self._watch.fresh

    async def ready(self) -> None:
        """See ``guessing.Blocks``."""
        await self._watch.ready()

    def banned(self, user: str, address: str, now: float) -> bool:
        """See ``guessing.Blocks``."""
        return self._held.banned(user, address, int(now * 1000))

    def locked(self, user: str, address: str, now: float) -> bool:
        """See ``guessing.Blocks``."""
        return self._held.locked(user, address, int(now * 1000))

    def epoch(self, user: str, address: str) -> int:
        """See ``guessing.Blocks``."""
        return self._held.epoch(user, address)

    def count(self, kind: str, now: float) -> int:
        """How many bans (``ban``) or locks (``lock``) are in force at a time in seconds since the epoch."""
        return self._held.count(kind, int(now * 1000))

    async def lock(self, user: str, address: str, options: GuessingOptions, now: float) -> float | None:
        """See ``guessing.Blocks``."""
        at, forget = int(now * 1000), options.forget * 1000

        def work(connection: Connection) -> float | None:
            serial = bump(self._database, connection, _NAME)  # from here on nobody else changes any
            before = _find(connection, "lock", user, address)
            strikes = 1
            if before is not None and before.expires_at is not None:
                if before.expires_at > at:
                    return None
                strikes = before.strikes + 1 if before.expires_at + forget > at else 1
            seconds = lock_after(strikes, options.lock, options.max_lock)
            _put(connection, Block("lock", user, address, at, at + seconds * 1000, strikes), serial)
            if time.monotonic() - self._pruned_at > _PRUNED:
                self._pruned_at = time.monotonic()
                connection.execute(delete(blocks).where(blocks.c.expires_at <= at - forget))
            return seconds

        return await self._database.write(work)

    async def ban(self, ban: Block) -> None:
        """Ban a user or the addresses of a network; whoever was banned already is from now on as this ban says.

        Raises:
            Refused: it cannot be kept.
            StoreError: the store is away or too slow.
        """
        if not storable(ban.user, NAME_LENGTH) or not storable(ban.address, ADDRESS_LENGTH):
            raise Refused("nobody can have this name or this address")
        if not storable(ban.note, LABEL_LENGTH) or (ban.note and not ban.note.isprintable()):
            raise Refused(f"a note has at most {LABEL_LENGTH} characters that can be seen")
        await self._database.write(lambda connection: _put(connection, ban, bump(self._database, connection, _NAME)))

    async def lift(self, user: str, address: str, *, kinds: Sequence[str], now: float) -> list[Block]:
        """End what is in force of these kinds for a user or an address, and begin its counts anew; what was ended.

        That comes by kind, user and address.
        A user's locks at all addresses end with it, and an address's for all users.

        Raises:
            StoreError: the store is away or too slow.
        """
        at = int(now * 1000)
        whose = blocks.c.user_name == user if user else blocks.c.address == address
        exactly = (blocks.c.user_name == user) & (blocks.c.address == address)
        active = blocks.c.expires_at.is_(None) | (blocks.c.expires_at > at)
        query = (
            select(*_COLUMNS)
            .where(active, blocks.c.kind.in_(kinds), whose, exactly | (blocks.c.kind == "lock"))
            .order_by(*_IN_ORDER)
        )

        def work(connection: Connection) -> list[Block]:
            serial = bump(self._database, connection, _NAME)
            found = [_load(row) for row in connection.execute(query)]
            for each in found:
                ended = Block(each.kind, each.user, each.address, each.made_at, at, 0, each.note)
                _put(connection, ended, serial)
            if "lock" in kinds:
                _put(connection, Block("clear", user, address, at, at + _CLEARED), serial)
            return found

        return await self._database.write(work)

    async def list(self, now: float, *, user: str = "", after: tuple[str, ...] = ("", "", "")) -> Sequence[Block]:
        """The bans and locks in force by kind, user and address, a page of them from the one that follows ``after``.

        Raises:
            StoreError: the store is away or too slow.
        """
        at = int(now * 1000)
        kind, name, address = after
        same = (blocks.c.kind == kind) & (
            (blocks.c.user_name > name) | ((blocks.c.user_name == name) & (blocks.c.address > address))
        )
        query = select(*_COLUMNS).where(
            blocks.c.kind.in_(["ban", "lock"]),
            blocks.c.expires_at.is_(None) | (blocks.c.expires_at > at),
            (blocks.c.kind > kind) | same,
        )
        if user:
            query = query.where(blocks.c.user_name == user)
        query = query.order_by(*_IN_ORDER).limit(_PAGE)
        return await self._database.read(lambda connection: [_load(row) for row in connection.execute(query)])

    async def _reload(self) -> None:
        now = int(time.time() * 1000)
        query = select(*_COLUMNS, blocks.c.serial).where(blocks.c.serial > self._serial)
        if self._serial < 0:  # nothing is in memory that could have ended
            query = query.where(blocks.c.expires_at.is_(None) | (blocks.c.expires_at > now))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        self._held.take([_load(row[:-1]) for row in rows], now)
        self._serial = max([self._serial, *(row[-1] for row in rows)])


def _find(connection: Connection, kind: str, user: str, address: str) -> Block | None:
    query = select(*_COLUMNS).where(_same(kind, user, address))
    row = connection.execute(query).first()
    return None if row is None else _load(row)


def _put(connection: Connection, block: Block, serial: int) -> None:
    connection.execute(delete(blocks).where(_same(block.kind, block.user, block.address)))
    row = {
        "kind": block.kind,
        "user_name": block.user,
        "address": block.address,
        "made_at": block.made_at,
        "expires_at": block.expires_at,
        "strikes": block.strikes,
        "note": block.note,
        "serial": serial,
    }
    connection.execute(blocks.insert(), row)


def _same(kind: str, user: str, address: str) -> Any:
    return (blocks.c.kind == kind) & (blocks.c.user_name == user) & (blocks.c.address == address)


def _load(row: Any) -> Block:
    return Block(*row)


_CLEARED = 7 * 86_400_000  # milliseconds for which counts of before could still be there, and longer
