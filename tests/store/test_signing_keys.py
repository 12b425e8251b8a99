"""Our own keys in the store, on each database."""

import asyncio
import time

import pytest

from authgate import admin
from authgate.errors import Refused
from authgate.model import Secret
from authgate.store import Store
from authgate.verifiers.issued import IssuedVerifier

VERIFIER = IssuedVerifier((Secret("a master key of forty bytes, for the tests"),))
OTHER = Secret("another master key, as long as the first")


async def state(store):
    """Of each key whether it is to sign, signs, or is retired."""
    found = []
    for key in await admin.signing_keys(store):
        found.append("retired" if key.retired_at else "signs" if key.signs_from else "next")
    return found


async def test_the_first_key_signs_and_the_next_ones_wait(store):
    first = await admin.generate_key(store, VERIFIER)
    await admin.generate_key(store, VERIFIER, "ES256")
    assert await state(store) == ["signs", "next"]
    assert first.signs_from <= time.time() * 1000
    assert [key.algorithm for key in await admin.signing_keys(store)] == ["EdDSA", "ES256"]


async def test_a_rotation_takes_the_key_that_waits_and_retires_the_one_before(store):
    first = await admin.generate_key(store, VERIFIER)
    second = await admin.generate_key(store, VERIFIER)
    began, before = await admin.rotate_keys(store, VERIFIER)
    assert (began.id, [key.id for key in before]) == (second.id, [first.id])
    assert await state(store) == ["retired", "signs"]
    old, new = await admin.signing_keys(store)
    assert old.retired_at == new.signs_from > time.time() * 1000, "every worker learns of it before"
    assert old.verifies_until == old.retired_at // 1000 + VERIFIER.max_ttl + VERIFIER.leeway + 1


async def test_a_rotation_makes_a_key_where_none_waits(store):
    await admin.rotate_keys(store, VERIFIER)
    assert await state(store) == ["signs"]
    assert (await admin.signing_keys(store))[0].signs_from <= time.time() * 1000, "there is nobody to wait for"
    await admin.rotate_keys(store, VERIFIER)
    assert await state(store) == ["retired", "signs"]


async def test_rotations_at_once_leave_one_key_that_signs(store_options, store):
    await admin.generate_key(store, VERIFIER)
    others = [Store(store_options) for _ in range(3)]
    try:
        await asyncio.gather(*(admin.rotate_keys(each, VERIFIER) for each in others))
    finally:
        for each in others:
            await each.close()
    assert sorted(await state(store)) == ["retired"] * 3 + ["signs"]


async def test_a_retired_key_stays_retired(store):
    key = await admin.generate_key(store, VERIFIER)
    await admin.retire_key(store, VERIFIER, key.id)
    assert await state(store) == ["retired"]
    with pytest.raises(Refused, match="retired already"):
        await admin.retire_key(store, VERIFIER, key.id)
    assert (await admin.generate_key(store, VERIFIER)).signs_from, "else nothing would sign"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_key_is_not_deleted_while_its_tokens_may_be_valid(store):
    key = await admin.generate_key(store, VERIFIER)
    with pytest.raises(Refused, match="retire it, or say --force"):
        await admin.delete_key(store, key.id)
    waiting = await admin.generate_key(store, VERIFIER)
    await admin.delete_key(store, waiting.id)
    await admin.delete_key(store, key.id, force=True)
    assert await admin.signing_keys(store) == []
    with pytest.raises(Refused, match="there is no key"):
        await admin.delete_key(store, key.id)
    with pytest.raises(Refused, match="there is no key"):
        await admin.retire_key(store, VERIFIER, key.id)


async def test_a_master_key_is_replaced(store):
    await admin.generate_key(store, VERIFIER)
    both = IssuedVerifier((OTHER, *VERIFIER.master_keys))
    assert await admin.reseal_keys(store, both) == 1
    assert await admin.reseal_keys(store, IssuedVerifier((OTHER,))) == 1
    with pytest.raises(Refused, match="cannot be opened"):
        await admin.reseal_keys(store, VERIFIER)
