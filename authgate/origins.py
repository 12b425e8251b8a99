"""The origin of a page (RFC 6454): scheme, host and port, in the one form in which browsers send it."""

import re
from ipaddress import IPv4Address, IPv6Address

MAX_LENGTH = 300  # characters; no name of a host is longer
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_LAST_PORT = 65_535
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?)"
    r"(?::(?P<port>[0-9]{0,5}))?/?"
)
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")


def read(text: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port of an origin in one form, or None where the text is none.

    Letter case, a usual port, and a slash or a dot at the end make no difference. A path is none of an origin's, and a
    host is written in ASCII, as browsers do it.
    """
    if len(text) > MAX_LENGTH or not text.isascii():
        return None
    found = _ORIGIN.fullmatch(text.strip().lower())
    if found is None:
        return None
    scheme = found["scheme"]
    host = _six(found["six"]) if found["six"] else _host(found["host"])
    port = int(found["port"]) if found["port"] else _PORTS.get(scheme)
    if not host or (port is not None and not 0 < port <= _LAST_PORT):
        return None
    return scheme, host, port


def normal(text: str) -> str | None:
    """An origin as browsers send it, or None where the text is none."""
    found = read(text)
    if found is None:
        return None
    scheme, host, port = found
    return f"{scheme}://{host}" + ("" if port == _PORTS.get(scheme) else f":{port}")


def demand(text: str) -> str:
    """An origin as browsers send it.

    Raises:
        ValueError: the text is none.
    """
    found = normal(text)
    if found is None:
        raise ValueError(
            f"{text!r} is no origin such as https://app.example.com: no path, no wildcard, the host in ASCII (xn--...)"
        )
    return found


def _six(text: str) -> str:
    try:
        return f"[{IPv6Address(text)}]"
    except ValueError:
        return ""


def _host(text: str) -> str:
    """A host; "" where it ends in a number and is no IPv4 address as browsers write it (WHATWG URL, 3.5)."""
    if not _NUMBER.fullmatch(text.rpartition(".")[2]):
        return text
    try:
        return str(IPv4Address(text))
    except ValueError:
        return ""
