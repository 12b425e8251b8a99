"""Hashers that cost little, and that remember what they really tried."""

from typing import get_args

from authgate.passwords import Hasher, Hashing
from authgate.passwords.hashing import Legacy
from authgate.passwords.spellings import Stored

CHEAP = Hashing(memory=1024, time=1, workers=2)
EVERYTHING = Hashing(memory=1024, time=1, workers=2, legacy=get_args(Legacy))


class Watched(Hasher):
    """Remembers each password that was tried in a thread, and on what; the decoy is told as "decoy"."""

    def __init__(self, options: Hashing) -> None:
        super().__init__(options)
        self.tried: list[tuple[bytes, str]] = []

    def _try(self, secret: bytes, found: Stored) -> bool:
        self.tried.append((secret, "decoy" if found.opens.keywords.get("hashed") == self._decoy else found.scheme))
        return super()._try(secret, found)

    @property
    def told(self) -> list[str]:
        """On what, without the passwords."""
        return [scheme for _, scheme in self.tried]
