"""Is this really our media server? Asked of the raw bytes, before anything is opened."""

import base64
import binascii
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator

from authgate.model import Delivery, Secret
from authgate.networks import Address, Network, plain, read_address

PlainNetwork = Annotated[Network, AfterValidator(plain)]


@dataclass(frozen=True, slots=True)
class BasicLogin:
    """What ``add app -u USER -p PASS`` gave the media server (``restUsername``, ``restPassword``)."""

    from_text: ClassVar[bool] = True  # settings may write it as one text, or fetch that
    username: str
    password: Secret


def _login_from_text(value: Any) -> Any:
    """Settings may also write a login as one text, ``user:password``."""
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str):
        return value
    username, colon, password = text.partition(":")
    if not (username and colon and password):
        raise ValueError('must be "user:password" or { username = "...", password = "..." }')
    return {"username": username, "password": Secret(password)}


Login = Annotated[BasicLogin, BeforeValidator(_login_from_text)]


@dataclass(frozen=True, slots=True)
class CallerOptions:
    """Section ``[caller]``: each check is on where it is given, and all that are on must pass."""

    hmac_keys: tuple[Secret, ...] = ()  # rest_hook_secret_key of the media server; several while one is replaced
    basic: tuple[Login, ...] = ()
    addresses: tuple[PlainNetwork, ...] = ()  # where the media server's nodes are
    trusted_proxies: tuple[PlainNetwork, ...] = ()  # whose X-Forwarded-For is believed
    insecure_accept_any_caller: bool = False  # lets a listener that is not loopback start with no check at all

    def __post_init__(self) -> None:
        # A Java properties file keeps no white space around a value, so neither does the key.
        keys = tuple(Secret(key.reveal().strip()) for key in self.hmac_keys)
        if not all(keys):
            raise ValueError("hmac_keys: a key is blank; anybody could sign with it")
        object.__setattr__(self, "hmac_keys", keys)

    @property
    def checks(self) -> bool:
        """Whether any check is on that tells somebody from anybody."""
        everywhere = any(network.prefixlen == 0 for network in (*self.addresses, *self.trusted_proxies))
        return bool(self.hmac_keys or self.basic or (self.addresses and not everywhere))


@dataclass(frozen=True, slots=True)
class Caller:
    """Tells our media server from a stranger."""

    options: CallerOptions
    _basic: tuple[bytes, ...] = field(init=False, repr=False)
    _hmac: tuple[bytes, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hmac", tuple(key.reveal().encode() for key in self.options.hmac_keys))
        pairs = (f"{each.username}:{each.password.reveal()}" for each in self.options.basic)
        object.__setattr__(self, "_basic", tuple(pair.encode() for pair in pairs))

    def trusts(self, delivery: Delivery) -> bool:
        """Whether every check that is on accepts this delivery."""
        return (
            (not self._hmac or any(self._signed(line, delivery.body) for line in delivery.authorizations))
            and (not self._basic or any(self._logged_in(line) for line in delivery.authorizations))
            and (not self.options.addresses or self._at_home(delivery))
        )

    def _signed(self, line: str, body: bytes) -> bool:
        """``WCS <hex HMAC-MD5 of the raw body>`` (vendor's manual, "Authorization on backend")."""
        scheme, _, offered = line.partition(" ")
        if scheme.upper() != "WCS":
            return False
        digest = offered.strip().lower().encode("utf-8", "replace")
        # Each key is tried, whatever the ones before it said, so that time tells nothing of which one fits.
        fits = [hmac.compare_digest(hmac.digest(key, body, "md5").hex().encode(), digest) for key in self._hmac]
        return any(fits)

    def _logged_in(self, line: str) -> bool:
        """``Basic <base64 of user:password>`` in UTF-8 (RFC 7617)."""
        scheme, _, offered = line.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            pair = base64.b64decode(offered.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        fits = [hmac.compare_digest(expected, pair) for expected in self._basic]
        return any(fits)

    def _at_home(self, delivery: Delivery) -> bool:
        address = client_address(delivery, self.options.trusted_proxies)
        return address is not None and within(address, self.options.addresses)


def client_address(delivery: Delivery, proxies: Iterable[Network]) -> Address | None:
    """The nearest address that is not one of our proxies; None where the connection has none (a Unix socket).

    ``X-Forwarded-For`` is read from the right, as each proxy appends to it, and only as far as trusted
    proxies wrote it. Where it cannot be read, the connection's own address counts.
    """
    peer = read_address(delivery.peer or "")  # a listener on :: sees IPv4 clients as ::ffff:192.0.2.10
    if peer is None or not within(peer, proxies):
        return peer
    hops = [hop for line in delivery.forwarded for hop in line.split(",")]
    nearest = peer
    for hop in reversed(hops):
        address = read_address(hop.strip())
        if address is None:
            return peer
        nearest = address
        if not within(address, proxies):
            break
    return nearest


def within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether an address lies in one of these networks."""
    return any(address in network for network in networks)
