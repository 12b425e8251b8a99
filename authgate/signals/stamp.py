"""What arrives at a client: what was sent, under who it came from, as authgate knows it.

It holds none of the words by which a client asks for something, so that it asks for nothing where it is sent back.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who a message came from, and how it was addressed."""

    message: str  # its id: whoever gets it twice can tell
    at: int  # milliseconds since the epoch
    to: str  # session, user, app, stream or room
    name: str  # of the addressee
    session: str | None = None  # the sender's id; None: authgate itself, or whoever runs it
    user: str | None = None  # None: an anonymous client, or none

    @property
    def shown(self) -> dict[str, Any]:
        """As the receiver reads it."""
        found: dict[str, Any] = {"user": self.user, "id": self.session, "server": self.session is None}
        found |= {"room": self.name if self.to == "room" else None}
        if self.to == "stream":
            found["stream"] = self.name
        return found | {"sent_to": self.to, "at": self.at, "message": self.message}


def stamped(stamp: Stamp, *, body: Any = None, event: dict[str, Any] | None = None) -> dict[str, Any]:
    """What is sent: a body that somebody wrote, or an event that authgate tells of."""
    return {"from": stamp.shown, "body": body} if event is None else {"from": stamp.shown, "event": event}
