"""What can go wrong. A rejected client is not here: that is an answer, a ``Decision``.

AuthgateError
├── BadHook            a hook that cannot be read as one
├── BadName            a user name that cannot be one
├── Refused            a command that may not be carried out as asked
│   ├── NotThere           what it names does not exist
│   └── Taken              what it would add exists already
├── ConfigError        settings that cannot be used; holds every fault
├── WcsError           the media server's own REST API cannot be reached, refuses, or answers what cannot be read
└── Trouble            nobody's verdict: the hook is answered without being judged
    ├── StoreError     the store is away, too slow or not migrated
    │   └── SourceError    a source of users beside it is away or too slow
    ├── TargetError    another back end that is to judge gave no verdict
    ├── KeysError      the keys of an issuer were never seen, or not for too long
    ├── SigningError   there is no key to sign a token with
    └── Overloaded     more work waits than the deadline can hold
"""

from collections.abc import Sequence

from authgate.reasons import Reason


class AuthgateError(Exception):
    """The root: everything that authgate itself raises."""


class BadHook(AuthgateError):
    """A hook that cannot be read; the message says why and holds no value of the body."""


class BadName(AuthgateError):
    """A user name that cannot be one; the message says why."""


class Refused(AuthgateError):
    """A command that was understood and may not be carried out: no such user, name taken."""

    def __init__(self, text: str, advice: str = "") -> None:
        """``advice`` is for whoever runs authgate: others who asked for the same over HTTP are not told it."""
        super().__init__(f"{text}; {advice}" if advice else text)
        self.text = text


class NotThere(Refused):
    """What a command names does not exist."""


class Taken(Refused):
    """What a command would add exists already, or its name is another's."""


class ConfigError(AuthgateError):
    """Settings that cannot be used, each fault as ``key: what is wrong and what to do``."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class WcsError(AuthgateError):
    """The media server's REST API could not be used; the message says why and holds no password."""

    def __init__(self, text: str, *, away: bool = False, status: int | None = None) -> None:
        """``away``: it cannot be reached, or not in time; ``status``: what it answered, where that is the fault."""
        super().__init__(text)
        self.away = away
        self.status = status


class Trouble(AuthgateError):
    """A hook could not be judged or recorded; never a reason to allow one that could be rejected."""

    reason = Reason.INTERNAL


class StoreError(Trouble):
    """The store is away, too slow, or not at the newest revision."""

    reason = Reason.STORE_UNAVAILABLE


class SourceError(StoreError):
    """A source of users beside the store is away, too slow, or does not answer its query."""


class TargetError(Trouble):
    """Another back end that is to judge a hook is away, too slow, or gives no answer that can be read."""

    reason = Reason.TARGET_UNAVAILABLE


class KeysError(Trouble):
    """The keys of an issuer could not be fetched, and those of before are none or too old."""

    reason = Reason.KEYS_UNAVAILABLE


class SigningError(Trouble):
    """There is no key to sign a token with; the message says what to do, and is for the operator alone."""


class Overloaded(Trouble):
    """More work waits than can be done within the deadline."""

    reason = Reason.OVERLOADED
