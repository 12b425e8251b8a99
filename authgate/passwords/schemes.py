"""What forms of password hash there are, and how each is recognised, bounded and verified."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from passlib.context import CryptContext

from authgate.errors import Overloaded


@dataclass(frozen=True, slots=True)
class Form:
    """What a stored hash shows of itself; never the hash, nor a part of it."""

    scheme: str = ""  # "argon2", "bcrypt", ...; "" where the form is unknown
    family: str = ""  # what enables it; "" where the form is unknown
    unusable: str = ""  # why no password can be tried on it, in words; "" where one can
    weak: str = ""  # why it should be renewed soon, in words; "" where it is good enough
    costs: Mapping[str, int] = field(default_factory=dict)  # by the scheme's own names: "memory_cost", "rounds"

    @property
    def usable(self) -> bool:
        """Whether a password can be tried on it, in a time that one login may take."""
        return not self.unusable


def recognise(stored: str) -> Form:
    """The form of a stored hash. Nothing is hashed for it, and nothing of the hash comes back."""
    scheme = _CONTEXT.identify(stored)
    if scheme is None:
        return Form(unusable="unknown form")
    try:
        parts = _CONTEXT.handler(scheme).from_string(stored.replace("$2x$", "$2b$", 1))
        costs = {name: int(getattr(parts, name)) for name in CEILINGS[scheme]}
    except Exception as fault:  # libpass raises whatever a broken hash leads to
        return Form(scheme, scheme, unusable=type(fault).__name__)
    absurd = any(costs[name] > most for name, most in CEILINGS[scheme].items())
    return Form(scheme, scheme, unusable="its cost is absurd" if absurd else "", costs=costs)


# What a stored hash may cost at most. One of a greater cost would hold a worker for minutes, or all memory.
CEILINGS = {
    "argon2": {"memory_cost": 1 << 20, "rounds": 16, "parallelism": 16},
    "bcrypt": {"rounds": 15},
    "pbkdf2_sha1": {"rounds": 5_000_000},
    "pbkdf2_sha256": {"rounds": 5_000_000},
    "pbkdf2_sha512": {"rounds": 5_000_000},
    "scrypt": {"rounds": 18, "block_size": 16, "parallelism": 4},
    "sha512_crypt": {"rounds": 2_000_000},
}

_CONTEXT = CryptContext(schemes=list(CEILINGS))

BCRYPT_BYTES = 72

# "password" under every scheme, at the least cost.
KNOWN = {
    "argon2": "$argon2id$v=19$m=8,t=1,p=1$vvd+z/n/nzMG4DzHOCeEEA$KqfogIvuyHmJZ6gItd0ETebajS2ZS05DpEPOZ+n36tA",
    "bcrypt": "$2b$04$m/TSfY31AM9O4VU2EN6z4ek85iDn37QO1Sm0OmgT0hg7gbRiQ.Mwy",
    "pbkdf2_sha1": "$pbkdf2$1$9z5nrDVmjBFiLMWYsxbCeA$ZU.nlEVwHKzWD5KHwE6q7Fb0TZE",
    "pbkdf2_sha256": "$pbkdf2-sha256$1$WytFaE2Jcc55bw2hlBLiPA$ZFgDBeHNN4LQdS/csHSvhR5KzSdOm7.rxbF9vJxXP2g",
    "pbkdf2_sha512": "$pbkdf2-sha512$1$EcL4nzNmLOXc.x.jdK4VQg$WoHpgFa.F2XcYCMcIwFl5yaPIjEt/sTv5gYT17BdJYZJ16IeBEYdG8"
    "bZXsrc0tq3M6kTxjp7Wor85QEFy4PNCg",
    "scrypt": "$scrypt$ln=1,r=8,p=1$yzln7L1XilEq5VwrhRBCyA$bXu6t545RWuiHyMTWtRiQvmgbRWvX19QHlcfatSOJaQ",
    "sha512_crypt": "$6$rounds=1000$KwvlMZhvAt8u2Bh8$ZIHpCwKAQXNIIVvrTNM88KO4stNPRgT4FMGI9xuTGJT3p9nYqlbE119C/w8XT0"
    "BwP9hKry75XNklg/tY7Az1c/",
}

# libpass computes sha512_crypt in pure Python. In a thread that would hold up the event loop a hundred times
# a second, so it has a short-lived process of its own; a login that is right renews the hash, once per user.
_APART = r"""
import sys
from passlib.hash import sha512_crypt
stored, secret = sys.stdin.buffer.read().split(b"\n", 1)
print(sha512_crypt.verify(secret, stored.decode()))
"""
_APART_TIMEOUT = 10  # seconds


def opens_apart(secret: bytes, stored: str) -> bool:
    """Whether the password made this sha512_crypt hash, computed in another process.

    Raises:
        Overloaded: no process can be started for it.
        ValueError: the hash is broken.
    """
    command = [sys.executable, "-P", "-c", _APART]
    try:
        done = subprocess.run(  # noqa: S603 - the command is ours; password and hash go through its input
            command, input=stored.encode() + b"\n" + secret, capture_output=True, timeout=_APART_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise Overloaded("no process can be started to verify a sha512_crypt hash") from None
    if done.returncode:
        raise ValueError("the process that verifies sha512_crypt failed")
    return done.stdout.strip() == b"True"
