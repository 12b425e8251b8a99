"""What a user's row may hold: checked alike wherever it comes from."""

from authgate.admin.grants import checked as checked_grants
from authgate.errors import Refused
from authgate.model import User, UserChanges

DISPLAY_LENGTH = 190  # characters; what the store keeps
NOTES_LENGTH = 2_000  # characters
MAX_SESSIONS = 1_000_000
_NON_JOINER, _JOINER = ("\u200c", ""), ("\u200d", "")  # written in Persian and Indic words, as in names
LATEST = 253_402_300_799  # the end of the year 9999, in seconds since the epoch


def checked(changes: UserChanges) -> UserChanges:
    """The changes as they are to be kept.

    Raises:
        Refused: one of them cannot be; the first that cannot is named.
    """
    made = UserChanges(**changes)
    if "display" in changes:
        made["display"] = _display(changes["display"])
    if "notes" in changes:
        made["notes"] = _notes(changes["notes"])
    if "grants" in changes:
        made["grants"] = checked_grants(changes["grants"])
    for name, at in (("not_before", changes.get("not_before")), ("expires_at", changes.get("expires_at"))):
        if at is not None and not 0 <= at <= LATEST:
            raise Refused(f"{name} is a time from 1970 to the end of the year 9999")
    most = changes.get("max_sessions")
    if most is not None and not 0 <= most <= MAX_SESSIONS:
        raise Refused(f"max_sessions is 0 to {MAX_SESSIONS:,}, or none for no limit")
    return made


def demand_a_time(user: User) -> None:
    """Come back if there is a time in which the user is let in.

    Raises:
        Refused: it would be over before it begins.
    """
    if user.not_before is not None and user.expires_at is not None and user.expires_at <= user.not_before:
        raise Refused("the user would never be let in: the time is over before it begins (not_before, expires_at)")


def _display(text: str) -> str:
    seen = text.replace(*_NON_JOINER).replace(*_JOINER)
    if not seen.strip() or len(text) > DISPLAY_LENGTH or not seen.isprintable():
        raise Refused(f"a display name is 1 to {DISPLAY_LENGTH} characters that can be seen")
    return text


def _notes(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\t", " ")
    if len(lines) > NOTES_LENGTH or not lines.replace("\n", " ").isprintable():
        raise Refused(f"notes are {NOTES_LENGTH:,} characters at most, in lines that can be seen")
    return lines.strip()
