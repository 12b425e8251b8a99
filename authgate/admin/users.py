"""Users: add, show and change them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from authgate.admin.grants import checked
from authgate.admin.pages import all_of
from authgate.errors import Refused
from authgate.model import User
from authgate.names import canonical

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.passwords import Hasher
    from authgate.store import Store

_DISPLAY_LENGTH = 190  # characters; what the store keeps


async def add_user(
    store: "Store",
    hasher: "Hasher",
    name: str,
    display: str | None,
    password: str | None,
    grants: Sequence[str] | None = None,
) -> User:
    """Add a user who is let in from now on; without a password, by tokens only.

    ``grants`` is its own list; None: it has none, and follows the default policies.

    Raises:
        BadName: it cannot be a user's name.
        Refused: the name is taken, or the password, the display name or a grant cannot be one.
        StoreError: the store is away or too slow.
    """
    fresh = User(canonical(name), _display(name.strip() if display is None else display), grants=checked(grants))
    hashed = None if password is None else await hasher.hash(password)
    await store.users.add(replace(fresh, hash=hashed))
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


async def users(store: "Store") -> list[User]:
    """All users, by name.

    Raises:
        StoreError: the store is away or too slow.
    """
    return await all_of(store.users.list, lambda user: user.name)


async def set_password(store: "Store", hasher: "Hasher", name: str, password: str) -> None:
    """Give a user another password.

    Raises:
        BadName: it cannot be a user's name.
        Refused: there is no such user, or it cannot be a password.
        StoreError: the store is away or too slow.
    """
    hashed = await hasher.hash(password)
    _there(name, await store.users.set_password_hash(canonical(name), hashed))


async def change_user(store: "Store", name: str, *, display: str | None = None, drop_password: bool = False) -> None:
    """Show a user's name otherwise, or take the password away, or both.

    Raises:
        BadName: it cannot be a user's name.
        Refused: there is no such user, or the display name cannot be one.
        StoreError: the store is away or too slow.
    """
    if display is not None:
        _there(name, await store.users.set_display(canonical(name), _display(display)))
    if drop_password:
        _there(name, await store.users.set_password_hash(canonical(name), None))


async def set_enabled(store: "Store", name: str, *, enabled: bool) -> None:
    """Let a user in, or keep one out: also one who has a token or a live session.

    Raises:
        BadName: it cannot be a user's name.
        Refused: there is no such user.
        StoreError: the store is away or too slow.
    """
    _there(name, await store.users.set_enabled(canonical(name), enabled))


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
    _there(name, await store.users.set_grants(canonical(name), checked(grants)))


def _display(text: str) -> str:
    if not text.strip() or len(text) > _DISPLAY_LENGTH or not text.isprintable():
        raise Refused(f"a display name is 1 to {_DISPLAY_LENGTH} characters that can be seen")
    return text


def _there(name: str, changed: bool) -> None:
    if not changed:
        raise _unknown(name)


def _unknown(name: str) -> Refused:
    return Refused(f"there is no user {canonical(name)!r}")
