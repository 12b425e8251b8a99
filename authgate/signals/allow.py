"""Who may send what to whom: the ``[[signals]]`` sections, compiled."""

from collections.abc import Sequence
from dataclasses import dataclass

from authgate.model import Asks, Authority, Principal
from authgate.names import canonical
from authgate.patterns import Match, Pattern, read_name
from authgate.signals.options import SignallingOptions, SignalOptions
from authgate.signals.read import Asked


@dataclass(frozen=True, slots=True)
class _Permit:
    """One section."""

    apps: frozenset[str]
    users: tuple[Pattern, ...]
    groups: frozenset[str]
    join: tuple[Pattern, ...]
    names: dict[str, tuple[Pattern, ...]]  # by kind of addressee
    whole: frozenset[str]  # kinds of addressee that need no name

    def speaks_of(self, app_key: str) -> bool:
        return not self.apps or app_key in self.apps

    def is_for(self, client: Principal | None, groups: frozenset[str]) -> bool:
        if self.users and not (client is not None and _any(self.users, client.user)):
            return False
        return not self.groups or not self.groups.isdisjoint(groups)

    def allows(self, asked: Asked) -> bool:
        if asked.verb == "join":
            return _any(self.join, asked.name)
        return asked.to in self.whole or _any(self.names.get(asked.to, ()), asked.name)


class Signals:
    """What clients may send by one configuration."""

    def __init__(self, sections: Sequence[SignalOptions], options: SignallingOptions) -> None:
        self.options = options
        self._permits = [_compiled(each) for each in sections]

    def concern(self, app_key: str) -> bool:
        """Whether what clients of an application send is looked at; where not, nothing is ever delivered."""
        return any(each.speaks_of(app_key) for each in self._permits)

    def asks(self, app_key: str) -> Asks:
        """What has to be known of a sender."""
        grouped = any(each.groups for each in self._permits if each.speaks_of(app_key))
        return Asks.AUTHORITY if grouped else Asks.CLIENT

    def allow(self, asked: Asked, app_key: str, client: Principal | None, authority: Authority) -> bool:
        """Whether a client may ask for this; None is an anonymous one.

        To leave a room and to see who is in it needs no more than to be in it, which is looked at later.
        """
        if asked.verb in ("nothing", "leave", "who"):
            return True
        groups = authority.groups | client.groups if client is not None else frozenset[str]()
        return any(
            each.speaks_of(app_key) and each.is_for(client, groups) and each.allows(asked) for each in self._permits
        )


NO_SIGNALS = Signals((), SignallingOptions())


def _compiled(section: SignalOptions) -> _Permit:
    to = section.to
    names = {"room": to.rooms, "user": to.users, "stream": to.streams}
    return _Permit(
        frozenset(section.apps),
        tuple(map(Pattern, section.users)),
        frozenset(map(canonical, section.groups)),
        tuple(map(Pattern, section.join)),
        {kind: tuple(map(Pattern, texts)) for kind, texts in names.items()},
        frozenset(["session"] * to.sessions + ["app"] * to.app),
    )


def _any(patterns: Sequence[Pattern], text: str) -> bool:
    """Whether one of the patterns matches a name, however it is read."""
    name = read_name(text)
    return any(pattern.match(name) is Match.YES for pattern in patterns)
