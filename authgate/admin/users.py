"""Users: add, show and change them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from authgate.admin import pages
from authgate.admin.grants import group
from authgate.admin.user_fields import checked, demand_a_time
from authgate.errors import NotThere, Refused
from authgate.model import User, UserChanges, UserQuery
from authgate.names import canonical

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.passwords import PasswordPolicy
    from authgate.store import Store


class Hasher(Protocol):
    """What makes hashes of new passwords."""

    def demand(self, password: str) -> None:
        """Come back if a hash can be made of it.

        Raises:
            Refused: it cannot.
        """

    async def hash(self, password: str) -> str:
        """The hash.

        Raises:
            Refused: none can be made.
            Overloaded: more hashing waits than the deadline can hold.
        """
        ...


async def add_user(
    store: "Store",
    hasher: Hasher,
    name: str,
    display: str | None,
    password: str | None,
    fields: UserChanges | None = None,
    groups: Sequence[str] = (),
    policy: "PasswordPolicy | None" = None,
) -> User:
    """Add a user; without a password, one who is let in by tokens only.

    ``display`` is the name as people write it; None: as it was given. ``fields`` are all others that are not to be as
    they are of ``User`` at rest, but no hash: without grants in them the user follows the default policies. ``policy``
    is what the password is held to; None: to nothing but what can be hashed.

    Raises:
        BadName: it cannot be the name of a user or of a group.
        ConfigError: the policy's file of known passwords cannot be used.
        Refused: the name is taken, there is no such group, or the password or a field cannot be one, or may not.
        StoreError: the store is away or too slow.
    """
    named = canonical(name)
    given = checked(UserChanges(display=name.strip() if display is None else display) | (fields or UserChanges()))
    fresh = User(named, **given)
    demand_a_time(fresh)
    hashed = None if password is None else await _hashed(hasher, password, policy, (named, fresh.display))
    await store.users.add(replace(fresh, hash=hashed), [canonical(group) for group in groups])
    return await user(store, name)


async def user(store: "Store", name: str) -> User:
    """The user of this name.

    Raises:
        BadName: it cannot be a user's name.
        Refused: there is none.
        StoreError: the store is away or too slow.
    """
    found = await store.users.find(canonical(name))
    if found is None:
        raise _unknown(name)
    return found


async def users(
    store: "Store", query: UserQuery | None = None, *, after: str | None = None, limit: int | None = None
) -> AsyncIterator[Sequence[User]]:
    """The users who are asked for (None: all, by name), page by page: at most ``limit``, from those behind one.

    Raises:
        BadName: it cannot be the name of a user or of a group, or a pattern of names.
        Refused: there is no such group, or nobody in whose place the order could go on.
        StoreError: the store is away or too slow.
    """
    query = query or UserQuery()
    if query.group is not None:
        query = replace(query, group=(await group(store, query.group)).name)
    last = None if after is None else await _behind(store, query, canonical(after))
    while limit is None or limit > 0:
        page = await store.users.page(query, after=last, limit=pages.PAGE if limit is None else min(pages.PAGE, limit))
        if not page:
            return
        yield page
        last, limit = page[-1], None if limit is None else limit - len(page)


async def _behind(store: "Store", query: UserQuery, name: str) -> User:
    """Somebody of this name; one who is not there has a place in the order of names only."""
    found = await store.users.find(name)
    if found is None and query.by != "name":
        raise _unknown(name)
    return found or User(name, name)


async def set_password(
    store: "Store", hasher: Hasher, name: str, password: str, policy: "PasswordPolicy | None" = None
) -> None:
    """Give a user another password; ``policy`` is what it is held to, None: to nothing but what can be hashed.

    Raises:
        BadName: it cannot be a user's name.
        ConfigError: the policy's file of known passwords cannot be used.
        Refused: there is no such user, or it cannot be a password, or may not.
        StoreError: the store is away or too slow.
    """
    found = await user(store, name)
    _demand_own(found)
    hashed = await _hashed(hasher, password, policy, (found.name, found.display))
    _there(name, await store.users.change(found.name, UserChanges(hash=hashed)))


async def _hashed(hasher: Hasher, password: str, policy: "PasswordPolicy | None", names: Sequence[str]) -> str:
    hasher.demand(password)
    if policy is not None:
        await asyncio.to_thread(policy.demand, password, names)  # how easy it is to guess takes long to tell
    return await hasher.hash(password)


async def change_user(
    store: "Store", name: str, changes: UserChanges, *, join: Sequence[str] = (), leave: Sequence[str] = ()
) -> None:
    """Change a user's fields, and the groups that the user is in: all of it or nothing.

    Raises:
        BadName: it cannot be the name of a user or of a group.
        Refused: there is no such user, there is no such group, or a field cannot be so.
        StoreError: the store is away or too slow.
    """
    made = checked(changes)
    if "not_before" in made or "expires_at" in made:
        demand_a_time(replace(await user(store, name), **made))
    groups = {"join": [canonical(each) for each in join], "leave": [canonical(each) for each in leave]}
    _there(name, await store.users.change(canonical(name), made, **groups))


async def set_enabled(store: "Store", name: str, *, enabled: bool) -> None:
    """Let a user in, or keep one out: also one who has a token or a live session.

    Raises:
        BadName: it cannot be a user's name.
        Refused: there is no such user.
        StoreError: the store is away or too slow.
    """
    await change_user(store, name, UserChanges(enabled=enabled))


async def delete_user(store: "Store", name: str) -> None:
    """Remove a user; the records stay.

    Raises:
        BadName: it cannot be a user's name.
        Refused: there is no such user.
        StoreError: the store is away or too slow.
    """
    _there(name, await store.users.delete(canonical(name)))


async def set_grants(store: "Store", name: str, grants: Sequence[str] | None) -> None:
    """Give a user a list of grants of its own; an empty one allows nothing, None is no list.

    Raises:
        BadName: it cannot be a user's name.
        Refused: there is no such user, or a grant cannot be one.
        StoreError: the store is away or too slow.
    """
    await change_user(store, name, UserChanges(grants=None if grants is None else tuple(grants)))


def _demand_own(found: User) -> None:
    """Go on, if it is the store that says what this user's password is."""
    if found.origin is not None:
        source = found.origin.source
        raise Refused(
            f"user {found.name!r} was adopted from user source {source!r}, and has the password of there",
            f"change it there, or run: authgate source release {source} --user {found.name}",
        )


def _there(name: str, changed: bool) -> None:
    if not changed:
        raise _unknown(name)


def _unknown(name: str) -> NotThere:
    return NotThere(f"there is no user {canonical(name)!r}")
