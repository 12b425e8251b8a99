"""Tokens that authgate makes itself."""

import pytest

from authgate.errors import BadName, Refused
from authgate.model import Reason, Secret
from authgate.verifiers.issue import issue
from authgate.verifiers.token import Reading, TokenVerifier
from tests.verifiers import forge
from tests.verifiers.forge import NOW, SECRET, public_pem

VERIFIERS = {
    "plain": TokenVerifier(Secret(SECRET)),
    "issuer and audience": TokenVerifier(Secret(SECRET), issuer="https://issuer.example", audience="wcs"),
    "several audiences": TokenVerifier(Secret(SECRET), audience=("a", "b")),
    "another user claim": TokenVerifier(Secret(SECRET), user_claim="login"),
    "longer hash": TokenVerifier(Secret("k" * 64), algorithms=("HS512", "HS256")),
}


@pytest.mark.parametrize("verifier", VERIFIERS.values(), ids=VERIFIERS)
def test_an_issued_token_is_accepted_until_it_expires(verifier: TokenVerifier) -> None:
    token = issue(verifier, " Ann ", 60, NOW + 0.9)
    reading = verifier.read(token, NOW)
    assert reading is not None
    assert reading.reason is Reason.OK
    assert reading.claims is not None
    assert (reading.claims.user, reading.claims.expires_at) == ("ann", NOW + 60)
    assert verifier.read(token, NOW + 90) == Reading(Reason.TOKEN_EXPIRED, reading.claims)


def test_no_two_tokens_are_alike() -> None:
    made = {issue(VERIFIERS["plain"], "ann", 60, NOW) for _ in range(3)}
    assert len(made) == 3


def test_a_public_key_cannot_sign() -> None:
    verifier = TokenVerifier(Secret(public_pem(forge.RSA)), algorithms=("RS256",))
    with pytest.raises(Refused, match="public key"):
        issue(verifier, "ann", 60, NOW)


@pytest.mark.parametrize("ttl", [0, -1])
def test_a_token_lives_for_a_while(ttl: int) -> None:
    with pytest.raises(Refused, match="at least 1 second"):
        issue(VERIFIERS["plain"], "ann", ttl, NOW)


def test_a_token_is_for_a_possible_name() -> None:
    with pytest.raises(BadName):
        issue(VERIFIERS["plain"], "a\0", 60, NOW)
