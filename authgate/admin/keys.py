"""Our own signing keys: make, rotate, retire and delete them."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from authgate.errors import Refused
from authgate.issuance import OwnKey

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.store import Store
    from authgate.verifiers.issued import IssuedVerifier

LEAD = 1_000  # milliseconds from a rotation until the next key signs: each worker knows it by then


def stays(verifier: "IssuedVerifier") -> int:
    """For how many seconds a retired key verifies: as long as the last token that it signed can be valid."""
    return verifier.max_ttl + verifier.leeway + LEAD // 1_000


async def signing_keys(store: "Store") -> Sequence[OwnKey]:
    """Every key, the oldest first.

    Raises:
        StoreError: the store is away or too slow.
    """
    return await store.signing_keys.all()


async def generate_key(store: "Store", verifier: "IssuedVerifier", algorithm: str | None = None) -> OwnKey:
    """A new key: the first one signs at once, others when they are rotated to; until then others may learn of it.

    Raises:
        StoreError: the store is away or too slow.
    """
    from authgate.signing.material import fresh

    key = fresh(algorithm or verifier.algorithm, verifier.master_keys[0])
    await store.signing_keys.add(key)
    return next(each for each in await store.signing_keys.all() if each.id == key.id)


async def rotate_keys(store: "Store", verifier: "IssuedVerifier") -> tuple[OwnKey, Sequence[OwnKey]]:
    """Have the next key sign, a fresh one where none waits; that key, and those that sign no more.

    Raises:
        StoreError: the store is away or too slow.
    """
    from authgate.signing.material import fresh

    spare = fresh(verifier.algorithm, verifier.master_keys[0])
    return await store.signing_keys.rotate(spare, LEAD, stays(verifier))


async def retire_key(store: "Store", verifier: "IssuedVerifier", key_id: str) -> OwnKey:
    """Have a key sign no more; what it signed stays valid until it expires.

    Raises:
        Refused: there is none, or it is retired already.
        StoreError: the store is away or too slow.
    """
    return await store.signing_keys.retire(key_id, stays(verifier))


async def delete_key(store: "Store", key_id: str, *, force: bool = False) -> None:
    """Forget a key: what it signed is refused from now on.

    Raises:
        Refused: there is none, or tokens that it signed may be valid, and it was not forced.
        StoreError: the store is away or too slow.
    """
    for key in await store.signing_keys.all():
        over = key.verifies_until is not None and key.verifies_until < time.time()
        if key.id == key_id and not over and key.signs_from is not None and not force:
            raise Refused(
                f"tokens that key {key_id!r} signed may be valid yet; retire it, or say --force to refuse them"
            )
    await store.signing_keys.delete(key_id)


async def reseal_keys(store: "Store", verifier: "IssuedVerifier") -> int:
    """Seal every key with the first of the master keys, so that the others can go; how many there are.

    Raises:
        Refused: one cannot be opened.
        StoreError: the store is away or too slow.
    """
    from authgate.signing.material import resealed

    sealed = {}
    for key in await store.signing_keys.all():
        try:
            sealed[key.id] = resealed(key, verifier.master_keys)
        except ValueError as fault:
            raise Refused(f"key {key.id!r} cannot be opened: {fault}") from None
    await store.signing_keys.reseal(sealed)
    return len(sealed)
