"""The life of a session: what a decided hook opens or closes, and whom a session speaks for."""

from dataclasses import dataclass

from authgate.model import Close, Decision, Hook, Kind, Open, Principal, Reason, Session


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """Section ``[sessions]``."""

    grace: int = 30  # seconds that a session goes on after the token that opened it has expired
    insecure_outlive_token: bool = False  # True: a session goes on until its connection closes

    def __post_init__(self) -> None:
        if self.grace < 0:
            raise ValueError("grace: must be 0 or more seconds")


def client_of(session: Session | None, now: float, options: SessionOptions) -> Principal | Reason:
    """The principal whose session this is, or why it stands for nobody; ``now`` in seconds since the epoch."""
    if session is None:
        return Reason.SESSION_UNKNOWN
    if session.client is None:
        return Reason.SESSION_ANONYMOUS
    if not session.user_enabled:
        return Reason.USER_DISABLED
    expires_at = None if options.insecure_outlive_token else session.client.expires_at
    if expires_at is not None and now >= expires_at + options.grace:
        return Reason.SESSION_EXPIRED
    return session.client


def change(hook: Hook, decision: Decision, client: Principal | None, at: int) -> Open | Close | None:
    """What this decided hook changes in the table of sessions; ``at`` in milliseconds since the epoch.

    A second ``connect`` under a live key replaces the session: the media server uses its ids again. A
    rejected ``connect`` opens nothing, and the FAILED and DISCONNECTED that follow it close nothing.
    """
    if hook.method.kind is Kind.CONNECT:
        return Open(Session(hook.key, hook.app_key, at, client)) if decision.allowed else None
    over = hook.method.name == "ConnectionStatusEvent" and hook.fields.get("status") in _OVER
    return Close(hook.key, at) if over and hook.key.session else None


# Vendor's manual, "Event statuses": only these two end a connection.
_OVER = ("DISCONNECTED", "FAILED")
