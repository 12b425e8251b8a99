"""One rule, compiled."""

from dataclasses import dataclass

from authgate.model import Asks, Kind, Method
from authgate.policies.policy import Policy
from authgate.rewrites.rewrite import Rewrite
from authgate.rules.conditions import Condition, FromOrigin


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, or a default policy, which is a rule without a condition."""

    name: str  # as records say
    key: str  # where it stands in the configuration
    policy: Policy
    conditions: tuple[Condition, ...] = ()  # those that need least first
    rewrites: tuple[Rewrite, ...] = ()

    @property
    def refuses(self) -> bool:
        """Whether it can ever reject a hook: also one whose client it asks for, and who brings wrong credentials."""
        asks = any(each.asks > Asks.NOTHING for each in self.conditions)
        return self.policy.refuses or asks or any(each.refuses for each in self.rewrites)

    def says_ok(self, method: Method) -> bool:
        """Whether it allows every hook of this method, whoever sent it, and changes nothing."""
        plain = not (self.conditions or self.rewrites or self.policy.refuses)
        return plain and method.kind is not Kind.CONNECT and getattr(self.policy, "type", "") == "allow"

    @property
    def is_default(self) -> bool:
        """Whether it is a default policy."""
        return self.name == self.key

    @property
    def asks_origin(self) -> bool:
        """Whether it must know where the client's page is from."""
        return any(isinstance(each, FromOrigin) for each in self.conditions)
