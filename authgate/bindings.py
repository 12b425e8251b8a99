"""What a token is bound to beside its user, and whether a hook keeps to it.

``ip`` lists addresses and networks, ``origin`` origins of pages, ``appKey`` applications, ``stream`` patterns of names;
keys for encoders have ``action`` too. Each is a text or a list of texts, and one of them has to fit. What a token is
bound to and what is not known of a hook does not fit. What could never fit is refused where it is read.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from authgate.model import Reason, Where
from authgate.networks import Address, read_address, read_network, told
from authgate.origins import demand, normal
from authgate.patterns import Match, Pattern, read_name

CLAIMS = ("ip", "origin", "appKey", "stream")
STREAM_ACTIONS = ("publish", "play")
MOST = 64  # entries of one list
MAX_TEXT = 512  # characters of one entry

Bound = Mapping[str, tuple[str, ...]]


def read(claim: str, value: object) -> tuple[str, ...]:
    """What a claim binds a token to, in the form in which it is compared.

    Raises:
        ValueError: it is none that can be kept to; with why.
    """
    texts = value if isinstance(value, list) else [value]
    if not texts or len(texts) > MOST:
        raise ValueError(f"{claim} lists 1 to {MOST} texts")
    return tuple(_read(claim, text) for text in texts)


def asked_for(claim: str, texts: Sequence[str]) -> tuple[str, ...]:
    """The same of what somebody wants a token to be bound to, where a mistake can still be told.

    Raises:
        ValueError: it is none that can be kept to, or could not be what is meant; with why.
    """
    if claim == "stream" and any("{" in text for text in texts):
        raise ValueError("placeholders such as {user} are for grants; name the stream itself")
    return read(claim, list(texts))


def _read(claim: str, text: object) -> str:
    if not isinstance(text, str) or not text or len(text) > MAX_TEXT or not text.isprintable():
        raise ValueError(f"{claim} is a text of 1 to {MAX_TEXT} characters that can be seen, or a list of such")
    return _in_one_form(claim, text)


@lru_cache(maxsize=1_024)
def _in_one_form(claim: str, text: str) -> str:
    if claim == "ip":
        return told(read_network(text))
    if claim == "origin":
        return demand(text)
    if claim == "stream" and not Pattern(text).sure:
        raise ValueError(f"{text!r} could never fit for sure, since each name that it matches can be read otherwise")
    return text


def broken(bound: Bound, where: Where) -> Reason | None:
    """Why a hook does not keep to what its token is bound to, or None."""
    if not bound:
        return None
    if (apps := bound.get("appKey")) is not None and where.app_key not in apps:
        return Reason.TOKEN_APP
    if (networks := bound.get("ip")) is not None and not _lies_in(where.address, networks):
        return Reason.TOKEN_ADDRESS
    if (origins := bound.get("origin")) is not None and where.origin is not None:
        offered = normal(where.origin)
        if offered is None or all(_origin(each) != offered for each in origins):
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
    found = read_address(address)
    return found is not None and any(_holds(each, found) for each in networks)


def _holds(network: str, address: Address) -> bool:
    try:
        return address in _network(network)
    except ValueError:  # of a session that an older version opened
        return False


_network = lru_cache(maxsize=1_024)(read_network)
_origin = lru_cache(maxsize=1_024)(normal)
_pattern = lru_cache(maxsize=1_024)(Pattern)
