"""What was done on the way to a verdict, for people who ask why."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was found out or asked, in the order in which it happened."""

    what: str  # credentials, verifier, session, fallback, rule, policy, rewrite, target, signal
    name: str  # which one: a rule's name, a verifier's key
    outcome: str  # in a word: hit, miss, may, not asked, ok, or a reason
    detail: str = ""  # what it looked at, without secrets


@dataclass(slots=True)
class Trace:
    """Collects steps. Live hooks go without one."""

    steps: list[Step] = field(default_factory=list)

    def add(self, what: str, name: str, outcome: str, detail: str = "") -> None:
        """Take note of a step."""
        self.steps.append(Step(what, name, outcome, detail))
