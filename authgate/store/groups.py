"""The groups of users in SQL."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from authgate.errors import NotThere, Refused, Taken
from authgate.model import Group
from authgate.store.cut import cut_off
from authgate.store.database import Database
from authgate.store.lists import dumped, loaded
from authgate.store.tables import NAME_LENGTH, storable, user_group_members, user_groups

_BATCH = 500  # users that one statement names
_user = user_group_members.c.user_name
_MEMBERS = (
    select(func.count())
    .select_from(user_group_members)
    .where(user_group_members.c.group_name == user_groups.c.name)
    .scalar_subquery()
)
_COLUMNS = (
    user_groups.c.name,
    user_groups.c.grants,
    _MEMBERS,
    user_groups.c.created_at,
    user_groups.c.updated_at,
)


class SqlGroups:
    """The groups, as administration sees them. Hooks see them through ``SqlAuthorities``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, name: str) -> Group | None:
        """The group under this canonical name.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not storable(name, NAME_LENGTH):
            return None
        query = select(*_COLUMNS).where(user_groups.c.name == name)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return _load(rows[0]) if rows else None

    async def list(self, *, after: str = "", limit: int = 100) -> Sequence[Group]:
        """Groups by name: at most ``limit``, from the one that follows ``after``.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = select(*_COLUMNS).where(user_groups.c.name > after).order_by(user_groups.c.name).limit(limit)
        return await self._database.read(lambda connection: [_load(row) for row in connection.execute(query)])

    async def add(self, group: Group) -> None:
        """Add a group; its times become the present.

        Raises:
            Refused: the name is taken.
            StoreError: the store is away or too slow.
        """
        now = _now()
        row = {"name": group.name, "grants": dumped(group.grants), "created_at": now, "updated_at": now}

        def work(connection: Connection) -> None:
            try:
                connection.execute(insert(user_groups), row)
            except IntegrityError:
                raise Taken(f"there is a group {group.name!r} already") from None

        await self._database.write(work)

    async def set_grants(self, name: str, grants: Sequence[str] | None) -> bool:
        """Give the group this list of grants, or None for no list; False where there is no such group.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not storable(name, NAME_LENGTH):
            return False
        changed = {"grants": dumped(grants), "updated_at": _now()}
        statement = update(user_groups).where(user_groups.c.name == name).values(**changed)

        def work(connection: Connection) -> bool:
            there = connection.execute(statement).rowcount == 1
            _cut_off(connection, _members(connection, name))
            return there

        return await self._database.write(work)

    async def delete(self, name: str) -> bool:
        """Remove the group; its members stay users. False where there is no such group.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not storable(name, NAME_LENGTH):
            return False

        def work(connection: Connection) -> bool:
            # The group first: whoever joins holds its row, so that nobody is left in a group that is no more.
            there = connection.execute(delete(user_groups).where(user_groups.c.name == name)).rowcount == 1
            _cut_off(connection, _members(connection, name))
            connection.execute(delete(user_group_members).where(user_group_members.c.group_name == name))
            return there

        return await self._database.write(work)

    async def join(self, name: str, users: Sequence[str]) -> int:
        """Put users into a group; how many were not in it.

        Raises:
            Refused: there is no such group, or a name cannot be a user's.
            StoreError: the store is away or too slow.
        """
        if not all(user and storable(user, NAME_LENGTH) for user in users):
            raise Refused(f"the name of a user is 1 to {NAME_LENGTH} characters")
        return await self._database.write(lambda connection: join(self._database, connection, name, users))

    async def leave(self, name: str, users: Sequence[str]) -> int:
        """Take users out of a group; how many were in it.

        Raises:
            StoreError: the store is away or too slow.
        """
        members = [user for user in users if storable(user, NAME_LENGTH)]
        return await self._database.write(lambda connection: leave(connection, name, members))

    async def members(self, name: str, *, after: str = "", limit: int = 100) -> Sequence[str]:
        """The users in a group, by name: at most ``limit``, from the one that follows ``after``.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not storable(name, NAME_LENGTH):
            return []
        own = (user_group_members.c.group_name == name) & (_user > after)
        query = select(_user).where(own).order_by(_user).limit(limit)
        return await self._database.read(lambda connection: list(connection.execute(query).scalars()))

    async def of(self, user: str) -> Sequence[str]:
        """The groups that a user is in, by name.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not storable(user, NAME_LENGTH):
            return []
        query = select(user_group_members.c.group_name).where(user_group_members.c.user_name == user)
        return sorted(await self._database.read(lambda connection: list(connection.execute(query).scalars())))

    async def of_each(self, users: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The groups of users, by name; of those who are in any.

        Raises:
            StoreError: the store is away or too slow.
        """
        names = [user for user in users if storable(user, NAME_LENGTH)]
        return await self._database.read(partial(_of_each, names))


def _of_each(names: Sequence[str], connection: Connection) -> dict[str, list[str]]:
    member = user_group_members.c
    found: dict[str, list[str]] = {}
    for some in _batches(names):
        query = select(member.user_name, member.group_name).where(member.user_name.in_(some))
        for user, group in connection.execute(query.order_by(member.user_name, member.group_name)):
            found.setdefault(user, []).append(group)
    return found


def join(database: Database, connection: Connection, group: str, names: Sequence[str]) -> int:
    """Put users into a group, in a transaction that others share; how many were not in it.

    Raises:
        Refused: there is no such group.
    """
    held = select(user_groups.c.name).where(user_groups.c.name == group).with_for_update(read=True)
    if not storable(group, NAME_LENGTH) or connection.execute(held).first() is None:
        raise NotThere(f"there is no group {group!r}")
    count = 0
    for some in _batches(names):
        there = set(connection.execute(select(_user).where(_are(group, some))).scalars())
        fresh = [{"user_name": user, "group_name": group} for user in some if user not in there]
        if fresh:
            connection.execute(database.insert_unless_there(user_group_members), fresh)
            _cut_off(connection, [each["user_name"] for each in fresh])
        count += len(fresh)
    return count


def leave(connection: Connection, group: str, names: Sequence[str]) -> int:
    """Take users out of a group, in a transaction that others share; how many were in it."""
    if not storable(group, NAME_LENGTH):
        return 0
    count = 0
    for some in _batches(names):
        there = list(connection.execute(select(_user).where(_are(group, some))).scalars())
        count += connection.execute(delete(user_group_members).where(_are(group, some))).rowcount
        _cut_off(connection, there)
    return count


def change_groups(
    database: Database, connection: Connection, user: str, joined: Sequence[str], left: Sequence[str]
) -> None:
    """Put a user into some groups and take it out of others, in a transaction that others share.

    Raises:
        Refused: there is no such group.
    """
    for group in sorted(joined):  # in an order of their own, so that two who do it wait for each other and no more
        join(database, connection, group, [user])
    for group in sorted(left):
        if connection.execute(select(user_groups.c.name).where(user_groups.c.name == group)).first() is None:
            raise NotThere(f"there is no group {group!r}")
        leave(connection, group, [user])


def _members(connection: Connection, name: str) -> Sequence[str]:
    return list(connection.execute(select(_user).where(user_group_members.c.group_name == name)).scalars())


def _cut_off(connection: Connection, names: Sequence[str]) -> None:
    """What was issued to these users was issued for other grants; their open sessions are judged by the new ones."""
    for some in _batches(names):
        cut_off(connection, some, keep_sessions=True)


def _batches(names: Sequence[str]) -> Sequence[Sequence[str]]:
    """Each of them once, in an order of their own, as many together as one statement is to name."""
    names = sorted(set(names))
    return [names[at : at + _BATCH] for at in range(0, len(names), _BATCH)]


def _are(group: str, names: Sequence[str]) -> ColumnElement[bool]:
    return (user_group_members.c.group_name == group) & _user.in_(names)


def _load(row: Any) -> Group:
    name, grants, members, created_at, updated_at = row
    return Group(name, loaded(grants), members, created_at, updated_at)


def _now() -> int:
    return time.time_ns() // 1_000_000
