"""A token that was found to be signed is not looked through again: all that can change is."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from authgate.model import Reason, Secret
from authgate.verifiers import claims
from authgate.verifiers.jwks import JwksOptions
from authgate.verifiers.remembered import Proven, Remembered
from authgate.verifiers.token import KeyOptions, TokenVerifier
from tests.verifiers.fakes import FakeKeys
from tests.verifiers.forge import GOOD, NOW, SECRET, b64, segment, signed

OTHER = "another secret of thirty-two bytes at least"
ISSUER = "https://issuer.example"


def the(token, verifier, now=NOW, keys=None):
    reading = verifier.read(token, now, keys)
    return reading and reading.reason


@pytest.fixture
def readings(monkeypatch):
    """The tokens that were taken apart."""
    taken, parts = [], claims.parts
    monkeypatch.setattr(claims, "parts", lambda token: taken.append(token) or parts(token))
    return taken


def test_the_same_token_is_taken_apart_once(readings):
    verifier, token = TokenVerifier(Secret(SECRET)), signed()
    first, second = verifier.read(token, NOW), verifier.read(token, NOW)
    assert first == second
    assert first.reason is Reason.OK
    assert len(readings) == 1


@pytest.mark.parametrize(
    "token",
    {"another key's": signed(key=OTHER), "cut": signed()[:-1], "none": "", "no token": "a.b.c"}.values(),
    ids=str,
)
def test_what_was_refused_is_looked_at_each_time(token, readings):
    verifier = TokenVerifier(Secret(SECRET))
    assert the(token, verifier) is the(token, verifier) is Reason.TOKEN_INVALID
    assert len(readings) == 2


LATER = {
    "not yet": (GOOD | {"nbf": NOW + 90, "exp": NOW + 300}, NOW, Reason.TOKEN_NOT_YET_VALID),
    "in time": (GOOD | {"nbf": NOW + 90, "exp": NOW + 300}, NOW + 100, Reason.OK),
    "issued in the future": (GOOD | {"iat": NOW + 90}, NOW, Reason.TOKEN_NOT_YET_VALID),
    "too late": (GOOD, NOW + 91, Reason.TOKEN_EXPIRED),
}


@pytest.mark.parametrize(("payload", "now", "reason"), LATER.values(), ids=LATER)
def test_whether_it_holds_is_asked_again(payload, now, reason, readings):
    verifier, token = TokenVerifier(Secret(SECRET)), signed(payload)
    verifier.read(token, NOW + 50)
    assert the(token, verifier, now) is reason
    assert len(readings) == 1


def test_a_key_that_is_over_takes_its_tokens_with_it():
    until = datetime.fromtimestamp(NOW + 10, UTC)
    verifier = TokenVerifier(keys=(KeyOptions(Secret(SECRET), "a", until), KeyOptions(Secret(OTHER), "b")))
    token = signed(GOOD, {"alg": "HS256", "kid": "a"})
    assert the(token, verifier, NOW) is Reason.OK
    assert the(token, verifier, NOW + 10) is Reason.TOKEN_INVALID
    assert the(token, verifier, NOW) is Reason.OK


@dataclass
class Key:
    id: str = "k"
    algorithm: str = "RS256"
    asked: list[bytes] = field(default_factory=list)

    def signed(self, message, signature):
        self.asked.append(message)
        return True


def test_a_key_that_its_issuer_has_withdrawn_takes_its_tokens_with_it():
    jwks = JwksOptions(url="https://issuer.example/jwks.json")
    verifier = TokenVerifier(jwks=jwks, issuer=ISSUER, algorithms=("RS256",))
    keys, key = FakeKeys(), Key()
    keys.sets[verifier.key_source] = [key]
    token = forged()
    assert the(token, verifier, keys=keys) is the(token, verifier, keys=keys) is Reason.OK
    assert len(key.asked) == 1
    keys.sets[verifier.key_source] = [another := Key()]  # under the same id: the signature counts for nothing any more
    assert the(token, verifier, keys=keys) is Reason.OK
    assert len(another.asked) == 1
    keys.sets[verifier.key_source] = []
    assert the(token, verifier, keys=keys) is Reason.TOKEN_INVALID


def forged():
    """A token whose signature nobody made, for keys that find every one good."""
    return f"{segment({'alg': 'RS256', 'kid': 'k'})}.{segment(GOOD | {'iss': ISSUER})}.{b64(b'none')}"


def test_another_type_stays_another_type():
    verifier, token = TokenVerifier(Secret(SECRET), typ="at+jwt"), signed()
    assert the(token, verifier) is the(token, verifier) is Reason.TOKEN_TYPE


def test_no_more_than_so_many_are_remembered():
    few = Remembered(most=3)
    proven = Proven(None, None, "HS256", True, None)
    for token in "abcd":
        few.put(token, proven)
    assert [few.find(token) is proven for token in "abcd"] == [False, True, True, True]


def test_no_token_is_kept():
    few, token = Remembered(), signed()
    few.put(token, Proven(None, None, "HS256", True, None))
    assert token not in repr(vars(few))
