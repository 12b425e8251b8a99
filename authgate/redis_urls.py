"""The address of a Redis: what is wrong with one, and how it is shown. It is a secret, for it may hold a password."""

from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

_SCHEMES = ("redis", "rediss", "redis+unix")
_OPTIONS = {"db", "ssl_ca_certs"}


def fault_of(text: str, others: str = "") -> str:
    """What is wrong with an address, or ""; it holds nothing of it. ``others`` is what else may stand in its place."""
    try:
        url = urlsplit(text)
        place = url.path if url.scheme == "redis+unix" else url.hostname
        known = url.scheme in _SCHEMES and bool(place) and url.port != 0 and text.isprintable()
        options, number = parse_qs(url.query, keep_blank_values=True), url.path.strip("/")
    except ValueError:
        known, options, number = False, {}, ""
    if not known or text.count("@") > 1:
        return f"must be {others}redis://:PASSWORD@HOST:PORT/NUMBER; in a password, write @ as %40"
    numbers = [*options.get("db", ()), *([number] if number and url.scheme != "redis+unix" else ())]
    if not all(each.isdecimal() for each in numbers):
        return "names a database that is no number, such as redis://HOST/0"
    if set(options) - _OPTIONS:
        return f"has an option that is not known; known here: {', '.join(sorted(_OPTIONS))}"
    if "ssl_ca_certs" in options and url.scheme != "rediss":
        return "has ssl_ca_certs, which goes with rediss:// alone"
    return ""


def shown(text: str) -> str:
    """An address without its password."""
    scheme, _, rest = text.partition("://")
    before, at, after = rest.rpartition("@")
    user = before.partition(":")[0]
    return f"{scheme}://{user}:***@{after}" if at else text


def password_of(text: str) -> str:
    """The password in an address as it is written there, "" where there is none."""
    return text.partition("://")[2].rpartition("@")[0].partition(":")[2]


def in_clear(text: str) -> bool:
    """Whether what is sent to this address leaves this machine without TLS."""
    if not text.startswith("redis://"):
        return False
    host = urlsplit(text).hostname or ""
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def for_client(text: str) -> str:
    """The same as redis-py takes it."""
    return text.replace("redis+unix://", "unix://", 1)
