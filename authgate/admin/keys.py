"""Our own signing keys: make, rotate, retire and delete them."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from authgate.errors import Refused
from authgate.issuance import OwnKey

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.store import Store
    from authgate.verifiers import AnyVerifier
    from authgate.verifiers.issued import IssuedVerifier

LEAD = 1_000  # milliseconds from a rotation until the next key signs: each worker knows it by then


def stays(verifier: "IssuedVerifier") -> int:
    """For how many seconds a retired key verifies: as long as the last token that it signed can be valid."""
    return verifier.max_ttl + verifier.leeway + LEAD // 1_000


def key_faults(verifier: "IssuedVerifier", keys: Sequence[OwnKey]) -> dict[str, str]:
    """Of the keys that cannot be opened with the master keys of the configuration, why; by their ids.

    They neither sign nor verify. One that is over is good for nothing anyway, and is left out.
    """
    from authgate.signing.material import fault_of

    now = time.time()
    faults = {each.id: fault_of(each, verifier.master_keys) for each in keys if not each.over(now)}
    return {key_id: fault for key_id, fault in faults.items() if fault}


async def key_warnings(store: "Store", verifiers: Sequence["AnyVerifier"], *, issuing: bool) -> list[str]:
    """What is wrong with our own keys: each that cannot be opened and, where tokens are issued, that none signs.

    Nothing, where no verifier is for what they sign.

    Raises:
        StoreError: the store is away or too slow.
    """
    verifier = next((each for each in verifiers if each.type == "issued"), None)
    if verifier is None:
        return []
    keys = await store.signing_keys.all()
    faults = key_faults(verifier, keys)
    found = [
        f"signing key {key_id} can neither sign nor verify: {fault}; see verifiers.master_keys, and: authgate key list"
        for key_id, fault in faults.items()
    ]
    if issuing and not any(each.signs(time.time()) and each.id not in faults for each in keys):
        found.append("no key of our own signs, so no token can be issued; run: authgate key generate")
    return found


async def signing_keys(store: "Store") -> Sequence[OwnKey]:
    """Every key, the oldest first.

    Raises:
        StoreError: the store is away or too slow.
    """
    return await store.signing_keys.all()


async def generate_key(store: "Store", verifier: "IssuedVerifier", algorithm: str | None = None) -> OwnKey:
    """A new key. It signs at once where no other does that can be opened; else when it is rotated to, and until then
    others may learn of it.

    Raises:
        StoreError: the store is away or too slow.
    """
    from authgate.signing.material import fresh

    key = fresh(algorithm or verifier.algorithm, verifier.master_keys[0])
    await store.signing_keys.add(key, _usable(verifier))
    return next(each for each in await store.signing_keys.all() if each.id == key.id)


async def rotate_keys(store: "Store", verifier: "IssuedVerifier") -> tuple[OwnKey, Sequence[OwnKey]]:
    """Have the next key sign, a fresh one where none waits that can be opened; that key, and those that sign no more.

    Raises:
        StoreError: the store is away or too slow.
    """
    from authgate.signing.material import fresh

    spare = fresh(verifier.algorithm, verifier.master_keys[0])
    return await store.signing_keys.rotate(spare, LEAD, stays(verifier), _usable(verifier))


async def retire_key(store: "Store", verifier: "IssuedVerifier", key_id: str, *, leave_none: bool = False) -> OwnKey:
    """Have a key sign no more; what it signed stays valid until it expires. None takes its place: see ``rotate_keys``.

    Raises:
        Refused: there is none, it is retired already, or no other would sign and ``leave_none`` is not said.
        StoreError: the store is away or too slow.
    """
    return await store.signing_keys.retire(key_id, stays(verifier), _usable(verifier), leave_none=leave_none)


async def delete_key(
    store: "Store", verifier: "IssuedVerifier | None", key_id: str, *, force: bool = False, leave_none: bool = False
) -> None:
    """Forget a key: what it signed is refused from now on. Without a verifier each key counts as usable.

    Raises:
        Refused: there is none, tokens that it signed may be valid and ``force`` is not said, or no other would sign
            and ``leave_none`` is not said.
        StoreError: the store is away or too slow.
    """
    await store.signing_keys.delete(key_id, _usable(verifier), force=force, leave_none=leave_none)


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
            advice = f"have its master key in master_keys too, or run: authgate key delete --force {key.id}"
            raise Refused(f"key {key.id!r} cannot be opened: {fault}", advice) from None
    await store.signing_keys.reseal(sealed)
    return len(sealed)


def _usable(verifier: "IssuedVerifier | None") -> Callable[[OwnKey], bool]:
    if verifier is None:
        return lambda _key: True
    from authgate.signing.material import fault_of

    return lambda key: not fault_of(key, verifier.master_keys)
