"""Passwords in their NFKC form: set in it, verified in both, at a cost that tells nothing."""

import unicodedata

import pytest

from authgate.errors import Refused
from tests.passwords.hashers import Watched
from tests.passwords.vectors import VECTORS

# As typed, and another spelling of the same that somebody's keyboard sends.
SPELLINGS = {
    "decomposed": ("pa\u0308sswo\u0308rd", "p\u00e4ssw\u00f6rd"),
    "full width": ("\uff50\uff41\uff53\uff53", "pass"),
    "ligature": ("\ufb01sh", "fish"),
    "no-break space": ("pass\u00a0word", "pass word"),
    "angstrom sign": ("\u212b", "\u00c5"),
    "Hangul": ("\u1112\u1161\u11ab", "\ud55c"),
    "superscript": ("x\u00b2", "x2"),
}


@pytest.mark.parametrize(("one", "other"), SPELLINGS.values(), ids=SPELLINGS)
async def test_however_it_is_typed_a_password_is_set_in_one_form(hasher: Watched, one: str, other: str) -> None:
    for set_as in (one, other):
        stored = await hasher.hash(set_as)
        assert await hasher.verify(one, stored)
        assert await hasher.verify(other, stored)
        assert not await hasher.verify(one + "x", stored)


@pytest.mark.parametrize(("one", "other"), SPELLINGS.values(), ids=SPELLINGS)
async def test_a_hash_of_the_form_as_typed_is_opened_by_that_form(hasher: Watched, one: str, other: str) -> None:
    made_elsewhere = hasher._make(one.encode())
    assert await hasher.verify(one, made_elsewhere)
    assert not await hasher.verify(other, made_elsewhere)


STORED = {
    "right": lambda hasher: hasher._make("p\u00e4ss".encode()),
    "right as typed": lambda hasher: hasher._make("pa\u0308ss".encode()),
    "wrong": lambda hasher: hasher._make(b"wrong"),
    "unknown user": lambda hasher: None,
    "unusable": lambda hasher: "x",
}


@pytest.mark.parametrize("make", STORED.values(), ids=STORED)
async def test_two_forms_cost_two_hashes_whatever_is_stored_and_comes_out(hasher: Watched, make) -> None:
    stored = make(hasher)
    await hasher.verify("pa\u0308ss", stored)
    assert [secret for secret, _ in hasher.tried] == ["pa\u0308ss".encode(), "p\u00e4ss".encode()]


@pytest.mark.parametrize("make", STORED.values(), ids=STORED)
async def test_one_form_costs_one_hash(hasher: Watched, make) -> None:
    stored = make(hasher)
    await hasher.verify("p\u00e4ss", stored)
    assert len(hasher.tried) == 1


async def test_a_renewed_hash_is_opened_by_what_is_typed_again(hasher: Watched) -> None:
    typed = "pa\u0308ssword"
    # php -r 'echo password_hash("pa\u{308}ssword", PASSWORD_BCRYPT, ["cost" => 5]);'
    stored = "$2y$05$WoGhFJ04pZuufg9mZx9AwuzccJ.OKybTIPcfKm5trzPfSZErAIgT."
    assert await hasher.verify(typed, stored)
    renewed = await hasher.renewed(typed, stored)
    assert renewed is not None
    for each in (typed, unicodedata.normalize("NFKC", typed)):
        assert await hasher.verify(each, renewed)
    assert not await hasher.verify("password", renewed)


GROWS = "\ufdfa" * 8  # one character that is 18 in its NFKC form


async def test_a_password_that_grows_over_the_length_is_refused(hasher: Watched) -> None:
    with pytest.raises(Refused, match="at most 128 characters"):
        await hasher.hash(GROWS)


async def test_a_password_that_grows_over_the_length_is_tried_as_typed_alone(hasher: Watched) -> None:
    stored = hasher._make(GROWS.encode())
    assert await hasher.verify(GROWS, stored)
    assert len(hasher.tried) == 1
    assert not await hasher.verify(GROWS, None)
    assert len(hasher.tried) == 2


async def test_what_is_tried_as_typed_alone_is_renewed_as_typed(hasher: Watched) -> None:
    renewed = await hasher.renewed(GROWS, VECTORS["pbkdf2 sha256 of Django"].ascii)
    assert renewed is not None
    assert await hasher.verify(GROWS, renewed)
