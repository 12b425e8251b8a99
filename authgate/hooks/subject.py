"""What a hook is about, fit to be recorded and shown."""

from authgate.model import Hook

MAX_LENGTH = 255  # characters
MAX_STATUS = 64  # characters


def subject(hook: Hook) -> str:
    """The stream, callee, call or operation of a hook, "" where it names none.

    A stream's name may be an address that holds a credential (``rtsp://user:secret@host/cam?token=...``):
    its query and its user are left out.
    """
    for field in _FIELDS:
        text = hook.text(field)
        if text:
            return without_secrets(text)[:MAX_LENGTH]
    return ""


_FIELDS = ("name", "callee", "target", "callId", "operationId", "rtspUrl", "id")


def without_secrets(name: str) -> str:
    """A name as people may see it. Of an address whose password holds a mark that ends it, hardly anything is left."""
    scheme, slashes, rest = name.partition("://")
    if not slashes:
        return name.partition("?")[0]
    path, _, query = rest.replace("#", "?").partition("?")
    host, slash, below = path.partition("/")
    if "@" in query and "@" not in path:  # or else that is still the password
        return f"{scheme}://***"
    if "@" in below and ":" in host and "@" not in host:
        return f"{scheme}://{below.rpartition('@')[2]}"
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{below}"
