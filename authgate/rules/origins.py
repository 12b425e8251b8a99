"""The origin of a page (RFC 6454), as rules name it and as a hook brings it."""

from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_BELOW = "*."
MAX_LENGTH = 300  # characters; no name of a host is longer


class Origin:
    """An origin that a rule names: ``https://app.example.com``, or ``https://*.example.com`` for all below a domain."""

    __slots__ = ("_below", "_found", "text")

    def __init__(self, text: str) -> None:
        """Raises ValueError where the text is no origin."""
        self.text = text
        self._below = _BELOW in text
        found = read(text.replace(f"://{_BELOW}", "://", 1))
        if found is None or "*" in text.replace(f"://{_BELOW}", "://", 1):
            raise ValueError(
                f"{text!r} is no origin such as 'https://app.example.com' or 'https://*.example.com:8443' (no path)"
            )
        self._found = found

    def covers(self, scheme: str, host: str, port: int | None) -> bool:
        """Whether an origin, as ``read`` gave it, is this one or lies below it."""
        mine, domain, gate = self._found
        same_host = host.endswith(f".{domain}") if self._below else host == domain
        return scheme == mine and port == gate and same_host

    def includes(self, other: "Origin") -> bool:
        """Whether whatever the other covers is covered by this one."""
        if other._below:
            return self._below and (self._found == other._found or self.covers(*other._found))
        return self.covers(*other._found)


def read(text: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port of an origin in one form, or None where the text is none."""
    if len(text) > MAX_LENGTH:  # before it is read, which takes the square of a long one's length
        return None
    try:
        parts = urlsplit(text.strip().lower())
        port = parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").rstrip(".")
    plain = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    if not (parts.scheme and host and plain):
        return None
    return parts.scheme, host, port or _PORTS.get(parts.scheme)
