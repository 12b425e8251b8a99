"""The life of a session: what a decided hook opens or closes, and whom a session speaks for."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from authgate.model import (
    Begin,
    Close,
    Decision,
    Entry,
    Hook,
    Kind,
    Open,
    Over,
    Principal,
    Reason,
    Record,
    Session,
    SessionKey,
)


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """Section ``[sessions]``."""

    grace: int = 30  # seconds that a session goes on after the token that opened it has expired
    insecure_outlive_token: bool = False  # True: a session goes on until its connection closes
    end_after: float = 0.0  # seconds that the connection of one that may not go on is left open
    reconcile: float = 30.0  # seconds between two comparisons with the media server
    stream_lease: float = 30.0  # seconds after its last keep-alive that a stream is over; 0: it is not for that
    max_idle: float = 86_400.0  # seconds after its last hook that a session is over; 0: it is not for that

    def __post_init__(self) -> None:
        faults = [
            f"{name}: must be {least:g} or more seconds"
            for name, least in (
                ("grace", 0),
                ("end_after", 0),
                ("reconcile", 0.1),
                ("stream_lease", 0),
                ("max_idle", 0),
            )
            if getattr(self, name) < least
        ]
        if faults:
            raise ValueError("\n".join(faults))


def client_of(session: Session | None, now: float, options: SessionOptions) -> Principal | Reason:
    """The principal whose session this is, or why it stands for nobody; ``now`` in seconds since the epoch."""
    if session is None:
        return Reason.SESSION_UNKNOWN
    if session.client is None:
        return Reason.SESSION_ANONYMOUS if session.ending is None else Reason.SESSION_ENDED
    refusal = session.refusal(now)
    if refusal is not None:
        return refusal
    cut_off = session.client.stored_user and session.client.generation is not None
    if cut_off and session.client.generation != session.user_generation:
        return Reason.SESSION_REVOKED
    expires_at = None if options.insecure_outlive_token else session.client.expires_at
    if expires_at is not None and now >= expires_at + options.grace:
        return Reason.SESSION_EXPIRED
    return session.client if session.ending is None else Reason.SESSION_ENDED


def change(
    hook: Hook, decision: Decision, client: Principal | None, at: int, config: str = ""
) -> Open | Close | Begin | None:
    """What this decided hook changes in the tables of sessions and tokens; ``at`` in milliseconds since the epoch.

    ``config`` is the digest of the restClientConfig that a new session is answered with.

    A second ``connect`` under a live key ends the session, and if it is allowed another takes its place:
    the media server uses its ids again, and whoever is rejected must not stand on an older client's session.
    """
    if hook.method.kind is Kind.CONNECT:
        origin = hook.text("origin")
        origin = origin if len(origin) <= MAX_ORIGIN else "?"  # what is cut would be another origin
        if not decision.allowed:
            return Close(hook.key, at, Over.REJECTED)
        sent = hashlib.blake2b(hook.body, digest_size=12).hexdigest()
        return Open(Session(hook.key, hook.app_key, at, client, origin=origin, config=config, hook=sent))
    if hook.method.sessionless:  # nothing tells that it has begun, so it has when it is allowed
        once = decision.allowed and client is not None and client.issued is not None and client.issued.once
        return Begin(holder(hook), at) if once else None
    if hook.fields.get("status") in _BEGUN.get(hook.method.name, ()):
        return Begin(holder(hook), at)
    over = hook.method.name == "ConnectionStatusEvent" and hook.fields.get("status") in _OVER
    if not (over and hook.key.session):
        return None
    return Close(hook.key, at, Over.TOLD if hook.fields["status"] == _ENDED else Over.FAILED)


def as_answered(record: Record, reason: Reason | None) -> Record:
    """A record as it is written: of a client that is turned away after all for this reason; None: as it stands."""
    return record if reason is None else replace(record, allowed=False, reason=reason)


def holder(hook: Hook) -> str:
    """What a one-time token that is shown with this hook is reserved for: its connection, stream or call.

    The events that tell of it, and the same hook sent again, have the same.
    """
    if hook.method.sessionless and hook.text("mediaSessionId"):
        return f"{hook.key.node}\n\n{_part(hook)}"  # a player may come by another connection for the next piece
    part = "" if hook.method.kind is Kind.CONNECT or hook.method.name == "ConnectionStatusEvent" else _part(hook)
    return _holder(hook.key, part)


def holder_that_is_over(entry: Entry) -> str | None:
    """What the session that a hook tells to be over held one-time tokens as; None: it tells of none that had begun.

    The event that told of its beginning may be lost; one that has failed did not begin.
    """
    record = entry.record
    ended = record.method == "ConnectionStatusEvent" and record.status == _ENDED and isinstance(entry.change, Close)
    return _holder(record.key, "") if ended else None


def _holder(key: SessionKey, part: str) -> str:
    return f"{key.node}\n{key.session}\n{part}"


def _part(hook: Hook) -> str:
    return hook.text("mediaSessionId") or hook.text("callId") or hook.text("name") or hook.text("callee")


MAX_ORIGIN = 255  # characters

# Vendor's manual, "Event statuses": what tells that something has begun for which a token was shown.
_BEGUN: Mapping[str, tuple[str, ...]] = {
    "ConnectionStatusEvent": ("ESTABLISHED",),
    "StreamStatusEvent": ("PUBLISHING", "PLAYING"),
    "CallStatusEvent": ("ESTABLISHED",),
}

# Vendor's manual, "Event statuses": only these two end a connection.
_ENDED = "DISCONNECTED"
_OVER = (_ENDED, "FAILED")
