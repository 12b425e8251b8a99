"""The live sessions in SQL: found again by each hook, opened and closed through the ledger."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    String,
    Update,
    column,
    func,
    select,
    update,
    values,
)

from authgate.compactjson import dumps
from authgate.model import Ending, Issued, Limit, MediaKey, Over, Per, Principal, Session, SessionKey
from authgate.store import each, unsaid
from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.padded import Padded
from authgate.store.places import held
from authgate.store.tables import (
    CONFIG_LENGTH,
    LABEL_LENGTH,
    NAME_LENGTH,
    NODE_LENGTH,
    ORIGIN_LENGTH,
    SESSION_LENGTH,
    TEXT_LENGTH,
    TOKEN_ID_LENGTH,
    clipped,
    sessions,
    storable,
    users,
)

NO_SESSION = SessionKey("", "")
LIVE = sessions.c.over_at.is_(None)
_BATCH = 100  # sessions that are ended in one transaction: each takes a way to the database and back
_COLUMNS = (
    *sessions.columns,
    users.c.enabled,
    users.c.generation.label("user_generation"),
    users.c.not_before.label("user_not_before"),
    users.c.expires_at.label("user_expires_at"),
    users.c.source.label("user_source"),
)


class SqlSessions:
    """The live sessions: obeys ``ports.Sessions``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._finds = database.shared_reads(self._find)
        self._selects: Padded[SessionKey] = Padded(lambda size: database.text(by_key([SessionKey("", "")] * size)))

    async def find(self, key: SessionKey) -> Session | None:
        """See ``ports.Sessions``."""
        if storable(key.node, NODE_LENGTH) and storable(key.session, SESSION_LENGTH):
            return await self._finds.ask(key)
        return None

    async def count(self, user: str) -> int:
        """How many sessions of a user are live, and not to be ended.

        Raises:
            StoreError: the store is away or too slow.
        """
        return await self.held(Limit(Per.USER, user, None, None, ends_oldest=False), NO_SESSION)

    async def held(self, limit: Limit, but: SessionKey | MediaKey) -> int:
        """See ``ports.Sessions``."""
        if not storable(limit.value, TEXT_LENGTH):
            return 0
        query = held(limit, but)
        return await self._database.read(lambda connection: int(connection.execute(query).scalar_one()))

    async def list(
        self,
        *,
        user: str | None = None,
        node: str | None = None,
        session: str | None = None,
        app_key: str | None = None,
        after: SessionKey | None = None,
        limit: int = 100,
    ) -> list[Session]:
        """Live sessions by node and session: at most ``limit``, from the one that follows ``after``.

        Of a user, a node, an id or an application, where they are given.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = with_users(sessions).where(LIVE).order_by(sessions.c.node, sessions.c.session).limit(limit)
        if after is not None:
            same_node = (sessions.c.node == after.node) & (sessions.c.session > after.session)
            query = query.where((sessions.c.node > after.node) | same_node)
        wanted = (
            (sessions.c.user_name, user, NAME_LENGTH),
            (sessions.c.node, node, NODE_LENGTH),
            (sessions.c.session, session, SESSION_LENGTH),
            (sessions.c.app_key, app_key, LABEL_LENGTH),
        )
        for stored, value, length in wanted:
            if value is not None and not storable(value, length):
                return []
            if value is not None:
                query = query.where(stored == value)
        return await self._database.read(lambda connection: [load(row) for row in connection.execute(query)])

    async def count_by_config(self) -> dict[tuple[str, str], int]:
        """How many live sessions there are, by their appKey and the digest of what they were configured with.

        Raises:
            StoreError: the store is away or too slow.
        """
        by = (sessions.c.app_key, sessions.c.config)
        query = select(*by, func.count()).where(LIVE).group_by(*by)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        found: dict[tuple[str, str], int] = {}
        for app_key, config, count in rows:
            found[app_key, config or ""] = found.get((app_key, config or ""), 0) + count
        return found

    async def over(self, over: Sequence[Session], reason: Over, at: int) -> int:
        """Close these sessions, unless others have been opened under their keys since; how many were live.

        ``at`` is in milliseconds since the epoch. Of one that is lost, nothing more is to be told.

        Raises:
            StoreError: the store is away or too slow; some may have been closed.
        """
        lost = reason is Over.LOST
        values = each.over(reason, at) | ({"due": 0} if lost else {})
        return await self._each(over, LIVE, values, at if lost else None)

    async def order_end(self, ordered: Sequence[Session], reason: str, at: int) -> int:
        """Have these sessions ended, and refused until then, unless that was ordered or others were opened since.

        How many were; ``at`` is in milliseconds since the epoch. ``to_end`` gives them to whoever ends them.

        Raises:
            StoreError: the store is away or too slow; it may have been ordered for some.
        """
        values = each.ordered(reason, at)
        return await self._each(ordered, LIVE & sessions.c.end_at.is_(None), values)

    async def to_end(self, now: int, limit: int) -> Sequence[Session]:
        """Sessions whose end was ordered and is due at a time in milliseconds since the epoch, the most urgent first.

        Raises:
            StoreError: the store is away or too slow.
        """
        due = LIVE & (sessions.c.end_next_at <= now)
        query = with_users(sessions).where(due).order_by(sessions.c.end_next_at).limit(limit)
        return await self._database.read(lambda connection: [load(row) for row in connection.execute(query)])

    async def not_ended(self, failed: Sequence[Session], error: str, next_at: int) -> None:
        """Note that these sessions could not be ended, why, and when to try again, in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow.
        """
        values = each.not_ended(sessions.c.end_tries, error, next_at)
        await self._each(failed, LIVE & sessions.c.end_at.is_not(None), values)

    async def _each(
        self,
        meant: Sequence[Session],
        condition: ColumnElement[bool],
        values: Mapping[str, Any],
        lost_at: int | None = None,
    ) -> int:
        found = sorted({(session.key, session.opened_at) for session in meant})
        batches = [found[at : at + _BATCH] for at in range(0, len(found), _BATCH)]
        change = update(sessions).where(condition).values(**values)
        return sum([await self._database.write(partial(_changed, batch, change, lost_at)) for batch in batches])

    async def close(self) -> None:
        """Finish what waits."""
        await self._finds.close()

    def _find(self, connection: Direct, keys: Sequence[SessionKey]) -> Sequence[Session | None]:
        text, asked = self._selects.of(keys)
        rows = connection.exec_driver_sql(text, tuple(chain.from_iterable(asked)))
        found = {(row[0], row[1]): load(row) for row in rows}
        return [found.get(key) for key in keys]


def by_key(keys: Sequence[SessionKey]) -> Select[Any]:
    """The sessions under these keys, each with what is said of its user now.

    Joined to a list of keys: for ``(node, session) IN (...)`` SQLite would read the whole table.
    """
    asked = values(column("node", String), column("session", String), name="asked").data(list(keys)).cte("asked")
    same = (sessions.c.node == asked.c.node) & (sessions.c.session == asked.c.session) & LIVE
    return with_users(asked.join(sessions, same))


def _changed(
    meant: Sequence[tuple[SessionKey, int]], change: Update, lost_at: int | None, connection: Connection
) -> int:
    keys = [(*key, opened_at) for key, opened_at in meant]
    count = each.change_each(connection, change, keys, (sessions.c.node, sessions.c.session), sessions.c.opened_at)
    if count and lost_at is not None:
        unsaid.lost(connection, sessions, keys, lost_at)
    return count


def with_users(source: FromClause) -> Select[Any]:
    return select(*_COLUMNS).select_from(source.outerjoin(users, sessions.c.user_name == users.c.name))


def load(row: Any) -> Session:
    """A row, in the order of the columns here, as a session.

    Its user is enabled if the user's row says so. Where there is none, a user who had one has been deleted;
    another never had one, and was admitted by a token alone.
    """
    node, session, app_key, opened_at, user, stored, verifier, grants, expires_at, token_id, *more = row
    origin, config, groups, claims, generation, proof, hook, due, seen_at, _over_at, _why, *more = more
    end_at, end_reason, end_tries, end_next_at, end_error, token, enabled, *of_user = more
    client = None
    if user is not None:
        issued, bound = _proven(user, token_id, proof) if proof else (None, _NOTHING)
        client = Principal(
            user,
            verifier,
            None if grants is None else tuple(json.loads(grants)),
            expires_at,
            token_id,
            bool(stored),
            frozenset(json.loads(groups)) if groups else _NO_GROUPS,
            json.loads(claims) if claims else _NOTHING,
            generation,
            issued,
            bound,
            token=token or "",
        )
    enabled = bool(enabled) if enabled is not None else not stored
    key = SessionKey(node, session)
    ending = None if end_at is None else Ending(end_at, end_reason or "", end_tries, end_next_at or 0, end_error or "")
    more = (*of_user, hook or "", due, seen_at, ending)
    return Session(key, app_key, opened_at, client, enabled, origin or "", config or "", *more)


def dump(session: Session) -> tuple[object, ...]:
    """A session as a row, in the order of the table's columns."""
    client = session.client or _NOBODY
    return (
        session.key.node,
        session.key.session,
        clipped(session.app_key, LABEL_LENGTH),
        session.opened_at,
        client.user or None,
        client.stored_user,
        clipped(client.verifier, LABEL_LENGTH),
        None if client.grants is None else dumps(client.grants),
        client.expires_at,
        None if client.token_id is None else clipped(client.token_id, TOKEN_ID_LENGTH),
        clipped(session.origin, ORIGIN_LENGTH) or None,
        clipped(session.config, CONFIG_LENGTH) or None,
        dumps(sorted(client.groups)) if client.groups else None,
        dumps(dict(client.claims)) if client.claims else None,
        client.generation,
        _proof(client),
        clipped(session.hook, CONFIG_LENGTH) or None,
        session.due,
        session.opened_at,
        *_GOES_ON,
        client.token or None,
    )


def tombstone(key: SessionKey, at: int, why: Over) -> tuple[object, ...]:
    """The row of a session that is over before anything is known of it; ``at`` in milliseconds since the epoch."""
    still_due = 1 if why is Over.REJECTED else 0
    of_nobody = dump(Session(key, "", 0))
    return (*of_nobody[: -len(_GOES_ON) - 3], still_due, None, at, why.value, *_GOES_ON[2:], None)


_GOES_ON = (None, None, None, None, 0, None, None)  # not over, not to be ended


def _proof(client: Principal) -> str | None:
    """What of a client's token is looked at again for each hook."""
    issued = client.issued
    if issued is None:
        return None
    bound = {claim: list(texts) for claim, texts in client.bound.items()}
    return dumps([issued.issued_at, issued.issuer, issued.key_id, bound])


def issuer_of(proof: str | None) -> str | None:
    """Who issued the token (``iss``) that a session was opened with, as its column ``proof`` has it."""
    return json.loads(proof)[1] if proof else None


def _proven(user: str, token_id: str | None, proof: str) -> tuple[Issued, Mapping[str, tuple[str, ...]]]:
    issued_at, issuer, key_id, bound = json.loads(proof)
    issued = Issued(user, token_id, issuer, key_id, issued_at)
    return issued, {claim: tuple(texts) for claim, texts in bound.items()}


_NOBODY = Principal("")
_NO_GROUPS: frozenset[str] = frozenset()
_NOTHING: Mapping[str, Any] = MappingProxyType({})
