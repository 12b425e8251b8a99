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
            return _without_secrets(text)[:MAX_LENGTH]
    return ""


_FIELDS = ("name", "callee", "target", "callId", "operationId", "rtspUrl", "id")


def _without_secrets(name: str) -> str:
    name = name.partition("?")[0]
    scheme, slashes, rest = name.partition("://")
    if not slashes:
        return name
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
