"""What users may do, from their own rows and those of their groups: one statement for all who wait."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CompoundSelect, null, select

from authgate.model import NO_AUTHORITY, Authority
from authgate.store.database import Database
from authgate.store.direct import Direct
from authgate.store.lists import loaded
from authgate.store.padded import Padded
from authgate.store.tables import NAME_LENGTH, storable, user_group_members, user_groups, users


class SqlAuthorities:
    """The authorities of users: obeys ``ports.Authorities``."""

    def __init__(self, database: Database) -> None:
        self._finds = database.shared_reads(self._find)
        self._selects: Padded[str] = Padded(lambda size: database.text(by_user([""] * size)))

    async def of(self, user: str) -> Authority:
        """See ``ports.Authorities``."""
        return await self._finds.ask(user) if storable(user, NAME_LENGTH) else NO_AUTHORITY

    async def close(self) -> None:
        """Finish what waits."""
        await self._finds.close()

    def _find(self, connection: Direct, names: Sequence[str]) -> Sequence[Authority]:
        text, asked = self._selects.of(names)
        own: dict[str, tuple[str, ...] | None] = {}
        groups: dict[str, dict[str, tuple[str, ...] | None]] = {}
        for user, group, grants in connection.exec_driver_sql(text, (*asked, *asked)):
            if group is None:
                own[user] = loaded(grants)
            else:
                groups.setdefault(user, {})[group] = loaded(grants)
        return [_authority(own.get(name), groups.get(name, {})) for name in names]


def by_user(names: Sequence[str]) -> CompoundSelect[Any]:
    """The lists of these users, each with the group that it is of; null: the user's own.

    Two lists of names, as whoever is in a group need not have a row among the users.
    """
    own = select(users.c.name, null().label("group_name"), users.c.grants).where(users.c.name.in_(names))
    member = user_group_members.c
    of_groups = user_group_members.join(user_groups, user_groups.c.name == member.group_name)
    theirs = select(member.user_name, user_groups.c.name, user_groups.c.grants).select_from(of_groups)
    return own.union_all(theirs.where(member.user_name.in_(names)))


def _authority(own: tuple[str, ...] | None, groups: dict[str, tuple[str, ...] | None]) -> Authority:
    """One list of the user's own grants and those of its groups; none where there is none anywhere."""
    lists = [each for each in (own, *(groups[name] for name in sorted(groups))) if each is not None]
    grants = tuple(dict.fromkeys(grant for each in lists for grant in each)) if lists else None
    return Authority(frozenset(groups), grants)
