"""Which key goes with which algorithms."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519

from authgate.model import Secret
from authgate.verifiers.keys import keys
from authgate.verifiers.token import TokenVerifier
from tests.verifiers import forge
from tests.verifiers.forge import private_pem, public_pem

RSA_PEM = public_pem(forge.RSA)
P256_PEM = public_pem(forge.P256)
ED_PEM = public_pem(forge.ED25519)
SHORT_RSA = public_pem(rsa.generate_private_key(65537, 1024))
KOBLITZ = public_pem(ec.generate_private_key(ec.SECP256K1()))
DSA = public_pem(dsa.generate_private_key(1024))
X25519 = public_pem(x25519.X25519PrivateKey.generate())
SSH = forge.RSA.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
JWK = '{"kty":"oct","k":"YW4gZXhhbXBsZSBzZWNyZXQgb2YgZm9ydHkgYnl0ZXM"}'

FAULTS = {
    "no algorithm": ("k" * 32, (), "algorithms: none given"),
    "none": ("k" * 32, ("none",), "algorithms: 'none' given"),
    "none among others": ("k" * 32, ("HS256", "None"), "algorithms: 'None' given"),
    "unknown": ("k" * 32, ("HS255",), "algorithms: 'HS255' given"),
    "small letters": ("k" * 32, ("hs256",), "algorithms: 'hs256' given"),
    "secret and RSA": ("k" * 32, ("HS256", "RS256"), "cannot be a secret and an RSA public key"),
    "RSA and EC": (RSA_PEM, ("RS256", "ES256"), "cannot be an RSA public key and an EC public key"),
    "two curves": (P256_PEM, ("ES256", "ES384"), "key: is on curve secp256r1"),
    "secret with a public key": (RSA_PEM, ("HS256",), "key: is a PEM"),
    "secret with a public key behind text": ("\n  # issuer\n" + RSA_PEM, ("HS256",), "key: is a PEM"),
    "secret with an SSH key": (SSH, ("HS256",), "key: is a PEM, an SSH key"),
    "secret with a JWK": (JWK, ("HS256",), "key: is a PEM, an SSH key or a JWK"),
    "short secret": ("k" * 31, ("HS256",), "key: has 31 bytes, but HS256 needs 32"),
    "short secret for the longer hash": ("k" * 32, ("HS256", "HS512"), "needs 64"),
    "empty secret": ("", ("HS256",), "key: has 0 bytes"),
    "RSA with a secret": ("k" * 64, ("RS256",), "key: is not the PEM"),
    "RSA with a broken PEM": (RSA_PEM[:-60], ("RS256",), "key: is not the PEM"),
    "broken certificate": ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", ("RS256",), "not the PEM"),
    "RSA with an EC key": (P256_PEM, ("RS256",), "needs an RSA public key"),
    "EC with an RSA key": (RSA_PEM, ("ES256",), "needs an EC public key"),
    "EdDSA with an EC key": (P256_PEM, ("EdDSA",), "needs an Ed25519 or Ed448"),
    "EC with an Ed25519 key": (ED_PEM, ("ES256",), "needs an EC public key"),
    "wrong curve": (P256_PEM, ("ES384",), "ES384 needs secp384r1"),
    "curve of another kind": (KOBLITZ, ("ES256",), "key: is on curve secp256k1"),
    "short RSA": (SHORT_RSA, ("RS256",), "key: has 1024 bits"),
    "DSA": (DSA, ("RS256",), "needs an RSA public key"),
    "key exchange": (X25519, ("EdDSA",), "needs an Ed25519"),
    "private RSA": (private_pem(forge.RSA), ("RS256",), "key: is a private key"),
    "private EC": (private_pem(forge.P256), ("ES256",), "key: is a private key"),
    "secret of bytes": ("k" * 40 + "\udcff", ("HS256",), "key: is not Unicode text"),
    "PEM with a lone surrogate": (RSA_PEM + "\ud800", ("RS256",), "key: is not Unicode text"),
}


@pytest.mark.parametrize(("key", "algorithms", "fault"), FAULTS.values(), ids=FAULTS)
def test_unfit_keys_are_named(key: str, algorithms: tuple[str, ...], fault: str) -> None:
    with pytest.raises(ValueError, match=r"^(key|algorithms): ") as caught:
        TokenVerifier(Secret(key), algorithms=algorithms)
    assert fault in str(caught.value)
    assert len(key) < 10 or key not in str(caught.value)


def test_the_key_of_a_certificate_counts() -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer.example")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(forge.RSA.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2021, 1, 1, tzinfo=UTC))
        .sign(forge.RSA, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    signature = forge.signature(b"message", forge.RSA, "RS256")
    assert keys(pem, ("RS256",))["RS256"].signed(b"message", signature)
    assert not keys(pem, ("RS256",))["RS256"].signed(b"another", signature)
