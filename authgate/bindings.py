"""What a token is bound to beside its user, and whether a hook keeps to it.

``ip`` lists addresses and networks, ``origin`` origins of pages, ``appKey`` applications, ``stream`` patterns of names;
keys for encoders have ``action`` too. Each is a text or a list of texts, and one of them has to fit. What a token is
bound to and what is not known of a hook does not fit.
"""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network

from authgate.model import Reason, Where
from authgate.patterns import Match, Pattern, read_name

CLAIMS = ("ip", "origin", "appKey", "stream")
STREAM_ACTIONS = ("publish", "play")
MOST = 64  # entries of one list
MAX_TEXT = 512  # characters of one entry

Bound = Mapping[str, tuple[str, ...]]


def read(claim: str, value: object) -> tuple[str, ...]:
    """What a claim binds a token to.

    Raises:
        ValueError: it is none that can be kept to; with why.
    """
    texts = value if isinstance(value, list) else [value]
    if not texts or len(texts) > MOST:
        raise ValueError(f"{claim} lists 1 to {MOST} texts")
    for text in texts:
        if not isinstance(text, str) or not text or len(text) > MAX_TEXT or not text.isprintable():
            raise ValueError(f"{claim} is a text of 1 to {MAX_TEXT} characters that can be seen, or a list of such")
        if claim == "ip":
            _network(text)
        elif claim == "origin" and not _origin(text).partition("://")[2]:
            raise ValueError(f"{text!r} is no origin such as https://app.example.com")
        elif claim == "stream" and not Pattern(text).sure:
            raise ValueError(
                f"{text!r} could never fit for sure, since each name that it matches can be read otherwise"
            )
    return tuple(texts)


def broken(bound: Bound, where: Where) -> Reason | None:
    """Why a hook does not keep to what its token is bound to, or None."""
    if not bound:
        return None
    if (apps := bound.get("appKey")) is not None and where.app_key not in apps:
        return Reason.TOKEN_APP
    if (networks := bound.get("ip")) is not None and not _lies_in(where.address, networks):
        return Reason.TOKEN_ADDRESS
    if (origins := bound.get("origin")) is not None and where.origin is not None:
        offered = _origin(where.origin)
        if not offered or all(_origin(each) != offered for each in origins):
            return Reason.TOKEN_ORIGIN
    if where.action:
        if (actions := bound.get("action")) is not None and where.action not in actions:
            return Reason.TOKEN_STREAM
        streams = bound.get("stream")
        if streams is not None and where.action in STREAM_ACTIONS:
            name = read_name(where.name)
            if all(_pattern(each).match(name) is not Match.YES for each in streams):
                return Reason.TOKEN_STREAM
    return None


def _lies_in(address: str, networks: tuple[str, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in _network(each) for each in networks)


@lru_cache(maxsize=1_024)
def _network(text: str) -> IPv4Network | IPv6Network:
    """A network, or an address as one.

    Raises:
        ValueError: it is neither.
    """
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is no address such as 203.0.113.7 and no network such as 203.0.113.0/24") from None


@lru_cache(maxsize=1_024)
def _pattern(text: str) -> Pattern:
    return Pattern(text)


def _origin(text: str) -> str:
    return text.strip().lower().rstrip("/")
