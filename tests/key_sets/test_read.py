"""Which keys of a document tokens may be signed with, and what is said of the others."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from authgate.verifiers.jwks import read_key_set
from tests.key_sets.issuer import (
    ASYMMETRIC,
    ED448,
    ED25519,
    OTHER_RSA,
    P256,
    P384,
    P521,
    RSA,
    b64,
    jwk,
    key_set,
    number,
    verifies,
)

SMALL = rsa.generate_private_key(65537, 1024)
KEYS = {
    "RS256": RSA,
    "RS512": RSA,
    "PS256": RSA,
    "ES256": P256,
    "ES384": P384,
    "ES512": P521,
    "EdDSA": ED25519,
    "EdDSA of another curve": ED448,
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_verifies(name):
    algorithm, key = name.split(" ")[0], KEYS[name]
    for others in ({}, {"alg": algorithm, "use": "sig", "key_ops": ["verify"], "ext": True}):
        found = read_key_set(key_set(jwk(key, **others)), ASYMMETRIC)
        assert verifies(found.matching("one", algorithm), key, algorithm)
        assert found.notes == ()


def test_a_key_without_an_algorithm_serves_each_that_fits_it():
    found = read_key_set(key_set(jwk(), jwk(P384, "two")), ("ES384", "RS512", "RS256", "ES256", "RS256"))
    assert [(key.id, key.algorithm) for key in found.keys] == [("one", "RS512"), ("one", "RS256"), ("two", "ES384")]


def test_a_key_with_an_algorithm_serves_no_other():
    found = read_key_set(key_set(jwk(alg="PS256")), ASYMMETRIC)
    assert [key.algorithm for key in found.keys] == ["PS256"]
    assert not verifies(found.keys, RSA, "RS256")


def test_an_example_of_the_standard():
    """RFC 8037, A.2 and A.4."""
    key = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    made = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg=="
    (found,) = read_key_set(key_set(key), ("EdDSA",)).keys
    message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    assert found.signed(message, base64.urlsafe_b64decode(made))
    assert found.id is None


def private(name):
    return jwk(**{name: b64(b"\1" * 256)})


LEFT_OUT = {
    "symmetric": ({"kty": "oct", "kid": "one", "k": b64(b"k" * 64), "alg": "HS256"}, "is symmetric"),
    "a secret in a public key": (jwk(k=b64(b"k" * 64)), "is symmetric"),
    "private": (private("d"), "is refused: its issuer publishes the private key"),
    "a prime of it": (private("p"), "is refused: its issuer publishes the private key"),
    "private EC": (jwk(P256, d=b64(b"\1" * 32)), "is refused: its issuer publishes the private key"),
    "private Ed25519": (jwk(ED25519, d=b64(ED25519.private_bytes_raw())), "publishes the private key"),
    "for encryption": (jwk(use="enc"), "is not for signatures (use)"),
    "of a use that is no text": (jwk(use=["sig"]), "is not for signatures (use)"),
    "not for verifying": (jwk(key_ops=["encrypt", "wrapKey"]), "is not for verifying (key_ops)"),
    "for nothing": (jwk(key_ops=[]), "is not for verifying (key_ops)"),
    "of operations that are no list": (jwk(key_ops="verify"), "is not for verifying (key_ops)"),
    "for an algorithm that is not configured": (jwk(alg="RS384"), "is for none of the algorithms"),
    "for encryption by its algorithm": (jwk(alg="RSA-OAEP"), "is of another kind than its algorithm"),
    "for HMAC by its algorithm": (jwk(alg="HS256"), "is of another kind than its algorithm"),
    "for no algorithm": (jwk(alg="none"), "is of another kind than its algorithm"),
    "of an algorithm that is no text": (jwk(alg=["RS256"]), "is of another kind than its algorithm"),
    "of an algorithm of another curve": (jwk(P256, alg="ES384"), "is of another kind than its algorithm"),
    "on a curve that is not configured": (jwk(P384), "is for none of the algorithms"),
    "small": (jwk(SMALL), "has 1024 bits, but RSA needs 2048"),
    "enormous": (jwk(n=number((1 << 20_000) + 1)), "has 20001 bits, but RSA needs 2048 to 16384"),
    "of an unknown kind": (jwk(kty="AKP"), "is of a kind that is not known here"),
    "of a kind in small letters": (jwk(kty="rsa"), "is of a kind that is not known here"),
    "of no kind": (jwk(kty=None), "is of a kind that is not known here"),
    "of a kind that is no text": (jwk(kty={}), "is of a kind that is not known here"),
    "of Bitcoin's curve": (jwk(P256, crv="secp256k1"), "is of a kind that is not known here"),
    "of a curve that is no text": (jwk(P256, crv=["P-256"]), "is of a kind that is not known here"),
    "for exchanging keys": (jwk(ED25519, crv="X25519"), "is of a kind that is not known here"),
    "without a modulus": (jwk(n=None), "cannot be read"),
    "with a modulus that is a number": (jwk(n=65537), "cannot be read"),
    "with an exponent of one": (jwk(e=number(1)), "cannot be read"),
    "with an even exponent": (jwk(e=number(4)), "cannot be read"),
    "beside its curve": (jwk(P256, x=b64(b"\1" * 32)), "cannot be read"),
    "of another curve's length": (jwk(P256, x=b64(b"\1" * 48)), "cannot be read"),
    "Ed25519 of another length": (jwk(ED25519, x=b64(b"\1" * 31)), "cannot be read"),
}


@pytest.mark.parametrize(("key", "why"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_a_key_is_left_out_that_is(key, why):
    found = read_key_set(key_set(key, jwk(OTHER_RSA, "good")), ("RS256", "ES256", "EdDSA"))
    assert [(each.id, each.algorithm) for each in found.keys] == [("good", "RS256")]
    (note,) = found.notes
    assert note.startswith("key 'one' ")
    assert why in note


UNNAMED = {
    "a number": (jwk(kid=1), "has a kid that is no text"),
    "a list": (jwk(kid=["one"]), "has a kid that is no text"),
    "no JSON object": ("key", "is no JSON object"),
    "null": (None, "is no JSON object"),
}


@pytest.mark.parametrize(("key", "why"), UNNAMED.values(), ids=UNNAMED)
def test_what_has_no_name_is_told_by_its_place(key, why):
    found = read_key_set(key_set(jwk(), key), ("RS256",))
    assert [each.id for each in found.keys] == ["one"]
    assert found.notes[0].startswith(f"key number 2 {why}")


def test_a_name_that_is_too_long_is_left_out():
    found = read_key_set(key_set(jwk(kid="x" * 256), jwk(kid="y" * 255)), ("RS256",))
    assert [each.id for each in found.keys] == ["y" * 255]
    assert len(found.notes[0]) < 350


def test_a_null_is_as_good_as_nothing():
    found = read_key_set(key_set({**jwk(), "kid": None, "alg": None, "use": None, "key_ops": None}), ("RS256",))
    assert [each.id for each in found.keys] == [None]


def test_keys_of_one_name_are_all_tried():
    found = read_key_set(key_set(jwk(), jwk(OTHER_RSA), jwk(P256)), ("RS256", "ES256"))
    assert len(found.matching("one", "RS256")) == 2
    for key, algorithm in ((RSA, "RS256"), (OTHER_RSA, "RS256"), (P256, "ES256")):
        assert verifies(found.matching("one", algorithm), key, algorithm)


def test_sixteen_keys_are_taken_at_most():
    bad = [jwk(use="enc")] * 5
    found = read_key_set(key_set(*bad, *(jwk(kid=str(each)) for each in range(17))), ASYMMETRIC)
    assert len({key.id for key in found.keys}) == 16
    assert found.notes[-1] == "there are more than 16 keys; the rest is left out"
    assert len(read_key_set(key_set(*bad, *(jwk(kid=str(each)) for each in range(16))), ASYMMETRIC).notes) == 5


def test_not_everything_is_said_of_a_set_that_is_nothing_but_wrong():
    found = read_key_set(key_set(*[{}] * 4000), ("RS256",))
    assert len(found.notes) == 32
    assert found.notes[-1] == "3969 more notes are left out"


def test_a_symmetric_key_is_never_taken_even_where_it_is_configured():
    key = {"kty": "oct", "kid": "one", "k": b64(b"k" * 64)}
    assert read_key_set(key_set(key, jwk()), ("HS256", "HS512")).keys == ()


NONE = {
    "nothing": (b"", "is not JSON"),
    "a page": (b"<html><body>Sign in</body></html>", "is not JSON"),
    "not UTF-8": (b"\xff\xfe{}", "is not UTF-8"),
    "a list": (b"[]", "is not a JSON object"),
    "a text": (b'"keys"', "is not a JSON object"),
    "an object": (b"{}", "it has no list of keys"),
    "keys that are an object": (b'{"keys":{}}', "it has no list of keys"),
    "keys that are null": (b'{"keys":null}', "it has no list of keys"),
    "a key alone": (json.dumps(jwk()).encode(), "it has no list of keys"),
    "keys twice": (b'{"keys":[],"keys":[]}', "holds a key twice"),
    "a name twice in a key": (b'{"keys":[{"kid":"a","kid":"b"}]}', "holds a key twice"),
    "no number": (b'{"keys":[NaN]}', "holds NaN"),
    "half a character": (b'{"keys":[{"kid":"\\ud800"}]}', "holds half a character"),
    "depth": (b'{"keys":' + b"[" * 300 + b"]" * 300 + b"}", "is nested more than 200 levels deep"),
    "more behind it": (key_set() + b"{}", "is not JSON"),
}


@pytest.mark.parametrize(("document", "why"), NONE.values(), ids=NONE)
def test_what_is_no_key_set(document, why):
    with pytest.raises(ValueError, match=why):
        read_key_set(document, ("RS256",))


def test_curves_are_told_apart_by_their_names_only_where_the_key_is_on_them():
    koblitz = jwk(ec.derive_private_key(7, ec.SECP256R1()), crv="P-256")
    assert read_key_set(key_set(koblitz), ("ES256",)).keys
    assert not read_key_set(key_set({**koblitz, "crv": "P-384"}), ("ES256", "ES384")).keys
