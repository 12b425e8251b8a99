"""Of many rules, those whose names a hook may match: remembered, since streams and callees come again and again."""

from collections.abc import Sequence

from authgate.model import Case, Hook
from authgate.patterns import Match
from authgate.rules.conditions import Named
from authgate.rules.rule import Rule

FEW = 8  # rules that are asked one by one as fast
_MOST = 1_024  # names that are remembered
_LONGEST = 512  # characters of what is remembered: a client must not fill the memory


class Narrow:
    """The rules for one method of one application, less those whose patterns a hook's names cannot match."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._named = [[each for each in rule.conditions if isinstance(each, Named)] for rule in rules]
        self._fields = list({each.field: each for named in self._named for each in named}.values())
        self._known: dict[tuple[str, ...], tuple[Rule, ...]] = {}

    def of(self, hook: Hook) -> tuple[Rule, ...]:
        """Those that are left, in their order; the last one, the default policy, always is."""
        if len(self._rules) <= FEW or not self._fields:
            return self._rules
        case = Case(hook, 0)
        names = tuple(each.seen(case) for each in self._fields)
        found = self._known.get(names)
        if found is None:
            found = tuple(
                rule
                for rule, named in zip(self._rules, self._named, strict=True)
                if all(each.match(case) is not Match.NO for each in named)
            )
            if sum(map(len, names)) <= _LONGEST:
                if len(self._known) >= _MOST:
                    self._known.clear()
                self._known[names] = found
        return found
