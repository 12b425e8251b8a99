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
    await admin.retire_key(store, VERIFIER, key.id, leave_none=True)
    assert await state(store) == ["retired"]
    with pytest.raises(Refused, match="retired already"):
        await admin.retire_key(store, VERIFIER, key.id, leave_none=True)
    assert (await admin.generate_key(store, VERIFIER)).signs_from, "else nothing would sign"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_key_is_not_deleted_while_its_tokens_may_be_valid(store):
    key = await admin.generate_key(store, VERIFIER)
    waiting = await admin.generate_key(store, VERIFIER)
    await admin.delete_key(store, VERIFIER, waiting.id)
    await admin.rotate_keys(store, VERIFIER)
    with pytest.raises(Refused, match="retire it, or say --force"):
        await admin.delete_key(store, VERIFIER, key.id)
    await admin.delete_key(store, VERIFIER, key.id, force=True)
    assert await state(store) == ["signs"]
    with pytest.raises(Refused, match="there is no key"):
        await admin.delete_key(store, VERIFIER, key.id)
    with pytest.raises(Refused, match="there is no key"):
        await admin.retire_key(store, VERIFIER, key.id)


@pytest.mark.parametrize("verifier", [VERIFIER, None], ids=["with its verifier", "without a verifier"])
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_the_last_key_that_signs_is_deleted_only_where_that_is_said(store, verifier):
    key = await admin.generate_key(store, VERIFIER)
    for said in ({}, {"force": True}):
        with pytest.raises(Refused, match="is the only one that signs; run: authgate key rotate"):
            await admin.delete_key(store, verifier, key.id, **said)
    with pytest.raises(Refused, match="--force"):
        await admin.delete_key(store, verifier, key.id, leave_none=True)
    await admin.delete_key(store, verifier, key.id, leave_none=True, force=True)
    assert await admin.signing_keys(store) == []


async def test_two_who_retire_at_once_do_not_leave_none_to_sign(store_options, store):
    """Each alone would leave the other's key."""
    keys = [await admin.generate_key(store, VERIFIER), await admin.generate_key(store, IssuedVerifier((OTHER,)))]
    assert await state(store) == ["signs", "signs"]
    both = IssuedVerifier((OTHER, *VERIFIER.master_keys))
    others = [Store(store_options) for _ in keys]
    try:
        done = await asyncio.gather(
            *(admin.retire_key(each, both, key.id) for each, key in zip(others, keys, strict=True)),
            return_exceptions=True,
        )
    finally:
        for each in others:
            await each.close()
    assert len([each for each in done if isinstance(each, Refused)]) == 1
    assert sorted(await state(store)) == ["retired", "signs"]


async def test_a_key_that_cannot_be_opened_neither_signs_nor_waits(store):
    """Its master key is lost: what is made then signs, and is not put behind it."""
    await admin.generate_key(store, VERIFIER)
    lost = await admin.generate_key(store, VERIFIER)
    other = IssuedVerifier((OTHER,))
    assert await admin.key_warnings(store, [VERIFIER], issuing=True) == []
    warnings = await admin.key_warnings(store, [other], issuing=True)
    assert [each.partition(":")[0] for each in warnings] == [
        *(f"signing key {key.id} can neither sign nor verify" for key in await admin.signing_keys(store)),
        "no key of our own signs, so no token can be issued; run",
    ]
    made = await admin.generate_key(store, other)
    assert made.signs_from
    began, before = await admin.rotate_keys(store, other)
    assert began.id not in (lost.id, made.id)
    assert made.id in [key.id for key in before]
    assert len(await admin.key_warnings(store, [other], issuing=True)) == 2, "the rest of them sign no more"
    assert await admin.key_warnings(store, [], issuing=True) == []


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_rotation_from_keys_that_cannot_be_opened_begins_at_once(store):
    await admin.generate_key(store, VERIFIER)
    began, _ = await admin.rotate_keys(store, IssuedVerifier((OTHER,)))
    rows = {key.id: key for key in await admin.signing_keys(store)}
    assert rows[began.id].signs_from <= time.time() * 1000, "there is nobody to wait for"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_that_no_key_signs_matters_where_tokens_are_issued(store):
    assert await admin.key_warnings(store, [VERIFIER], issuing=False) == []
    assert await admin.key_warnings(store, [VERIFIER], issuing=True) == [
        "no key of our own signs, so no token can be issued; run: authgate key generate"
    ]


async def test_a_master_key_is_replaced(store):
    await admin.generate_key(store, VERIFIER)
    both = IssuedVerifier((OTHER, *VERIFIER.master_keys))
    assert await admin.reseal_keys(store, both) == 1
    assert await admin.reseal_keys(store, IssuedVerifier((OTHER,))) == 1
    with pytest.raises(Refused, match="cannot be opened"):
        await admin.reseal_keys(store, VERIFIER)
