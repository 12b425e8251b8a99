"""Which events somebody wants: all that is named must hold, and of each name one of its values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches

from authgate.errors import BadName
from authgate.feed.event import FAMILIES, KINDS, Event, stream_of
from authgate.model import Reason
from authgate.names import canonical

_VERDICTS = ("allowed", "rejected")
_MOST = 100  # values of one filter
_LONGEST = 512  # characters of one


@dataclass(frozen=True, slots=True)
class Filter:
    """What an event must be like; a name without values asks for nothing.

    Kinds are whole, as ``session.opened``, or a family, as ``session``.
    """

    kinds: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError, as ``option: why``, where nothing could ever be like it."""
        faults = []
        for option, known in KNOWN.items():
            for value in getattr(self, option):
                if value not in known:
                    near = "".join(f"; did you mean {each!r}?" for each in get_close_matches(value, known, 1))
                    faults.append(f"{option}: there is no {value[:80]!r}{near}")
        users = []
        for name in self.users:
            try:
                users.append(canonical(name))
            except BadName as fault:
                faults.append(f"users: {fault}")
        for each in fields(self):
            values = getattr(self, each.name)
            if len(values) > _MOST:
                faults.append(f"{each.name}: has more than {_MOST} values")
            elif any(len(value) > _LONGEST for value in values):
                faults.append(f"{each.name}: a value has at most {_LONGEST} characters")
        if faults:
            raise ValueError("\n".join(faults))
        object.__setattr__(self, "users", tuple(users))

    def wants(self, event: Event) -> bool:
        """Whether an event is like it."""
        record = event.record
        return (
            (not self.kinds or event.kind in self.kinds or event.kind.partition(".")[0] in self.kinds)
            and (not self.methods or record.method in self.methods)
            and (not self.apps or record.app_key in self.apps)
            and (not self.users or record.user in self.users)
            and (not self.nodes or record.key.node in self.nodes)
            and (not self.sessions or record.key.session in self.sessions)
            and (not self.streams or stream_of(record) in self.streams)
            and (not self.verdicts or ("allowed" if record.allowed else "rejected") in self.verdicts)
            and (not self.reasons or record.reason.value in self.reasons)
        )


# What the values of some filters must be one of.
KNOWN: Mapping[str, tuple[str, ...]] = {
    "kinds": KINDS + FAMILIES,
    "verdicts": _VERDICTS,
    "reasons": tuple(reason.value for reason in Reason),
}
# What each filter is called in a query and on the command line -> its option.
SINGULAR: Mapping[str, str] = {each.name.removesuffix("s"): each.name for each in fields(Filter)}


def asked(pairs: Iterable[tuple[str, str]]) -> Filter:
    """The filter of a query such as ``kind=session&app=chat``; a name that comes again has another value.

    Raises:
        ValueError: a name that there is not, or a value that nothing could be like; says which.
    """
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in SINGULAR:
            near = "".join(f"; did you mean {each!r}?" for each in get_close_matches(name, SINGULAR, 1))
            raise ValueError(f"there is no filter {name[:80]!r}{near}")
        found.setdefault(SINGULAR[name], []).append(value)
    return Filter(**{option: tuple(values) for option, values in found.items()})
