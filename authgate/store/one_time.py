"""One-time tokens in SQL: reserved when they are shown, used up when what they are for has begun."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, delete, select, update

from authgate.issuance import OneTimeToken
from authgate.model import SessionKey, Where
from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.engine import SQLITE
from authgate.store.sessions import issuer_of
from authgate.store.tables import (
    LABEL_LENGTH,
    NODE_LENGTH,
    SESSION_LENGTH,
    TOKEN_ID_LENGTH,
    clipped,
    one_time_tokens,
    sessions,
    storable,
)

RELEASED_AFTER = 30_000  # milliseconds from a reservation after which what has not begun is not waited for
_KEPT = 86_400  # seconds that a token stays here after it has expired
_PRUNED = 60.0  # seconds between two times that those of longer ago are forgotten


class _Asked(NamedTuple):
    digest: str  # of the token
    token: OneTimeToken
    holder: str
    opens: tuple[str | None, str | None]  # node and session
    expires_at: int  # seconds since the epoch
    now: int  # milliseconds since the epoch
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
        columns = (table.c.holder, table.c.reserved_at, table.c.began_at, table.c.node, table.c.session)
        self._select = database.text(_locked(select(*columns), database))
        mine = (table.c.token == "") & (table.c.holder == "") & (table.c.reserved_at == 0)
        self._take = database.text(update(table).where(mine).values(holder="", reserved_at=0, node="", session=""))
        there = (sessions.c.node == "", sessions.c.session == "", sessions.c.over_at.is_(None))
        opened_by = (sessions.c.verifier, sessions.c.token_id, sessions.c.proof)
        self._live = database.text(select(*opened_by).where(*there))
        self._pruned_at = -_PRUNED
        self._prune = database.text(delete(table).where(table.c.expires_at < 0))

    async def reserve(
        self, token: OneTimeToken, where: Where, expires_at: int, now: float, *, dry: bool = False
    ) -> bool:
        """See ``ports.OneTime``."""
        times = min(expires_at, _LATEST), int(now * 1000)
        names = digest("\n".join((token.verifier, token.issuer or "", token.token_id))), token, digest(where.holder)
        return await self._reserves.ask(_Asked(*names, _opens(where.opens), *times, where.lasting, dry))

    async def close(self) -> None:
        """Finish what waits."""
        await self._reserves.close()

    def _reserve(self, connection: Direct, every: Sequence[_Asked]) -> Sequence[bool]:
        if time.monotonic() - self._pruned_at > _PRUNED:
            self._pruned_at = time.monotonic()
            connection.exec_driver_sql(self._prune, (every[0].now // 1000 - _KEPT,))
        answers: dict[int, bool] = {}
        # In the order of their tokens, so that two processes lock the same rows in the same order.
        for at in sorted(range(len(every)), key=lambda at: every[at].digest):
            answers[at] = self._reserved(connection, every[at])
        return [answers[at] for at in range(len(every))]

    def _reserved(self, connection: Direct, asked: _Asked) -> bool:
        mine = (asked.holder, asked.now)
        if not asked.dry:
            row = (asked.digest, *mine, None, asked.expires_at, *asked.opens)
            connection.exec_driver_sql(self._insert, row)
        found = connection.exec_driver_sql(self._select, (asked.digest,)).fetchone()
        if found is None:
            return True  # somebody only asks, and it is free
        by, reserved_at, began_at, *opened = found
        fresh = asked.now - reserved_at < RELEASED_AFTER
        if by == asked.holder and (fresh or began_at is None or asked.lasting):
            return True
        # That it began may have been lost: a session that lives tells as much.
        if began_at is not None or fresh or self._lives(connection, opened, asked.token):
            return False
        if asked.dry:
            return True
        taken = (*mine, *asked.opens, asked.digest, by, reserved_at)
        return bool(connection.exec_driver_sql(self._take, taken).rowcount == 1)

    def _lives(self, connection: Direct, opened: Sequence[str | None], token: OneTimeToken) -> bool:
        """Whether the session lives that this token was shown to open, and no other under the same ids."""
        if None in opened:
            return False
        row = connection.exec_driver_sql(self._live, tuple(opened)).fetchone()
        if row is None:
            return False
        verifier, token_id, proof = row
        same = verifier == clipped(token.verifier, LABEL_LENGTH) and token_id == clipped(
            token.token_id, TOKEN_ID_LENGTH
        )
        return same and issuer_of(proof) == token.issuer


class TokensThatBegan:
    """Those that are used up since what they are reserved for has begun; for the ledger's transactions."""

    def __init__(self, database: Database) -> None:
        held = (one_time_tokens.c.holder == "") & (one_time_tokens.c.began_at.is_(None))
        self._begin = database.text(update(one_time_tokens).where(held).values(began_at=0))
        mine = (sessions.c.node == "", sessions.c.session == "", sessions.c.opened_at <= 0)
        lived = held & select(sessions.c.node).where(*mine, sessions.c.over_at.is_(None)).exists()
        self._end = database.text(update(one_time_tokens).where(lived).values(began_at=0))

    def begin(self, connection: Direct, begun: Mapping[str, int]) -> None:
        """Use up what these hold, each from a time on, in milliseconds since the epoch."""
        rows = sorted((digest(holder), at) for holder, at in begun.items())
        if rows:
            connection.exec_driver_sql(self._begin, [(at, holder) for holder, at in rows])

    def of(self, holder: str, key: SessionKey, at: int) -> tuple[object, ...]:
        """What ``end`` is to be given of a session that is over."""
        return at, digest(holder), *key, at

    def end(self, connection: Direct, over: Sequence[tuple[object, ...]]) -> None:
        """Use up what sessions that live still held for having been opened: that they began may have been lost."""
        if over:
            connection.exec_driver_sql(self._end, [*over])


def _opens(key: SessionKey | None) -> tuple[str | None, str | None]:
    """A session as it can be found again in the store."""
    if key is None or not (storable(key.node, NODE_LENGTH) and storable(key.session, SESSION_LENGTH)):
        return None, None
    return key


def digest(text: str) -> str:
    """What a token or a holder is kept as."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _locked(query: "Select[Any]", database: Database) -> "Select[Any]":
    """One row, as it is now: a transaction of MariaDB's would else see it as it was when the transaction began."""
    mine: ColumnElement[bool] = one_time_tokens.c.token == ""
    return query.where(mine) if database.is_a(SQLITE) else query.where(mine).with_for_update()


_LATEST = 253_402_300_799  # the end of the year 9999
