"""Tokens that were found to be signed: whoever comes again, as all do after a restart of the media server, brings its
own once more."""

import hashlib
import secrets
from collections import OrderedDict
from typing import NamedTuple

from authgate.verifiers.reading import Said

MOST = 20_000  # tokens of one verifier in one process, of well under a kilobyte each

_SECRET = secrets.token_bytes(32)


class Proven(NamedTuple):
    """What was found of a token that does not change: whether it holds now is looked at again each time."""

    key: object  # that it was signed with: it counts for as long as that key does
    key_id: str | None  # kid of its header
    algorithm: str
    typed: bool  # whether it is of the type that is asked for
    said: Said


class Remembered:
    """The latest of them, by digests that nobody else can compute; no token is kept."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._proven: OrderedDict[bytes, Proven] = OrderedDict()

    def find(self, token: str) -> Proven | None:
        """What was found of this very text."""
        return self._proven.get(_digest(token))

    def put(self, token: str, proven: Proven) -> None:
        """Remember what was found of this text, and forget the oldest where that would be too many."""
        if len(self._proven) >= self._most:
            self._proven.popitem(last=False)
        self._proven[_digest(token)] = proven


def _digest(token: str) -> bytes:
    return hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=16, key=_SECRET).digest()
