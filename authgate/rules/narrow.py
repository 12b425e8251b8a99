"""Of many rules, those that may match a hook, found without asking each: by what it names, and by who sent it.

Sets of rules are bits of a whole number. What is left out cannot match; what is left is asked.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from authgate.hooks.address import client_address
from authgate.model import Asks, Case, Hook, Principal
from authgate.networks import Network
from authgate.patterns import Match, Pattern, read_name
from authgate.rules.conditions import ByUser, FromAddress, FromOrigin, InGroup, Named, groups_of
from authgate.rules.rule import Rule

FEW = 8  # rules that are asked one by one as fast
_MOST = 256  # origins that are remembered
_LONGEST = 256  # characters of one that is: a client must not fill the memory
C = TypeVar("C")
T = TypeVar("T")


class Known(Protocol):
    """Who tells what is known of a hook by now."""

    case: Case


@dataclass(frozen=True, slots=True)
class Lot:
    """The rules that may match a hook, in their order; the last one, the default policy, always is among them."""

    of: "Narrow"
    left: int

    def __iter__(self) -> Iterator[Rule]:
        left = self.left
        while left:
            lowest = left & -left
            left ^= lowest
            yield self.of.rules[lowest.bit_length() - 1]

    def __len__(self) -> int:
        return self.left.bit_count()

    @property
    def only(self) -> Rule | None:
        """The default policy, where nothing else is left."""
        return self.of.rules[-1] if self.left & (self.left - 1) == 0 else None

    @property
    def asks_origin(self) -> bool:
        """Whether any of them must know where the client's page is from."""
        return self.left & self.of.with_origin != 0

    def in_turn(self, known: Known) -> Iterator[Rule]:
        """One after the other, less those that what is known by then leaves out."""
        left, asked = self.left, Asks.NOTHING
        while left:
            case = known.case
            if case.asked > asked:
                asked = case.asked
                left &= self.of.by_sender(case)
            lowest = left & -left
            left ^= lowest
            yield self.of.rules[lowest.bit_length() - 1]


class Narrow:
    """The rules for one method of one application."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self.with_origin = sum(1 << at for at, rule in enumerate(rules) if rule.asks_origin)
        self._all = (1 << len(rules)) - 1
        named = [each for rule in rules for each in rule.conditions if isinstance(each, Named)]
        self._names = [
            (each, _Patterns([_found(rule, Named, lambda c: c.patterns, each.field) for rule in rules]))
            for each in {each.field: each for each in named}.values()
        ]
        self._users = _Patterns([_found(rule, ByUser, lambda c: c.patterns) for rule in rules])
        self._networks = _Networks([_found(rule, FromAddress, lambda c: c.networks) for rule in rules])
        self._origins = [
            (at, each) for at, rule in enumerate(rules) for each in rule.conditions if isinstance(each, FromOrigin)
        ]
        self._by_origin: dict[str, int] = {}
        groups = [_found(rule, InGroup, lambda c: tuple(c.groups)) for rule in rules]
        self._free_of_groups = _free(groups)
        self._groups: dict[str, int] = {}
        for at, names in enumerate(groups):
            for name in names or ():
                self._groups[name] = self._groups.get(name, 0) | 1 << at

    def of(self, hook: Hook) -> Lot:
        """Those that may match by what the hook says itself."""
        left = self._all
        if len(self.rules) > FEW:
            case = Case(hook, 0)
            for named, patterns in self._names:
                text = named.seen(case)
                if text or not named.is_odd(case):
                    left &= patterns.may_match(text)
            left &= self._networks.may_hold(hook.key.session)
        return Lot(self, left)

    def by_sender(self, case: Case) -> int:
        """Those that may match by what has been found out of who sent the hook."""
        if len(self.rules) <= FEW:
            return self._all
        known = isinstance(case.client, Principal)
        left = self._users.may_match(case.client.user) if isinstance(case.client, Principal) else self._users.free
        left &= self._of_origin(case)
        if case.asked is Asks.AUTHORITY:
            mine = self._free_of_groups
            for name in groups_of(case) if known else ():
                mine |= self._groups.get(name, 0)
            left &= mine
        return left

    def _of_origin(self, case: Case) -> int:
        found = self._by_origin.get(case.origin)
        if found is None:
            found = self._all
            for at, each in self._origins:
                if each.match(case) is Match.NO:
                    found &= ~(1 << at)
            if len(case.origin) <= _LONGEST:
                if len(self._by_origin) >= _MOST:
                    self._by_origin.clear()
                self._by_origin[case.origin] = found
        return found


class _Patterns:
    """The patterns of each rule, by how they begin."""

    def __init__(self, of_rules: Sequence[Sequence[Pattern] | None]) -> None:
        self.free = _free(of_rules)
        self._all = (1 << len(of_rules)) - 1
        self._begins: dict[int, dict[str, int]] = {}
        for at, patterns in enumerate(of_rules):
            for pattern in patterns or ():
                same = self._begins.setdefault(len(pattern.beginning), {})
                same[pattern.beginning] = same.get(pattern.beginning, 0) | 1 << at

    def may_match(self, text: str) -> int:
        """The rules whose patterns may match a name, in whatever way that is read; and those that have none."""
        if not self._begins:
            return self._all
        name = read_name(text)
        if not name.exact or name.wide is None:
            return self._all
        found = self.free
        for reading in (*name.exact, *name.wide):
            for length, begins in self._begins.items():
                found |= begins.get(reading[:length], 0)
        return found


class _Networks:
    """The networks of each rule, by their length and their address."""

    def __init__(self, of_rules: Sequence[Sequence[Network] | None]) -> None:
        self._free = _free(of_rules)
        self._all = (1 << len(of_rules)) - 1
        self._found: dict[tuple[int, int], dict[int, int]] = {}  # by version, and bits after the prefix
        for at, networks in enumerate(of_rules):
            for network in networks or ():
                rest = network.max_prefixlen - network.prefixlen
                same = self._found.setdefault((network.version, rest), {})
                prefix = int(network.network_address) >> rest
                same[prefix] = same.get(prefix, 0) | 1 << at

    def may_hold(self, session: str) -> int:
        """The rules whose networks may hold a session's client; and those that have none."""
        address = client_address(session) if self._found else None
        if address is None:
            return self._all
        number, version, found = int(address), address.version, self._free
        for (of_version, rest), same in self._found.items():
            if of_version == version:
                found |= same.get(number >> rest, 0)
        return found


def _found(rule: Rule, kind: type[C], what: Callable[[C], Sequence[T]], field: str = "") -> Sequence[T] | None:
    """What a rule's condition of a kind asks for; None where it has none."""
    for each in rule.conditions:
        if isinstance(each, kind) and getattr(each, "field", "") == field:
            return what(each)
    return None


def _free(of_rules: Sequence[object]) -> int:
    """The rules that ask for nothing of the kind."""
    return sum(1 << at for at, each in enumerate(of_rules) if each is None)
