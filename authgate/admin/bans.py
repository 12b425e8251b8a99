"""Bans, and the locks that too many wrong passwords lead to."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from authgate import networks
from authgate.admin.users import user as user_of
from authgate.errors import NotThere, Refused
from authgate.guessing import Block, neighbourhood, of_nobody
from authgate.names import canonical

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.store import Store


async def ban(
    store: "Store", *, user: str | None = None, address: str | None = None, seconds: int | None = None, note: str = ""
) -> Block:
    """Keep a user out, or an address or a network, within a second in every worker; without seconds, for good.

    A user need not be in the store: one that comes by a token alone can be banned too.

    Raises:
        BadName: it cannot be a user's name.
        Refused: it is no address and no network, or it cannot be kept.
        StoreError: the store is away or too slow.
    """
    now = int(time.time() * 1000)
    expires_at = None if seconds is None else now + seconds * 1000
    made = Block("ban", canonical(user) if user is not None else "", _network(address), now, expires_at, note=note)
    await store.blocks.ban(made)
    return made


async def blocks(store: "Store", user: str = "") -> list[Block]:
    """The bans and locks in force, by kind, user and address; of one user, where that is named.

    Not those of names that nobody has: there may be many, and nobody can say of what.

    Raises:
        StoreError: the store is away or too slow.
    """
    return await some_blocks(store, user)


async def some_blocks(
    store: "Store", user: str = "", *, after: tuple[str, str, str] = ("", "", ""), limit: int | None = None
) -> list[Block]:
    """The same, at most ``limit`` of them, from the one that follows a kind, user and address.

    Raises:
        BadName: it cannot be a user's name.
        StoreError: the store is away or too slow.
    """
    found: list[Block] = []
    name, now = canonical(user) if user else "", time.time()
    while limit is None or len(found) < limit:
        rows = await store.blocks.list(now, user=name, after=after)
        if not rows:
            break
        found += (each for each in rows if not of_nobody(each.user))
        after = rows[-1].kind, rows[-1].user, rows[-1].address
    return found[:limit]


async def lift(store: "Store", *, user: str | None = None, address: str | None = None) -> list[Block]:
    """End a ban, and the locks of that user or address with it; what was ended.

    Raises:
        BadName: it cannot be a user's name.
        Refused: it is no address and no network, or nothing there is banned or locked.
        StoreError: the store is away or too slow.
    """
    name, text = canonical(user) if user is not None else "", _network(address)
    places = [text] if not text or "/" in text else list(dict.fromkeys([text, neighbourhood(text)]))
    found: list[Block] = []
    for place in places:
        found += await store.blocks.lift(name, place, kinds=("ban", "lock"), now=time.time())
    if not found:
        raise NotThere(f"{f'user {name!r}' if name else text} is neither banned nor locked")
    return found


async def unlock(store: "Store", name: str, *, elsewhere: bool = False) -> Sequence[Block]:
    """Let a user try passwords again, and count its wrong ones from 0; the locks that were ended. A ban goes on.

    ``elsewhere``: it may be a user of a source, of whom the store knows nothing but that it is locked.

    Raises:
        BadName: it cannot be a user's name.
        Refused: there is no such user.
        StoreError: the store is away or too slow.
    """
    user = canonical(name) if elsewhere else (await user_of(store, name)).name
    return await store.blocks.lift(user, "", kinds=("lock",), now=time.time())


def _network(text: str | None) -> str:
    """An address or a network in the form in which it is kept, "" for none.

    Raises:
        Refused: it is neither.
    """
    if text is None:
        return ""
    try:
        return networks.told(networks.read_network(text.strip()))
    except ValueError as fault:
        raise Refused(str(fault)) from None
