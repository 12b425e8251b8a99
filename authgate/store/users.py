"""The users in SQL: looked up by many hooks at once, changed by commands."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy.exc import IntegrityError

from authgate.errors import Refused, Taken
from authgate.issuance import Revocation
from authgate.model import Origin, User, UserChanges, UserQuery
from authgate.store import revocations
from authgate.store.cut import cut_off
from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.engine import MARIADB
from authgate.store.groups import change_groups, join
from authgate.store.lists import dumped, loaded
from authgate.store.padded import Padded
from authgate.store.tables import HASH_LENGTH, NAME_LENGTH, NOTES_LENGTH, clipped, storable, user_group_members, users
from authgate.store.user_walk import Place, Range, Walk

COLUMNS = (
    users.c.name,
    users.c.display,
    users.c.enabled,
    users.c.hash,
    users.c.created_at,
    users.c.updated_at,
    users.c.grants,
    users.c.generation,
    users.c.cut_off_at,
    users.c.not_before,
    users.c.expires_at,
    users.c.max_sessions,
    users.c.notes,
    users.c.source,
    users.c.source_name,
    users.c.source_version,
)


_STEP = 10_000  # users that one statement of a listing looks at: its time does not grow with the table


class SqlUsers:
    """The user store: obeys ``ports.Users``, and what administration asks of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._finds = database.shared_reads(self._find)
        self._renewals = database.shared_writes(self._renew)
        mine = (users.c.name == "") & (users.c.hash == "")
        self._renewal = database.text(update(users).where(mine).values(hash="", updated_at=0))
        self._selects: Padded[str] = Padded(
            lambda size: database.text(select(*COLUMNS).where(users.c.name.in_([""] * size)))
        )

    async def find(self, name: str, _login: str | None = None) -> User | None:
        """See ``ports.Users``."""
        return await self._finds.ask(name) if storable(name, NAME_LENGTH) else None

    async def renew(self, name: str, old_hash: str, new_hash: str) -> bool:
        """See ``ports.Users``."""
        return storable(name, NAME_LENGTH) and await self._renewals.ask((name, old_hash, new_hash))

    async def add(self, user: User, groups: Sequence[str] = ()) -> None:
        """Add a user, also to these groups; times of 0 become the present.

        Raises:
            Refused: the name is taken, or there is no such group.
            StoreError: the store is away or too slow.
        """
        row = dump(user)

        def work(connection: Connection) -> None:
            try:
                connection.execute(insert(users), row)
            except IntegrityError:
                raise Taken(f"there is a user {user.name!r} already") from None
            for group in sorted(groups):
                join(self._database, connection, group, [user.name])

        await self._database.write(work)

    async def list(self, *, after: str = "", limit: int = 100) -> Sequence[User]:
        """Users by name: at most ``limit``, from the one that follows ``after``.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = select(*COLUMNS).where(users.c.name > after).order_by(users.c.name).limit(limit)
        return await self._database.read(lambda connection: [load(row) for row in connection.execute(query)])

    async def page(self, query: UserQuery, *, after: User | None = None, limit: int = 100) -> Sequence[User]:
        """Users who are asked for, in the order that is asked for: at most ``limit``, from those that follow a user.

        Raises:
            BadName: the pattern of names is none.
            StoreError: the store is away or too slow.
        """
        walk = Walk(query, _now() // 1000, sorts_nulls=self._database.is_a(MARIADB))
        parts = walk.ranges(walk.place(after) if after is not None else None)
        found: list[User] = []
        while parts and len(found) < limit:
            last, rows = await self._database.read(partial(_step, walk, parts[0], limit - len(found)))
            found += map(load, rows)
            parts = parts[1:] if last is None else walk.ranges(last)
        return found

    async def any(self) -> bool:
        """Whether there is a user who may log in, now.

        Raises:
            StoreError: the store is away or too slow.
        """
        now = _now() // 1000
        begun = users.c.not_before.is_(None) | (users.c.not_before <= now)
        not_over = users.c.expires_at.is_(None) | (users.c.expires_at > now)
        query = select(users.c.name).where(users.c.enabled, begun, not_over).limit(1)
        return await self._database.read(lambda connection: connection.execute(query).first() is not None)

    async def change(
        self, name: str, changes: UserChanges, *, join: Sequence[str] = (), leave: Sequence[str] = ()
    ) -> bool:
        """Change a user, and put it into groups or take it out, in one commit; False where there is no such user.

        Another hash, or none, and to be disabled cut off what was issued to the user before, and its sessions; other
        grants and groups cut off what was issued and leave the sessions, which are judged by the new ones. All else
        is looked at for each hook.

        Raises:
            Refused: there is no group that the user is to join, or a column cannot hold a value.
            StoreError: the store is away or too slow.
        """
        if not storable(name, NAME_LENGTH):
            return False
        values = columns(changes)
        keeps_out = "hash" in changes or changes.get("enabled") is False
        mine = users.c.name == name

        def work(connection: Connection) -> bool:
            if connection.execute(select(users.c.name).where(mine)).first() is None:
                return False
            change_groups(self._database, connection, name, join, leave)
            if keeps_out or "grants" in changes:
                cut_off(connection, [name], keep_sessions=not keeps_out)
            return connection.execute(update(users).where(mine).values(updated_at=_now(), **values)).rowcount == 1

        return await self._database.write(work)

    async def delete(self, name: str) -> bool:
        """Remove the user, also from its groups; False where there is no such user.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not storable(name, NAME_LENGTH):
            return False

        def work(connection: Connection) -> bool:
            there = connection.execute(delete_from(users).where(users.c.name == name)).rowcount == 1
            if there:  # also for verifiers that let in users who are not in the store
                revocations.add(self._database, connection, Revocation("user", name, before=_now()))
            connection.execute(delete_from(user_group_members).where(user_group_members.c.user_name == name))
            return there

        return await self._database.write(work)

    async def close(self) -> None:
        """Finish what waits."""
        await self._finds.close()
        await self._renewals.close()

    async def cut_off(self, name: str) -> bool:
        """Refuse from now on what was issued to the user before, and its sessions; False where there is no such user.

        Raises:
            StoreError: the store is away or too slow.
        """
        return (
            storable(name, NAME_LENGTH)
            and await self._database.write(lambda connection: cut_off(connection, [name])) > 0
        )

    async def proven(self, user: User) -> User:
        """See ``ports.Users``."""
        return user

    async def create(self, name: str) -> User | None:
        """See ``ports.Users``."""
        if not storable(name, NAME_LENGTH):
            return None
        insertion, row = self._database.insert_unless_there(users), dump(User(name, name))
        await self._database.write(lambda connection: connection.execute(insertion, row))
        return await self.find(name)

    def _renew(self, connection: Direct, renewals: Sequence[tuple[str, str, str]]) -> Sequence[bool]:
        done = []
        for name, old_hash, new_hash in renewals:
            values = (_checked(new_hash), _now(), name, old_hash)
            done.append(connection.exec_driver_sql(self._renewal, values).rowcount == 1)
        return done

    def _find(self, connection: Direct, names: Sequence[str]) -> Sequence[User | None]:
        text, asked = self._selects.of(names)
        found = {row[0]: load(row) for row in connection.exec_driver_sql(text, tuple(asked))}
        return [found.get(name) for name in names]


def _step(walk: Walk, part: Range, limit: int, connection: Connection) -> tuple[Place | None, Sequence[Any]]:
    """The matches among the next users of a part, and the place at which to go on in it (None: that was all of it)."""
    last: Place | None = None
    parts: Sequence[Range] = [part]
    if walk.filters:  # else each of them is a match
        row = connection.execute(walk.places(part, _STEP - 1)).first()
        if row is not None:
            last = Place(row[1] if len(row) > 1 else None, row[0])
            parts = walk.until(part, last)
    rows: list[Any] = []
    for each in parts:
        if len(rows) < limit:
            rows += connection.execute(walk.users(each, COLUMNS, limit - len(rows))).all()
    return last, rows


def load(row: Any) -> User:
    """A row, in the order of the columns here, as a user."""
    name, display, enabled, hashed, created_at, updated_at, grants, *more = row
    generation, cut_off_at, not_before, expires_at, max_sessions, notes, source, source_name, source_version = more
    known = User(name, display, bool(enabled), hashed, created_at, updated_at, loaded(grants), generation, cut_off_at)
    if source is not None:
        known = replace(known, origin=Origin(source, source_name or "", source_version or -1, linked=True))
    if (not_before, expires_at, max_sessions, notes) == _NO_LIMITS:
        return known
    return replace(known, not_before=not_before, expires_at=expires_at, max_sessions=max_sessions, notes=notes or "")


def dump(user: User) -> dict[str, object]:
    """A user as a row."""
    now = _now()
    changed = UserChanges(
        display=user.display,
        enabled=user.enabled,
        hash=user.hash,
        grants=user.grants,
        not_before=user.not_before,
        expires_at=user.expires_at,
        max_sessions=user.max_sessions,
        notes=user.notes,
    )
    return {
        "name": user.name,
        "created_at": user.created_at or now,
        "updated_at": user.updated_at or now,
        "generation": user.generation or now,
        "cut_off_at": user.cut_off_at,
        "source": user.origin.source if user.origin else None,
        "source_name": clipped(user.origin.known_as, NAME_LENGTH) if user.origin else None,
        "source_version": user.origin.version if user.origin else None,
        **columns(changed),
    }


def columns(changes: UserChanges) -> dict[str, object]:
    """What is to stand in the columns.

    Raises:
        Refused: a column cannot hold it.
    """
    values: dict[str, object] = dict(changes)
    if "display" in changes:
        values["display"] = clipped(changes["display"], NAME_LENGTH)
    if "notes" in changes:
        values["notes"] = clipped(changes["notes"], NOTES_LENGTH) or None
    if "hash" in changes:
        values["hash"] = _checked(changes["hash"])
    if "grants" in changes:
        values["grants"] = dumped(changes["grants"])
    return values


def _checked(hashed: str | None) -> str | None:
    """A hash that is cut would never match again; SQLite would keep it whole, the others would not."""
    if hashed is not None and not storable(hashed, HASH_LENGTH):
        raise Refused(f"a password hash has at most {HASH_LENGTH} characters")
    return hashed


_NO_LIMITS = (None, None, None, None)


def _now() -> int:
    return time.time_ns() // 1_000_000
