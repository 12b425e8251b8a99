"""Password hashes as other systems make them, by their own rules and not by authgate's code."""

import base64
import hashlib
import hmac

import bcrypt

_ITOA64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def phpass(password: str, salt: str = "abcdefgh", rounds: int = 8) -> str:
    """WordPress before 6.8: wp-includes/class-phpass.php, ``crypt_private``; 2^(rounds+5) rounds are what it takes."""
    setting = f"$P${_ITOA64[rounds + 5]}{salt}"
    digest = hashlib.md5(salt.encode() + password.encode()).digest()
    for _ in range(1 << (rounds + 5)):
        digest = hashlib.md5(digest + password.encode()).digest()
    return setting + _encode64(digest)


def _encode64(data: bytes) -> str:
    text, at = "", 0
    while at < len(data):
        value = int.from_bytes(data[at : at + 3], "little")
        for place in range(min(4, (8 * len(data[at : at + 3]) + 5) // 6)):
            text += _ITOA64[(value >> (6 * place)) & 0x3F]
        at += 3
    return text


def wordpress(password: str) -> str:
    """WordPress since 6.8: wp-includes/pluggable.php, ``wp_hash_password``."""
    inner = base64.b64encode(hmac.digest(b"wp-sha384", password.strip().encode(), "sha384"))
    return "$wp" + _2y(bcrypt.hashpw(inner, bcrypt.gensalt(5)))


def laravel(password: str) -> str:
    """Laravel: ``password_hash`` of PHP with PASSWORD_BCRYPT."""
    return _2y(bcrypt.hashpw(password.encode(), bcrypt.gensalt(5)))


def _2y(made: bytes) -> str:
    return made.decode().replace("$2b$", "$2y$", 1)


def django(password: str, salt: str = "Zx8kD2", rounds: int = 20_000) -> str:
    """Django: django/contrib/auth/hashers.py, ``PBKDF2PasswordHasher``."""
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), rounds)
    return f"pbkdf2_sha256${rounds}${salt}${base64.b64encode(digest).decode()}"
