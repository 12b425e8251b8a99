"""The values by which is said how many there may be of something at a time; does nothing."""

from enum import StrEnum

from authgate.value import value


class Per(StrEnum):
    """Of what there may be so many at a time, and for each of what."""

    USER = "user"  # sessions of a user
    TOKEN = "token"  # noqa: S105 - sessions of a token
    APP = "app"  # sessions of an application
    NAME = "name"  # publishers of a stream's name


@value(frozen=True, slots=True)
class Limit:
    """How many there may be at a time."""

    per: Per
    value: str  # canonical name of the user, digest of the token, appKey, or name of the stream
    app_key: str | None  # within this application; None: in all of them together
    most: int | None  # None: no limit, unless the store has one
    ends_oldest: bool  # what happens to one more: True: it is let in and the oldest are ended; False: it is rejected
    stored: int | None = None  # of a user: what the store said when it was verified, which goes before the other
