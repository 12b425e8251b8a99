"""What a rule asks of a hook before it speaks for it. Each condition matches, does not, or may."""

from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from authgate.hooks.address import client_address
from authgate.hooks.fields import is_odd, main_field, name_of, text_at
from authgate.model import Asks, Case, Principal
from authgate.networks import Network
from authgate.origins import read
from authgate.patterns import Match, Pattern, read_name
from authgate.rules.origins import Origin
from authgate.rules.times import Window, local


class Condition(Protocol):
    """One condition of a rule."""

    @property
    def option(self) -> str:
        """What it is called in the configuration."""
        ...

    @property
    def asks(self) -> Asks:
        """What it must know."""
        ...

    def match(self, case: Case) -> Match:
        """Whether it holds. MAYBE where what the hook says can be understood in more than one way."""
        ...

    def seen(self, case: Case) -> str:
        """What it looked at, for people."""
        ...


@dataclass(frozen=True, slots=True)
class Named:
    """A field of the hook, or what the hook is about (""), matches one of the patterns."""

    field: str
    patterns: tuple[Pattern, ...]
    asks: Asks = Asks.NOTHING

    @property
    def option(self) -> str:
        return f"names.{self.field}" if self.field else "names"

    def match(self, case: Case) -> Match:
        text = self._text(case)
        if not text and self.is_odd(case):
            return Match.MAYBE
        return best(self.patterns, text)

    def seen(self, case: Case) -> str:
        return self._text(case)

    def is_odd(self, case: Case) -> bool:
        """Whether the field is something else than the text that it should be."""
        return is_odd(case.hook, self.field or main_field(case.hook.method))

    def _text(self, case: Case) -> str:
        return text_at(case.hook, self.field) if self.field else name_of(case.hook)


@dataclass(frozen=True, slots=True)
class ByUser:
    """The client is proven to be one of these users."""

    patterns: tuple[Pattern, ...]
    asks: Asks = Asks.CLIENT
    option: str = "users"

    def match(self, case: Case) -> Match:
        if not isinstance(case.client, Principal):
            return Match.NO
        return best(self.patterns, case.client.user)

    def seen(self, case: Case) -> str:
        return case.client.user if isinstance(case.client, Principal) else ""


@dataclass(frozen=True, slots=True)
class InGroup:
    """The client is proven to be in one of these groups, by the store or by its token."""

    groups: frozenset[str]
    asks: Asks = Asks.AUTHORITY
    option: str = "groups"

    def match(self, case: Case) -> Match:
        return Match.NO if self.groups.isdisjoint(groups_of(case)) else Match.YES

    def seen(self, case: Case) -> str:
        return ", ".join(sorted(groups_of(case)))


@dataclass(frozen=True, slots=True)
class FromOrigin:
    """The page that the client runs in is of one of these origins. What is no browser may say what it likes."""

    origins: tuple[Origin, ...]
    asks: Asks = Asks.CLIENT  # after the connect, the session knows it
    option: str = "origins"

    def match(self, case: Case) -> Match:
        if not case.origin:
            return Match.NO
        found = read(case.origin)
        if found is None:
            return Match.MAYBE
        return Match.YES if any(each.covers(*found) for each in self.origins) else Match.NO

    def seen(self, case: Case) -> str:
        return case.origin


@dataclass(frozen=True, slots=True)
class FromAddress:
    """The client is in one of these networks, as far as its sessionId tells where it is."""

    networks: tuple[Network, ...]
    asks: Asks = Asks.NOTHING
    option: str = "addresses"

    def match(self, case: Case) -> Match:
        address = client_address(case.hook.key.session)
        if address is None:
            return Match.MAYBE
        return Match.YES if any(address in network for network in self.networks) else Match.NO

    def seen(self, case: Case) -> str:
        return str(client_address(case.hook.key.session) or "")


@dataclass(frozen=True, slots=True)
class AtTime:
    """It is one of these times."""

    windows: tuple[Window, ...]
    zone: ZoneInfo
    asks: Asks = Asks.NOTHING
    option: str = "times"

    def match(self, case: Case) -> Match:
        at = local(case.now, self.zone)
        return Match.YES if any(window(at) for window in self.windows) else Match.NO

    def seen(self, case: Case) -> str:
        return f"{local(case.now, self.zone):%a %Y-%m-%d %H:%M} {self.zone.key}"


def best(patterns: tuple[Pattern, ...], text: str) -> Match:
    """The best match of a name with any of the patterns."""
    name = read_name(text)
    found = Match.NO
    for pattern in patterns:
        found = max(found, pattern.match(name))
        if found is Match.YES:
            break
    return found


def groups_of(case: Case) -> frozenset[str]:
    """The groups that the client is proven to be in."""
    client = case.client
    return case.authority.groups | client.groups if isinstance(client, Principal) else frozenset()
