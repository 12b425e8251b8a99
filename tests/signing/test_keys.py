"""Our own keys: sealed, opened, and held by a worker."""

import asyncio
import dataclasses
import json
import logging

import pytest
from jwt import PyJWK, PyJWS

from authgate.errors import Overloaded, StoreError
from authgate.model import Secret
from authgate.signing import Ring
from authgate.signing.material import ALGORITHMS, fresh, open_key, resealed
from authgate.signing.ring import MOST_WAITING
from authgate.vault import opened, seal

MASTER, OTHER = Secret("a master key of forty bytes, for the tests"), Secret("another master key, as long as the first")
NOW = 1_900_000_000


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_a_key_signs_it_verifies_and_nothing_else(algorithm):
    key = open_key(fresh(algorithm, MASTER), (MASTER,))
    other = open_key(fresh(algorithm, MASTER), (MASTER,))
    message, _, _ = key.sign(b"{}").rpartition(".")
    signature = PyJWS().decode_complete(key.sign(b"{}"), options={"verify_signature": False})["signature"]
    assert key.signed(message.encode(), signature)
    assert not key.signed(message.encode() + b"x", signature)
    assert not other.signed(message.encode(), signature)
    assert PyJWS().decode_complete(key.sign(b"{}"), options={"verify_signature": False})["header"]["kid"] == key.id


@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if name != "HS256"])
def test_others_verify_with_what_is_published(algorithm):
    row = fresh(algorithm, MASTER)
    published = json.loads(row.public)
    assert (published["kid"], published["alg"], published["use"]) == (row.id, algorithm, "sig")
    token = open_key(row, (MASTER,)).sign(b'{"sub":"ann"}')
    assert PyJWS().decode(token, PyJWK(published).key, algorithms=[algorithm]) == b'{"sub":"ann"}'


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nothing_secret_of_a_key_is_published_or_shown(algorithm):
    row = fresh(algorithm, MASTER)
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & json.loads(row.public or "{}").keys()
    assert row.sealed not in repr(row)
    assert (row.public is None) == (algorithm == "HS256")


def test_a_secret_is_never_published():
    assert fresh("HS256", MASTER).public is None


ALTERED = {
    "another public key, of an attacker's": lambda row: {"public": fresh("EdDSA", MASTER).public},
    "no public key": lambda row: {"public": None},
    "another name": lambda row: {"id": "x" + row.id},
    "another algorithm": lambda row: {"algorithm": "HS256"},
    "what was sealed for another": lambda row: {"sealed": fresh("EdDSA", MASTER).sealed},
    "what somebody else sealed": lambda row: {"sealed": fresh("EdDSA", OTHER).sealed},
    "sealed by no version": lambda row: {"sealed": row.sealed.removeprefix("v1.")},
    "cut off": lambda row: {"sealed": row.sealed[:-4]},
    "nothing": lambda row: {"sealed": ""},
}


@pytest.mark.parametrize("change", ALTERED.values(), ids=ALTERED)
def test_a_row_that_was_changed_in_the_store_is_not_opened(change):
    row = fresh("EdDSA", MASTER)
    with pytest.raises(ValueError, match="sealed"):
        open_key(dataclasses.replace(row, **change(row)), (MASTER,))


def test_a_key_of_a_later_version_is_not_opened():
    row = fresh("EdDSA", MASTER)
    about = json.dumps([row.id, "ES999", row.public]).encode()
    later = dataclasses.replace(row, algorithm="ES999", sealed=seal(MASTER, b"secret", about))
    with pytest.raises(ValueError, match="no algorithm 'ES999'"):
        open_key(later, (MASTER,))


def test_there_is_no_key_of_another_algorithm():
    with pytest.raises(ValueError, match="there is no 'none'"):
        fresh("none", MASTER)


def test_a_key_is_opened_by_any_master_key_and_sealed_by_the_first():
    row = fresh("EdDSA", OTHER)
    assert open_key(row, (MASTER, OTHER)).id == row.id
    moved = dataclasses.replace(row, sealed=resealed(row, (MASTER, OTHER)))
    assert open_key(moved, (MASTER,)).id == row.id
    with pytest.raises(ValueError, match="another master key"):
        open_key(row, (MASTER,))
    with pytest.raises(ValueError, match="another master key"):
        open_key(moved, (OTHER,))


def test_no_two_seals_are_alike():
    assert len({seal(MASTER, b"secret", b"x") for _ in range(5)}) == 5
    assert opened((MASTER,), seal(MASTER, b"secret", b"x"), b"x") == b"secret"


class Rows:
    """A shelf of a few lines."""

    def __init__(self, *rows):
        self.rows = rows
        self.away = False
        self.read = 0

    async def all(self):
        self.read += 1
        if self.away:
            raise StoreError("the store is away")
        return self.rows


def row(algorithm="EdDSA", **changes):
    return dataclasses.replace(fresh(algorithm, MASTER), **changes)


def ring(*rows, now=NOW):
    return Ring(Rows(*rows), (MASTER,), clock=lambda: now)


SIGNERS = {
    "none": ([], None),
    "one": ([{"signs_from": 1}], 0),
    "one that does not sign yet": ([{}], None),
    "the one that began last": ([{"signs_from": 1}, {"signs_from": 2}], 1),
    "not one that is to begin": ([{"signs_from": 1}, {"signs_from": NOW * 1000 + 1}], 0),
    "one that is to begin, where there is no other": ([{"signs_from": NOW * 1000 + 1}], 0),
    "not one that is retired": ([{"signs_from": 1}, {"signs_from": 2, "retired_at": 3, "verifies_until": NOW + 9}], 0),
    "one that is going to be retired": ([{"signs_from": 1, "retired_at": NOW * 1000 + 1}], 0),
    "none that signs": ([{"signs_from": 1, "retired_at": 2, "verifies_until": NOW + 9}], None),
}


@pytest.mark.parametrize(("rows", "expected"), SIGNERS.values(), ids=SIGNERS)
async def test_which_key_signs(rows, expected):
    rows = [row(**changes) for changes in rows]
    held = ring(*rows)
    await held.reload()
    signer = held.signer()
    assert (signer and signer.id) == (None if expected is None else rows[expected].id)


async def test_a_retired_key_verifies_until_what_it_signed_has_expired():
    retired = row(signs_from=1, retired_at=2, verifies_until=NOW)
    for now, there in ((NOW - 1, True), (NOW, False)):
        held = ring(retired, now=now)
        await held.reload()
        assert (held.known(retired.id, "EdDSA") is not None) == there
        assert bool(held.public()) == there


async def test_the_key_says_the_algorithm_and_not_the_token():
    one = row("EdDSA", signs_from=1)
    held = ring(one)
    await held.reload()
    for algorithm in ("HS256", "none", "ES256", "eddsa"):
        assert held.known(one.id, algorithm) is None


class Looks:
    """Reads the shelf when it is let: ``go`` ends one look, for all who wait for it."""

    def __init__(self, held):
        self.held, self.asked, self._gone = held, 0, asyncio.Event()

    async def again(self):
        self.asked += 1
        await self._gone.wait()

    async def go(self):
        await self.held.reload()
        self._gone.set()
        self._gone = asyncio.Event()


async def waiting(looks, *, count):
    """Come back once as many have asked."""
    async with asyncio.timeout(10):
        while looks.asked < count:  # noqa: ASYNC110 - what is waited for says nothing when it comes
            await asyncio.sleep(0)


async def test_a_key_that_was_made_a_moment_ago_is_found_while_somebody_guesses():
    """coreos/go-oidc#482: the guess had the store looked at, and the real key was refused until it was due again."""
    one = row(signs_from=1)
    shelf = Rows()
    held = Ring(shelf, (MASTER,), clock=lambda: NOW)
    await held.reload()
    looks = Looks(held)
    guess = asyncio.create_task(held.find("a guess", "EdDSA", looks.again))
    await waiting(looks, count=1)
    shelf.rows = (one,)
    real = asyncio.create_task(held.find(one.id, "EdDSA", looks.again))
    await waiting(looks, count=2)
    await looks.go()
    assert (await real).id == one.id
    assert await guess is None
    assert await held.find(one.id, "EdDSA", looks.again) is await real
    assert looks.asked == 2, "what is known is not looked for"


async def test_a_name_that_was_looked_for_in_vain_is_looked_for_again_only_after_a_change():
    """Clients of a deleted key come back with its tokens for as long as they are told to."""
    one = row(signs_from=1)
    shelf = Rows()
    held = Ring(shelf, (MASTER,), clock=lambda: NOW)
    await held.reload()
    looks = []

    async def look_again():
        looks.append(1)

    for _ in range(3):
        assert await held.find(one.id, "EdDSA", look_again) is None
    assert len(looks) == 1
    await held.reload()
    assert await held.find(one.id, "EdDSA", look_again) is None
    assert len(looks) == 2
    shelf.rows = (one,)
    await held.reload()
    assert (await held.find(one.id, "EdDSA", look_again)).id == one.id
    assert len(looks) == 2


async def test_a_name_is_not_taken_for_useless_when_the_keys_have_changed_meanwhile():
    one = row(signs_from=1)
    shelf = Rows()
    held = Ring(shelf, (MASTER,), clock=lambda: NOW)
    looks = Looks(held)
    first = asyncio.create_task(held.find(one.id, "EdDSA", looks.again))
    await waiting(looks, count=1)
    await looks.go()
    assert await first is None
    shelf.rows = (one,)
    second = asyncio.create_task(held.find(one.id, "EdDSA", looks.again))
    await waiting(looks, count=2)
    await looks.go()
    assert (await second).id == one.id


async def test_names_that_were_made_up_take_no_more_room_than_some():
    held = Ring(Rows(), (MASTER,), clock=lambda: NOW)
    await held.reload()
    looks = []

    async def look_again():
        looks.append(1)

    for number in range(1_001):
        await held.find(f"random {number}", "EdDSA", look_again)
    for number in (1_000, 1):
        await held.find(f"random {number}", "EdDSA", look_again)
    assert len(looks) == 1_001
    await held.find("random 0", "EdDSA", look_again)
    assert len(looks) == 1_002, "the oldest is forgotten"
    assert await held.find("x" * 65, "EdDSA", look_again) is None
    assert len(looks) == 1_002, "no key has a name as long as that"


async def test_more_guesses_than_can_wait_are_told_so_and_let_others_in_again():
    held = Ring(Rows(), (MASTER,), clock=lambda: NOW)
    looks = Looks(held)
    tasks = [asyncio.create_task(held.find(f"random {n}", "EdDSA", looks.again)) for n in range(MOST_WAITING)]
    await waiting(looks, count=MOST_WAITING)
    with pytest.raises(Overloaded):
        await held.find("one more", "EdDSA", looks.again)
    tasks[0].cancel()  # as the deadline of its hook does
    await asyncio.gather(tasks[0], return_exceptions=True)
    last = asyncio.create_task(held.find("one more", "EdDSA", looks.again))
    await waiting(looks, count=MOST_WAITING + 1)
    await looks.go()
    assert await asyncio.gather(*tasks[1:], last) == [None] * MOST_WAITING


async def test_whoever_waits_for_a_store_that_is_away_is_told():
    held = Ring(Rows(), (MASTER,), clock=lambda: NOW)

    async def away():
        raise StoreError("the store is away")

    for _ in range(3):
        with pytest.raises(StoreError):
            await held.find("a name", "EdDSA", away)


async def test_a_key_that_cannot_be_opened_is_not_looked_for_each_time():
    lost = row(signs_from=1, sealed="")
    held = ring(lost)
    await held.reload()
    looks = []

    async def look_again():
        looks.append(1)

    for _ in range(3):
        assert await held.find(lost.id, "EdDSA", look_again) is None
    assert len(looks) == 1


async def test_a_row_that_cannot_be_opened_is_told_once_and_no_others_are_lost(caplog):
    good, bad = row(signs_from=1), dataclasses.replace(row(signs_from=2), public="{}")
    held = ring(good, bad)
    with caplog.at_level(logging.ERROR):
        await held.reload()
        await held.reload()
    assert [record.getMessage() for record in caplog.records] == [
        f"signing key {bad.id} can neither sign nor verify: it was sealed with another master key, or changed since"
    ]
    assert held.signer().id == good.id
    assert [key["kid"] for key in held.public()] == [good.id]


async def test_without_a_master_key_there_are_no_keys():
    shelf = Rows(row(signs_from=1))
    held = Ring(shelf, ())
    await held.reload()
    assert (held.signer(), held.public(), shelf.read) == (None, [], 0)
