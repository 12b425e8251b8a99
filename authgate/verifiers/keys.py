"""Key text -> the keys under which a token may be signed, one for each algorithm.

A key is pinned to algorithms of its own kind (RFC 8725, 3.1): were a public key ever taken for an HMAC
secret, everybody who can read it could sign tokens.
"""

import base64
import hmac
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate
from jwt import PyJWS
from jwt.algorithms import Algorithm

RSA_BITS = 2048  # at least (RFC 7518, 3.3)
SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}  # at least: the size of the hash (RFC 7518, 3.2)
_DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
_CURVES = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}

# A PEM, a key of SSH, a JWK or several, whatever became of the blanks in it (CVE-2026-102268, CVE-2026-102273).
_PUBLISHED = re.compile(r"-{4}\s*BEGIN\s|\A[\s\ufeff]*(?:(?:sk-)?(?:ssh|ecdsa)-|[\s\[]*\{)", re.IGNORECASE)

_FAMILIES = {
    **dict.fromkeys(SECRET_BYTES, "a secret"),
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "an RSA public key"),
    **dict.fromkeys(_CURVES, "an EC public key"),
    "EdDSA": "an Ed25519 or Ed448 public key",
}


class SigningKey(NamedTuple):
    """One algorithm with the key that is pinned to it."""

    algorithm: Algorithm
    key: Any  # bytes, or a public key of the package cryptography
    digest: str = ""  # of HMAC; "": it is a public key

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature of this message was made with this key."""
        if self.digest:  # as the library does it, by one call of OpenSSL's
            return hmac.compare_digest(hmac.digest(self.key, message, self.digest), signature)
        return self.algorithm.verify(message, self.key, signature)


def keys(text: str, algorithms: Sequence[str]) -> dict[str, SigningKey]:
    """The key under each algorithm.

    Raises:
        ValueError: algorithms that do not go together or with this key; each line is ``option: fault``.
    """
    family = _family(algorithms)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("key: is not Unicode text; write a secret of bytes as base64 or hexadecimal")
    key = _secret(text, algorithms) if family == "a secret" else _public_key(text, family, algorithms)
    known = PyJWS()
    return {name: SigningKey(known.get_algorithm_by_name(name), key, _DIGESTS.get(name, "")) for name in algorithms}


def unknown_algorithms(algorithms: Sequence[str]) -> str:
    """What is wrong with these names of algorithms as ``option: fault``, or ""."""
    unknown = [name for name in algorithms if name not in _FAMILIES]
    if algorithms and not unknown:
        return ""
    given = ", ".join(map(repr, unknown)) or "none"
    return f"algorithms: {given} given; known are {', '.join(_FAMILIES)}"


def _family(algorithms: Sequence[str]) -> str:
    """The kind of key that all these algorithms need."""
    if fault := unknown_algorithms(algorithms):
        raise ValueError(fault)
    families = list(dict.fromkeys(_FAMILIES[name] for name in algorithms))
    if len(families) > 1:
        raise ValueError(f"algorithms: one key cannot be {' and '.join(families)}; use a verifier for each")
    return families[0]


def _secret(text: str, algorithms: Sequence[str]) -> bytes:
    if _PUBLISHED.search(text) or _is_der(text):
        raise ValueError(f"key: is a PEM, an SSH key or a JWK, but {algorithms[0]} needs a secret that nobody else has")
    secret = text.encode()
    least = max(SECRET_BYTES[name] for name in algorithms)
    if len(secret) < least:
        raise ValueError(f"key: has {len(secret)} bytes, but {', '.join(algorithms)} needs {least} or more")
    return secret


def _is_der(text: str) -> bool:
    """Whether a text is a public key or a certificate without the first and the last line of its PEM."""
    try:
        der = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return False
    for read in (load_der_public_key, load_der_x509_certificate):
        try:
            read(der)
        except (ValueError, UnsupportedAlgorithm):
            continue
        return True
    return False


def _public_key(text: str, family: str, algorithms: Sequence[str]) -> object:
    if "PRIVATE KEY-----" in text:
        raise ValueError("key: is a private key; a verifier needs the public one (openssl pkey -in FILE -pubout)")
    try:
        pem = text.encode()
        # Of a certificate only the key counts: whom to trust is said by the operator, not by its issuer.
        certificate = "-----BEGIN CERTIFICATE-----" in text
        key: object = load_pem_x509_certificate(pem).public_key() if certificate else load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"key: is not the PEM of a public key or certificate, which {algorithms[0]} needs") from None
    if not _fits(key, family):
        raise ValueError(f"key: {algorithms[0]} needs {family}, and this is another kind")
    if isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS:
        raise ValueError(f"key: has {key.key_size} bits, but RSA needs {RSA_BITS} or more")
    if isinstance(key, EllipticCurvePublicKey) and any(_CURVES[name] != key.curve.name for name in algorithms):
        wanted = ", ".join(f"{name} needs {_CURVES[name]}" for name in algorithms)
        raise ValueError(f"key: is on curve {key.curve.name}, but {wanted}")
    return key


def _fits(key: object, family: str) -> bool:
    if family == "an RSA public key":
        return isinstance(key, RSAPublicKey)
    if family == "an EC public key":
        return isinstance(key, EllipticCurvePublicKey)
    return isinstance(key, Ed25519PublicKey | Ed448PublicKey)
