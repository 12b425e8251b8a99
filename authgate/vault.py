"""What is secret at rest: sealed with a key that is made of a master key, which the store does not have.

AES-256-GCM (NIST SP 800-38D) under a key from HKDF-SHA256 (RFC 5869); what a secret is said to be about is bound to it,
so that a row whose other columns were changed cannot be opened.
"""

import base64
import secrets
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from authgate.model import Secret

MASTER_BYTES = 32  # at least: as many as the key that is made of it has
_NONCE_BYTES = 12
_VERSION = "v1."
_SEALING = b"authgate: sealing of signing keys"


def seal(master: Secret, secret: bytes, about: bytes) -> str:
    """A secret as text that only the holder of the master key can open."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = nonce + AESGCM(derived(master, _SEALING)).encrypt(nonce, secret, about)
    return _VERSION + base64.urlsafe_b64encode(sealed).decode()


def opened(masters: Sequence[Secret], text: str, about: bytes) -> bytes:
    """What was sealed with one of these master keys.

    Raises:
        ValueError: with none of them, or not about this.
    """
    if not text.startswith(_VERSION):
        raise ValueError("it was not sealed by this version")
    sealed = base64.urlsafe_b64decode(text.removeprefix(_VERSION))
    for master in masters:
        try:
            return AESGCM(derived(master, _SEALING)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], about)
        except InvalidTag:
            continue
    raise ValueError("it was sealed with another master key, or changed since")


@lru_cache(maxsize=32)
def derived(master: Secret, use: bytes) -> bytes:
    """A key of 32 bytes for one use, made of a master key."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=use).derive(master.reveal().encode())
