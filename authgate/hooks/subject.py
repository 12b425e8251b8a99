"""What a hook is about, fit to be recorded and shown."""

import re
from urllib.parse import unquote

from authgate.hooks.fields import LOGIN_FIELDS, NAMES
from authgate.model import Hook

MAX_LENGTH = 255  # characters
MAX_STATUS = 64  # characters


def subject(hook: Hook) -> str:
    """The stream, callee, call or operation of a hook, "" where it names none.

    A stream's name may be an address that holds a credential (``rtsp://user:secret@host/cam?token=...``):
    its query and its user are left out.
    """
    fields = hook.fields
    for field in _FIELDS:
        if field in fields and (text := hook.text(field)):
            return without_secrets(text)[:MAX_LENGTH]
    return ""


_FIELDS = ("name", "callee", "target", "callId", "operationId", "rtspUrl", "id")


def without_secrets(name: str) -> str:
    """A name as people may see it: without user, password, query and fragment, whichever way they are written.

    Of an address whose password holds a mark that ends it, hardly anything is left.
    """
    if "%" in name and _MARKS.search(unquote(name)) and not _MARKS.search(name):
        return f"{name.partition('%')[0]}***"
    scheme, rest = _SCHEME.fullmatch(name).groups()  # type: ignore[union-attr]  # it matches everything
    path, _, query = rest.replace("#", "?").replace("%3F", "?").replace("%3f", "?").partition("?")
    if not scheme:
        prefix, start = (path[: path.index(":") + 1], path.index(":") + 1) if path.startswith(_SIP) else ("", 0)
        user, at, place = path[start:].rpartition("@")
        return f"{prefix}{place}" if at and ":" in user else path
    if "@" in query and "@" not in path:  # or else that is still the password
        return f"{scheme}***"
    host, slash, below = path.partition("/")
    if "@" in below and ":" in host and "@" not in host:
        return f"{scheme}{below.rpartition('@')[2]}"
    return f"{scheme}{host.rpartition('@')[2]}{slash}{below}"


SHOWN = {*_FIELDS, *(field for fields in NAMES.values() for field in fields)} - {*LOGIN_FIELDS}
_SIP = ("sip:", "sips:")
_SCHEME = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]*:)?//|(?!sips?:)[A-Za-z][A-Za-z0-9+.-]*:/)?(.*)", re.DOTALL)
_MARKS = re.compile(r"[?#@]")
