"""May it? Each policy judges one hook of a client."""

from authgate.policies.plain import Allow, Deny, NeedSession
from authgate.policies.policy import Policy

POLICIES: dict[str, Policy] = {"allow": Allow(), "deny": Deny(), "session": NeedSession()}

__all__ = ["POLICIES", "Policy"]
