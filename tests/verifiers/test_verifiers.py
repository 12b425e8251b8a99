"""The family of verifiers, and what is ambiguous about several of them."""

from dataclasses import fields
from typing import Annotated, Any, get_args

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from authgate.model import Secret
from authgate.ports import Verifier
from authgate.verifiers import VERIFIERS, AnyVerifier, check
from authgate.verifiers.password import PasswordVerifier
from authgate.verifiers.token import TokenVerifier
from tests.verifiers.forge import SECRET


def token(name: str = "token", issuer: str | None = None) -> TokenVerifier:
    return TokenVerifier(Secret(SECRET), name=name, issuer=issuer)


FINE: dict[str, list[AnyVerifier]] = {
    "none": [],
    "one token verifier": [token()],
    "one password verifier": [PasswordVerifier()],
    "one of each": [token(), PasswordVerifier()],
    "two issuers": [token("a", "https://a.example"), PasswordVerifier(), token("b", "https://b.example")],
}
AMBIGUOUS: dict[str, tuple[list[AnyVerifier], list[str]]] = {
    "same name": (
        [token("a", "https://a.example"), token("a", "https://b.example")],
        ["verifiers[1].name: another verifier is called 'a' too"],
    ),
    "same name in another family": (
        [token("x"), PasswordVerifier(name="x")],
        ["verifiers[1].name: another verifier is called 'x' too"],
    ),
    "two token verifiers without issuers": (
        [token("a"), token("b")],
        [
            "verifiers[0].issuer: is missing; with several token verifiers each needs its own",
            "verifiers[1].issuer: is missing; with several token verifiers each needs its own",
        ],
    ),
    "a token verifier that would take the tokens of another": (
        [token("a"), token("b", "https://b.example")],
        ["verifiers[0].issuer: is missing; with several token verifiers each needs its own"],
    ),
    "two token verifiers with one issuer": (
        [token("a", "https://a.example"), PasswordVerifier(), token("b", "https://a.example")],
        ["verifiers[2].issuer: another token verifier has 'https://a.example' too"],
    ),
    "two password verifiers": (
        [PasswordVerifier(), PasswordVerifier(name="again")],
        ["verifiers[1].type: a second password verifier would never be asked; remove one"],
    ),
}


@pytest.mark.parametrize("verifiers", FINE.values(), ids=FINE)
def test_clear_combinations(verifiers: list[AnyVerifier]) -> None:
    assert check(verifiers) == []


@pytest.mark.parametrize(("verifiers", "faults"), AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_ambiguous_combinations_are_named(verifiers: list[AnyVerifier], faults: list[str]) -> None:
    assert check(verifiers) == faults


@pytest.mark.parametrize("kind", VERIFIERS)
def test_every_member_of_the_family_says_its_type(kind: str) -> None:
    member = VERIFIERS[kind]
    assert {each.name: each.default for each in fields(member)}["type"] == kind
    assert member in get_args(AnyVerifier)


def test_every_member_is_a_verifier() -> None:
    verifiers: list[Verifier] = [token(), PasswordVerifier()]
    assert [each.name for each in verifiers] == ["token", "password"]


SETTINGS: TypeAdapter[AnyVerifier] = TypeAdapter(Annotated[AnyVerifier, Field(discriminator="type")])


def test_settings_become_verifiers() -> None:
    given: dict[str, Any] = {"type": "token", "key": SECRET, "algorithms": ["HS256"], "audience": ["a", "b"]}
    assert SETTINGS.validate_python(given) == TokenVerifier(Secret(SECRET), audience=("a", "b"))
    assert SETTINGS.validate_python(given | {"audience": "a"}) == TokenVerifier(Secret(SECRET), audience="a")
    assert SETTINGS.validate_python({"type": "password"}) == PasswordVerifier()


REFUSED = {
    "no key": {},
    "key is a number": {"key": 42},
    "short key": {"key": "short"},
    "no algorithms": {"key": SECRET, "algorithms": []},
    "negative leeway": {"key": SECRET, "leeway": -1},
    "leeway of an hour": {"key": SECRET, "leeway": 3600},
    "no length": {"key": SECRET, "max_length": 0},
    "audience is a number": {"key": SECRET, "audience": 1},
    "users is a misspelling": {"key": SECRET, "users": "optionl"},
}


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED)
def test_unfit_settings_are_refused_without_the_key(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        SETTINGS.validate_python({"type": "token"} | given)
    assert SECRET not in str(caught.value.errors(include_input=False))
