"""Verifiers with several keys, and with those that their issuer publishes."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from authgate.errors import KeysError
from authgate.model import Credentials, Principal, Reason, Secret, User, Where
from authgate.ports import Means
from authgate.verifiers.jwks import JwksOptions, SetKey
from authgate.verifiers.keys import keys
from authgate.verifiers.token import KeyOptions, TokenVerifier
from tests.verifiers import forge
from tests.verifiers.fakes import means, shown
from tests.verifiers.forge import GOOD, NOW, SECRET, moment, public_pem, segment, signed

ANN = User("ann", "Ann")
ONE, TWO, THREE = "the first secret, of thirty-two bytes or more", "the second secret, which is as long", "x" * 40


def key(secret: str, name: str | None = None, until: float | None = None) -> KeyOptions:
    return KeyOptions(Secret(secret), name, None if until is None else moment(until))


def by(secret: str, kid: object = None, **claims: object) -> str:
    header = {"alg": "HS256"} if kid is None else {"alg": "HS256", "kid": kid}
    return signed(GOOD | claims, header, secret)


async def outcome(verifier: TokenVerifier, text: str, using: Means | None = None) -> Reason | None:
    found = await verifier.verify(Credentials(token=Secret(text)), using or means(ANN))
    return Reason.OK if isinstance(found, Principal) else found


OK, NO = Reason.OK, Reason.TOKEN_INVALID
NAMED = TokenVerifier(keys=(key(ONE, "one"), key(TWO, "two")))
NAMELESS = TokenVerifier(keys=(key(ONE), key(TWO)))
MIXED = TokenVerifier(keys=(key(ONE, "one"), key(TWO)))
CHOICE = {
    "the first by its name": (NAMED, by(ONE, "one"), OK),
    "the second by its name": (NAMED, by(TWO, "two"), OK),
    "the first without a name": (NAMED, by(ONE), OK),
    "the second without a name": (NAMED, by(TWO), OK),
    "an empty name": (NAMED, by(TWO, ""), OK),
    "the name of the other": (NAMED, by(ONE, "two"), NO),
    "an unknown name": (NAMED, by(ONE, "three"), NO),
    "a name in capitals": (NAMED, by(ONE, "ONE"), NO),
    "a name with a space": (NAMED, by(ONE, "one "), NO),
    "the beginning of a name": (NAMED, by(ONE, "on"), NO),
    "null for a name": (NAMED, signed(GOOD, {"alg": "HS256", "kid": None}, ONE), NO),
    "a number for a name": (NAMED, by(ONE, 1), NO),
    "a list of names": (NAMED, by(ONE, ["one"]), NO),
    "two names": (NAMED, signed(GOOD, '{"alg":"HS256","kid":"two","kid":"one"}', ONE), NO),
    "another secret by a name": (NAMED, by(THREE, "one"), NO),
    "another secret without one": (NAMED, by(THREE), NO),
    "any name where keys have none": (NAMELESS, by(TWO, "whatever"), OK),
    "another secret where keys have none": (NAMELESS, by(THREE, "whatever"), NO),
    "an unknown name where one key has none": (MIXED, by(TWO, "new"), OK),
    "an unknown name over the key that has another": (MIXED, by(ONE, "new"), NO),
    "alg none by a name": (NAMED, f"{segment({'alg': 'none', 'kid': 'one'})}.{segment(GOOD)}.", NO),
}


@pytest.mark.parametrize(("verifier", "text", "reason"), CHOICE.values(), ids=CHOICE)
async def test_the_kid_only_chooses_among_our_keys(verifier: TokenVerifier, text: str, reason: Reason) -> None:
    assert await outcome(verifier, text) is reason


KEY_IDS = {
    "by its name": (NAMED, by(ONE, "one"), "one"),
    "the key's name, where the token has none": (NAMED, by(TWO), "two"),
    "the token's name, where the key has none": (NAMELESS, by(TWO, "theirs"), "theirs"),
    "no name anywhere": (NAMELESS, by(TWO), None),
}


@pytest.mark.parametrize(("verifier", "text", "key_id"), KEY_IDS.values(), ids=KEY_IDS)
def test_which_key_a_token_is_revoked_by(verifier: TokenVerifier, text: str, key_id: str | None) -> None:
    assert verifier.read(text, NOW).claims.key_id == key_id  # type: ignore[union-attr]


FAR = {"exp": NOW + 9_999}
DEADLINES = {"before it": (NOW - 0.5, OK), "on the second": (NOW, NO), "after it": (NOW + 1, NO)}


@pytest.mark.parametrize(("now", "reason"), DEADLINES.values(), ids=DEADLINES)
@pytest.mark.parametrize("name", ["one", None], ids=["by its name", "without a name"])
def test_a_key_counts_until_its_last_second(now: float, reason: Reason, name: str | None) -> None:
    verifier = TokenVerifier(keys=(key(ONE, "one", NOW), key(TWO, "two")), leeway=600)
    assert verifier.read(by(ONE, name, **FAR), now).reason is reason  # type: ignore[union-attr]
    assert verifier.read(by(TWO, **FAR), now).reason is OK  # type: ignore[union-attr]


def test_a_deadline_without_a_zone_is_in_utc() -> None:
    verifier = TokenVerifier(keys=(KeyOptions(Secret(ONE), "one", moment(NOW).replace(tzinfo=None)), key(TWO, "two")))
    assert verifier.read(by(ONE, **FAR), NOW - 1).reason is OK  # type: ignore[union-attr]
    assert verifier.read(by(ONE, **FAR), NOW).reason is NO  # type: ignore[union-attr]


def test_where_every_key_is_over_no_token_is_good() -> None:
    verifier = TokenVerifier(keys=(key(ONE, "one", NOW), key(TWO, None, NOW)))
    for text in (by(ONE, "one"), by(ONE), by(TWO), by(TWO, "x")):
        assert verifier.read(text, NOW).reason is NO  # type: ignore[union-attr]
    assert verifier.signing_secret(NOW) is None


def test_a_key_that_cannot_have_made_a_signature_does_not_hide_one_that_did() -> None:
    """Keys of two sizes under one algorithm: the first must answer no, not fail."""
    pems = [public_pem(forge.ED25519), public_pem(forge.ED448)]
    for order in (pems, pems[::-1]):
        verifier = TokenVerifier(keys=tuple(key(pem) for pem in order), algorithms=("EdDSA",))
        for signer in (forge.ED25519, forge.ED448):
            text = signed(GOOD, {"alg": "EdDSA"}, signer, "EdDSA")
            assert verifier.read(text, NOW).reason is OK  # type: ignore[union-attr]


RSA_PEM, P256_PEM = public_pem(forge.RSA), public_pem(forge.P256)
JWKS = JwksOptions("https://issuer.example/keys")
ISS = "https://issuer.example"
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no key of any kind": ({}, "key: is missing"),
    "an empty list of keys": ({"keys": ()}, "key: is missing"),
    "a key and keys": ({"key": Secret(ONE), "keys": (key(TWO),)}, "keys: goes not together with key"),
    "a key and a key set": ({"key": Secret(ONE), "jwks": JWKS, "issuer": ISS}, "jwks: goes not together with key"),
    "keys and a key set": ({"keys": (key(ONE),), "jwks": JWKS, "issuer": ISS}, "jwks: goes not together with keys"),
    "one name twice": ({"keys": (key(ONE, "a"), key(TWO, "a"))}, r"keys\[1\]\.id: is empty, or another key has it too"),
    "an empty name": ({"keys": (key(ONE, ""),)}, r"keys\[0\]\.id: is empty"),
    "a secret and a PEM": ({"keys": (key(ONE), key(RSA_PEM))}, r"keys\[1\]\.key: is a PEM"),
    "a PEM and a secret": ({"keys": (key(RSA_PEM), key(ONE)), "algorithms": ("RS256",)}, r"keys\[1\]\.key: is not"),
    "two kinds of public keys": (
        {"keys": (key(RSA_PEM), key(P256_PEM)), "algorithms": ("RS256",)},
        r"keys\[1\]\.key: RS256 needs an RSA public key",
    ),
    "a weak one, by its place": ({"keys": (key(ONE), key("short"))}, r"keys\[1\]\.key: has 5 bytes"),
    "a private one, by its place": (
        {"keys": (key(RSA_PEM), key(forge.private_pem(forge.RSA))), "algorithms": ("RS256",)},
        r"keys\[1\]\.key: is a private key",
    ),
    "two kinds of algorithms": (
        {"keys": (key(ONE), key(RSA_PEM)), "algorithms": ("HS256", "RS256")},
        "algorithms: one key cannot be a secret and an RSA public key",
    ),
    "no algorithms": ({"keys": (key(ONE),), "algorithms": ()}, "algorithms: none given"),
    "a key set without an issuer": ({"jwks": JWKS, "algorithms": ("RS256",)}, "issuer: is missing"),
    "a key set and a secret's algorithm": ({"jwks": JWKS, "issuer": ISS}, "algorithms: a key set has public keys only"),
    "a key set and one secret's algorithm among others": (
        {"jwks": JWKS, "issuer": ISS, "algorithms": ("RS256", "HS512")},
        "algorithms: a key set has public keys only",
    ),
    "a key set and none": ({"jwks": JWKS, "issuer": ISS, "algorithms": ("none",)}, "algorithms: 'none' given"),
    "a key set and no algorithms": ({"jwks": JWKS, "issuer": ISS, "algorithms": ()}, "algorithms: none given"),
}


@pytest.mark.parametrize(("options", "fault"), FAULTS.values(), ids=FAULTS)
def test_keys_that_do_not_go_together_are_named_by_their_places(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as caught:
        TokenVerifier(**options)
    assert ONE not in str(caught.value)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"keys.0..key: has 1.*\nkeys.0..id: .*\nkeys.1..key: has 2"):
        TokenVerifier(keys=(key("k", ""), key("kk")))


SETTINGS: TypeAdapter[TokenVerifier] = TypeAdapter(TokenVerifier)
UNFIT = {
    "leeway_exp": -1,
    "leeway_nbf": 601,
    "leeway_iat": "soon",
    "users": "creat",
    "once": "perhaps",
    "verify_iat": None,
    "keys": [{"key": ONE, "until": "tomorrow"}],
}


@pytest.mark.parametrize("option", UNFIT)
def test_settings_that_cannot_be_are_refused(option: str) -> None:
    given = {} if option == "keys" else {"key": SECRET}
    with pytest.raises(ValidationError):
        SETTINGS.validate_python(given | {option: UNFIT[option]})


LEEWAYS = {"leeway": 5, "leeway_exp": 10, "leeway_nbf": 20, "leeway_iat": 0}
TIMES = {
    "exp, within its own": ({"exp": NOW - 9}, OK),
    "exp, on the second": ({"exp": NOW - 10}, Reason.TOKEN_EXPIRED),
    "nbf, on the second": ({"nbf": NOW + 20}, OK),
    "nbf, a second more": ({"nbf": NOW + 21}, Reason.TOKEN_NOT_YET_VALID),
    "iat, now": ({"iat": NOW}, OK),
    "iat, a second more": ({"iat": NOW + 1}, Reason.TOKEN_NOT_YET_VALID),
    "iat, half a second more": ({"iat": NOW + 0.5}, Reason.TOKEN_NOT_YET_VALID),
}


@pytest.mark.parametrize(("claims", "reason"), TIMES.values(), ids=TIMES)
async def test_each_time_has_a_leeway_of_its_own(claims: dict[str, object], reason: Reason) -> None:
    assert await outcome(TokenVerifier(Secret(ONE), **LEEWAYS), by(ONE, **claims)) is reason  # type: ignore[arg-type]


def test_where_a_leeway_is_not_given_the_common_one_counts_and_zero_is_given() -> None:
    verifier = TokenVerifier(Secret(ONE), leeway=5, leeway_exp=0)
    assert verifier.read(by(ONE, exp=NOW), NOW).reason is Reason.TOKEN_EXPIRED  # type: ignore[union-attr]
    assert verifier.read(by(ONE, nbf=NOW + 5), NOW).reason is OK  # type: ignore[union-attr]
    assert verifier.read(by(ONE, iat=NOW + 6), NOW).reason is Reason.TOKEN_NOT_YET_VALID  # type: ignore[union-attr]


IAT = {
    "in the future": ({"iat": NOW + 9_999}, OK),
    "in the future, and nbf too": ({"iat": NOW + 9_999, "nbf": NOW + 9_999}, Reason.TOKEN_NOT_YET_VALID),
    "no time at all": ({"iat": "soon"}, NO),
    "without end": ({"iat": 10**50}, NO),
}


@pytest.mark.parametrize(("claims", "reason"), IAT.values(), ids=IAT)
async def test_an_issuer_whose_clock_is_fast_may_be_forgiven_its_iat(claims: dict[str, Any], reason: Reason) -> None:
    """jpadilla/pyjwt#190."""
    assert await outcome(TokenVerifier(Secret(ONE), verify_iat=False), by(ONE, **claims)) is reason


async def test_a_verifier_whose_tokens_are_all_for_one_time() -> None:
    verifier = TokenVerifier(Secret(ONE), once=True)
    using = replace(means(ANN), where=shown(Where(holder="a")))
    assert await outcome(verifier, by(ONE), using) is NO, "it has no id to be told by"
    assert [await outcome(verifier, by(ONE, jti="j"), using) for _ in range(2)] == [OK, OK]
    using = replace(using, where=shown(Where(holder="b")))
    assert await outcome(verifier, by(ONE, jti="j"), using) is Reason.TOKEN_USED
    assert await outcome(verifier, by(ONE, jti="j", once=False), using) is Reason.TOKEN_USED, (
        "the token does not choose"
    )
    assert await outcome(verifier, by(ONE, jti="k", once=1), using) is NO


# Keys that an issuer publishes.


def of_issuer(issuer: str, **options: Any) -> TokenVerifier:
    return TokenVerifier(jwks=JwksOptions(f"{issuer}/keys"), issuer=issuer, **({"algorithms": ("RS256",)} | options))


A, B = of_issuer("https://a.example"), of_issuer("https://b.example")
OTHER_RSA = forge.rsa.generate_private_key(65537, 2048)


def set_key(name: str | None, signer: Any, algorithm: str = "RS256") -> SetKey:
    return SetKey(name, algorithm, keys(public_pem(signer), (algorithm,))[algorithm])


def tenants() -> Means:
    """Two issuers, each with a key of its own under one and the same name."""
    using = means(ANN)
    using.keys.sets = {  # type: ignore[attr-defined]
        A.key_source: [set_key("k", forge.RSA)],
        B.key_source: [set_key("k", OTHER_RSA)],
    }
    return using


def of(issuer: object, signer: Any = forge.RSA, algorithm: str = "RS256", **header: object) -> str:
    said = GOOD | ({} if issuer is None else {"iss": issuer})
    return signed(said, {"alg": algorithm, "kid": "k"} | header, signer, algorithm)


IN_A, IN_B = "https://a.example", "https://b.example"
TENANTS = {
    "its own key": (A, of(IN_A), OK),
    "its own key, of the other": (B, of(IN_B, OTHER_RSA), OK),
    "the key of the other under the same name": (A, of(IN_A, OTHER_RSA), NO),
    "the key of the one under the name of the other": (B, of(IN_B), NO),
    "the other's token": (A, of(IN_B), None),
    "the other's token and key": (A, of(IN_B, OTHER_RSA), None),
    "no kid": (A, signed(GOOD | {"iss": IN_A}, {"alg": "RS256"}, forge.RSA, "RS256"), OK),
    "no kid, and the key of the other": (A, signed(GOOD | {"iss": IN_A}, {"alg": "RS256"}, OTHER_RSA, "RS256"), NO),
    "an unknown kid": (A, of(IN_A, kid="x"), NO),
    "kid is null": (A, of(IN_A, kid=None), NO),
    "kid is a number": (A, of(IN_A, kid=7), NO),
    "kid is true": (A, of(IN_A, kid=True), NO),
    "kid of 4000 characters": (A, of(IN_A, kid="k" * 4_000), NO),
    "kid with a NUL": (A, of(IN_A, kid="k\0"), NO),
    "an algorithm that is not configured": (A, of(IN_A, algorithm="RS512"), NO),
    "PSS, which is not configured": (A, of(IN_A, algorithm="PS256"), NO),
    "the public key as secret": (A, of(IN_A, RSA_PEM, "HS256"), NO),
    "none": (A, f"{segment({'alg': 'none', 'kid': 'k'})}.{segment(GOOD | {'iss': IN_A})}.", NO),
    "the issuer in a list": (A, of([IN_A]), NO),
    "no issuer": (A, of(None), Reason.TOKEN_ISSUER),
}


@pytest.mark.parametrize(("verifier", "text", "reason"), TENANTS.values(), ids=TENANTS)
async def test_tenant_confusion(verifier: TokenVerifier, text: str, reason: Reason | None) -> None:
    """CVE-2026-49998: a key of one issuer is never tried on the tokens of another, whatever the names are."""
    assert await outcome(verifier, text, tenants()) is reason


NEVER_FETCHED = {
    "another issuer": of(IN_B),
    "no issuer": of(None),
    "issuer is a number": of(7),
    "an algorithm that is not configured": of(IN_A, algorithm="RS512"),
    "none": f"{segment({'alg': 'none', 'kid': 'k'})}.{segment(GOOD | {'iss': IN_A})}.AAAA",
    "the public key as secret": of(IN_A, RSA_PEM, "HS256"),
    "algorithm is a list": of(IN_A, alg=["RS256"]),
    "no algorithm": signed(GOOD | {"iss": IN_A}, {"kid": "k"}, forge.RSA, "RS256"),
    "kid is null": of(IN_A, kid=None),
    "kid is a number": of(IN_A, kid=7),
    "kid is an object": of(IN_A, kid={}),
    "no signature": of(IN_A).rpartition(".")[0] + ".",
    "no token": "x.y.z",
    "too long": of(IN_A, x="y" * 9_000),
    "a stream key": "sk_abcdefgh_" + "a" * 32,
    "a signed address": "su~a~b~c~d~e~f~g",
}


@pytest.mark.parametrize("text", NEVER_FETCHED.values(), ids=NEVER_FETCHED)
async def test_what_no_key_of_the_issuer_could_have_signed_fetches_nothing(text: str) -> None:
    using = tenants()
    assert await outcome(A, text, using) is not OK
    assert using.keys.found == []  # type: ignore[attr-defined]


async def test_keys_are_asked_for_once_for_each_token_by_the_name_that_it_gives() -> None:
    using = tenants()
    for text in (of(IN_A), of(IN_A, kid="x"), of(IN_A, kid="")):
        await outcome(A, text, using)
    assert using.keys.found == [(IN_A, "k"), (IN_A, "x"), (IN_A, None)]  # type: ignore[attr-defined]


async def test_an_issuer_that_is_away_is_trouble_and_lets_nobody_in() -> None:
    using = tenants()
    using.keys.away = True  # type: ignore[attr-defined]
    with pytest.raises(KeysError):
        await outcome(A, of(IN_A), using)
    assert await outcome(A, of(IN_B), using) is None, "the other's tokens are not for it to judge"


async def test_to_say_whom_a_token_names_fetches_nothing() -> None:
    using = tenants()
    assert A.claimed(Credentials(token=Secret(of(IN_A))), using, Reason.TOKEN_INVALID) == "ann"
    assert A.claimed(Credentials(token=Secret(of(IN_A, OTHER_RSA))), using, Reason.TOKEN_INVALID) is None
    assert A.claimed(Credentials(token=Secret(of(IN_B))), using, Reason.TOKEN_INVALID) is None
    assert using.keys.found == []  # type: ignore[attr-defined]


async def test_without_keys_at_hand_nothing_of_an_issuer_is_good() -> None:
    assert A.read(of(IN_A), NOW).reason is NO  # type: ignore[union-attr]
    assert A.read(of(IN_A), NOW, means().keys).reason is NO  # type: ignore[union-attr]
