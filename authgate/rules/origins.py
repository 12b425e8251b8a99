"""The origin of a page, as rules name it."""

from authgate.origins import read

_BELOW = "*."


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
                f"{text!r} is no origin such as 'https://app.example.com' or 'https://*.example.com:8443' "
                "(no path, and the host in ASCII: xn--...)"
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
