"""The three policies that need no options: allow, deny, session."""

from dataclasses import dataclass

from authgate.model import Hook, Principal, Reason


@dataclass(frozen=True, slots=True)
class Allow:
    """Allows the hook, whoever the client is."""

    refuses: bool = False
    asks_client: bool = False

    def judge(self, _hook: Hook, _client: Principal | Reason) -> Reason:
        """Always ``Reason.OK``."""
        return Reason.OK


@dataclass(frozen=True, slots=True)
class Deny:
    """Rejects the hook, whoever the client is."""

    refuses: bool = True
    asks_client: bool = False

    def judge(self, _hook: Hook, _client: Principal | Reason) -> Reason:
        """Always ``Reason.POLICY_DENIED``."""
        return Reason.POLICY_DENIED


@dataclass(frozen=True, slots=True)
class NeedSession:
    """Allows the hook of a client that is authenticated now.

    By its live session, or, where the hook brings credentials of its own (``playHLS`` and ``playRTSP``
    have no session before them), by those.
    """

    refuses: bool = True
    asks_client: bool = True

    def judge(self, _hook: Hook, client: Principal | Reason) -> Reason:
        """``Reason.OK`` for a principal, else why it is none."""
        return Reason.OK if isinstance(client, Principal) else client
