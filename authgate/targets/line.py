"""A hook that a target observes, as one line of its queue."""

import json
import zlib
from dataclasses import dataclass
from typing import Any

from authgate.model import Hook, Record


@dataclass(slots=True)
class Line:
    """One hook that waits to be sent."""

    record: str  # id of its record
    at: int  # milliseconds since the epoch
    allowed: bool
    method: str
    session: int  # hooks of one session have the same number, and perhaps those of another
    body: str
    start: int = 0  # where it stands in what was read, in bytes
    size: int = 0
    tries: int = 0  # that the target itself has failed at
    settled: bool = False

    def headers(self) -> dict[str, str]:
        """What the receiver is told beside the body."""
        return {
            "Authgate-Record": self.record,
            "Authgate-Time": str(self.at),
            "Authgate-Verdict": "allowed" if self.allowed else "rejected",
        }


def dump(hook: Hook, record: Record, body: bytes) -> bytes:
    """A hook as one line."""
    session = zlib.crc32("\0".join(hook.key).encode())
    fields = (record.id, record.at, record.allowed, hook.method.name, session, body.decode())
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def load(line: bytes) -> Line:
    """A hook from its line.

    Raises:
        ValueError, TypeError, RecursionError: it is not one.
    """
    fields: Any = json.loads(line)
    record, at, allowed, method, session, body = fields
    if not all(isinstance(text, str) for text in (record, method, body)) or not record.isalnum():
        raise TypeError("not text")
    if not all(isinstance(number, int) for number in (at, allowed, session)) or not record.isascii():
        raise TypeError("not a number")
    return Line(record, at, bool(allowed), method, session, body)
