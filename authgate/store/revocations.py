"""What was revoked: in SQL, and in the memory of every worker."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select

from authgate.errors import Refused
from authgate.issuance import Revocation
from authgate.model import Issued
from authgate.store.database import Database
from authgate.store.tables import TOKEN_ID_LENGTH, revocations, storable
from authgate.store.watch import Watch, bump

KINDS = ("jti", "user", "issuer", "key")
_COLUMNS = (
    revocations.c.kind,
    revocations.c.value,
    revocations.c.before,
    revocations.c.made_at,
    revocations.c.expires_at,
    revocations.c.serial,
)
_NAME = "revocations"  # among the versions
_PRUNED = 60.0  # seconds between two times that what is over is forgotten


@dataclass(frozen=True, slots=True)
class _Cut:
    before: int | None  # milliseconds since the epoch; None: whenever it was issued
    expires_at: int | None  # seconds since the epoch


class SqlRevocations:
    """The revocations: obeys ``ports.Revocations``, and what administration asks of it."""

    def __init__(self, database: Database, watch: Watch) -> None:
        self._database = database
        self._watch = watch
        self._cuts: dict[str, dict[str, _Cut]] = {kind: {} for kind in KINDS}
        self._serial = -1
        self._pruned_at = 0.0
        watch.when_changed(_NAME, self._reload)

    async def revoked(self, issued: Issued) -> bool:
        """See ``ports.Revocations``."""
        if not self._watch.fresh:
            await self._watch.ready()
        cuts = self._cuts
        return (
            (bool(cuts["jti"]) and issued.token_id is not None and _falls(cuts["jti"].get(issued.token_id), issued))
            or (bool(cuts["user"]) and _falls(cuts["user"].get(issued.user), issued))
            or (
                bool(cuts["issuer"]) and issued.issuer is not None and _falls(cuts["issuer"].get(issued.issuer), issued)
            )
            or (bool(cuts["key"]) and issued.key_id is not None and _falls(cuts["key"].get(issued.key_id), issued))
        )

    async def add(self, made: Revocation) -> None:
        """Revoke; times of 0 become the present. What was revoked before stays so.

        Raises:
            Refused: it cannot be the name of anything that was issued.
            StoreError: the store is away or too slow.
        """
        await self._database.write(lambda connection: add(self._database, connection, made))

    async def list(self, *, after: tuple[str, str] = ("", ""), limit: int = 100) -> Sequence[Revocation]:
        """Revocations by kind and value: at most ``limit``, from the one that follows ``after``.

        Raises:
            StoreError: the store is away or too slow.
        """
        later = (revocations.c.kind == after[0]) & (revocations.c.value > after[1])
        query = select(*_COLUMNS).where((revocations.c.kind > after[0]) | later)
        query = query.order_by(revocations.c.kind, revocations.c.value).limit(limit)
        return await self._database.read(lambda connection: [_load(row) for row in connection.execute(query)])

    async def _reload(self) -> None:
        query = select(*_COLUMNS).where(revocations.c.serial > self._serial).order_by(revocations.c.serial)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        for kind, value, before, _, expires_at, serial in rows:
            self._serial = max(self._serial, serial)
            if kind in self._cuts:
                self._cuts[kind][value] = _Cut(before, expires_at)
        if time.monotonic() - self._pruned_at > _PRUNED:
            self._pruned_at, now = time.monotonic(), time.time()
            for kind, cuts in self._cuts.items():
                self._cuts[kind] = {
                    value: cut for value, cut in cuts.items() if cut.expires_at is None or cut.expires_at > now
                }


def add(database: Database, connection: Connection, made: Revocation) -> None:
    """Revoke, in a transaction that others share.

    Raises:
        Refused: it cannot be the name of anything that was issued.
    """
    if not made.value or not storable(made.value, TOKEN_ID_LENGTH):
        raise Refused(f"what is revoked has a name of 1 to {TOKEN_ID_LENGTH} characters")
    now = time.time_ns() // 1_000_000
    serial = bump(database, connection, _NAME)
    over = (revocations.c.expires_at.is_not(None)) & (revocations.c.expires_at <= now // 1000)
    connection.execute(delete(revocations).where(over))
    same = (revocations.c.kind == made.kind) & (revocations.c.value == made.value)
    there = connection.execute(select(*_COLUMNS).where(same)).first()
    before, expires_at = made.before, made.expires_at
    if there is not None:  # never less than it was
        old = _load(there)
        before = None if before is None or old.before is None else max(before, old.before)
        expires_at = None if expires_at is None or old.expires_at is None else max(expires_at, old.expires_at)
        connection.execute(delete(revocations).where(same))
    row = {
        "kind": made.kind,
        "value": made.value,
        "before": before,
        "made_at": made.made_at or now,
        "expires_at": expires_at,
        "serial": serial,
    }
    connection.execute(revocations.insert(), row)


def _falls(cut: _Cut | None, issued: Issued) -> bool:
    """Whether a token falls under it: one that does not say when it was issued falls under every one of its kind.

    Whole seconds are counted as begun, so what was issued in the second of the cut falls too.
    """
    if cut is None:
        return False
    return cut.before is None or issued.issued_at is None or issued.issued_at * 1000 <= cut.before


def _load(row: Any) -> Revocation:
    kind, value, before, made_at, expires_at, _serial = row
    return Revocation(kind, value, before, made_at, expires_at)
