"""One-time tokens in SQL: reserved when they are shown, used up when what they are for has begun."""

import hashlib
import time
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, delete, select, update

from authgate.model import Where
from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.engine import SQLITE
from authgate.store.tables import one_time_tokens, sessions

RELEASED_AFTER = 30_000  # milliseconds from a reservation after which what has not begun is not waited for
_KEPT = 86_400  # seconds that a token stays here after it has expired
_PRUNED = 60.0  # seconds between two times that those of longer ago are forgotten


class _Asked(NamedTuple):
    token: str
    holder: str
    expires_at: int  # seconds since the epoch
    now: int  # milliseconds since the epoch
    jti: str
    lasting: bool
    dry: bool


class SqlOneTime:
    """The one-time tokens: obeys ``ports.OneTime``.

    Who shows a token has it reserved, and may show it again, as the media server does where an answer is late. Whoever
    else shows it is turned away: for good once what it is reserved for has begun, else until the reservation is old.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reserves = database.shared_writes(self._reserve)
        table = one_time_tokens
        self._insert = database.text(database.insert_unless_there(table))
        self._select = database.text(_locked(select(table.c.holder, table.c.reserved_at, table.c.began_at), database))
        mine = (table.c.token == "") & (table.c.holder == "") & (table.c.reserved_at == 0)
        self._take = database.text(update(table).where(mine).values(holder="", reserved_at=0))
        self._live = database.text(select(sessions.c.node).where(sessions.c.token_id == ""))
        self._pruned_at = -_PRUNED
        self._prune = database.text(delete(table).where(table.c.expires_at < 0))

    async def reserve(self, token: str, where: Where, expires_at: int, now: float, *, dry: bool = False) -> bool:
        """See ``ports.OneTime``."""
        jti = token.partition("\n")[2]
        times = min(expires_at, _LATEST), int(now * 1000)
        return await self._reserves.ask(_Asked(digest(token), digest(where.holder), *times, jti, where.lasting, dry))

    async def close(self) -> None:
        """Finish what waits."""
        await self._reserves.close()

    def _reserve(self, connection: Direct, every: Sequence[_Asked]) -> Sequence[bool]:
        if time.monotonic() - self._pruned_at > _PRUNED:
            self._pruned_at = time.monotonic()
            connection.exec_driver_sql(self._prune, (every[0].now // 1000 - _KEPT,))
        answers: dict[int, bool] = {}
        # In the order of their tokens, so that two processes lock the same rows in the same order.
        for at in sorted(range(len(every)), key=lambda at: every[at].token):
            answers[at] = self._reserved(connection, every[at])
        return [answers[at] for at in range(len(every))]

    def _reserved(self, connection: Direct, asked: _Asked) -> bool:
        token, holder, expires_at, now, jti, lasting, dry = asked
        if not dry:
            connection.exec_driver_sql(self._insert, (token, holder, now, None, expires_at))
        row = connection.exec_driver_sql(self._select, (token,)).fetchone()
        if row is None:
            return True  # somebody only asks, and it is free
        by, reserved_at, began_at = row
        fresh = now - reserved_at < RELEASED_AFTER
        if by == holder and (fresh or began_at is None or lasting):
            return True
        if began_at is not None or fresh:
            return False
        # That it began may have been lost: a session that lives tells as much.
        if connection.exec_driver_sql(self._live, (jti,)).fetchone() is not None:
            return False
        if dry:
            return True
        return bool(connection.exec_driver_sql(self._take, (holder, now, token, by, reserved_at)).rowcount == 1)


def digest(text: str) -> str:
    """What a token or a holder is kept as."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _locked(query: "Select[tuple[str, int, int | None]]", database: Database) -> "Select[tuple[str, int, int | None]]":
    """One row, as it is now: a transaction of MariaDB's would else see it as it was when the transaction began."""
    mine: ColumnElement[bool] = one_time_tokens.c.token == ""
    return query.where(mine) if database.is_a(SQLITE) else query.where(mine).with_for_update()


_LATEST = 253_402_300_799  # the end of the year 9999
