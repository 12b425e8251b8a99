"""Many users in SQL at a time: looked up, added and changed by few statements, in transactions that are short."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from authgate.errors import Refused
from authgate.model import User, UserChanges
from authgate.store.cut import cut_off
from authgate.store.database import Database
from authgate.store.tables import user_group_members, user_groups, users
from authgate.store.users import COLUMNS, columns, dump, load

_in_order = itemgetter(*users.columns.keys())  # as an insertion has them
_member, _group = user_group_members.c.user_name, user_group_members.c.group_name


class RowChanges(UserChanges, total=False):
    """What is to become otherwise of a row: also whose it is."""

    adopted: tuple[str, str] | None  # the source that vouches for it, and its name there; None: the store alone does


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become otherwise of one user: a new one, or one who is there."""

    name: str
    fields: RowChanges = field(default_factory=RowChanges, repr=False)  # all others are as they are, or at rest
    fresh: bool = False  # whether the user is to be added
    join: Sequence[str] = ()
    leave: Sequence[str] = ()


class SqlImports:
    """What an import and an export ask of the store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insertion = database.text(insert(users))

    async def empty(self) -> bool:
        """Whether there is no user and nobody in a group.

        Raises:
            StoreError: the store is away or too slow.
        """

        def work(connection: Connection) -> bool:
            tables = (select(users.c.name).limit(1), select(_member).limit(1))
            return all(connection.execute(each).first() is None for each in tables)

        return await self._database.read(work)

    async def find(self, names: Sequence[str]) -> tuple[dict[str, User], dict[str, list[str]]]:
        """Those of these users who are there, and the groups that each is in; also of such as are not there.

        Raises:
            StoreError: the store is away or too slow.
        """

        def work(connection: Connection) -> tuple[dict[str, User], dict[str, list[str]]]:
            rows = connection.execute(select(*COLUMNS).where(users.c.name.in_(names)))
            there = {row[0]: load(row) for row in rows}
            return there, _groups(connection, _member.in_(names))

        return await self._database.read(work)

    async def page(self, after: str, limit: int) -> Sequence[tuple[User, Sequence[str]]]:
        """Users by name with their groups: at most ``limit``, from the one that follows ``after``.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = select(*COLUMNS).where(users.c.name > after).order_by(users.c.name).limit(limit)

        def work(connection: Connection) -> Sequence[tuple[User, Sequence[str]]]:
            found = [load(row) for row in connection.execute(query)]
            if not found:
                return []
            groups = _groups(connection, _member.between(found[0].name, found[-1].name))
            return [(user, groups.get(user.name, ())) for user in found]

        return await self._database.read(work)

    async def write(self, changes: Sequence[Change]) -> None:
        """Add and change these users, all of them in one commit; what it cuts off is what ``SqlUsers.change`` does.

        Raises:
            Refused: somebody has the name of one who is to be added, or a group is not there.
            StoreError: it was not committed, or it is unknown whether it was.
        """
        rest = dump(User("", ""))
        fresh = [_in_order(rest | {"name": each.name} | _columns(each.fields)) for each in changes if each.fresh]
        others = [each for each in changes if not each.fresh]

        def work(connection: Connection) -> None:
            _hold(connection, sorted({group for each in changes for group in each.join}))
            if fresh:
                try:
                    connection.exec_driver_sql(self._insertion, fresh)
                except IntegrityError:
                    raise Refused("a user of this name was added meanwhile") from None
            self._regroup(connection, changes)
            _cut_off(connection, others)
            _update(connection, others)

        await self._database.write(work)

    def _regroup(self, connection: Connection, changes: Sequence[Change]) -> None:
        joined = [{"user_name": each.name, "group_name": group} for each in changes for group in each.join]
        left = [{"member": each.name, "of": group} for each in changes for group in each.leave]
        if joined:
            connection.execute(self._database.insert_unless_there(user_group_members), joined)
        if left:
            mine = and_(_member == bindparam("member"), _group == bindparam("of"))
            connection.execute(delete(user_group_members).where(mine), left)


_NOT_SEEN = -1  # of a source's version: none that was drawn from a hash
_WHO = {"hash", "adopted"}  # another of these, and it may be somebody else who comes


def _groups(connection: Connection, whose: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for user, group in connection.execute(select(_member, _group).where(whose).order_by(_member, _group)):
        found[user].append(group)
    return found


def _hold(connection: Connection, names: Sequence[str]) -> None:
    """Come back if these groups are there, and stay until the transaction ends.

    Raises:
        Refused: one is not there.
    """
    if names:
        held = select(user_groups.c.name).where(user_groups.c.name.in_(names)).order_by(user_groups.c.name)
        there = set(connection.execute(held.with_for_update(read=True)).scalars())
        if missing := [name for name in names if name not in there]:
            raise Refused(f"there is no group {missing[0]!r}")


def _columns(fields: RowChanges) -> dict[str, object]:
    """What is to stand in the columns; the password that a source has is not known yet."""
    values = columns(fields)
    if "adopted" in values:
        del values["adopted"]
        source, known_as = fields["adopted"] or (None, None)
        values |= {"source": source, "source_name": known_as, "source_version": source and _NOT_SEEN}
    return values


def _cut_off(connection: Connection, changes: Sequence[Change]) -> None:
    """Refuse what was issued before to those who are kept out or granted otherwise."""
    out = [each.name for each in changes if each.fields.keys() & _WHO or each.fields.get("enabled") is False]
    others = {each.name for each in changes if "grants" in each.fields or each.join or each.leave} - set(out)
    if out:
        cut_off(connection, sorted(out))
    if others:
        cut_off(connection, sorted(others), keep_sessions=True)


def _update(connection: Connection, changes: Sequence[Change]) -> None:
    """Those who change in the same fields are changed by one statement."""
    now = time.time_ns() // 1_000_000
    alike: dict[tuple[str, ...], list[dict[str, object]]] = defaultdict(list)
    for each in changes:
        values = _columns(each.fields)
        alike[tuple(values)].append({"who": each.name, **{f"new_{name}": value for name, value in values.items()}})
    for names, rows in alike.items():
        values = {name: bindparam(f"new_{name}") for name in names}
        mine = users.c.name == bindparam("who")
        connection.execute(update(users).where(mine).values(updated_at=now, **values), rows)
