"""A signing key of our own: made, sealed for the store, and opened again."""

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from jwt import PyJWS
from jwt.algorithms import Algorithm, ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from authgate.issuance import OwnKey
from authgate.model import Secret
from authgate.vault import opened, seal

ALGORITHMS = ("EdDSA", "ES256", "RS256", "HS256")
_RSA_BITS = 3072  # as good as what the others give (NIST SP 800-57)
_SECRET_BYTES = 32  # of HS256 (RFC 7518, 3.2)
_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Key:
    """A key of our own, opened: obeys ``ports.VerifyingKey``, and signs."""

    id: str
    algorithm: str
    verifies_until: int | None  # seconds since the epoch; None: it has not been retired
    _algorithm: Algorithm
    _private: Any
    _public: Any

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature of this message was made with this key."""
        return self._algorithm.verify(message, self._public, signature)

    def sign(self, payload: bytes) -> str:
        """A token with these claims."""
        return PyJWS().encode(payload, self._private, self.algorithm, headers={"kid": self.id})


def fresh(algorithm: str, master: Secret) -> OwnKey:
    """A new key, which does not sign yet.

    Raises:
        ValueError: there is no such algorithm.
    """
    private: Any
    if algorithm == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    elif algorithm == "ES256":
        private = ec.generate_private_key(ec.SECP256R1())
    elif algorithm == "RS256":
        private = rsa.generate_private_key(65537, _RSA_BITS)
    elif algorithm == "HS256":
        private = secrets.token_bytes(_SECRET_BYTES)
    else:
        raise ValueError(f"there is no {algorithm!r}; there are {', '.join(ALGORITHMS)}")
    key_id = secrets.token_hex(_ID_BYTES)
    public = _public(algorithm, private, key_id)
    secret = private if isinstance(private, bytes) else _der(private)
    sealed = seal(master, secret, _about(key_id, algorithm, public))
    return OwnKey(key_id, algorithm, public, sealed, time.time_ns() // 1_000_000)


def open_key(row: OwnKey, masters: Sequence[Secret]) -> Key:
    """A key as the store has it, to verify and sign with.

    Raises:
        ValueError: it was sealed with another master key, its row was changed since, or it is of a later version.
    """
    if row.algorithm not in ALGORITHMS:
        raise ValueError(f"this version has no algorithm {row.algorithm!r}")
    secret = opened(masters, row.sealed, _about(row.id, row.algorithm, row.public))
    private = secret if row.algorithm == "HS256" else load_der_private_key(secret, None)
    public = private if isinstance(private, bytes) else private.public_key()
    return Key(row.id, row.algorithm, row.verifies_until, PyJWS().get_algorithm_by_name(row.algorithm), private, public)


def fault_of(row: OwnKey, masters: Sequence[Secret]) -> str:
    """Why a key can neither sign nor verify, "" where it can."""
    try:
        open_key(row, masters)
    except ValueError as fault:
        return str(fault)
    return ""


def resealed(row: OwnKey, masters: Sequence[Secret]) -> str:
    """What is secret of a key, sealed with the first of the master keys.

    Raises:
        ValueError: it was sealed with none of them.
    """
    about = _about(row.id, row.algorithm, row.public)
    return seal(masters[0], opened(masters, row.sealed, about), about)


def _about(key_id: str, algorithm: str, public: str | None) -> bytes:
    return json.dumps([key_id, algorithm, public]).encode()


def _der(private: Any) -> bytes:
    secret: bytes = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return secret


def _public(algorithm: str, private: Any, key_id: str) -> str | None:
    """The JSON Web Key (RFC 7517) that others verify with; None of a secret."""
    if algorithm == "HS256":
        return None
    makers: dict[str, Any] = {"EdDSA": OKPAlgorithm, "ES256": ECAlgorithm, "RS256": RSAAlgorithm}
    made = makers[algorithm].to_jwk(private.public_key(), as_dict=True)
    kept = {name: made[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in made}
    return json.dumps({**kept, "kid": key_id, "alg": algorithm, "use": "sig"})
