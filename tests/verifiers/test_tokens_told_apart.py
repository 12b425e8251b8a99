"""Two tokens are two, and one is one however it is shown: by that its sessions are counted."""

import pytest

from authgate.model import Credentials, Principal, Secret
from authgate.verifiers.token import TokenVerifier
from tests.verifiers.fakes import means
from tests.verifiers.forge import GOOD, SECRET, signed

ONE = TokenVerifier(Secret(SECRET), users="optional")
OTHER = TokenVerifier(Secret(SECRET), users="optional", name="other")
ISS, JTI = {"iss": "https://a.example"}, {"jti": "j"}

# Two tokens with their verifiers, and whether they are one.
PAIRS = {
    "the same": ((ONE, GOOD | JTI), (ONE, GOOD | JTI), True),
    "renewed under its id": ((ONE, GOOD | JTI), (ONE, GOOD | JTI | {"exp": GOOD["exp"] + 1}), True),
    "of two ids": ((ONE, GOOD | JTI), (ONE, GOOD | {"jti": "k"}), False),
    "of one id by two issuers": ((ONE, GOOD | JTI | ISS), (ONE, GOOD | JTI | {"iss": "https://b.example"}), False),
    "of one id and no issuer by two verifiers": ((ONE, GOOD | JTI), (OTHER, GOOD | JTI), False),
    "an issuer that is called like a verifier": ((ONE, GOOD | JTI | {"iss": "token"}), (ONE, GOOD | JTI), False),
    "of one id and issuer by two verifiers": ((ONE, GOOD | JTI | ISS), (OTHER, GOOD | JTI | ISS), True),
    "without an id, the same": ((ONE, GOOD), (ONE, GOOD), True),
    "without an id, of two times": ((ONE, GOOD), (ONE, GOOD | {"exp": GOOD["exp"] + 1}), False),
    "with an id and without": ((ONE, GOOD | JTI), (ONE, GOOD), False),
}


async def told(verifier: TokenVerifier, token: str) -> str:
    found = await verifier.verify(Credentials(token=Secret(token)), means())
    assert isinstance(found, Principal)
    return found.token


@pytest.mark.parametrize(("one", "other", "same"), PAIRS.values(), ids=PAIRS)
async def test_tokens_are_told_apart(one, other, same: bool):
    found = [await told(verifier, signed(payload)) for verifier, payload in (one, other)]
    assert (found[0] == found[1]) is same
    assert {len(each) for each in found} == {64}


async def test_a_prefix_makes_no_other_token_of_it():
    assert await told(ONE, signed(GOOD)) == await told(ONE, f"Bearer {signed(GOOD)}")


async def test_nothing_of_the_token_is_kept():
    assert await told(ONE, signed(GOOD)) not in signed(GOOD)
