"""Whether a password made a hash: what libpass does not compute, or spells otherwise.

Each takes the password as bytes first, without NUL, and the parts of a stored hash. What is compared is compared in a
time that tells nothing.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable

BCRYPT_BYTES = 72  # of a password count for bcrypt, and not one more


def argon2(secret: bytes, hashed: str) -> bool:
    """Argon2i, Argon2d or Argon2id, versions 1.0 and 1.3 (RFC 9106).

    Raises:
        argon2.exceptions.Argon2Error: the hash is broken.
    """
    from argon2 import low_level
    from argon2.exceptions import VerifyMismatchError

    kind = {"i": low_level.Type.I, "d": low_level.Type.D, "id": low_level.Type.ID}[hashed.split("$")[1][6:]]
    try:
        return low_level.verify_secret(hashed.encode(), secret, kind)
    except VerifyMismatchError:
        return False


def bcrypt(secret: bytes, hashed: str) -> bool:
    """bcrypt by the rule *bcrypt-72*: the first 72 bytes of the password's UTF-8 count, as they did for its maker.

    Raises:
        ValueError: the hash is broken.
    """
    import bcrypt

    return bcrypt.checkpw(secret[:BCRYPT_BYTES], hashed.encode())


def bcrypt_django(secret: bytes, hashed: str) -> bool:
    """Django's BCryptSHA256PasswordHasher: bcrypt of the hexadecimal SHA-256."""
    return bcrypt(hashlib.sha256(secret).hexdigest().encode(), hashed)


def bcrypt_wordpress(secret: bytes, hashed: str) -> bool:
    """WordPress since 6.8, wp_check_password: bcrypt of the base64 of an HMAC-SHA-384."""
    return bcrypt(base64.b64encode(hmac.digest(b"wp-sha384", secret, "sha384")), hashed)


def pbkdf2(secret: bytes, digest: str, salt: bytes, rounds: int, expected: bytes) -> bool:
    """PBKDF2 (RFC 8018, section 5.2) with HMAC of this digest."""
    return hmac.compare_digest(hashlib.pbkdf2_hmac(digest, secret, salt, rounds, len(expected)), expected)


def scrypt(secret: bytes, salt: bytes, n: int, r: int, p: int, expected: bytes) -> bool:
    """scrypt (RFC 7914).

    Raises:
        ValueError: the parameters fit neither the RFC nor OpenSSL.
    """
    memory = 128 * r * (n + p + 2) + (1 << 20)  # what OpenSSL asks for, and some room
    made = hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=len(expected))
    return hmac.compare_digest(made, expected)


def libpass(secret: bytes, scheme: str, hashed: str) -> bool:
    """A scheme that libpass computes.

    Raises:
        ValueError: the hash is broken.
    """
    import passlib.hash

    return bool(getattr(passlib.hash, scheme).verify(secret, hashed))


def drupal7(secret: bytes, salt: str, rounds: int, expected: str, *, of_md5: bool) -> bool:
    """Drupal 7, _password_crypt: SHA-512 over and over, cut off. ``of_md5``: made of what Drupal 6 had kept."""
    from passlib.utils.binary import h64

    if of_md5:
        secret = hashlib.md5(secret, usedforsecurity=False).hexdigest().encode()
    found = hashlib.sha512(salt.encode() + secret).digest()
    for _ in range(1 << rounds):
        found = hashlib.sha512(found + secret).digest()
    return hmac.compare_digest(h64.encode_bytes(found)[: len(expected)], expected.encode())


def salted(secret: bytes, digest: str, before: bytes, after: bytes, expected: bytes) -> bool:
    """One round of a digest over the password with a salt before or after it."""
    return hmac.compare_digest(_digest(digest)(before + secret + after), expected)


def mysql41(secret: bytes, expected: bytes) -> bool:
    """MySQL since 4.1, PASSWORD(): SHA-1 of SHA-1."""
    sha1 = _digest("sha1")
    return hmac.compare_digest(sha1(sha1(secret)), expected)


def _digest(name: str) -> Callable[[bytes], bytes]:
    return lambda data: hashlib.new(name, data, usedforsecurity=False).digest()
