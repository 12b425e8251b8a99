"""Makes tokens of every kind, good and hostile, without the library that verifies them."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

NOW = 1_800_000_000
SECRET = "an example secret of forty bytes, not more"
GOOD: dict[str, Any] = {"sub": "ann", "exp": NOW + 60}
HEADER: dict[str, Any] = {"alg": "HS256", "typ": "JWT"}

_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
_EXTERNAL = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}

RSA = rsa.generate_private_key(65537, 2048)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
P521 = ec.generate_private_key(ec.SECP521R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()
ED448 = ed448.Ed448PrivateKey.generate()


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def segment(value: object) -> str:
    """A segment: bytes and text as they are, anything else as JSON."""
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass")
    return b64(value if isinstance(value, bytes) else json.dumps(value).encode())


def signed(payload: object = GOOD, header: object = HEADER, key: Any = SECRET, algorithm: str = "HS256") -> str:
    """A token with a right signature, whatever stands in it."""
    message = f"{segment(header)}.{segment(payload)}"
    return f"{message}.{b64(signature(message.encode(), key, algorithm))}"


def signature(message: bytes, key: Any, algorithm: str) -> bytes:
    family, size = algorithm[:2], algorithm[2:]
    if family == "HS":
        return hmac.new(key if isinstance(key, bytes) else key.encode(), message, _HASHES[size]).digest()
    if family == "RS":
        return key.sign(message, padding.PKCS1v15(), _EXTERNAL[size])
    if family == "PS":
        chosen = _EXTERNAL[size]
        return key.sign(message, padding.PSS(padding.MGF1(chosen), chosen.digest_size), chosen)
    if family == "ES":
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(_EXTERNAL[size])))
        length = (key.curve.key_size + 7) // 8
        return r.to_bytes(length, "big") + s.to_bytes(length, "big")
    return key.sign(message)


def public_pem(key: Any) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(encoding, form).decode()


def private_pem(key: Any) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()
