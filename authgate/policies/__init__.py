"""May it? Each policy judges one hook of a client."""

from typing import TYPE_CHECKING, Any

from authgate.family import members, union
from authgate.policies.policy import Policy

MEMBERS = ("plain", "grant", "forward")  # modules of this package

POLICIES: dict[str, type[Any]] = members(__name__, MEMBERS)

if TYPE_CHECKING:
    AnyPolicy = Policy
else:
    AnyPolicy = union(POLICIES.values())

__all__ = ["MEMBERS", "POLICIES", "AnyPolicy", "Policy"]
