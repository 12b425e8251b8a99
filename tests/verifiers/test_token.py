"""What a token comes to. The hostile ones have a table of their own: test_hostile_tokens.py."""

import pytest

from authgate.errors import StoreError
from authgate.model import Credentials, Principal, Reason, Secret, User
from authgate.verifiers.token import Claims, Reading, TokenVerifier
from tests.verifiers import forge
from tests.verifiers.fakes import FakeUsers, means, without_proof
from tests.verifiers.forge import GOOD, NOW, SECRET, public_pem, signed

ANN = User("ann", "Ann")
BOB = User("bob", "Bob", enabled=False)
INTEGER = User("42", "42")
PLAIN = TokenVerifier(Secret(SECRET))
ISSUER = TokenVerifier(Secret(SECRET), issuer="https://issuer.example")
AUDIENCE = TokenVerifier(Secret(SECRET), audience=("wcs", "other"))
ONE_AUDIENCE = TokenVerifier(Secret(SECRET), audience="wcs")
GRANTS = TokenVerifier(Secret(SECRET), grants_claim="may")
NO_GRANTS = TokenVerifier(Secret(SECRET), grants_claim="")
NAMED = TokenVerifier(Secret(SECRET), user_claim="preferred_username")
OPTIONAL = TokenVerifier(Secret(SECRET), users="optional")

EXP = NOW + 60
ISS = {"iss": "https://issuer.example"}
PRINCIPAL = Principal("ann", "token", expires_at=EXP, stored_user=True)


def ann(**changes: object) -> Principal:
    return Principal(**{"user": "ann", "verifier": "token", "expires_at": EXP, "stored_user": True} | changes)  # type: ignore[arg-type]


CASES = {
    "no token": (PLAIN, None, None),
    "good": (PLAIN, signed(), ann()),
    "within leeway": (PLAIN, signed(GOOD | {"exp": NOW - 29}), ann(expires_at=NOW - 29)),
    "expired on the second": (PLAIN, signed(GOOD | {"exp": NOW - 30}), Reason.TOKEN_EXPIRED),
    "expired long ago": (PLAIN, signed(GOOD | {"exp": 0}), Reason.TOKEN_EXPIRED),
    "expires within a second": (PLAIN, signed(GOOD | {"exp": NOW - 29.5}), ann(expires_at=NOW - 30)),
    "begins within leeway": (PLAIN, signed(GOOD | {"nbf": NOW + 30}), ann()),
    "begins too late": (PLAIN, signed(GOOD | {"nbf": NOW + 31}), Reason.TOKEN_NOT_YET_VALID),
    "issued by a fast clock": (PLAIN, signed(GOOD | {"iat": NOW + 30}), ann()),
    "issued in the future": (PLAIN, signed(GOOD | {"iat": NOW + 31}), Reason.TOKEN_NOT_YET_VALID),
    "issued long ago": (PLAIN, signed(GOOD | {"iat": 0, "nbf": 0}), ann()),
    "too early and too late": (PLAIN, signed({"sub": "ann", "exp": 1, "nbf": EXP}), Reason.TOKEN_NOT_YET_VALID),
    "unknown user": (PLAIN, signed(GOOD | {"sub": "eve"}), Reason.USER_UNKNOWN),
    "disabled user": (PLAIN, signed(GOOD | {"sub": "bob"}), Reason.USER_DISABLED),
    "integer user": (PLAIN, signed(GOOD | {"sub": 42}), ann(user="42")),
    "user in another form": (PLAIN, signed(GOOD | {"sub": " ＡＮＮ "}), ann()),
    "user not in the store, optional": (OPTIONAL, signed(GOOD | {"sub": "eve"}), ann(user="eve", stored_user=False)),
    "user in the store, optional": (OPTIONAL, signed(), ann()),
    "disabled user, optional": (OPTIONAL, signed(GOOD | {"sub": "bob"}), Reason.USER_DISABLED),
    "grants where none are read": (NO_GRANTS, signed(GOOD | {"grants": ["play:*"]}), ann()),
    "no grants where none are read": (NO_GRANTS, signed(GOOD | {"grants": []}), ann()),
    "what is no list of grants where none are read": (NO_GRANTS, signed(GOOD | {"grants": {"a": 1}}), ann()),
    "a claim without a name where no grants are read": (NO_GRANTS, signed(GOOD | {"": 7}), ann()),
    "other user claim": (NAMED, signed({"sub": "x", "preferred_username": "ann", "exp": EXP}), ann()),
    "other user claim absent": (NAMED, signed(), Reason.TOKEN_INVALID),
    "own issuer": (ISSUER, signed(GOOD | ISS), ann()),
    "another issuer": (ISSUER, signed(GOOD | {"iss": "https://issuer.example/"}), None),
    "another issuer and key": (ISSUER, signed(GOOD | {"iss": "https://else.example"}, key="x" * 40), None),
    "no issuer": (ISSUER, signed(), Reason.TOKEN_ISSUER),
    "no issuer and another key": (ISSUER, signed(key="x" * 40), Reason.TOKEN_INVALID),
    "own issuer and another key": (ISSUER, signed(GOOD | ISS, key="x" * 40), Reason.TOKEN_INVALID),
    "an issuer where none is asked for": (PLAIN, signed(GOOD | ISS), ann()),
    "own audience": (AUDIENCE, signed(GOOD | {"aud": "wcs"}), ann()),
    "own audience among several": (AUDIENCE, signed(GOOD | {"aud": ["app", "other"]}), ann()),
    "the one audience": (ONE_AUDIENCE, signed(GOOD | {"aud": ["wcs"]}), ann()),
    "a part of the one audience": (ONE_AUDIENCE, signed(GOOD | {"aud": "w"}), Reason.TOKEN_AUDIENCE),
    "another audience": (AUDIENCE, signed(GOOD | {"aud": "WCS"}), Reason.TOKEN_AUDIENCE),
    "other audiences": (AUDIENCE, signed(GOOD | {"aud": ["app"]}), Reason.TOKEN_AUDIENCE),
    "no audience": (AUDIENCE, signed(), Reason.TOKEN_AUDIENCE),
    "an empty list of audiences": (AUDIENCE, signed(GOOD | {"aud": []}), Reason.TOKEN_AUDIENCE),
    "an audience where none is configured": (PLAIN, signed(GOOD | {"aud": "wcs"}), Reason.TOKEN_AUDIENCE),
    "a list of them where none is configured": (PLAIN, signed(GOOD | {"aud": []}), Reason.TOKEN_AUDIENCE),
    "grants": (GRANTS, signed(GOOD | {"may": ["play:*", "publish:a"]}), ann(grants=("play:*", "publish:a"))),
    "no grants at all": (GRANTS, signed(GOOD | {"may": []}), ann(grants=())),
    "silent about grants": (GRANTS, signed(), ann()),
    "grants that nobody asked for": (PLAIN, signed(GOOD | {"may": ["play:*"]}), ann()),
    "id": (PLAIN, signed(GOOD | {"jti": "a-1"}), ann(token_id="a-1")),
    "longest": (PLAIN, signed(GOOD | {"x": "y" * 5000}), ann()),
    "one character too long": (
        TokenVerifier(Secret(SECRET), max_length=len(signed()) - 1),
        signed(),
        Reason.TOKEN_TOO_LONG,
    ),
}


@pytest.mark.parametrize(("verifier", "token", "outcome"), CASES.values(), ids=CASES)
async def test_token(verifier: TokenVerifier, token: str | None, outcome: Principal | Reason | None) -> None:
    offered = Credentials(token=Secret(token) if token is not None else None)
    assert without_proof(await verifier.verify(offered, means(ANN, BOB, INTEGER))) == outcome


SIGNERS = {
    "HS256": SECRET,
    "HS384": "k" * 48,
    "HS512": "k" * 64,
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), forge.RSA),
    "ES256": forge.P256,
    "ES384": forge.P384,
    "ES512": forge.P521,
    "EdDSA": forge.ED25519,
    "EdDSA with Ed448": forge.ED448,
}


@pytest.mark.parametrize("name", SIGNERS)
async def test_every_algorithm(name: str) -> None:
    algorithm, signer = name.split()[0], SIGNERS[name]
    key = signer if isinstance(signer, str) else public_pem(signer)
    verifier = TokenVerifier(Secret(key), algorithms=(algorithm,))
    token = signed(GOOD, {"alg": algorithm}, signer, algorithm)
    assert without_proof(await verifier.verify(Credentials(token=Secret(token)), means(ANN))) == PRINCIPAL
    # Another byte anywhere in the signature, or a signature of the same key over something else.
    head, tail = token.rsplit(".", 1)
    for wrong in (f"{head}.{tail[::-1]}", f"{head}.{signed({}, {}, signer, algorithm).rsplit('.', 1)[1]}"):
        assert await verifier.verify(Credentials(token=Secret(wrong)), means(ANN)) is Reason.TOKEN_INVALID


@pytest.mark.parametrize("prefix", ["Bearer ", "bearer ", "BEARER "])
async def test_a_pasted_bearer_prefix_is_taken_off(prefix: str) -> None:
    assert without_proof(await PLAIN.verify(Credentials(token=Secret(prefix + signed())), means(ANN))) == PRINCIPAL


async def test_several_algorithms_of_one_kind_of_key() -> None:
    verifier = TokenVerifier(Secret(public_pem(forge.RSA)), algorithms=("RS256", "PS384"))
    for algorithm in ("RS256", "PS384"):
        token = signed(GOOD, {"alg": algorithm}, forge.RSA, algorithm)
        assert without_proof(await verifier.verify(Credentials(token=Secret(token)), means(ANN))) == PRINCIPAL
    token = signed(GOOD, {"alg": "RS384"}, forge.RSA, "RS384")
    assert await verifier.verify(Credentials(token=Secret(token)), means(ANN)) is Reason.TOKEN_INVALID


async def test_something_malformed_is_never_passed_on() -> None:
    assert await PLAIN.verify(Credentials(malformed=True), means(ANN)) is Reason.CREDENTIALS_MALFORMED


async def test_an_empty_user_table_lets_nobody_in() -> None:
    assert await PLAIN.verify(Credentials(token=Secret(signed())), means()) is Reason.USER_UNKNOWN


@pytest.mark.parametrize("verifier", [PLAIN, OPTIONAL], ids=["users required", "users optional"])
async def test_a_store_that_is_away_lets_nobody_in(verifier: TokenVerifier) -> None:
    away = means(ANN)
    assert isinstance(away.users, FakeUsers)
    away.users.fault = StoreError("away")
    with pytest.raises(StoreError):
        await verifier.verify(Credentials(token=Secret(signed())), away)


READINGS = {
    "good": (signed(GOOD | {"jti": "a"}), Reading(Reason.OK, Claims("ann", EXP, None, "a"))),
    "expired, and still says whose it was": (
        signed(GOOD | {"exp": 5}),
        Reading(Reason.TOKEN_EXPIRED, Claims("ann", 5)),
    ),
    "forged, so it says nothing": (signed(key="x" * 40), Reading(Reason.TOKEN_INVALID)),
    "too long, so it says nothing": ("x" * 9000, Reading(Reason.TOKEN_TOO_LONG)),
}


@pytest.mark.parametrize(("token", "reading"), READINGS.values(), ids=READINGS)
def test_reading(token: str, reading: Reading) -> None:
    assert PLAIN.read(token, NOW) == reading


BLANK = {
    "name": {"name": ""},
    "issuer": {"issuer": ""},
    "audience": {"audience": ""},
    "audience ": {"audience": ("a", "")},
    "user_claim": {"user_claim": ""},
}


@pytest.mark.parametrize("option", BLANK)
def test_a_blank_option_is_named(option: str) -> None:
    with pytest.raises(ValueError, match=f"^{option.strip()}: is empty"):
        TokenVerifier(Secret(SECRET), **BLANK[option])  # type: ignore[arg-type]


def test_every_unfit_option_is_named_at_once() -> None:
    with pytest.raises(ValueError, match="issuer: is empty; leave it out\nkey: has 5 bytes"):
        TokenVerifier(Secret("short"), issuer="")


CLAIMED: dict[str, tuple[Credentials, str | None]] = {
    "nothing": (Credentials(), None),
    "a good token": (Credentials(token=Secret(signed(GOOD))), "ann"),
    "an expired one": (Credentials(token=Secret(signed(GOOD | {"exp": NOW - 600}))), "ann"),
    "a forged one": (Credentials(token=Secret(signed(GOOD, key="x" * 64))), None),
    "no token at all": (Credentials(token=Secret("ann")), None),
}


@pytest.mark.parametrize(("offered", "user"), CLAIMED.values(), ids=CLAIMED)
def test_only_a_signed_token_says_whom_it_speaks_of(offered: Credentials, user: str | None) -> None:
    assert PLAIN.claimed(offered, means(), Reason.USER_UNKNOWN) == user


def test_a_verifier_shows_no_key() -> None:
    assert SECRET not in repr(PLAIN)
    assert SECRET not in str(PLAIN)
