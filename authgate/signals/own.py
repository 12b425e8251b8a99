"""How our own deliveries are known again when the media server tells us of them.

``/data/send`` may raise ``OnDataEvent`` and ``DataStatusEvent`` for the session that it sends to, with the operation
id that we gave it. Ours carries a mark that only processes on the same store can make, so that no client can have
its message taken for one of ours, nor one of ours for a client's.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable

AGE = 300  # seconds for which an id is known as ours: longer than any delivery, and than clocks differ
_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class OwnOperations:
    """Makes operation ids, and knows them again."""

    def __init__(self, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock

    def new(self) -> str:
        """An id in the form of a UUID: the time, a number that was drawn, and the mark of both."""
        begin = int(self._clock()).to_bytes(4, "big") + secrets.token_bytes(4)
        text = (begin + self._mark(begin)).hex()
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def own(self, operation: str) -> bool:
        """Whether this is an id of ours, made a short while ago."""
        if not _FORM.fullmatch(operation):
            return False
        data = bytes.fromhex(operation.replace("-", ""))
        if not hmac.compare_digest(data[8:], self._mark(data[:8])):
            return False
        return abs(int.from_bytes(data[:4], "big") - self._clock()) <= AGE

    def _mark(self, begin: bytes) -> bytes:
        return hashlib.blake2b(begin, digest_size=8, key=self._key, person=b"operation").digest()
