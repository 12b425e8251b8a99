"""Which records somebody wants to see: of each thing that is named one of its values, and all of them at once."""

from dataclasses import dataclass
from typing import Any

from authgate.errors import Refused
from authgate.model import Reason, Record
from authgate.names import canonical

MOST = 100  # values of one name


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """What a record must be like; a name without values asks for nothing."""

    users: tuple[str, ...] = ()  # canonical
    sessions: tuple[str, ...] = ()  # the media server's sessionId
    nodes: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()  # what a hook was about: the name of a stream, a callee, a call
    methods: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()  # of streams, calls and connections
    allowed: bool | None = None
    since: int | None = None  # milliseconds since the epoch, included
    until: int | None = None  # milliseconds since the epoch, not included

    @property
    def values(self) -> dict[str, tuple[str, ...]]:
        """The values that are asked for, by the columns of the table of records."""
        asked = {
            "user_name": self.users,
            "session": self.sessions,
            "node": self.nodes,
            "subject": self.subjects,
            "method": self.methods,
            "app_key": self.apps,
            "reason": self.reasons,
            "rule": self.rules,
            "status": self.statuses,
        }
        return {column: values for column, values in asked.items() if values}

    def wants(self, record: Record) -> bool:
        """Whether a record is like it."""
        return (
            (not self.users or record.user in self.users)
            and (not self.sessions or record.key.session in self.sessions)
            and (not self.nodes or record.key.node in self.nodes)
            and (not self.subjects or record.subject in self.subjects)
            and (not self.methods or record.method in self.methods)
            and (not self.apps or record.app_key in self.apps)
            and (not self.reasons or record.reason.value in self.reasons)
            and (not self.rules or record.rule in self.rules)
            and (not self.statuses or record.status in self.statuses)
            and self.allowed in (None, record.allowed)
            and (self.since is None or record.at >= self.since)
            and (self.until is None or record.at < self.until)
        )


EVERYTHING = RecordFilter()


def asked(**named: Any) -> RecordFilter:
    """The filter of what somebody has named, as they wrote it; None and () ask for nothing.

    Raises:
        BadName: it cannot be a user's name.
        Refused: there is no such reason, or there are too many values of one name.
    """
    given: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    for name, values in given.items():
        if isinstance(values, str):
            given[name] = values = (values,)
        if isinstance(values, list | tuple) and len(values) > MOST:
            raise Refused(f"{name}: has more than {MOST} values")
    known = {reason.value for reason in Reason}
    if unknown := [reason for reason in given.get("reasons", ()) if reason not in known]:
        raise Refused(f"there is no reason {unknown[0][:80]!r}")
    users = tuple(canonical(name) for name in given.get("users", ()))
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return RecordFilter(**{**given, "users": users})
