"""API keys, by which applications ask for tokens or administer us."""

from typing import TYPE_CHECKING

from authgate.admin.pages import all_of
from authgate.errors import Refused
from authgate.model import Secret

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.api_keys import ApiKey, ApiScope
    from authgate.store import Store


async def add_api_key(store: "Store", name: str, scope: "ApiScope", expires_at: int | None = None) -> Secret:
    """A new key, which nobody can show again; ``expires_at`` in seconds since the epoch, None for never.

    Raises:
        Refused: it is for nobody, or it cannot be stored.
        StoreError: the store is away or too slow.
    """
    from authgate.api_keys import LATEST, ApiKey, make

    if expires_at is not None and expires_at > LATEST:
        raise Refused("a key ends before the year 10000, or never")
    if not scope.users and not scope.admin:
        raise Refused(
            "a key without users could ask for nothing; say whose tokens it may ask for, '*' for everybody's, or what "
            "it may administer"
        )
    text, prefix, digest = make()
    await store.api_keys.add(ApiKey(prefix, digest, name, scope, expires_at=expires_at))
    return Secret(text)


async def api_keys(store: "Store") -> list["ApiKey"]:
    """All keys, by name.

    Raises:
        StoreError: the store is away or too slow.
    """
    found = await all_of(store.api_keys.list, lambda key: key.prefix)
    return sorted(found, key=lambda key: (key.name, key.prefix))


async def revoke_api_key(store: "Store", prefix: str) -> None:
    """Remove a key. Tokens that were issued by it stay good until they expire.

    Raises:
        Refused: there is none.
        StoreError: the store is away or too slow.
    """
    if not await store.api_keys.remove(prefix):
        raise Refused(f"there is no key {prefix!r}; a prefix is the part between the two underscores")
