"""Groups of users, and what they and users are granted."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from authgate.admin.pages import all_of
from authgate.errors import NotThere, Refused
from authgate.grants import parse
from authgate.model import Group
from authgate.names import canonical

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.store import Store


def checked(grants: Sequence[str] | None) -> tuple[str, ...] | None:
    """A list of grants, each once; None is no list.

    Raises:
        Refused: one of them is no grant.
    """
    if grants is None:
        return None
    for text in grants:
        try:
            parse(text)
        except ValueError as fault:
            raise Refused(f"grant {text!r}: {fault}") from None
    return tuple(dict.fromkeys(grants))


async def add_group(store: "Store", name: str, grants: Sequence[str] | None) -> Group:
    """Add a group without members.

    Raises:
        BadName: it cannot be a group's name.
        Refused: the name is taken, or a grant cannot be one.
        StoreError: the store is away or too slow.
    """
    await store.groups.add(Group(canonical(name), checked(grants)))
    return await group(store, name)


async def group(store: "Store", name: str) -> Group:
    """The group of this name.

    Raises:
        BadName: it cannot be a group's name.
        Refused: there is none.
        StoreError: the store is away or too slow.
    """
    found = await store.groups.find(canonical(name))
    if found is None:
        raise _unknown(name)
    return found


async def groups(store: "Store") -> list[Group]:
    """All groups, by name.

    Raises:
        StoreError: the store is away or too slow.
    """
    return await all_of(store.groups.list, lambda group: group.name)


async def members(store: "Store", name: str) -> list[str]:
    """The users in a group, by name.

    Raises:
        BadName: it cannot be a group's name.
        StoreError: the store is away or too slow.
    """
    return await all_of(partial(store.groups.members, canonical(name)), lambda user: user)


async def groups_of(store: "Store", user: str) -> list[str]:
    """The groups that a user is in, by name.

    Raises:
        BadName: it cannot be a user's name.
        StoreError: the store is away or too slow.
    """
    return list(await store.groups.of(canonical(user)))


async def set_group_grants(store: "Store", name: str, grants: Sequence[str] | None) -> None:
    """Give a group a list of grants; an empty one allows nothing, None is no list.

    Raises:
        BadName: it cannot be a group's name.
        Refused: there is no such group, or a grant cannot be one.
        StoreError: the store is away or too slow.
    """
    if not await store.groups.set_grants(canonical(name), checked(grants)):
        raise _unknown(name)


async def delete_group(store: "Store", name: str) -> None:
    """Remove a group; its members stay users.

    Raises:
        BadName: it cannot be a group's name.
        Refused: there is no such group.
        StoreError: the store is away or too slow.
    """
    if not await store.groups.delete(canonical(name)):
        raise _unknown(name)


async def join(store: "Store", name: str, users: Sequence[str]) -> int:
    """Put users into a group; how many were not in it. They need not be in the store: a token may let them in.

    Raises:
        BadName: it cannot be the name of a group or of a user.
        Refused: there is no such group.
        StoreError: the store is away or too slow.
    """
    found = await group(store, name)
    return await store.groups.join(found.name, [canonical(user) for user in users])


async def strangers(store: "Store", users: Sequence[str]) -> list[str]:
    """Those of these users who are not in the store: only a token can let them in, or a name is mistyped.

    Raises:
        BadName: it cannot be a user's name.
        StoreError: the store is away or too slow.
    """
    names = sorted({canonical(user) for user in users})
    found = await asyncio.gather(*map(store.users.find, names))
    return [name for name, user in zip(names, found, strict=True) if user is None]


async def leave(store: "Store", name: str, users: Sequence[str]) -> int:
    """Take users out of a group; how many were in it.

    Raises:
        BadName: it cannot be the name of a group or of a user.
        Refused: there is no such group.
        StoreError: the store is away or too slow.
    """
    found = await group(store, name)
    return await store.groups.leave(found.name, [canonical(user) for user in users])


def _unknown(name: str) -> NotThere:
    return NotThere(f"there is no group {canonical(name)!r}")
