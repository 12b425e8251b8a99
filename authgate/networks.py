"""Addresses and networks, each in one form: an IPv4 address within IPv6 (RFC 4291, 2.5.5.2) is the IPv4 address."""

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_MAPPED = 96  # bits before the IPv4 address


def read_address(text: str) -> Address | None:
    """An address, or None where the text is none. The zone of an IPv6 address (RFC 4007) is left out."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def is_loopback(text: str) -> bool:
    """Whether this is an address of the machine itself, by which no other can reach it."""
    found = read_address(text)
    return found is not None and found.is_loopback


def read_network(text: str) -> Network:
    """A network, or an address as one of its own.

    Raises:
        ValueError: it is neither, or has bits set after its prefix, so that it may mean one address or all.
    """
    try:
        found = ipaddress.ip_interface("" if "%" in text else text)
    except ValueError:
        raise ValueError(f"{text!r} is no address such as 203.0.113.7 and no network such as 203.0.113.0/24") from None
    if found.ip != found.network.network_address:
        raise ValueError(
            f"{text!r} has bits set after its prefix; write {plain(found.network)} for the network, or "
            f"{read_address(str(found.ip))} for the address"
        )
    return plain(found.network)


def plain(found: Network) -> Network:
    """The same network, of IPv4 where all its addresses are."""
    if isinstance(found, IPv6Network) and found.prefixlen >= _MAPPED:
        mapped = found.network_address.ipv4_mapped
        return found if mapped is None else IPv4Network((mapped, found.prefixlen - _MAPPED))
    return found


def told(found: Network) -> str:
    """A network as it is written; one of a single address, as that address."""
    return str(found.network_address if found.prefixlen == found.max_prefixlen else found)
