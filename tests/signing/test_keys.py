"""Our own keys: sealed, opened, and held by a worker."""

import dataclasses
import json
import logging

import pytest
from jwt import PyJWK, PyJWS

from authgate.errors import StoreError
from authgate.model import Secret
from authgate.signing import Ring
from authgate.signing.material import ALGORITHMS, fresh, open_key, resealed
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


async def test_a_key_that_nobody_knows_is_looked_for_once():
    """coreos/go-oidc#482: random names of keys must not make a read of the store each."""
    shelf = Rows()
    held = Ring(shelf, (MASTER,), clock=lambda: NOW)
    looks = []

    async def look():
        looks.append(1)
        await held.reload()

    for number in range(100):
        assert await held.find(f"random {number}", "EdDSA", look) is None
    assert len(looks) == 1


async def test_a_key_that_was_made_a_moment_ago_is_found():
    one = row(signs_from=1)
    shelf = Rows()
    held = Ring(shelf, (MASTER,), clock=lambda: NOW)
    await held.reload()
    shelf.rows = (one,)
    found = await held.find(one.id, "EdDSA", held.reload)
    assert found is not None
    assert found.id == one.id


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
