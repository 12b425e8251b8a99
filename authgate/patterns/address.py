"""Names that are addresses: scheme, host and path, and the one form of each.

All texts here are folded.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

PORTS = {
    "rtsp": 554,
    "rtsps": 322,
    "rtmp": 1935,
    "rtmps": 443,
    "rtmpt": 80,
    "http": 80,
    "https": 443,
    "ws": 80,
    "wss": 443,
}


def without_port(text: str) -> str:
    """The address without its scheme's own port: with it and without it, it is the same address."""
    found = _WITH_PORT.match(text)
    own = PORTS.get(found["scheme"]) if found else None
    if found is None or own is None or int(found["port"] or own) != own:
        return text
    return found["before"] + text[found.end() :]


def with_port(text: str) -> str:
    """The address with its scheme's own port where it has none; "" of what is no such address."""
    found = _WITHOUT_PORT.match(text)
    return f"{found[0]}:{PORTS[found[1]]}{text[found.end() :]}" if found and found[1] in PORTS else ""


def split(text: str) -> tuple[str, str]:
    """What comes before the path, and the path: of a name that is no address, "" and all of it."""
    found = _BEFORE_PATH.match(text)
    return (found[0], text[found.end() :]) if found else ("", text)


def written_otherwise(text: str) -> Iterator[str]:
    """The same address for those who take it as a browser would: its slashes mended, no user, the host in one form."""
    mended = _SLASHES.sub(r"\1://", text)
    yield mended
    for form in (_TO_SLASH, _TO_MARK):
        found = form.match(mended)
        if found is None:
            continue
        start, authority = found.groups()
        place = _PLACE.fullmatch(authority.rpartition("@")[2])
        if place is None:
            continue
        port = f":{int(place['port'])}" if place["port"] else ""
        for host in _forms(place["host"]):
            yield f"{start}{host}{port}{mended[found.end() :]}"


def _forms(host: str) -> Iterator[str]:
    yield host
    if host.startswith("["):
        try:
            six = IPv6Address(host[1:-1])
        except ValueError:
            return
        yield f"[{six}]"
        if six.ipv4_mapped:
            yield str(six.ipv4_mapped)
    elif _NUMBERS.fullmatch(host):
        for octal in (8, 10):  # a leading zero says so to some, and says nothing to others
            yield from _dotted(host.split("."), octal)
    elif len(host) <= _LONGEST_HOST and (not host.isascii() or "xn--" in host):
        yield from _international(host)


@lru_cache(maxsize=64)  # it is slow, and one name has many readings
def _international(host: str) -> tuple[str, ...]:
    try:
        return (host.encode("idna").decode(),) if not host.isascii() else (host.encode().decode("idna"),)
    except UnicodeError:
        return ()


def _dotted(parts: list[str], octal: int) -> Iterator[str]:
    """The four bytes that a C library reads in a host of one to four numbers, the last one filling what is left."""
    number = 0
    try:
        *front, last = (
            int(part, 16 if part.startswith("0x") else octal if part.startswith("0") else 10) for part in parts
        )
    except ValueError:  # 08
        return
    if any(part > 0xFF for part in front) or last >= 256 ** (4 - len(front)):
        return
    for at, part in enumerate(front):
        number |= part << 8 * (3 - at)
    yield str(IPv4Address(number | last))


_LONGEST_HOST = 253
_WITH_PORT = re.compile(
    r"(?P<before>(?P<scheme>[a-z]+)://(?:\[[^]/?#\\@]*\]|[^]/?#\\@:[]+)):(?P<port>[0-9]{0,9})(?![^/?#\\])"
)
_WITHOUT_PORT = re.compile(r"([a-z]+)://(?:[^/?#\\@]*@)?(?:\[[^]/?#\\@]*\]|[^]/?#\\@:[]+)(?![^/?#\\])")
_BEFORE_PATH = re.compile(r"vod[a-z-]*://|[a-z][a-z0-9+.-]*://[^/?#\\]*")  # what is played from files has no host
_SLASHES = re.compile(rf"\A({'|'.join((*PORTS, 'vod', 'vod-live'))}):/*(?=[^/])")
_TO_SLASH = re.compile(r"((?!vod)[a-z][a-z0-9+.-]*://)([^/]*)")
_TO_MARK = re.compile(r"((?!vod)[a-z][a-z0-9+.-]*://)([^/?#]*)")
_PLACE = re.compile(r"(?P<host>\[[^]]*\]|[^:]*)(?::(?P<port>[0-9]{0,9}))?")
_NUMBERS = re.compile(r"(?:0x[0-9a-f]{1,8}|[0-9]{1,11})(?:\.(?:0x[0-9a-f]{1,8}|[0-9]{1,11})){0,3}")
